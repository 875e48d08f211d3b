// SPDX-License-Identifier: Apache-2.0
// The embedding API as an embedder sees it: outcomes, events while they happen, cancelling, reporters that misbehave,
// two kernels at once.
#include "operations/kernel.hpp"
#include "operations/process_broker_launcher.hpp"

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <mutex>
#include <thread>

namespace castra {
namespace {

namespace fs = std::filesystem;
using contract::Outcome;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Keeps what it is told, and lets a test wait for a type.
class Listener : public Reporter {
public:
    void event(const ReportedEvent& event) override {
        const std::scoped_lock lock(mutex_);
        types_.emplace_back(event.type);
        seqs_.push_back(event.seq);
        ends_with_line_feed_ = ends_with_line_feed_ && event.line.ends_with('\n');
        changed_.notify_all();
    }
    void diagnostic(const Diagnostic& found) override {
        const std::scoped_lock lock(mutex_);
        found_.push_back(found);
    }
    bool waits_for(const std::string& type) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(60),
                                 [&] { return std::ranges::find(types_, type) != types_.end(); });
    }
    std::vector<std::string> types() const { return types_; } // after the operation
    const std::vector<Diagnostic>& diagnostics() const { return found_; }
    bool is_gapless() const {
        for (std::size_t i = 0; i < seqs_.size(); ++i)
            if (seqs_[i] != static_cast<std::int64_t>(i) + 1) return false;
        return ends_with_line_feed_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> types_;
    std::vector<std::int64_t> seqs_;
    std::vector<Diagnostic> found_;
    bool ends_with_line_feed_ = true;
};

class Embedding : public ::testing::Test {
protected:
    Embedding() {
        std::string name = fs::temp_directory_path() / "castra-embed-XXXXXX";
        dir_ = ::mkdtemp(name.data());
    }
    ~Embedding() override {
        for (const auto& config : configs_) { // nothing outlives a test
            Kernel kernel(options(config));
            Listener listener;
            kernel.down({}, listener);
        }
        std::error_code ignored;
        fs::remove_all(dir_, ignored);
    }
    fs::path write(const std::string& name, const std::string& options) {
        const auto file = dir_ / name / "castra.toml";
        fs::create_directories(file.parent_path());
        std::ofstream(file) << "[project]\nname = \"" + name + "\"\n[[vms]]\nname = \"m\"\nlauncher = \"process\"\n" +
                                   "[vms.options]\n" + options;
        configs_.push_back(file);
        return file;
    }
    KernelOptions options(const fs::path& config) const {
        return {.prefix = CASTRA_BINARY_DIR, .config = config, .castra_home = (dir_ / "home").string()};
    }

    const std::string sleeper_ = "command = [\"/bin/sleep\", \"1000\"]\n";
    const std::string never_ready_ = "command = [\"/bin/sleep\", \"1000\"]\nready = \"notify\"\n";
    fs::path dir_;
    std::vector<fs::path> configs_;
};

TEST_F(Embedding, UpStatusDownAndClean) {
    Kernel kernel(options(write("p", sleeper_)));
    Listener up, status, down, clean;
    const auto began = kernel.up({}, up);
    EXPECT_EQ(began.outcome, Outcome::succeeded) << began.message;
    EXPECT_EQ(began.exit_code, 0);
    ASSERT_EQ(began.vms.size(), 1U);
    EXPECT_EQ(began.vms[0].vm, "m-0");
    EXPECT_EQ(began.vms[0].final_state, "ready");
    EXPECT_FALSE(began.run_id.empty());
    EXPECT_THAT(began.diagnostics, IsEmpty());
    EXPECT_THAT(up.types(), ElementsAre("command.accepted", "vm.launch", "vm.ready", "summary"));
    EXPECT_TRUE(up.is_gapless());

    const auto told = kernel.status({}, status);
    EXPECT_TRUE(told.succeeded());
    ASSERT_EQ(told.vms.size(), 1U);
    EXPECT_EQ(told.vms[0].final_state, "ready");

    const auto ended = kernel.down({}, down);
    EXPECT_TRUE(ended.succeeded()) << ended.message;
    EXPECT_THAT(down.types(), Contains("vm.exited"));
    EXPECT_EQ(down.types().back(), "summary");

    const auto cleaned = kernel.clean({}, clean);
    EXPECT_TRUE(cleaned.succeeded()) << cleaned.message;
    EXPECT_EQ(clean.types().back(), "summary");
}

// A broker of the embedder's, which castra.toml does not name.
TEST_F(Embedding, TheBrokerIsTheOneThatTheEmbedderLaunches) {
    Kernel kernel(options(write("p", sleeper_)));
    Listener up, again, down, without;
    {
        ProcessBrokerLauncher launcher(fs::path(CASTRA_BINARY_DIR) / "bin/castra");
        const auto began = kernel.up({}, launcher, up);
        EXPECT_TRUE(began.succeeded()) << began.message;
    } // not asked again: what runs stays
    EXPECT_THAT(up.types(), ElementsAre("command.accepted", "broker.started", "vm.launch", "vm.ready", "summary"));
    EXPECT_TRUE(kernel.up({}, again).succeeded());
    EXPECT_THAT(again.types(), ElementsAre("command.accepted", "summary"));
    EXPECT_TRUE(kernel.down({}, down).succeeded());
    EXPECT_THAT(down.types(), Contains("broker.stopped"));
    NoBrokerLauncher none;
    EXPECT_TRUE(kernel.up({}, none, without).succeeded());
    EXPECT_THAT(without.types(), ElementsAre("command.accepted", "vm.launch", "vm.ready", "summary"));
}

TEST_F(Embedding, ABrokerAloneIsEndedByDown) {
    Kernel kernel(options(write("p", sleeper_)));
    ProcessBrokerLauncher launcher(fs::path(CASTRA_BINARY_DIR) / "bin/castra");
    UpOptions options;
    options.broker_only = true;
    Listener up, down;
    EXPECT_TRUE(kernel.up(options, launcher, up).succeeded());
    EXPECT_THAT(up.types(), ElementsAre("command.accepted", "broker.started", "summary"));
    EXPECT_TRUE(kernel.down({}, down).succeeded());
    EXPECT_THAT(down.types(), ElementsAre("command.accepted", "broker.stopped", "summary"));
}

struct ThrowingLauncher : BrokerLauncher {
    std::string id() const override { return "mine"; }
    Result<sdk::BrokerPlan> plan(const sdk::BrokerPlanRequest&) override { throw std::runtime_error("no plan today"); }
};

TEST_F(Embedding, ABrokerLauncherThatFailsIsADiagnosticAndNothingIsStarted) {
    Kernel kernel(options(write("p", sleeper_)));
    ThrowingLauncher thrower;
    ProcessBrokerLauncher guesser("castra"), lost(dir_ / "nowhere");
    const std::pair<BrokerLauncher*, const char*> bad[] = {
        {&thrower, "no plan today"}, {&guesser, "no absolute path"}, {&lost, "cannot be run"}};
    for (const auto& [launcher, why] : bad) {
        Listener listener;
        const auto outcome = kernel.up({}, *launcher, listener);
        EXPECT_EQ(outcome.outcome, Outcome::failed);
        EXPECT_TRUE(outcome.is_over);
        ASSERT_FALSE(outcome.diagnostics.empty());
        EXPECT_THAT(outcome.diagnostics[0].text, HasSubstr(why));
        EXPECT_THAT(listener.types(), ElementsAre("command.rejected", "summary"));
    }
}

TEST_F(Embedding, WhatIsRefusedIsAnOutcomeWithDiagnostics) {
    Kernel kernel(options(dir_ / "nowhere/castra.toml"));
    Listener listener;
    const auto outcome = kernel.up({}, listener);
    EXPECT_EQ(outcome.outcome, Outcome::failed);
    EXPECT_EQ(outcome.exit_code, 3);
    EXPECT_THAT(listener.types(), ElementsAre("command.rejected", "summary"));
    ASSERT_FALSE(outcome.diagnostics.empty());
    EXPECT_EQ(outcome.diagnostics[0].code, "config_not_found");
    EXPECT_THAT(outcome.diagnostics[0].text, HasSubstr("nowhere/castra.toml"));
    EXPECT_FALSE(outcome.diagnostics[0].remediation.empty());
    ASSERT_EQ(listener.diagnostics().size(), outcome.diagnostics.size());
    EXPECT_FALSE(fs::exists(dir_ / "home")) << "nothing is created";
}

TEST_F(Embedding, TellsEventsWhileTheyHappenAndIsCancelled) {
    Kernel kernel(options(write("p", never_ready_)));
    Listener listener;
    std::stop_source stop;
    OperationOutcome outcome;
    std::thread embedder([&] {
        UpOptions options;
        options.cancel = stop.get_token();
        outcome = kernel.up(options, listener);
    });
    EXPECT_TRUE(listener.waits_for("vm.launch")) << "before the operation has returned";
    stop.request_stop();
    embedder.join();
    EXPECT_TRUE(outcome.is_over);
    EXPECT_EQ(outcome.outcome, Outcome::cancelled) << outcome.message;
    EXPECT_EQ(outcome.exit_code, 130);
    EXPECT_EQ(listener.types().back(), "summary");
    Listener after;
    const auto status = kernel.status({}, after);
    ASSERT_EQ(status.vms.size(), 1U);
    EXPECT_EQ(status.vms[0].final_state, "absent") << "what it began was undone";
}

TEST_F(Embedding, EndsByItselfWhenItsTimeIsOver) {
    Kernel kernel(options(write("p", never_ready_)));
    Listener listener;
    UpOptions options;
    options.wait_max = std::chrono::milliseconds(500);
    const auto outcome = kernel.up(options, listener);
    EXPECT_TRUE(outcome.is_over);
    EXPECT_EQ(outcome.outcome, Outcome::cancelled) << outcome.message;
}

class Thrower : public Reporter {
public:
    void event(const ReportedEvent&) override {
        ++calls;
        throw std::runtime_error("no more");
    }
    int calls = 0;
};

TEST_F(Embedding, AReporterThatThrowsIsLetGoAndTheOperationGoesOn) {
    Kernel kernel(options(write("p", sleeper_)));
    Thrower thrower;
    const auto outcome = kernel.up({}, thrower);
    EXPECT_TRUE(outcome.succeeded()) << outcome.message;
    EXPECT_EQ(thrower.calls, 1);
    ASSERT_EQ(outcome.vms.size(), 1U) << "the outcome is known nevertheless";
}

class Blocker : public Reporter {
public:
    void event(const ReportedEvent&) override {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return may_go; });
    }
    std::mutex mutex;
    std::condition_variable changed;
    bool may_go = false;
};

TEST_F(Embedding, AReporterThatNeverReturnsHoldsNothingUpForEver) {
    Blocker blocker;
    Kernel kernel(options(write("p", sleeper_)));
    const auto outcome = kernel.up({}, blocker);
    EXPECT_TRUE(outcome.succeeded()) << outcome.message;
    EXPECT_FALSE(outcome.is_over) << "its reporter is still in use";
    {
        const std::scoped_lock lock(blocker.mutex);
        blocker.may_go = true;
    }
    blocker.changed.notify_all();
    Listener listener;
    EXPECT_TRUE(kernel.down({}, listener).succeeded()) << "the kernel itself is fine";
}

TEST_F(Embedding, TwoKernelsInOneProcessAtOnce) {
    Kernel one(options(write("one", sleeper_))), two(options(write("two", sleeper_)));
    Listener first, second;
    OperationOutcome up_one, up_two;
    std::thread other([&] { up_two = two.up({}, second); });
    up_one = one.up({}, first);
    other.join();
    EXPECT_TRUE(up_one.succeeded() && up_two.succeeded()) << up_one.message << up_two.message;
    EXPECT_NE(up_one.run_id, up_two.run_id);
    EXPECT_TRUE(first.is_gapless() && second.is_gapless());
    Listener down_one, down_two;
    std::thread ending([&] { up_two = two.down({}, down_two); });
    up_one = one.down({}, down_one);
    ending.join();
    EXPECT_TRUE(up_one.succeeded() && up_two.succeeded()) << up_one.message << up_two.message;
}

TEST_F(Embedding, TwoKernelsOfOneProjectTakeTurns) {
    const auto config = write("p", sleeper_);
    Kernel one(options(config)), two(options(config));
    Listener first, second, third;
    ASSERT_TRUE(one.up({}, first).succeeded());
    const auto refused = two.down({}, second);
    EXPECT_EQ(refused.exit_code, 5) << refused.message;
    ASSERT_FALSE(refused.diagnostics.empty());
    EXPECT_EQ(refused.diagnostics[0].code, "busy");
    EXPECT_TRUE(one.down({}, third).succeeded());
    Listener fourth;
    EXPECT_TRUE(two.up({}, fourth).succeeded()) << "nobody has it any more";
}

TEST_F(Embedding, VmsOutliveTheirKernelAndTheNextOneAdoptsThem) {
    const auto config = write("p", sleeper_);
    Listener listener;
    {
        Kernel kernel(options(config));
        ASSERT_TRUE(kernel.up({}, listener).succeeded());
    }
    Kernel kernel(options(config));
    Listener status, down;
    const auto told = kernel.status({}, status);
    ASSERT_EQ(told.vms.size(), 1U);
    EXPECT_EQ(told.vms[0].final_state, "ready");
    EXPECT_TRUE(kernel.down({}, down).succeeded());
    EXPECT_THAT(down.types(), Contains("vm.exited"));
}

} // namespace
} // namespace castra
