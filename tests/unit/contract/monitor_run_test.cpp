// SPDX-License-Identifier: Apache-2.0
// One good stream that touches every rule, and streams that break a rule of the run and nothing else.
#include "contract/text.hpp"
#include "drafts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace castra::contract {
namespace {

TEST(Monitor, AdmitsAWholeLife) {
    Monitor monitor;
    Stream stream;
    const std::vector<Draft> life{accepted({}, {{"vm", "web-0"}, {"broker", "broker"}}),
                                  broker_started(),
                                  vm_event(VmImageVerified{"/b", "sha256:00", true}),
                                  vm_event(VmOverlayPrepared{"/o", "/b", {}, false}),
                                  launch(),
                                  handshake("s"),
                                  handshake("t", SessionOutcome::denied),
                                  ready(),
                                  planned(),
                                  started(),
                                  progress(1, 2),
                                  progress(2, 2),
                                  step("connect"),
                                  step("apply", StepStatus::skipped),
                                  bootstrapped(),
                                  planned({}),
                                  of_plugin("x.demo.hello"),
                                  requested(),
                                  attempted("unavailable"),
                                  attempted(),
                                  timed_out(),
                                  escalated(EscalationSignal::sigterm),
                                  escalated(EscalationSignal::sigkill),
                                  session_closed("s"),
                                  exited(),
                                  complete(),
                                  discarded(),
                                  cleaned(false),
                                  message(Severity::warn, "hm", "status").caused_by(3),
                                  launch()};
    for (const auto& event : life) {
        const auto bad = monitor.admit(stream.next(event));
        ASSERT_FALSE(bad) << event.envelope.type << ": " << bad->text;
    }
    EXPECT_FALSE(monitor.admit(stream.summary(Outcome::succeeded, 0, {{"web-0", "ready", VmOutcome::succeeded, {}}})));
    EXPECT_TRUE(monitor.is_sealed());
}

TEST(Monitor, Rule1BeginsWithTheCommandOnce) {
    expect_refused(1, {message(Severity::info, "hi")});
    expect_refused(1, {accepted(), accepted()});
    expect_refused(1, {accepted(), draft(CommandRejected{"d", "usage"}, "no").because({"usage", "x", {}, false})});
}

TEST(Monitor, Rule2NumbersWithoutGapsInOneRunAndOneDirectionOfTime) {
    const auto broken = [](auto&& change) {
        Monitor monitor;
        Stream stream;
        EXPECT_FALSE(monitor.admit(stream.next(accepted())));
        auto second = stream.next(message(Severity::info, "hi"));
        change(second.envelope);
        const auto bad = monitor.admit(second);
        return bad ? bad->rule : 0;
    };
    EXPECT_EQ(broken([](Envelope& e) { e.seq = 7; }), 2);
    EXPECT_EQ(broken([](Envelope& e) { e.seq = 1; }), 2);
    EXPECT_EQ(broken([](Envelope& e) { e.run_id = "B"; }), 2);
    EXPECT_EQ(broken([](Envelope& e) { e.elapsed_us = 1; }), 2);
    EXPECT_EQ(broken([](Envelope&) {}), 0);
}

TEST(Monitor, Rule3NothingAfterSummaryAndLastOnlyThere) {
    Monitor monitor;
    Stream stream;
    ASSERT_FALSE(monitor.admit(stream.next(accepted())));
    auto marked = stream.next(message(Severity::info, "hi"));
    marked.envelope.last = true;
    EXPECT_EQ(monitor.admit(marked)->rule, 3);
    marked.envelope.last.reset();
    ASSERT_FALSE(monitor.admit(marked));
    auto summary = stream.summary(Outcome::succeeded, 0);
    auto unmarked = summary;
    unmarked.envelope.last.reset();
    EXPECT_EQ(monitor.admit(unmarked)->rule, 3);
    ASSERT_FALSE(monitor.admit(summary));
    EXPECT_EQ(monitor.admit(stream.next(message(Severity::info, "late")))->rule, 3);
    EXPECT_EQ(monitor.admit(stream.summary(Outcome::succeeded, 0))->rule, 4) << "exactly one summary";
}

TEST(Monitor, Rule4CountsAreTrue) {
    const auto broken = [](auto&& change) {
        Monitor monitor;
        Stream stream;
        EXPECT_FALSE(monitor.admit(stream.next(accepted())));
        auto event = stream.summary(Outcome::succeeded, 0);
        change(std::get<Summary>(event.body));
        const auto bad = monitor.admit(event);
        return bad ? bad->rule : 0;
    };
    EXPECT_EQ(broken([](Summary& s) { s.counts.info_events = 41; }), 4);
    EXPECT_EQ(broken([](Summary& s) { s.counts.warn_events = 1; }), 4);
    EXPECT_EQ(broken([](Summary& s) { s.counts.blocker_events = 1; }), 4);
    EXPECT_EQ(broken([](Summary& s) { s.events_emitted = 3; }), 4);
    EXPECT_EQ(broken([](Summary& s) { s.first_error_seq = 1; }), 4);
}

TEST(Monitor, Rule5OutcomeAgreesWithExitCodeAndSeverities) {
    EXPECT_EQ(refusal_of_end({accepted()}, Outcome::succeeded, 1), 5);
    EXPECT_EQ(refusal_of_end({accepted()}, Outcome::failed, 0), 5);
    EXPECT_EQ(refusal_of_end({accepted()}, Outcome::cancelled, 0), 5);
    EXPECT_EQ(refusal_of_end({accepted(), message(Severity::error, "bad")}, Outcome::succeeded, 0), 5);
    EXPECT_EQ(refusal_of_end({accepted(), message(Severity::error, "bad")}, Outcome::failed, 1), 0);
    EXPECT_EQ(refusal_of_end({accepted()}, Outcome::cancelled, 130), 0);
    EXPECT_EQ(refusal_of_end({accepted()}, Outcome::cancelled, 1), 5);
    EXPECT_EQ(refusal_of_end({accepted()}, Outcome::partial, 1), 5);
    EXPECT_EQ(refusal_of_end({accepted()}, Outcome::aborted, 1), 5);
}

TEST(Monitor, Rule6AfterARefusalOnlySummary) {
    const auto rejected = draft(CommandRejected{"d", "usage"}, "no").because({"usage", "x", {}, false});
    expect_refused(6, {rejected, message(Severity::info, "but")});
}

TEST(Monitor, Rule7ConcludesWhatWasPromisedExactlyOnce) {
    const std::vector<Draft> vm{accepted({}, {{"vm", "web-0"}})};
    const VmResult done{"web-0", "ready", VmOutcome::succeeded, {}};
    EXPECT_EQ(refusal_of_end(vm, Outcome::succeeded, 0), 7);
    EXPECT_EQ(refusal_of_end(vm, Outcome::succeeded, 0, {done, done}), 7);
    EXPECT_EQ(refusal_of_end(vm, Outcome::succeeded, 0, {done}), 0);
    const auto broker = accepted({}, {{"broker", "broker"}});
    EXPECT_EQ(refusal_of_end({broker}, Outcome::cancelled, 130), 7);
    EXPECT_EQ(refusal_of_end({broker, broker_started()}, Outcome::succeeded, 0), 0);
    EXPECT_EQ(refusal_of_end({broker, broker_aborted("broker", "no")}, Outcome::cancelled, 130), 0);
    EXPECT_EQ(refusal_of_end({broker, broker_aborted("another", "no")}, Outcome::cancelled, 130), 7);
    EXPECT_EQ(refusal_of_end({broker, broker_started(), broker_aborted("broker", "no")}, Outcome::cancelled, 130), 7);
    EXPECT_EQ(refusal_of_end({broker, broker_started(), draft(BrokerStopped{}, "m"), broker_started()},
                             Outcome::succeeded, 0),
              0)
        << "restarted";
    expect_refused(7, {accepted({}, {{"vm", "web-0"}, {"vm", "web-0"}})});
}

TEST(Monitor, Rule14ADryRunRemovesNothing) {
    expect_refused(14, {accepted(), cleaned(true), cleaned(false)});
    expect_refused(14, {accepted(), cleaned(false), cleaned(true)});
    expect_refused(14, {accepted(), cleaned(true), discarded()});
    Monitor monitor;
    Stream stream;
    EXPECT_FALSE(monitor.admit(stream.next(accepted())));
    EXPECT_FALSE(monitor.admit(stream.next(cleaned(true))));
    auto summary = stream.summary(Outcome::succeeded, 0);
    std::get<Summary>(summary.body).reclaimed_bytes = 1;
    EXPECT_EQ(monitor.admit(summary)->rule, 14);
    std::get<Summary>(summary.body).reclaimed_bytes = 0;
    EXPECT_FALSE(monitor.admit(summary));
}

TEST(Monitor, Rule15ProgressOnlyGrows) {
    expect_refused(15, {accepted(), progress(3, 2)});
    expect_refused(15, {accepted(), progress(-1, 2)});
    expect_refused(15, {accepted(), progress(1, 9), progress(0, 9)});
    expect_refused(15, {accepted(), progress(1, 9), progress(2, 9, "files")});
    EXPECT_EQ(refusal_of({accepted(), progress(1, 9), progress(0, 9).within("another")}), 0);
    std::vector<Draft> many{accepted()};
    for (std::size_t i = 0; i <= ProgressOrder::works_max; ++i)
        many.push_back(progress(1, 9).within("s" + std::to_string(i)));
    expect_refused(15, many);
}

TEST(Monitor, Rule16PointsBack) {
    expect_refused(16, {accepted(), message(Severity::info, "m").caused_by(2)});
    expect_refused(16, {accepted(), message(Severity::info, "m").caused_by(0)});
}

TEST(Monitor, Rule17AFailureSaysSo) {
    const auto end_without = [](auto&& change) {
        Monitor monitor;
        Stream stream;
        EXPECT_FALSE(monitor.admit(stream.next(accepted())));
        EXPECT_FALSE(monitor.admit(stream.next(message(Severity::error, "bad"))));
        auto summary = stream.summary(Outcome::failed, 1);
        change(summary);
        const auto bad = monitor.admit(summary);
        return bad ? bad->rule : 0;
    };
    EXPECT_EQ(end_without([](Event& e) { e.envelope.error.reset(); }), 17);
    EXPECT_EQ(end_without([](Event& e) {
                  auto& counts = std::get<Summary>(e.body).counts;
                  --counts.error_events, ++counts.warn_events;
                  e.envelope.severity = Severity::warn;
              }),
              17);
    expect_refused(17, {draft(CommandRejected{"d", "usage"}, "no")});
    expect_refused(17, {accepted(), launch(), planned(), started(), bootstrap_failed().at(Severity::warn)});
    expect_refused(17, {accepted(), launch(), vm_event(VmExited{1, {}, false, {}})});
}

TEST(Monitor, Rule20APluginSaysWhatIsItsOwn) {
    expect_refused(20, {accepted(), of_plugin("x.other.hello")});
    expect_refused(20, {accepted(), of_plugin("x.demo.hello", Severity::blocker)});
    auto launched = launch();
    launched.envelope.source = "plugin:demo";
    expect_refused(20, {accepted(), launched});
    auto posing = of_plugin("x.demo.hello");
    posing.envelope.source = "kernel";
    expect_refused(20, {accepted(), posing});
    posing.envelope.source = "me";
    expect_refused(20, {accepted(), posing});
    auto family = of_plugin("x.demo.hello");
    family.envelope.family = Family::broker;
    expect_refused(20, {accepted(), family});
}

TEST(Monitor, LeavesNoTraceOfWhatItRefuses) {
    Monitor monitor;
    Stream stream;
    ASSERT_FALSE(monitor.admit(stream.next(accepted())));
    auto second = stream.next(launch());
    auto bad = second;
    bad.envelope.seq = 9;
    EXPECT_TRUE(monitor.admit(bad));
    EXPECT_FALSE(monitor.admit(second));
}

} // namespace
} // namespace castra::contract
