// SPDX-License-Identifier: Apache-2.0
// One good stream that touches every rule, and for each rule streams that break it and nothing else.
#include "contract/monitor.hpp"
#include "contract/sealer.hpp"
#include "contract/text.hpp"
#include "contract/verify.hpp"
#include "stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace castra::contract {
namespace {

Draft accepted(std::vector<RunningVm> running = {}, std::vector<Expectation> expects = {}) {
    CommandAccepted event;
    event.running = std::move(running);
    event.expects = std::move(expects);
    return draft(event, "up demo");
}
template <class E>
Draft vm_event(E event) {
    return draft(std::move(event), "m").on("web-0");
}
Draft launch() {
    return vm_event(VmLaunch{1, "tcg", "launcher-qemu", "A"});
}
Draft ready() {
    return vm_event(VmReady{"marker", 5});
}
Draft exited() {
    return vm_event(VmExited{0, {}, true, {}});
}
Draft requested() {
    return vm_event(VmShutdownRequested{});
}
Draft attempted(std::string method = "acpi") {
    return vm_event(VmCooperativeAttempted{std::move(method), 5});
}
Draft timed_out() {
    return vm_event(VmCooperativeTimedOut{});
}
Draft escalated(EscalationSignal signal) {
    return vm_event(VmShutdownEscalated{signal, 5});
}
Draft complete() {
    return vm_event(VmShutdownComplete{ShutdownOutcome::forced, 9, true});
}
Draft discarded() {
    return vm_event(VmOverlayDiscarded{"/o", 1, DiscardReason::shutdown});
}
Draft planned(std::vector<std::string> steps = {"connect", "apply"}) {
    BootstrapPlanned plan;
    plan.steps = std::move(steps);
    return vm_event(std::move(plan));
}
Draft started() {
    return vm_event(BootstrapStarted{"b", "a", BootstrapTrigger::automatic});
}
Draft step(std::string name, StepStatus status = StepStatus::success) {
    return vm_event(BootstrapStep{std::move(name), status, {}}).took(1);
}
Draft bootstrapped() {
    return vm_event(BootstrapCompleted{BootstrapStatus::success, {}, "/l"}).took(1);
}
Draft bootstrap_failed() {
    return vm_event(BootstrapFailed{"apply", "/l"}).took(1).because({"bootstrap", "apply failed", {}, true});
}
Draft broker_started() {
    return draft(BrokerStarted{7, 0, "/b"}, "m");
}
Draft handshake(std::string session, SessionOutcome outcome = SessionOutcome::granted) {
    BrokerHandshake event;
    event.session = std::move(session);
    event.session_outcome = outcome;
    return draft(event, "m");
}
Draft session_closed(std::string session) {
    return draft(BrokerSessionClosed{std::move(session), SessionKind::guest, {}, {}}, "m");
}
Draft cleaned(bool dry_run) {
    return draft(CleanupProgress{"/p", "record", 1, dry_run}, "m");
}
Draft progress(std::int64_t current, std::optional<std::int64_t> total, std::string unit = "bytes") {
    return message(Severity::progress, "m").within("s").done({current, total, std::move(unit)});
}
Draft of_plugin(std::string type, Severity severity = Severity::info) {
    Draft event;
    event.envelope.type = std::move(type);
    event.envelope.severity = severity;
    event.envelope.message = "m";
    event.envelope.source = "plugin:demo";
    event.body = Extension{};
    return event;
}

// The rule that the last of `drafts` breaks; the ones before must be admitted.
int refusal_of(const std::vector<Draft>& drafts) {
    Monitor monitor;
    Stream stream;
    for (std::size_t i = 0; i + 1 < drafts.size(); ++i) {
        const auto bad = monitor.admit(stream.next(drafts[i]));
        EXPECT_FALSE(bad) << i << ": " << bad->text;
    }
    const auto bad = monitor.admit(stream.next(drafts.back()));
    return bad ? bad->rule : 0;
}
void expect_refused(int rule, const std::vector<Draft>& drafts) {
    EXPECT_EQ(refusal_of(drafts), rule) << drafts.back().envelope.type;
}

// The rule that a summary breaks after `drafts`.
int refusal_of_end(const std::vector<Draft>& drafts, Outcome outcome, int exit_code, std::vector<VmResult> vms = {}) {
    Monitor monitor;
    Stream stream;
    for (const auto& event : drafts) {
        const auto bad = monitor.admit(stream.next(event));
        EXPECT_FALSE(bad) << event.envelope.type << ": " << bad->text;
    }
    const auto bad = monitor.admit(stream.summary(outcome, exit_code, std::move(vms)));
    return bad ? bad->rule : 0;
}

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

TEST(Sealer, WritesWhatADeadWriterOwes) {
    Stream stream;
    Sealer sealer;
    const auto first = line_of(stream.next(accepted({}, {{"vm", "web-0"}, {"broker", "broker"}})));
    const auto second = line_of(stream.next(launch()));
    EXPECT_TRUE(sealer.follow(first));
    EXPECT_TRUE(sealer.follow(second));
    EXPECT_FALSE(sealer.follow("{\"torn"));
    EXPECT_FALSE(sealer.is_sealed());
    const auto owed = sealer.seal(1700000000000000, 9, "the writer died");
    EXPECT_TRUE(sealer.is_sealed());
    Verifier verifier;
    verifier.feed(first + second + owed);
    verifier.finish();
    EXPECT_TRUE(verifier.is_good()) << verifier.findings().front().text;
    const auto summary = Json::parse(owed.substr(owed.find('\n') + 1));
    EXPECT_EQ(summary["seq"], 4);
    EXPECT_EQ(summary["outcome"], "aborted");
    EXPECT_EQ(summary["synthetic"], true);
    EXPECT_EQ(summary["vms"][0]["outcome"], "aborted");
}

TEST(Verifier, ReadsPiecesOfAnySizeAndGoesOnAfterABadLine) {
    Stream stream;
    std::string text = line_of(stream.next(accepted()));
    auto bad = stream.next(launch());
    bad.envelope.vm.reset();
    text += line_of(bad);
    text += line_of(stream.next(message(Severity::info, "fine")));
    text += line_of(stream.summary(Outcome::succeeded, 0));
    for (const std::size_t size : {1U, 7U, 100000U}) {
        Verifier verifier;
        for (std::size_t at = 0; at < text.size(); at += size)
            verifier.feed(std::string_view(text).substr(at, size));
        verifier.finish();
        ASSERT_EQ(verifier.lines(), 4);
        ASSERT_EQ(verifier.findings().size(), 2U);
        EXPECT_EQ(verifier.findings()[0].line, 2);
        EXPECT_EQ(verifier.findings()[0].rule, 18);
        EXPECT_EQ(verifier.findings()[1].rule, 4) << "the counts are off by the bad one";
    }
}

TEST(Verifier, TellsAnEndThatIsMissingOrTorn) {
    const auto findings = [](const std::string& text) {
        Verifier verifier;
        verifier.feed(text);
        verifier.finish();
        std::vector<int> rules;
        for (const auto& finding : verifier.findings())
            rules.push_back(finding.rule);
        return rules;
    };
    Stream stream;
    const auto first = line_of(stream.next(accepted()));
    EXPECT_EQ(findings(""), std::vector<int>{1});
    EXPECT_EQ(findings(first), std::vector<int>{4});
    EXPECT_EQ(findings(first + "{\"type\""), (std::vector<int>{18, 4}));
    EXPECT_EQ(findings(first + std::string(70000, 'x') + "\n"), (std::vector<int>{18, 4}));
}

} // namespace
} // namespace castra::contract
