// SPDX-License-Identifier: Apache-2.0
// Every rule of the contract, broken once through the bus, in both modes: the offender is kept out of the stream and
// kept whole in the quarantine, the run goes on, and the stream that remains is valid.
#include "bus/event_bus.hpp"
#include "contract/verify.hpp"

#include <gtest/gtest.h>

namespace castra {
namespace {

using namespace contract;

class SettableClock final : public Clock {
public:
    std::int64_t unix_us() const override { return 1700000000000000; }
    std::int64_t monotonic_us() const override { return now; }
    std::array<std::uint8_t, 10> entropy() override { return {}; }
    std::int64_t now = 1000;
};

class Lines final : public Journal {
public:
    explicit Lines(std::string& text) : text_(text) {}
    Result<> append(std::string_view line, bool) override { return text_ += line, Result<>(); }

private:
    std::string& text_;
};

struct Bench {
    SettableClock clock;
    std::string journal, quarantine;
    EventBus bus;
    explicit Bench(ContractMode mode)
        : bus({"01ARYZ6S410000000000000000", "up", "demo"}, clock,
              {std::make_unique<Lines>(journal), std::make_unique<Lines>(quarantine), nullptr, ""}, {.mode = mode}) {}

    void accept() {
        CommandAccepted accepted;
        accepted.expects = {{"vm", "web-0"}};
        bus.publish(draft(accepted, "up"));
    }
    void on_vm(auto event) { bus.publish(draft(std::move(event), "m").on("web-0").took(1)); }
    void launch() { on_vm(VmLaunch{1, "tcg", "launcher-qemu", "A"}); }
    static Summary summary(Outcome outcome, int exit_code) {
        Summary summary;
        summary.outcome = outcome;
        summary.exit_code = exit_code;
        summary.vms = {{"web-0", "ready", VmOutcome::succeeded, {}}};
        return summary;
    }
    void end() {
        const bool failed = bus.failures() > 0;
        bus.conclude(failed ? summary(Outcome::failed, 1) : summary(Outcome::succeeded, 0),
                     failed ? std::optional(ErrorField{"x", "x", {}, false}) : std::nullopt, "done");
    }
    void bootstrap() {
        launch();
        BootstrapPlanned plan;
        plan.steps = {"connect", "apply"};
        on_vm(plan);
        on_vm(BootstrapStarted{"b", "a", BootstrapTrigger::automatic});
    }
};

struct Seed {
    int rule;
    const char* what;
    void (*run)(Bench&); // breaks the rule once, and ends the run
    bool is_told = true; // by a message in the stream; false where nothing may be said any more
};

const Seed seeds[] = {
    {1, "an event before the command",
     [](Bench& b) {
         b.bus.publish(message(Severity::info, "early"));
         b.accept(), b.end();
     },
     false},
    {2, "time runs backwards",
     [](Bench& b) {
         b.clock.now = 5000;
         b.accept();
         b.clock.now = 4000;
         b.bus.publish(message(Severity::info, "m"));
         b.clock.now = 6000;
         b.end();
     },
     false}, // the notice would be as early
    {3, "an event after the end",
     [](Bench& b) {
         b.accept(), b.end();
         b.bus.publish(message(Severity::info, "late"));
     },
     false},
    {4, "a second end", [](Bench& b) { b.accept(), b.end(), b.end(); }, false},
    {5, "success with a failure in it",
     [](Bench& b) {
         b.accept();
         b.bus.publish(message(Severity::error, "bad"));
         b.bus.conclude(Bench::summary(Outcome::succeeded, 0), {}, "done");
     }},
    {6, "more than an end after a refusal",
     [](Bench& b) {
         b.bus.publish(draft(CommandRejected{"d", "usage"}, "no").because({"usage", "x", {}, false}));
         b.bus.publish(message(Severity::info, "but"));
         b.end();
     },
     false},
    {7, "a VM that is concluded twice",
     [](Bench& b) {
         b.accept();
         auto summary = Bench::summary(Outcome::succeeded, 0);
         summary.vms.push_back(summary.vms.front());
         b.bus.conclude(summary, {}, "done");
     }},
    {8, "ready before launch",
     [](Bench& b) {
         b.accept(), b.on_vm(VmReady{"marker", 1}), b.end();
     }},
    {9, "SIGTERM out of nothing", [](Bench& b) { b.accept(), b.launch(), b.on_vm(VmShutdownEscalated{}), b.end(); }},
    {10, "the overlay of a live VM", [](Bench& b) { b.accept(), b.launch(), b.on_vm(VmOverlayDiscarded{}), b.end(); }},
    {11, "a bootstrap without a VM",
     [](Bench& b) {
         b.accept();
         b.on_vm(BootstrapPlanned{});
         b.on_vm(BootstrapStarted{"b", "a", BootstrapTrigger::automatic});
         b.end();
     }},
    {12, "steps out of order",
     [](Bench& b) {
         b.accept(), b.bootstrap();
         b.on_vm(BootstrapStep{"apply", StepStatus::success, {}});
         b.on_vm(BootstrapStep{"connect", StepStatus::success, {}});
         b.on_vm(BootstrapCompleted{BootstrapStatus::success, {}, "/l"});
         b.end();
     }},
    {13, "a handshake without a broker",
     [](Bench& b) {
         b.accept(), b.bus.publish(draft(BrokerHandshake{"s", {}}, "m")), b.end();
     }},
    {14, "a removal in a dry run",
     [](Bench& b) {
         b.accept();
         b.bus.publish(draft(CleanupProgress{"/p", "logs", 1, true}, "m"));
         b.bus.publish(draft(CleanupProgress{"/p", "logs", 1, false}, "m"));
         b.end();
     }},
    {15, "progress that shrinks",
     [](Bench& b) {
         b.accept();
         b.bus.publish(message(Severity::progress, "m").done({2, 9, "files"}));
         b.bus.publish(message(Severity::progress, "m").done({1, 9, "files"}));
         b.end();
     }},
    {16, "an effect before its cause",
     [](Bench& b) { b.accept(), b.bus.publish(message(Severity::info, "m").caused_by(9)), b.end(); }},
    {17, "a failure that does not say so",
     [](Bench& b) {
         b.accept(), b.bootstrap();
         b.bus.publish(draft(BootstrapFailed{"apply", "/l"}, "m")
                           .on("web-0")
                           .took(1)
                           .at(Severity::warn)
                           .because({"bootstrap", "apply failed", {}, true}));
         b.on_vm(BootstrapCompleted{BootstrapStatus::success, {}, "/l"});
         b.end();
     }},
    {18, "a control character",
     [](Bench& b) { b.accept(), b.bus.publish(message(Severity::info, "\x1b[2J")), b.end(); }},
    {19, "a secret in a name",
     [](Bench& b) {
         b.accept();
         ASSERT_TRUE(b.bus.hide(Secret("canary")));
         b.bus.publish(message(Severity::info, "m").on("canary"));
         b.end();
     }},
    {20, "a plugin that launches a VM",
     [](Bench& b) {
         b.accept();
         auto event = draft(VmLaunch{1, "tcg", "l", "A"}, "m").on("web-0");
         event.envelope.source = "plugin:demo";
         b.bus.publish(std::move(event));
         b.end();
     }},
};

class EveryRule : public testing::TestWithParam<Seed> {};

TEST_P(EveryRule, IsEnforcedInBothModes) {
    const auto& seed = GetParam();
    for (const auto mode : {ContractMode::report, ContractMode::strict}) {
        Bench bench(mode);
        seed.run(bench);
        bench.bus.flush();
        EXPECT_EQ(bench.bus.violations(), 1);
        EXPECT_EQ(std::ranges::count(bench.quarantine, '\n'), 1) << "kept whole, once";
        EXPECT_TRUE(bench.bus.is_sealed());
        const auto notice = bench.journal.find("\"rule\":\"" + std::to_string(seed.rule) + "\"");
        EXPECT_EQ(notice != std::string::npos, seed.is_told) << bench.journal;
        Verifier verifier;
        verifier.feed(bench.journal);
        verifier.finish();
        for (const auto& finding : verifier.findings())
            ADD_FAILURE() << finding.line << ": rule " << finding.rule << ": " << finding.text << "\n" << bench.journal;
    }
}

INSTANTIATE_TEST_SUITE_P(Contract, EveryRule, testing::ValuesIn(seeds),
                         [](const auto& seed) { return "Rule" + std::to_string(seed.param.rule); });

void PrintTo(const Seed& seed, std::ostream* out) {
    *out << seed.what;
}

} // namespace
} // namespace castra
