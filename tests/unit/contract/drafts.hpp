// SPDX-License-Identifier: Apache-2.0
// Events of one VM in short, and who judges a few of them: for the tests of the contract's order.
#pragma once
#include "contract/monitor.hpp"
#include "stream.hpp"

#include <gtest/gtest.h>

namespace castra::contract {

inline Draft accepted(std::vector<RunningVm> running = {}, std::vector<Expectation> expects = {}) {
    CommandAccepted event;
    event.running = std::move(running);
    event.expects = std::move(expects);
    return draft(event, "up demo");
}
template <class E>
inline Draft vm_event(E event) {
    return draft(std::move(event), "m").on("web-0");
}
inline Draft launch() {
    return vm_event(VmLaunch{1, "tcg", "launcher-qemu", "A"});
}
inline Draft ready() {
    return vm_event(VmReady{"marker", 5});
}
inline Draft exited() {
    return vm_event(VmExited{0, {}, true, {}});
}
inline Draft requested() {
    return vm_event(VmShutdownRequested{});
}
inline Draft attempted(std::string method = "acpi") {
    return vm_event(VmCooperativeAttempted{std::move(method), 5});
}
inline Draft timed_out() {
    return vm_event(VmCooperativeTimedOut{});
}
inline Draft escalated(EscalationSignal signal) {
    return vm_event(VmShutdownEscalated{signal, 5});
}
inline Draft complete() {
    return vm_event(VmShutdownComplete{ShutdownOutcome::forced, 9, true});
}
inline Draft discarded() {
    return vm_event(VmOverlayDiscarded{"/o", 1, DiscardReason::shutdown});
}
inline Draft planned(std::vector<std::string> steps = {"connect", "apply"}) {
    BootstrapPlanned plan;
    plan.steps = std::move(steps);
    return vm_event(std::move(plan));
}
inline Draft started() {
    return vm_event(BootstrapStarted{"b", "a", BootstrapTrigger::automatic});
}
inline Draft step(std::string name, StepStatus status = StepStatus::success) {
    return vm_event(BootstrapStep{std::move(name), status, {}}).took(1);
}
inline Draft bootstrapped() {
    return vm_event(BootstrapCompleted{BootstrapStatus::success, {}, "/l"}).took(1);
}
inline Draft bootstrap_failed() {
    return vm_event(BootstrapFailed{"apply", "/l"}).took(1).because({"bootstrap", "apply failed", {}, true});
}
inline Draft broker_started() {
    return draft(BrokerStarted{7, 0, "/b"}, "m");
}
inline Draft handshake(std::string session, SessionOutcome outcome = SessionOutcome::granted) {
    BrokerHandshake event;
    event.session = std::move(session);
    event.session_outcome = outcome;
    return draft(event, "m");
}
inline Draft session_closed(std::string session) {
    return draft(BrokerSessionClosed{std::move(session), SessionKind::guest, {}, {}}, "m");
}
inline Draft cleaned(bool dry_run) {
    return draft(CleanupProgress{"/p", "record", 1, dry_run}, "m");
}
inline Draft progress(std::int64_t current, std::optional<std::int64_t> total, std::string unit = "bytes") {
    return message(Severity::progress, "m").within("s").done({current, total, std::move(unit)});
}
inline Draft of_plugin(std::string type, Severity severity = Severity::info) {
    Draft event;
    event.envelope.type = std::move(type);
    event.envelope.severity = severity;
    event.envelope.message = "m";
    event.envelope.source = "plugin:demo";
    event.body = Extension{};
    return event;
}

// The rule that the last of `drafts` breaks; the ones before must be admitted.
inline int refusal_of(const std::vector<Draft>& drafts) {
    Monitor monitor;
    Stream stream;
    for (std::size_t i = 0; i + 1 < drafts.size(); ++i) {
        const auto bad = monitor.admit(stream.next(drafts[i]));
        EXPECT_FALSE(bad) << i << ": " << bad->text;
    }
    const auto bad = monitor.admit(stream.next(drafts.back()));
    return bad ? bad->rule : 0;
}
inline void expect_refused(int rule, const std::vector<Draft>& drafts) {
    EXPECT_EQ(refusal_of(drafts), rule) << drafts.back().envelope.type;
}

// The rule that a summary breaks after `drafts`.
inline int refusal_of_end(const std::vector<Draft>& drafts, Outcome outcome, int exit_code,
                          std::vector<VmResult> vms = {}) {
    Monitor monitor;
    Stream stream;
    for (const auto& event : drafts) {
        const auto bad = monitor.admit(stream.next(event));
        EXPECT_FALSE(bad) << event.envelope.type << ": " << bad->text;
    }
    const auto bad = monitor.admit(stream.summary(outcome, exit_code, std::move(vms)));
    return bad ? bad->rule : 0;
}

} // namespace castra::contract
