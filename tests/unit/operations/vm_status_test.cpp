// SPDX-License-Identifier: Apache-2.0
#include "operations/status_watch.hpp"

#include "host/system_process.hpp"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace castra {
namespace {

TEST(VmStatus, IsJudgedByTheProcessBeforeTheRecord) {
    Observation seen;
    seen.phase = "ready";
    EXPECT_EQ(judge(seen).state, VmState::failed) << "never launched, nobody works on it";
    seen.supervised = true;
    EXPECT_EQ(judge(seen).state, VmState::preparing);
    seen.pid = 7;
    EXPECT_EQ(judge(seen).state, VmState::failed) << "its process ended";
    seen.process_lives = true;
    EXPECT_EQ(judge(seen).state, VmState::ready);
    seen.phase = "stopping";
    EXPECT_EQ(judge(seen).state, VmState::stopping);
    EXPECT_EQ(judge(seen).why.find("gone"), std::string::npos);
    seen.supervised = false;
    EXPECT_NE(judge(seen).why.find("by a castra that is gone"), std::string::npos);
    seen.phase = "ready";
    seen.same_boot = false;
    EXPECT_EQ(judge(seen).state, VmState::failed) << "a number of another boot means nothing";
}

TEST(VmStatus, CallsRunningWhatNobodyWatched) {
    Observation seen{"launched", 7, true, true, true};
    EXPECT_EQ(judge(seen).state, VmState::booting);
    seen.supervised = false;
    EXPECT_EQ(judge(seen).state, VmState::running);
    seen.phase = "adopted";
    seen.supervised = true;
    EXPECT_EQ(judge(seen).state, VmState::running);
}

TEST(VmStatus, TellsOfARestartThatIsDueOnlyWhileSomebodyWillDoIt) {
    Observation seen{"ready", 7, true, false, true, 300, 2};
    EXPECT_NE(judge(seen).why.find("restart 2 follows in 300 ms"), std::string::npos);
    seen.supervised = false;
    EXPECT_EQ(judge(seen).why.find("restart"), std::string::npos);
}

TEST(VmStatus, HasNoProcessInAnyStateThatTheProcessDoesNotBackUp) {
    for (const auto* phase : {"preparing", "launched", "ready", "adopted", "", "nonsense"})
        for (const bool supervised : {false, true})
            for (const bool same_boot : {false, true})
                EXPECT_FALSE(has_process(judge({phase, 7, same_boot, false, supervised}).state)) << phase;
}

// A value of a type that castra does not write, in a record that is read whole.
TEST(VmStatus, IsUnknownWhenItsRecordHasAnythingElseInIt) {
    std::string dir = testing::TempDir() + "castra-status.XXXXXX";
    ASSERT_NE(::mkdtemp(dir.data()), nullptr);
    Environment environment;
    environment.castra_home = dir + "/home";
    const Layout layout(environment, dir + "/castra.toml", "");
    asio::io_context loop;
    SystemClock clock;
    const auto host = make_system_host(loop, clock);
    const auto boot_id = host->boot_id();
    EXPECT_FALSE(vm_status(*host, layout, "web", boot_id, false)) << "there is no record";
    std::filesystem::create_directories(layout.vm_dir("web"));
    const nlohmann::json record{{"name", "web"},
                                {"phase", "ready"},
                                {"boot_id", boot_id},
                                {"pid", ::getpid()},
                                {"start_ticks", start_ticks_of(::getpid()).value()}};
    auto look = [&](const nlohmann::json& odd) {
        auto json = record;
        json.update(odd);
        std::ofstream(layout.vm_record("web")) << json.dump(1);
        return vm_status(*host, layout, "web", boot_id, false).value();
    };
    EXPECT_EQ(look(nlohmann::json::object()).state, "ready");
    for (const auto* odd :
         {R"({"plan": {"accelerator": 7}})", R"({"plan": "x"})", R"({"spec": {"port_forwards": 7}})",
          R"({"spec": {"port_forwards": [1, 2]}})", R"({"spec": {"port_forwards": [{"host": "x"}]}})",
          R"({"spec": {"port_forwards": [{"host": 70000}]}})", R"({"pid": "x"})", R"({"name": []})"}) {
        const auto seen = look(nlohmann::json::parse(odd));
        EXPECT_EQ(seen.state, "unknown") << odd;
        EXPECT_NE(seen.why.find("record.json is damaged"), std::string::npos) << seen.why;
    }
    std::filesystem::remove_all(dir);
}

VmStatus vm(const std::string& name, const std::string& state, std::int64_t pid = 0) {
    VmStatus status;
    status.name = name;
    status.state = state;
    status.pid = pid;
    return status;
}

ProjectStatus project(const std::string& dir, std::vector<VmStatus> vms) {
    ProjectStatus status;
    status.state_dir = dir;
    status.vms = std::move(vms);
    return status;
}

TEST(StatusWatch, TellsOfWhatDiffersOnly) {
    auto older = vm("b", "ready", 2);
    auto younger = older;
    younger.up_ms = 5000; // time that merely passes
    const auto changes =
        changes_between({project("/p", {vm("a", "ready", 1), older})}, {project("/p", {vm("a", "failed"), younger})});
    ASSERT_EQ(changes.size(), 1U);
    ASSERT_EQ(changes[0].vms.size(), 1U);
    EXPECT_EQ(changes[0].vms[0].name, "a");
    EXPECT_EQ(changes[0].vms[0].state, "failed");
    EXPECT_TRUE(changes_between({project("/p", {older})}, {project("/p", {younger})}).empty());
}

TEST(StatusWatch, TellsOfNewProjectsAndOfVmsThatAreGone) {
    const auto changes = changes_between({project("/p", {vm("a", "ready", 1)})},
                                         {project("/p", {}), project("/q", {vm("x", "ready", 3)})});
    ASSERT_EQ(changes.size(), 2U);
    EXPECT_EQ(changes[0].vms[0].state, "absent");
    EXPECT_EQ(changes[1].vms[0].name, "x");
}

TEST(StatusWatch, TellsOfASupervisorThatIsGone) {
    auto before = project("/p", {});
    before.supervised = true;
    EXPECT_EQ(changes_between({before}, {project("/p", {})}).size(), 1U);
}

} // namespace
} // namespace castra
