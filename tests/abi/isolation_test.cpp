// SPDX-License-Identifier: Apache-2.0
// What a plugin can do to the process it runs in, and what castra then does: an error of the call, a fault, no process
// left, and the file in quarantine until it is another file.
#include "corpus.hpp"

#include "castra/abi/bootstrap_step.h"
#include "castra/abi/broker_launcher.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"
#include "plugin/sha256.hpp"

#include <gmock/gmock.h>
#include <sys/eventfd.h>
#include <thread>

namespace castra {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class FaultHost : public RecordingHost {
public:
    void log(std::string_view plugin, PluginLogLevel level, std::string_view text) override {
        const std::scoped_lock lock(mutex);
        RecordingHost::log(plugin, level, text);
    }
    void fault(std::string_view plugin, std::string_view what) override {
        const std::scoped_lock lock(mutex);
        faults.push_back(std::string(plugin) + " " + std::string(what));
    }
    std::mutex mutex;
    std::vector<std::string> faults;
};

bool is_running(int pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(status, text);
    return !text.empty() && text.find(") Z") == std::string::npos;
}

class Isolation : public Corpus {
protected:
    Isolation() {
        policy.limits.grace = milliseconds(300);
        rebuild();
    }
    // A registry that remembers nothing but what is on disk.
    void rebuild() { isolated = std::make_unique<PluginRegistry>(faults, policy); }

    PluginInstance make(const std::string& kind, const json& config = json::object()) {
        const auto loaded = isolated->load(plugin("bad-behaviour"));
        if (!loaded) throw std::runtime_error(loaded.error().text);
        auto instance = isolated->create("bad-behaviour", kind, config);
        if (!instance) throw std::runtime_error(instance.error().text);
        return *std::move(instance);
    }
    int pid_of(PluginInstance& reporter) {
        const auto answer = reporter.call(CASTRA_REPORTER_OPEN, {{"do", "open:pid"}});
        return answer ? answer->value("pid", 0) : 0;
    }
    CallOptions soon() { return {.deadline = steady_clock::now() + milliseconds(300), .cancel_fd = -1}; }
    std::string refusal() {
        const auto loaded = isolated->load(plugin("bad-behaviour"));
        return loaded ? "(loaded)" : loaded.error().text + " | " + loaded.error().hint;
    }

    FaultHost faults;
    PluginPolicy policy = test_policy(dir.path());
    std::unique_ptr<PluginRegistry> isolated;
};

struct Misdeed {
    const char* what;
    const char* said;
};
// The slot in which it happens, and the name that the plugin has for it.
struct Place {
    const char* kind;
    std::uint32_t slot;
    const char* word;
    std::uint32_t other_slot;
};
class Misdeeds : public Isolation, public ::testing::WithParamInterface<std::tuple<Place, Misdeed>> {
protected:
    const Place place = std::get<0>(GetParam());
    const Misdeed misdeed = std::get<1>(GetParam());
    json request(const std::string& what) const { return {{"do", std::string(place.word) + ":" + what}}; }
    int pid_of(PluginInstance& instance) const {
        const auto answer = instance.call(place.slot, request("pid"));
        return answer ? answer->value("pid", 0) : 0;
    }
};

TEST_P(Misdeeds, EndTheCallAndThePluginAndNobodyElse) {
    auto good = make(place.kind);
    auto bad = make(place.kind);
    const auto pid = pid_of(bad);
    ASSERT_NE(pid, 0);
    ASSERT_NE(pid, pid_of(good)) << "each instance has a process of its own";
    const auto began = steady_clock::now();
    const auto answer = bad.call(place.slot, request(misdeed.what), soon());
    EXPECT_LT(steady_clock::now() - began, std::chrono::seconds(20));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::plugin);
    EXPECT_THAT(answer.error().text, AllOf(HasSubstr("plugin bad-behaviour, " + std::string(place.word) + ": "),
                                           ContainsRegex(misdeed.said)));
    EXPECT_FALSE(is_running(pid));
    const auto again = bad.call(place.other_slot, json::object());
    ASSERT_FALSE(again);
    EXPECT_THAT(again.error().text, ContainsRegex(misdeed.said)) << "the first reason stays";
    ASSERT_EQ(faults.faults.size(), 1U);
    EXPECT_THAT(faults.faults[0], AllOf(HasSubstr("bad-behaviour "), ContainsRegex(misdeed.said)));
    EXPECT_TRUE(good.call(place.slot, json::object())) << "the other instance felt it";

    rebuild();
    const auto digest = sha256_of_file(plugin("bad-behaviour"));
    ASSERT_TRUE(digest);
    EXPECT_THAT(refusal(), AllOf(HasSubstr("is in quarantine: it "), ContainsRegex(misdeed.said), HasSubstr("rebuild"),
                                 HasSubstr(*digest)));
    const auto entries = PluginQuarantine(policy.quarantine_dir).list();
    ASSERT_EQ(entries.size(), 1U);
    EXPECT_EQ(entries[0].plugin, "bad-behaviour");
    EXPECT_EQ(entries[0].sha256, *digest);
}

INSTANTIATE_TEST_SUITE_P(
    Each, Misdeeds,
    ::testing::Combine(
        ::testing::Values(
            Place{CASTRA_REPORTER_V1, CASTRA_REPORTER_EVENTS, "events", CASTRA_REPORTER_CLOSE},
            Place{CASTRA_LAUNCHER_V1, CASTRA_LAUNCHER_PLAN, "plan", CASTRA_LAUNCHER_EXPLAIN_EXIT},
            Place{CASTRA_BROKER_LAUNCHER_V1, CASTRA_BROKER_LAUNCHER_PLAN, "plan", CASTRA_BROKER_LAUNCHER_PLAN},
            Place{CASTRA_BOOTSTRAP_STEP_V1, CASTRA_BOOTSTRAP_STEP_APPLY, "apply", CASTRA_BOOTSTRAP_STEP_VERIFY}),
        ::testing::Values(Misdeed{"crash", "was ended by SIGSEGV"}, Misdeed{"abort", "was ended by SIGABRT"},
                          Misdeed{"exit", "ended itself with exit code 0"}, Misdeed{"hang", "did not answer within "},
                          Misdeed{"steal-signals-and-hang", "did not answer within "},
                          Misdeed{"fork-and-exit", "ended itself with exit code 0"},
                          Misdeed{"garbage", "wrote something that is no frame"},
                          Misdeed{"flood", "wrote something that is no frame"},
                          Misdeed{"gib-frame", "announced a frame of 1073741824 bytes; at most 4194304 are taken"},
                          Misdeed{"close", "closed its connection to castra|ended itself with exit code 0"})),
    [](const auto& test) {
        std::string name = std::get<0>(test.param).kind;
        name = name.substr(7, name.size() - 9) + "_" + std::get<1>(test.param).what;
        std::erase(name, '-');
        return name;
    });

TEST_F(Isolation, LeavesNoGrandchild) {
    for (const auto* what : {"open:fork", "open:fork-and-exit"}) {
        auto reporter = std::make_unique<PluginInstance>(make(CASTRA_REPORTER_V1));
        (void)reporter->call(CASTRA_REPORTER_OPEN, {{"do", what}}, soon());
        reporter.reset();
    }
    ASSERT_EQ(faults.logged.size(), 2U);
    for (const auto& line : faults.logged) {
        const auto pid = std::stoi(line.substr(line.rfind(' ') + 1));
        // It was killed; whoever is its parent now reaps it.
        for (int i = 0; i < 500 && is_running(pid); ++i)
            std::this_thread::sleep_for(milliseconds(10));
        EXPECT_FALSE(is_running(pid)) << line;
    }
}

TEST_F(Isolation, RefusesAReplyOfOneGibibyteAndGoesOn) {
    auto reporter = make(CASTRA_REPORTER_V1);
    const auto answer = reporter.call(CASTRA_REPORTER_OPEN, {{"do", "open:gib-reply"}});
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().text, HasSubstr("replied more than 16 MiB"));
    EXPECT_TRUE(reporter.call(CASTRA_REPORTER_EVENTS, json::object()));
    auto launcher = make(CASTRA_LAUNCHER_V1);
    const auto plan = launcher.call(CASTRA_LAUNCHER_PLAN, {{"do", "plan:gib-reply"}});
    ASSERT_FALSE(plan);
    EXPECT_THAT(plan.error().text, HasSubstr("replied more than 16 MiB"));
    auto step = make(CASTRA_BOOTSTRAP_STEP_V1);
    const auto applied = step.call(CASTRA_BOOTSTRAP_STEP_APPLY, {{"do", "apply:gib-reply"}});
    ASSERT_FALSE(applied);
    EXPECT_THAT(applied.error().text, HasSubstr("replied more than 16 MiB"));
    EXPECT_TRUE(faults.faults.empty());
}

TEST_F(Isolation, BoundsWhatIsLogged) {
    policy.limits.host_calls_per_second_max = 50;
    rebuild();
    auto reporter = make(CASTRA_REPORTER_V1);
    const auto began = steady_clock::now();
    ASSERT_TRUE(reporter.call(CASTRA_REPORTER_OPEN, {{"do", "open:log-flood"}},
                              {.deadline = began + std::chrono::seconds(60), .cancel_fd = -1}));
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(steady_clock::now() - began).count();
    EXPECT_LE(faults.logged.size(), static_cast<std::size_t>(52 * (seconds + 2)));
}

TEST_F(Isolation, EndsACallThatIsCancelledAndGoesOn) {
    auto step = make(CASTRA_BOOTSTRAP_STEP_V1);
    const int cancel_fd = ::eventfd(1, EFD_CLOEXEC);
    const auto answer = step.call(CASTRA_BOOTSTRAP_STEP_APPLY, {{"do", "apply:wait"}}, {{}, cancel_fd});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::cancelled);
    EXPECT_TRUE(step.call(CASTRA_BOOTSTRAP_STEP_VERIFY, json::object()));
    const auto hung = step.call(CASTRA_BOOTSTRAP_STEP_APPLY, {{"do", "apply:hang"}}, {{}, cancel_fd});
    ::close(cancel_fd);
    ASSERT_FALSE(hung);
    EXPECT_THAT(hung.error().text, HasSubstr("did not give up when it was cancelled"));
    EXPECT_EQ(faults.faults.size(), 1U);
    EXPECT_EQ(refusal(), "(loaded)") << "whoever cancels is in no position to call it broken";
}

TEST_F(Isolation, GivesUpACallThatHasNoDeadlineOfItsOwn) {
    policy.limits.report_wait = milliseconds(200);
    rebuild();
    auto reporter = make(CASTRA_REPORTER_V1);
    const auto answer = reporter.call(CASTRA_REPORTER_EVENTS, {{"do", "events:wait"}});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::plugin);
    EXPECT_THAT(answer.error().text, ContainsRegex("did not finish within (199|200) ms"));
    EXPECT_TRUE(reporter.call(CASTRA_REPORTER_CLOSE, json::object())) << "it gave up as it was told to";
}

TEST_F(Isolation, ARebuiltPluginIsFree) {
    {
        auto bad = make(CASTRA_LAUNCHER_V1);
        EXPECT_FALSE(bad.call(CASTRA_LAUNCHER_PLAN, {{"do", "plan:crash"}}));
    }
    EXPECT_THAT(refusal(), HasSubstr("quarantine"));
    std::ofstream(plugin("bad-behaviour"), std::ios::binary | std::ios::app) << "another build";
    EXPECT_EQ(refusal(), "(loaded)");
    auto launcher = isolated->create("bad-behaviour", CASTRA_LAUNCHER_V1, json::object());
    ASSERT_TRUE(launcher);
    EXPECT_TRUE(launcher->call(CASTRA_LAUNCHER_PLAN, json::object()));
}

TEST_F(Isolation, AQuarantinedPluginDoesNotRunInProcessEither) {
    {
        auto bad = make(CASTRA_REPORTER_V1);
        (void)bad.call(CASTRA_REPORTER_OPEN, {{"do", "open:exit"}});
    }
    rebuild();
    const auto loaded =
        isolated->load(plugin("bad-behaviour"), {.sha256 = {}, .isolation = castra::Isolation::in_process});
    ASSERT_FALSE(loaded);
    EXPECT_THAT(loaded.error().text, HasSubstr("is in quarantine"));
}

TEST_F(Isolation, LoadingAndMakingAndDestroyingHaveDeadlinesToo) {
    policy.limits.load_wait = policy.limits.call_wait = policy.limits.destroy_wait = milliseconds(700);
    policy.quarantine_dir.clear();
    rebuild();
    ::setenv("CASTRA_TEST_INIT", "hang", 1);
    EXPECT_THAT(refusal(), AllOf(HasSubstr("plugin bad-behaviour ("), HasSubstr("did not answer within ")));
    ::setenv("CASTRA_TEST_INIT", "crash", 1);
    EXPECT_THAT(refusal(), HasSubstr("was ended by SIGSEGV"));
    ::unsetenv("CASTRA_TEST_INIT");
    policy.limits.load_wait = std::chrono::seconds(20);
    rebuild();
    ASSERT_EQ(refusal(), "(loaded)");
    const auto hung = isolated->create("bad-behaviour", CASTRA_REPORTER_V1, {{"greeting", "create:hang"}});
    ASSERT_FALSE(hung);
    EXPECT_THAT(hung.error().text, HasSubstr("plugin bad-behaviour, create: did not answer within "));
    const auto before = faults.faults.size();
    const auto began = steady_clock::now();
    (void)make(CASTRA_REPORTER_V1, {{"greeting", "destroy:hang"}});
    EXPECT_LT(steady_clock::now() - began, std::chrono::seconds(20));
    EXPECT_EQ(faults.faults.size(), before + 1);
}

TEST_F(Isolation, OutlivesTheThreadThatMadeIt) { // PR_SET_PDEATHSIG would end it here
    std::unique_ptr<PluginInstance> reporter;
    std::thread([&] { reporter = std::make_unique<PluginInstance>(make(CASTRA_REPORTER_V1)); }).join();
    std::this_thread::sleep_for(milliseconds(50));
    EXPECT_TRUE(reporter->call(CASTRA_REPORTER_OPEN, json::object()));
}

TEST_F(Isolation, AnInstanceOutlivesItsRegistry) {
    auto reporter = make(CASTRA_REPORTER_V1);
    isolated.reset();
    EXPECT_TRUE(reporter.call(CASTRA_REPORTER_OPEN, json::object()));
}

TEST_F(Isolation, EndsItsProcessesWhenCastraEnds) {
    auto reporter = make(CASTRA_REPORTER_V1);
    const auto pid = pid_of(reporter);
    isolated->end_processes();
    EXPECT_FALSE(is_running(pid));
    const auto answer = reporter.call(CASTRA_REPORTER_EVENTS, json::object());
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().text, HasSubstr("has been ended"));
    EXPECT_TRUE(faults.faults.empty());
}

TEST_F(Isolation, CannotBeHadWithoutItsProgram) {
    policy.host_program = dir.path() / "nowhere";
    rebuild();
    EXPECT_THAT(refusal(), AllOf(HasSubstr("start a process for plugin bad-behaviour"), HasSubstr("nowhere"),
                                 HasSubstr("install castra again")));
}

TEST_F(Isolation, ByDefaultIsForWhatIsNotOurs) {
    policy.first_party_dir = dir.path() / "ours";
    rebuild();
    place(plugin("good-c"), "ours/good-c.so");
    const auto ours = isolated->load(dir.path() / "ours/good-c.so");
    ASSERT_TRUE(ours) << ours.error().text;
    EXPECT_EQ((*ours)->isolation(), castra::Isolation::in_process);
    const auto theirs = isolated->load(plugin("bad-behaviour"));
    ASSERT_TRUE(theirs) << theirs.error().text;
    EXPECT_EQ((*theirs)->isolation(), castra::Isolation::process);
    const auto asked =
        isolated->load(dir.path() / "ours/good-c.so", {.sha256 = {}, .isolation = castra::Isolation::process});
    ASSERT_TRUE(asked) << asked.error().text;
    EXPECT_EQ((*asked)->isolation(), castra::Isolation::process);
}

TEST_F(Isolation, TakesARequestOfManyFrames) {
    auto reporter = make(CASTRA_REPORTER_V1);
    EXPECT_TRUE(reporter.call(CASTRA_REPORTER_EVENTS, {{"padding", std::string(9 << 20, 'x')}}));
    const auto large = reporter.call(CASTRA_REPORTER_EVENTS, {{"padding", std::string(65 << 20, 'x')}});
    ASSERT_FALSE(large);
    EXPECT_THAT(large.error().text, HasSubstr("is too large"));
}

} // namespace
} // namespace castra
