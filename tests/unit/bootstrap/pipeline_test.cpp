// SPDX-License-Identifier: Apache-2.0
// The pipeline with steps that do nothing: what is planned, what runs, what is left out, what is told.
#include "bootstrap/pipeline.hpp"

#include "host/files.hpp"

#include <filesystem>
#include <gtest/gtest.h>

namespace castra {
namespace {

namespace fs = std::filesystem;
using contract::PlannedAction;
using nlohmann::json;

struct FakeClock : Clock {
    std::int64_t unix_us() const override { return now += 1000; }
    std::int64_t monotonic_us() const override { return now += 1000; }
    std::array<std::uint8_t, 10> entropy() override { return {}; }
    mutable std::int64_t now = 1'000'000;
};

class FakeStep : public StepClient {
public:
    explicit FakeStep(std::string hash) {
        if (!hash.empty()) plan_.hash = std::move(hash);
    }
    Task<Result<sdk::StepPlan>> plan(sdk::StepPlanRequest request, StepCall) override {
        planned_with = request.inputs;
        co_return plan_;
    }
    Task<Result<sdk::StepOutcome>> apply(sdk::StepRequest request, StepCall call) override {
        ++applied;
        applied_with = request.inputs;
        if (hangs) {
            co_await call.cancel.wait();
            co_return fail(ErrorCode::cancelled, "told to give up");
        }
        co_return outcome;
    }
    Task<Result<sdk::StepOutcome>> verify(sdk::StepRequest, StepCall) override {
        sdk::StepOutcome proof;
        proof.status = proves;
        co_return proof;
    }
    sdk::StepPlan plan_;
    Result<sdk::StepOutcome> outcome = sdk::StepOutcome();
    sdk::StepStatus proves = sdk::StepStatus::success;
    int applied = 0;
    bool hangs = false;
    json planned_with, applied_with;
};

class FakeHandshakes : public Handshakes {
public:
    bool are_expected(const std::string&) const override { return true; }
    Task<Result<Handshake>> wait(std::string, std::string incarnation, std::string, Milliseconds, Gate&) override {
        asked_for = incarnation;
        co_return answer;
    }
    std::string asked_for;
    Result<Handshake> answer = Handshake{"s1", "web", {}};
};

// Told every line.
struct Told : Sink {
    explicit Told(std::vector<json>& into) : events(into) {}
    std::string name() const override { return "told"; }
    Result<> deliver(const EncodedEvents& batch) override {
        for (const auto event : batch)
            events.push_back(json::parse(event.line));
        return {};
    }
    Result<> finish() override { return {}; }
    std::vector<json>& events;
};

class PipelineOfFakes : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "castra-pipeline.XXXXXX").string();
        dir_ = ::mkdtemp(pattern.data());
        environment_.castra_home = dir_;
        fs::create_directories(layout().vm_dir("web-0"));
        for (const auto* hash : {"", "t", "a", "v"})
            steps_.push_back(std::make_shared<FakeStep>(hash));
    }
    void TearDown() override { fs::remove_all(dir_); }
    Layout layout() const { return Layout(environment_, dir_ / "castra.toml", ""); }

    BootstrapSubject subject() {
        BootstrapSubject about{{}, "boot-1", "sha256:base", {}, {}, Artifact(), {}};
        about.vm.name = "web-0";
        about.config.script = "/p/run.sh";
        about.config.mode = mode_;
        about.config.env["TOKEN"] = Secret("secret value");
        about.artifact->artifact_hash = artifact_;
        constexpr std::array<const char*, 4> names{"wait-handshake", "transfer", "apply", "verify"};
        for (std::size_t i = 0; i < names.size(); ++i)
            about.steps.push_back({names[i], Milliseconds(1000), steps_[i]});
        return about;
    }

    // One run; `meanwhile` is called when it waits.
    BootstrapResult run(const std::function<void(Gate& cancel, Gate& gone)>& meanwhile = {}) {
        events_.clear();
        asio::io_context loop(1);
        Gate cancel(loop.get_executor());
        Gate gone(loop.get_executor());
        BootstrapResult result;
        EventBus bus({"01ARYZ6S41000000000000000" + std::to_string(runs_++), "up", "p"}, clock_, {},
                     {.mode = ContractMode::strict});
        bus.add_sink(std::make_unique<Told>(events_));
        contract::CommandAccepted accepted;
        accepted.running.push_back({"web-0", "boot-1"});
        bus.publish(contract::draft(accepted, "up"));
        const auto where = layout();
        Pipeline pipeline(where, clock_, handshakes_);
        auto all = [&]() -> Task<> {
            auto about = subject();
            auto plan = co_await plan_bootstrap(std::move(about), where, cancel);
            planned_ = plan.event;
            result = co_await pipeline.run(bus, std::move(plan), cancel, gone);
        };
        asio::co_spawn(loop, all(), [](const std::exception_ptr& thrown) {
            if (thrown) std::rethrow_exception(thrown);
        });
        if (meanwhile) asio::post(loop, [&] { asio::post(loop, [&] { meanwhile(cancel, gone); }); });
        loop.run();
        violations_ = bus.violations();
        contract::Summary summary;
        summary.outcome = contract::Outcome::aborted;
        summary.exit_code = 9;
        bus.conclude(std::move(summary), {}, "end");
        EXPECT_EQ(violations_, 0) << "the stream obeys the contract";
        return result;
    }

    std::vector<std::string> told() const {
        std::vector<std::string> out;
        for (const auto& event : events_) {
            const auto type = event["type"].get<std::string>();
            if (!type.starts_with("bootstrap.")) continue;
            out.push_back(type.substr(10) + (event.contains("step") ? " " + event["step"].get<std::string>() : "") +
                          (event.contains("status") ? " " + event["status"].get<std::string>() : ""));
        }
        return out;
    }
    json last(const std::string& type) const {
        for (auto at = events_.rbegin(); at != events_.rend(); ++at)
            if ((*at)["type"] == type) return *at;
        return {};
    }

    fs::path dir_;
    Environment environment_;
    FakeClock clock_;
    std::vector<std::shared_ptr<FakeStep>> steps_;
    Handshakes* handshakes_ = nullptr;
    std::string mode_ = "auto", artifact_ = "sha256:one";
    contract::BootstrapPlanned planned_;
    std::vector<json> events_;
    std::int64_t violations_ = 0;
    int runs_ = 0;
};

const std::vector<std::string> all_succeed{"planned",
                                           "started",
                                           "step wait-handshake success",
                                           "step transfer success",
                                           "step apply success",
                                           "step verify success",
                                           "completed success"};

TEST_F(PipelineOfFakes, RunsEveryStepInOrderAndTellsIt) {
    EXPECT_EQ(run().end, BootstrapEnd::success);
    EXPECT_EQ(told(), all_succeed);
    EXPECT_EQ(planned_.action, PlannedAction::would_run);
    EXPECT_EQ(planned_.reason, "never bootstrapped since its launch");
}

TEST_F(PipelineOfFakes, DoesNothingASecondTime) {
    run();
    EXPECT_EQ(run().end, BootstrapEnd::noop);
    EXPECT_EQ(told(),
              (std::vector<std::string>{"planned", "started", "step wait-handshake success", "step transfer skipped",
                                        "step apply skipped", "step verify skipped", "completed noop"}));
    EXPECT_EQ(planned_.action, PlannedAction::would_skip);
    EXPECT_EQ(steps_[2]->applied, 1);
}

TEST_F(PipelineOfFakes, RunsAgainWhenTheGuestDeniesIt) {
    run();
    steps_[1]->proves = sdk::StepStatus::failed; // also after it ran: that is a failure then
    EXPECT_EQ(run().end, BootstrapEnd::failed);
    EXPECT_EQ(steps_[1]->applied, 2);
    steps_[1]->proves = sdk::StepStatus::success;
    EXPECT_EQ(run().end, BootstrapEnd::success);
    EXPECT_EQ(steps_[2]->applied, 2) << "what comes after a step that ran runs, too";
}

TEST_F(PipelineOfFakes, RunsAgainWhenSomethingChanged) {
    run();
    artifact_ = "sha256:two";
    steps_[2]->plan_.hash = "a2";
    steps_[3]->plan_.hash = "v2";
    EXPECT_EQ(run().end, BootstrapEnd::success);
    EXPECT_EQ(planned_.action, PlannedAction::would_run);
    EXPECT_EQ(steps_[1]->applied, 1) << "what is unchanged before it is left out";
    EXPECT_EQ(steps_[2]->applied, 2);
}

TEST_F(PipelineOfFakes, RunsEverythingWhenModeIsAlways) {
    run();
    mode_ = "always";
    EXPECT_EQ(run().end, BootstrapEnd::success);
    EXPECT_EQ(told(), all_succeed);
    EXPECT_EQ(last("bootstrap.started")["trigger"], "always");
}

TEST_F(PipelineOfFakes, OnlyPlansWhenModeIsSkip) {
    mode_ = "skip";
    EXPECT_EQ(run().end, BootstrapEnd::skipped);
    EXPECT_EQ(told(), (std::vector<std::string>{"planned"}));
}

TEST_F(PipelineOfFakes, FailsAtAStepAndGoesOnThere) {
    sdk::StepOutcome bad;
    bad.status = sdk::StepStatus::failed;
    bad.error = sdk::RefusalText{"script_failed", "exit code 3", "last output: no", "", "mend it"};
    steps_[2]->outcome = bad;
    EXPECT_EQ(run().end, BootstrapEnd::failed);
    EXPECT_EQ(told(), (std::vector<std::string>{"planned", "started", "step wait-handshake success",
                                                "step transfer success", "step apply failed", "failed apply"}));
    const auto failed = last("bootstrap.failed");
    EXPECT_EQ(failed["error"]["code"], "script_failed");
    EXPECT_EQ(failed["error"]["detail"], "last output: no");
    EXPECT_EQ(failed["remediation"], "mend it");
    const auto log =
        json::parse(*files::read(fs::path(failed["log_path"].get<std::string>()).replace_extension(".json"), 1 << 20));
    EXPECT_EQ(log["status"], "failed");
    EXPECT_EQ(log["error"]["step"], "apply");
    EXPECT_EQ(log["steps"].size(), 3U);

    steps_[2]->outcome = sdk::StepOutcome();
    EXPECT_EQ(run().end, BootstrapEnd::success);
    EXPECT_EQ(planned_.reason.substr(0, 23), "continues at step apply");
    EXPECT_EQ(steps_[1]->applied, 1);
}

TEST_F(PipelineOfFakes, BelievesAScriptThatFoundNothingToDo) {
    sdk::StepOutcome nothing;
    nothing.noop = true;
    steps_[2]->outcome = nothing;
    EXPECT_EQ(run().end, BootstrapEnd::noop);
    EXPECT_EQ(told().back(), "completed noop");
}

TEST_F(PipelineOfFakes, IsCancelledInTheMiddle) {
    steps_[2]->hangs = true;
    EXPECT_EQ(run([](Gate& cancel, Gate&) { cancel.open(); }).end, BootstrapEnd::cancelled);
    EXPECT_EQ(last("bootstrap.failed")["error"]["code"], "cancelled");
}

TEST_F(PipelineOfFakes, SaysSoWhenTheGuestHasGone) {
    steps_[2]->hangs = true;
    EXPECT_EQ(run([](Gate&, Gate& gone) { gone.open(); }).end, BootstrapEnd::failed);
    EXPECT_EQ(last("bootstrap.failed")["error"]["code"], "guest_gone");
}

TEST_F(PipelineOfFakes, HandsTheHandshakeOfThisBootToTheStep) {
    FakeHandshakes handshakes;
    handshakes_ = &handshakes;
    run();
    EXPECT_EQ(handshakes.asked_for, "boot-1");
    EXPECT_EQ(steps_[0]->applied_with["handshake"]["state"], "granted");
    handshakes.answer = fail(ErrorCode::timeout, "nothing heard");
    run();
    EXPECT_EQ(steps_[0]->applied_with["handshake"]["state"], "timeout");
}

TEST_F(PipelineOfFakes, TellsNoSecretInPlanAndHandsItOnlyToSteps) {
    run();
    EXPECT_EQ(steps_[1]->planned_with.dump().find("secret value"), std::string::npos);
    EXPECT_EQ(steps_[1]->applied_with["env"]["TOKEN"], "secret value");
    for (const auto& event : events_)
        EXPECT_EQ(event.dump().find("secret value"), std::string::npos) << event;
    for (const auto& entry : fs::recursive_directory_iterator(dir_)) {
        if (!entry.is_regular_file()) continue;
        EXPECT_EQ(files::read(entry.path(), 1 << 20)->find("secret value"), std::string::npos) << entry.path();
    }
}

TEST_F(PipelineOfFakes, IsAnErrorOfThePlanWhenAStepSaysSo) {
    steps_[1]->plan_.action = sdk::StepAction::error;
    steps_[1]->plan_.reason = "no way to the guest";
    EXPECT_EQ(run().end, BootstrapEnd::failed);
    EXPECT_EQ(told(), (std::vector<std::string>{"planned"}));
    EXPECT_EQ(last("bootstrap.planned")["action"], "error");
    EXPECT_EQ(last("bootstrap.planned")["severity"], "error");
}

TEST_F(PipelineOfFakes, ForgetsWhatAnotherIncarnationDid) {
    run();
    BootstrapRecord record = *load_bootstrap_record(layout(), "web-0", "boot-1");
    record.incarnation = "boot-0";
    ASSERT_TRUE(save_bootstrap_record(layout(), "web-0", record));
    EXPECT_EQ(run().end, BootstrapEnd::success);
    EXPECT_EQ(told(), all_succeed);
}

TEST_F(PipelineOfFakes, KeepsTheLogsOfTheLastRunsOnly) {
    const auto logs = layout().bootstrap_log_dir("web-0");
    fs::create_directories(logs);
    for (int i = 0; i < 40; ++i)
        ASSERT_TRUE(files::replace(logs / ("00RUN" + std::to_string(100 + i) + ".json"), "{}", false));
    run();
    EXPECT_EQ(std::distance(fs::directory_iterator(logs), fs::directory_iterator()), 19 + 2);
}

} // namespace
} // namespace castra
