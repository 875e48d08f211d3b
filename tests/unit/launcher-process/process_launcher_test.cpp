// SPDX-License-Identifier: Apache-2.0
#include "launcher-process/process_launcher.hpp"

#include "castra/sdk/refusal.hpp"

#include <gtest/gtest.h>

namespace castra::launcher_process {
namespace {

using sdk::Json;

sdk::PlanRequest service(Json options = Json::object()) {
    sdk::PlanRequest request;
    request.vm.name = "web-0";
    request.vm.project = "fleet";
    if (!options.contains("command")) options["command"] = {"/usr/bin/serve", "--quiet"};
    request.vm.options = options;
    return request;
}

sdk::LaunchPlan plan(const sdk::PlanRequest& request) {
    return ProcessLauncher().plan(request);
}

// "field_path: title"; "" when nothing was refused. Requirements refuse the same as the plan.
std::string refusal_of(const sdk::PlanRequest& request) {
    std::string texts[2];
    for (const bool planning : {false, true})
        try {
            if (planning)
                ProcessLauncher().plan(request);
            else
                ProcessLauncher().requirements({request.vm});
        } catch (const sdk::Refusal& refusal) {
            EXPECT_FALSE(refusal.text().hint.empty());
            texts[planning] = refusal.text().field_path + ": " + refusal.text().title;
        }
    EXPECT_EQ(texts[0], texts[1]);
    return texts[1];
}

TEST(ProcessLauncher, PlansTheCommandAndTellsItWhoItIs) {
    auto request = service({{"env", {{"MODE", "test"}}}, {"working_dir", "/srv"}});
    request.vm.port_forwards = {{"127.0.0.1", 20080, 80, "tcp"}, {"127.0.0.1", 20443, 443, "tcp"}};
    const auto made = plan(request);
    EXPECT_EQ(made.argv, (std::vector<std::string>{"/usr/bin/serve", "--quiet"}));
    EXPECT_EQ(made.env, (std::map<std::string, std::string>{{"CASTRA_PORT_443", "20443"},
                                                            {"CASTRA_PORT_80", "20080"},
                                                            {"CASTRA_PROJECT", "fleet"},
                                                            {"CASTRA_VM", "web-0"},
                                                            {"MODE", "test"}}));
    EXPECT_EQ(made.working_dir, "/srv");
    EXPECT_EQ(made.accelerator, "none");
    EXPECT_EQ(made.readiness.kind, "started");
    EXPECT_TRUE(made.stop.empty());
    EXPECT_TRUE(made.sockets.empty());
    EXPECT_FALSE(made.identity);
}

TEST(ProcessLauncher, LetsTheProcessTellItsReadiness) {
    const auto made = plan(service({{"ready", "notify"}, {"ready_timeout_secs", 5}}));
    EXPECT_EQ(made.readiness.kind, "notify");
    EXPECT_EQ(made.readiness.deadline_ms, 5000);
    EXPECT_EQ(made.env.at("CASTRA_NOTIFY_FD"), "{fd:notify}");
}

TEST(ProcessLauncher, NeedsItsProgram) {
    const auto needs = ProcessLauncher().requirements({service().vm});
    ASSERT_EQ(needs.programs.size(), 1U);
    EXPECT_EQ(needs.programs[0].name, "/usr/bin/serve");
    EXPECT_TRUE(needs.probes.empty());
}

TEST(ProcessLauncher, RefusesWhatOnlyAMachineHas) {
    auto disk = service();
    disk.vm.base_image = "/img/disk.qcow2";
    EXPECT_EQ(refusal_of(disk), "/vm/base_image: a process has no disk");
    auto kernel = service();
    kernel.vm.boot.kernel = "/img/vmlinux";
    EXPECT_EQ(refusal_of(kernel), "/vm/boot/kernel: a process boots no kernel");
    auto marker = service();
    marker.vm.ready_marker = "READY";
    EXPECT_EQ(refusal_of(marker), "/vm/ready_marker: a process has no serial console");
}

TEST(Options, AreRefusedWithTheirField) {
    const std::pair<Json, const char*> cases[] = {
        {{{"command", "serve"}}, "/vm/options/command: "},
        {{{"command", Json::array()}}, "/vm/options/command: "},
        {{{"command", {""}}}, "/vm/options/command/0: the program has no name"},
        {{{"command", {"./serve"}}}, "/vm/options/command/0: \"./serve\" is a relative path"},
        {{{"command", {"serve", 1}}}, "/vm/options/command/1: option command/1 must be a text"},
        {{{"command", {std::string("a\0b", 3)}}}, "/vm/options/command/0: option command/0 contains a NUL"},
        {{{"env", {{"A=B", "x"}}}}, "/vm/options/env/A=B: "},
        {{{"env", {{"CASTRA_VM", "x"}}}}, "/vm/options/env/CASTRA_VM: CASTRA_... is set by castra"},
        {{{"env", {{"A", 1}}}}, "/vm/options/env/A: option env/A must be a text"},
        {{{"working_dir", "here"}}, "/vm/options/working_dir: working_dir \"here\" is not absolute"},
        {{{"ready", "http"}}, "/vm/options/ready: option ready = \"http\" is unknown"},
        {{{"ready_timeout_secs", 0}}, "/vm/options/ready_timeout_secs: "},
        {{{"ready_timeout_secs", "1"}}, "/vm/options/ready_timeout_secs: "},
        {{{"comand", "x"}}, "/vm/options/comand: the launcher process has no option \"comand\""},
    };
    for (const auto& [options, expected] : cases) {
        const auto text = refusal_of(service(options));
        EXPECT_TRUE(text.starts_with(expected)) << options << "\n" << text;
    }
    auto bare = service();
    bare.vm.options.erase("command");
    EXPECT_EQ(refusal_of(bare), "/vm/options/command: the launcher process needs a command");
}

TEST(ExitHints, KnowTheUsualMistakes) {
    ProcessLauncher launcher;
    EXPECT_NE(launcher.explain_exit({{}, "boot", 0, std::nullopt, ""}).hint.find("foreground"), std::string::npos);
    EXPECT_NE(launcher.explain_exit({{}, "boot", 1, std::nullopt, "OSError: Address already in use"}).hint, "");
    EXPECT_EQ(launcher.explain_exit({{}, "running", 1, std::nullopt, ""}).hint, "");
}

} // namespace
} // namespace castra::launcher_process
