// SPDX-License-Identifier: Apache-2.0
// Streams that break a rule of the life of a VM, its bootstrap or its broker, and nothing else.
#include "drafts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace castra::contract {
namespace {

TEST(Monitor, Rule8LaunchesInOrderAndOneIncarnationAtATime) {
    expect_refused(8, {accepted(), launch(), launch()});
    expect_refused(8, {accepted(), ready()});
    expect_refused(8, {accepted(), launch(), ready(), ready()});
    expect_refused(8, {accepted(), launch(), vm_event(VmOverlayPrepared{"/o", "/b", {}, false})});
    expect_refused(8, {accepted(), exited()});
    expect_refused(8, {accepted({{"web-0", "A"}}), launch()});
    expect_refused(8, {accepted({{"web-0", "A"}}), ready()});
}

TEST(Monitor, Rule9ShutsDownInOrder) {
    expect_refused(9, {accepted(), launch(), requested(), requested()});
    expect_refused(9, {accepted(), launch(), attempted()});
    expect_refused(9, {accepted(), launch(), requested(), attempted(), attempted()});
    expect_refused(9, {accepted(), launch(), requested(), timed_out()});
    expect_refused(9, {accepted(), launch(), requested(), vm_event(VmCooperativeSucceeded{1})});
    expect_refused(9,
                   {accepted(), launch(), requested(), attempted("unavailable"), vm_event(VmCooperativeSucceeded{1})});
    expect_refused(9, {accepted(), launch(), requested(), escalated(EscalationSignal::sigterm)});
    expect_refused(9,
                   {accepted(), launch(), requested(), attempted(), timed_out(), escalated(EscalationSignal::sigkill)});
    expect_refused(9, {accepted(), launch(), requested(), complete()});
    expect_refused(9, {accepted(), launch(), exited(), complete()});
    expect_refused(9, {accepted(), launch(), requested(), exited(), complete(), complete()});
    EXPECT_EQ(refusal_of_end({accepted(), launch(), requested()}, Outcome::succeeded, 0), 9);
    EXPECT_EQ(refusal_of_end({accepted(), launch(), requested()}, Outcome::cancelled, 130), 0);
}

TEST(Monitor, Rule10KeepsTheOverlayOfALiveVm) {
    expect_refused(10, {accepted(), launch(), discarded()});
    expect_refused(10, {accepted({{"web-0", "A"}}), discarded()});
}

TEST(Monitor, Rule11BootstrapsOnlyAVmThatRuns) {
    expect_refused(11, {accepted(), planned(), started()});
    expect_refused(11, {accepted(), launch(), exited(), planned(), started()});
    EXPECT_EQ(refusal_of({accepted({{"web-0", "A"}}), planned(), started()}), 0);
}

TEST(Monitor, Rule12BootstrapsInTheDeclaredOrderAndEndsOnce) {
    const std::vector<Draft> under_way{accepted(), launch(), planned(), started()};
    const auto then = [&](std::vector<Draft> more) {
        auto all = under_way;
        all.insert(all.end(), more.begin(), more.end());
        return refusal_of(all);
    };
    expect_refused(12, {accepted(), launch(), started()});
    expect_refused(12, {accepted(), launch(), planned(), step("connect")});
    expect_refused(12, {accepted(), launch(), planned(), bootstrapped()});
    expect_refused(12, {accepted(), launch(), planned(), bootstrap_failed()});
    EXPECT_EQ(then({started()}), 12);
    EXPECT_EQ(then({planned()}), 12);
    EXPECT_EQ(then({step("apply"), step("connect")}), 12);
    EXPECT_EQ(then({step("connect"), step("connect")}), 12);
    EXPECT_EQ(then({step("unknown")}), 12);
    EXPECT_EQ(then({step("connect", StepStatus::failed), step("apply")}), 12);
    EXPECT_EQ(then({step("connect", StepStatus::failed), bootstrapped()}), 12);
    EXPECT_EQ(then({step("connect", StepStatus::failed), bootstrap_failed()}), 0);
    EXPECT_EQ(then({bootstrapped(), bootstrapped()}), 12);
    EXPECT_EQ(then({bootstrapped(), bootstrap_failed()}), 12);
    EXPECT_EQ(refusal_of_end(under_way, Outcome::succeeded, 0), 12);
}

TEST(Monitor, Rule13KnowsTheBrokersSessions) {
    expect_refused(13, {accepted(), handshake("s")});
    expect_refused(13, {accepted(), broker_started(), broker_started()});
    expect_refused(13, {accepted(), broker_started(), session_closed("s")});
    expect_refused(13, {accepted(), broker_started(), handshake("s", SessionOutcome::denied), session_closed("s")});
    expect_refused(13, {accepted(), broker_started(), handshake("s"), handshake("s")});
    expect_refused(13, {accepted(), broker_started(), handshake("s"), session_closed("s"), session_closed("s")});
    CommandAccepted adopted;
    adopted.broker_running = true;
    EXPECT_EQ(refusal_of({draft(adopted, "up"), session_closed("of before")}), 0);
    expect_refused(13, {draft(adopted, "up"), session_closed("of before"), session_closed("of before")});
}

} // namespace
} // namespace castra::contract
