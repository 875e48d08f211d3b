// SPDX-License-Identifier: Apache-2.0
// One good stream that touches every rule, and for each rule a stream that breaks it and nothing else.
#include "contract/draft.hpp"
#include "contract/monitor.hpp"
#include "contract/registry.hpp"
#include "contract/schema.hpp"
#include "contract/sealer.hpp"
#include "contract/shape.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace castra::contract {
namespace {

// Writes events as the bus would, without its help.
class Stream {
public:
    Json next(const Draft& draft) {
        Stamp stamp{"01ARYZ6S410000000000000000", "up", "demo", ++seq_, 1700000000000000, seq_ * 10};
        auto event = encode(draft, stamp);
        ++counts_[event["severity"]];
        return event;
    }
    Json summary(Outcome outcome, int exit_code) {
        Summary summary;
        summary.outcome = outcome;
        summary.exit_code = exit_code;
        summary.events_emitted = seq_ + 1;
        const auto severity = outcome == Outcome::failed ? Severity::error : Severity::info;
        ++counts_[std::string(text_of(severity))];
        summary.counts = {counts_["progress"], counts_["info"], counts_["warn"], counts_["error"], counts_["blocker"]};
        auto event = draft(summary, "done").at(severity).took(1);
        event.last = true;
        if (outcome == Outcome::failed) event.error = ErrorField{"x", "x", {}, false};
        return next_without_count(event);
    }

private:
    Json next_without_count(const Draft& draft) {
        Stamp stamp{"01ARYZ6S410000000000000000", "up", "demo", ++seq_, 1700000000000000, seq_ * 10};
        return encode(draft, stamp);
    }
    std::int64_t seq_ = 0;
    std::map<std::string, std::int64_t, std::less<>> counts_;
};

Draft accepted(std::vector<RunningVm> running = {}) {
    CommandAccepted event;
    event.running = std::move(running);
    return draft(event, "up demo");
}
Draft vm_event(auto event) {
    return draft(event, "m").on("web-0");
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
Draft attempted() {
    return vm_event(VmCooperativeAttempted{"acpi", 5});
}
Draft timed_out() {
    return vm_event(VmCooperativeTimedOut{});
}
Draft escalated(EscalationSignal signal) {
    return vm_event(VmShutdownEscalated{signal, 5});
}
Draft discarded() {
    return vm_event(VmOverlayDiscarded{"/o", 1, DiscardReason::shutdown});
}

// Admits all but the last, which must be refused by `rule`.
void expect_refused(int rule, const std::vector<Draft>& drafts) {
    Monitor monitor;
    Stream stream;
    for (std::size_t i = 0; i + 1 < drafts.size(); ++i) {
        const auto bad = monitor.admit(stream.next(drafts[i]));
        ASSERT_FALSE(bad) << i << ": " << bad->text;
    }
    const auto bad = monitor.admit(stream.next(drafts.back()));
    ASSERT_TRUE(bad) << drafts.back().type;
    EXPECT_EQ(bad->rule, rule) << bad->text;
}

TEST(Monitor, AdmitsAWholeLife) {
    Monitor monitor;
    Stream stream;
    const std::vector<Draft> life{accepted(),
                                  vm_event(VmOverlayPrepared{"/o", "/b", {}, false}),
                                  launch(),
                                  ready(),
                                  vm_event(VmShutdownRequested{}),
                                  attempted(),
                                  timed_out(),
                                  escalated(EscalationSignal::sigterm),
                                  escalated(EscalationSignal::sigkill),
                                  exited(),
                                  vm_event(VmShutdownComplete{ShutdownOutcome::forced, 9, true}),
                                  discarded(),
                                  draft(CleanupProgress{"/p", "record", 1, false}, "m"),
                                  message(Severity::warn, "hm", "status"),
                                  launch()};
    for (const auto& event : life) {
        const auto bad = monitor.admit(stream.next(event));
        ASSERT_FALSE(bad) << event.type << ": " << bad->text;
    }
    EXPECT_FALSE(monitor.admit(stream.summary(Outcome::succeeded, 0)));
    EXPECT_TRUE(monitor.is_sealed());
}

TEST(Monitor, Rule1BeginsWithTheCommandOnce) {
    expect_refused(1, {message(Severity::info, "hi")});
    expect_refused(1, {accepted(), accepted()});
    expect_refused(1, {accepted(), draft(CommandRejected{"d", "usage"}, "no")});
}

TEST(Monitor, Rule2NumbersWithoutGapsInOneRunAndOneDirectionOfTime) {
    for (const auto& [key, value] : std::map<std::string, Json>{{"seq", 7}, {"run_id", "B"}, {"elapsed_us", 1}}) {
        Monitor monitor;
        Stream stream;
        ASSERT_FALSE(monitor.admit(stream.next(accepted())));
        auto second = stream.next(message(Severity::info, "hi"));
        second[key] = value;
        const auto bad = monitor.admit(second);
        ASSERT_TRUE(bad) << key;
        EXPECT_EQ(bad->rule, 2) << key;
    }
}

TEST(Monitor, Rule3NothingAfterSummaryAndLastOnlyThere) {
    Monitor monitor;
    Stream stream;
    ASSERT_FALSE(monitor.admit(stream.next(accepted())));
    auto marked = stream.next(message(Severity::info, "hi"));
    marked["last"] = true;
    EXPECT_EQ(monitor.admit(marked)->rule, 3);
    marked.erase("last");
    ASSERT_FALSE(monitor.admit(marked));
    auto summary = stream.summary(Outcome::succeeded, 0);
    auto unmarked = summary;
    unmarked.erase("last");
    EXPECT_EQ(monitor.admit(unmarked)->rule, 3);
    ASSERT_FALSE(monitor.admit(summary));
    EXPECT_EQ(monitor.admit(stream.next(message(Severity::info, "late")))->rule, 3);
}

TEST(Monitor, Rule4CountsAreTrue) {
    for (const auto* key : {"info_events", "warn_events", "error_events"}) {
        Monitor monitor;
        Stream stream;
        ASSERT_FALSE(monitor.admit(stream.next(accepted())));
        auto summary = stream.summary(Outcome::succeeded, 0);
        summary["counts"][key] = 41;
        EXPECT_EQ(monitor.admit(summary)->rule, 4) << key;
    }
    Monitor monitor;
    Stream stream;
    ASSERT_FALSE(monitor.admit(stream.next(accepted())));
    auto summary = stream.summary(Outcome::succeeded, 0);
    summary["events_emitted"] = 3;
    EXPECT_EQ(monitor.admit(summary)->rule, 4);
}

TEST(Monitor, Rule5OutcomeAgreesWithExitCodeAndSeverities) {
    const auto ends_with = [](const std::vector<Draft>& drafts, Outcome outcome, int exit_code) {
        Monitor monitor;
        Stream stream;
        for (const auto& event : drafts)
            EXPECT_FALSE(monitor.admit(stream.next(event)));
        const auto bad = monitor.admit(stream.summary(outcome, exit_code));
        return bad ? bad->rule : 0;
    };
    EXPECT_EQ(ends_with({accepted()}, Outcome::succeeded, 1), 5);
    EXPECT_EQ(ends_with({accepted()}, Outcome::failed, 0), 5);
    EXPECT_EQ(ends_with({accepted()}, Outcome::cancelled, 0), 5);
    EXPECT_EQ(ends_with({accepted(), message(Severity::error, "bad")}, Outcome::succeeded, 0), 5);
    EXPECT_EQ(ends_with({accepted(), message(Severity::error, "bad")}, Outcome::failed, 1), 0);
    EXPECT_EQ(ends_with({accepted()}, Outcome::cancelled, 130), 0);
}

TEST(Monitor, Rule6AfterARefusalOnlySummary) {
    const auto rejected = draft(CommandRejected{"d", "usage"}, "no");
    expect_refused(6, {rejected, message(Severity::info, "but")});
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
    const auto requested = vm_event(VmShutdownRequested{});
    const auto complete = vm_event(VmShutdownComplete{ShutdownOutcome::forced, 9, true});
    expect_refused(9, {accepted(), launch(), requested, requested});
    expect_refused(9, {accepted(), launch(), attempted()});
    expect_refused(9, {accepted(), launch(), requested, attempted(), attempted()});
    expect_refused(9, {accepted(), launch(), requested, timed_out()});
    expect_refused(9, {accepted(), launch(), requested, vm_event(VmCooperativeSucceeded{1})});
    expect_refused(9, {accepted(), launch(), requested, escalated(EscalationSignal::sigterm)});
    expect_refused(9,
                   {accepted(), launch(), requested, attempted(), timed_out(), escalated(EscalationSignal::sigkill)});
    expect_refused(9, {accepted(), launch(), requested, complete});
    expect_refused(9, {accepted(), launch(), exited(), complete});
    expect_refused(9, {accepted(), launch(), requested, exited(), complete, complete});
}

TEST(Monitor, Rule10KeepsTheOverlayOfALiveVm) {
    expect_refused(10, {accepted(), launch(), discarded()});
    expect_refused(10, {accepted({{"web-0", "A"}}), discarded()});
}

TEST(Monitor, Rule16PointsBack) {
    auto event = message(Severity::info, "m");
    event.cause_seq = 2;
    expect_refused(16, {accepted(), event});
}

TEST(Monitor, Rule17AFailedSummaryHasAnError) {
    Monitor monitor;
    Stream stream;
    ASSERT_FALSE(monitor.admit(stream.next(accepted())));
    auto summary = stream.summary(Outcome::failed, 1);
    summary.erase("error");
    EXPECT_EQ(monitor.admit(summary)->rule, 17);
}

TEST(Monitor, LeavesNoTraceOfWhatItRefuses) {
    Monitor monitor;
    Stream stream;
    ASSERT_FALSE(monitor.admit(stream.next(accepted())));
    auto second = stream.next(launch());
    auto bad = second;
    bad["seq"] = 9;
    EXPECT_TRUE(monitor.admit(bad));
    EXPECT_FALSE(monitor.admit(second));
}

TEST(Shape, Rule18RefusesWhatTheRegistryDoesNotHave) {
    Stream stream;
    const auto good = stream.next(launch());
    ASSERT_FALSE(check_shape(good));
    const auto broken = [&](auto&& change) {
        auto event = good;
        change(event);
        const auto bad = check_shape(event);
        return bad && bad->rule == 18;
    };
    EXPECT_TRUE(broken([](Json& e) { e["type"] = "vm.lunch"; }));
    EXPECT_TRUE(broken([](Json& e) { e["family"] = "broker"; }));
    EXPECT_TRUE(broken([](Json& e) { e["severity"] = "fatal"; }));
    EXPECT_TRUE(broken([](Json& e) { e.erase("pid"); }));
    EXPECT_TRUE(broken([](Json& e) { e.erase("vm"); }));
    EXPECT_TRUE(broken([](Json& e) { e["pid"] = "1"; }));
    EXPECT_TRUE(broken([](Json& e) { e["pid"] = 1.5; }));
    EXPECT_TRUE(broken([](Json& e) { e["pid"] = nullptr; }));
    EXPECT_TRUE(broken([](Json& e) { e["pid"] = integer_max + 1; }));
    EXPECT_TRUE(broken([](Json& e) { e["surprise"] = 1; }));
    EXPECT_TRUE(broken([](Json& e) { e["message"] = "two\nlines"; }));
    EXPECT_TRUE(broken([](Json& e) { e["message"] = std::string("nul\0", 4); }));
    EXPECT_TRUE(broken([](Json& e) { e["message"] = "\x1b[31m"; }));
    EXPECT_TRUE(broken([](Json& e) { e = Json::array(); }));
}

TEST(Shape, AdmitsAnEventOfEveryTypeAsTheEncoderWritesIt) {
    Stream stream;
    [&]<class... E>(std::type_identity<std::tuple<E...>>) {
        const auto one = [&](const auto& event) {
            auto drafted = draft(event, "m").on("web-0").took(1);
            if (auto bad = check_shape(stream.next(drafted))) ADD_FAILURE() << drafted.type << ": " << bad->text;
        };
        (one(E{}), ...);
    }(std::type_identity<EventTypes>{});
}

TEST(Registry, GivesOneNameOneTypeAndOneUnitEverywhere) {
    std::map<std::string, std::pair<JsonType, Unit>> dictionary;
    const auto enter = [&](const auto& self, std::span<const FieldSpec> fields) -> void {
        for (const auto& field : fields) {
            const auto [entry, is_new] = dictionary.try_emplace(field.name, field.type, field.unit);
            EXPECT_TRUE(is_new || entry->second == std::pair(field.type, field.unit)) << field.name;
            self(self, field.members);
            for (const auto& item : field.item)
                self(self, item.members);
        }
    };
    enter(enter, registry().envelope());
    for (const auto& type : registry().types())
        enter(enter, type.fields);
}

TEST(Registry, GivesEveryFieldAMeaning) {
    for (const auto& type : registry().types())
        for (const auto& field : type.fields) {
            EXPECT_FALSE(field.meaning.empty()) << type.about.type << "." << field.name;
            if (field.type == JsonType::object || field.type == JsonType::array) continue;
            EXPECT_TRUE(Json::accept(field.example)) << type.about.type << "." << field.name;
        }
}

TEST(Line, StaysWithinItsLimitAndSaysThatItWasCut) {
    Stream stream;
    auto event = stream.next(message(Severity::info, std::string(200000, 'x')));
    const auto line = to_line(event);
    EXPECT_LE(line.size(), line_bytes_max);
    EXPECT_EQ(Json::parse(line)["truncated"], true);
    auto escapes = stream.next(message(Severity::info, std::string(60000, '"')));
    EXPECT_LE(to_line(escapes).size(), line_bytes_max);
}

TEST(CleanText, MakesHostileTextFit) {
    EXPECT_EQ(clean_text("a\x1b[31mb\r\n\tc", 100, false), "a?[31mb\n\tc");
    EXPECT_EQ(clean_text("a\nb", 100, true), "a b");
    EXPECT_EQ(clean_text(std::string_view("a\0b", 3), 100, true), "a?b");
    EXPECT_EQ(clean_text("\xff", 100, true), "\xef\xbf\xbd");
    EXPECT_EQ(clean_text("12345", 3, true), "345");
    EXPECT_EQ(clean_text("\xc3\xa4\xc3\xa4", 3, true), "\xc3\xa4"); // never half a letter
}

TEST(Sealer, WritesTheSummaryThatADeadWriterOwes) {
    Stream stream;
    Sealer sealer;
    auto first = stream.next(accepted());
    auto second = stream.next(launch());
    EXPECT_TRUE(sealer.follow(to_line(first)));
    EXPECT_TRUE(sealer.follow(to_line(second)));
    EXPECT_FALSE(sealer.follow("{\"torn"));
    EXPECT_FALSE(sealer.is_sealed());
    const auto sealed = Json::parse(sealer.seal(1700000000000000, 9, "the writer died"));
    EXPECT_TRUE(sealer.is_sealed());
    EXPECT_EQ(sealed["seq"], 3);
    EXPECT_EQ(sealed["outcome"], "aborted");
    EXPECT_EQ(sealed["synthetic"], true);
    Monitor monitor;
    EXPECT_FALSE(monitor.admit(first));
    EXPECT_FALSE(monitor.admit(second));
    EXPECT_FALSE(monitor.admit(sealed));
}

} // namespace
} // namespace castra::contract
