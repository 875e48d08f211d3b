// SPDX-License-Identifier: Apache-2.0
#include "launcher-process/process_launcher.hpp"

#include "castra/sdk/refusal.hpp"
#include "launcher-process/options.hpp"

namespace castra::launcher_process {
namespace {

[[noreturn]] void refuse(const std::string& field, const std::string& title, const std::string& hint) {
    throw sdk::Refusal({.code = "invalid_vm", .title = title, .field_path = "/vm/" + field, .hint = hint});
}

void check_spec(const sdk::VmSpec& vm) {
    const auto* const cure = "remove image, base_image and [vms.boot], or set launcher = \"qemu\"";
    if (!vm.base_image.empty()) refuse("base_image", "a process has no disk", cure);
    if (!vm.boot.kernel.empty() || !vm.boot.initrd.empty()) refuse("boot/kernel", "a process boots no kernel", cure);
    if (!vm.ready_marker.empty())
        refuse("ready_marker", "a process has no serial console",
               "remove it; options.ready = \"notify\" is the way here");
}

} // namespace

sdk::Requirements ProcessLauncher::requirements(const sdk::RequirementsRequest& request) {
    check_spec(request.vm);
    const auto options = decode_options(request.vm.options);
    sdk::Requirements needs;
    needs.programs.push_back({options.command.front(), "install it, or correct options.command"});
    return needs;
}

sdk::LaunchPlan ProcessLauncher::plan(const sdk::PlanRequest& request) {
    const auto& vm = request.vm;
    check_spec(vm);
    const auto options = decode_options(vm.options);

    sdk::LaunchPlan plan;
    plan.argv = options.command;
    plan.working_dir = options.working_dir;
    plan.env = options.env;
    plan.env["CASTRA_VM"] = vm.name;
    plan.env["CASTRA_PROJECT"] = vm.project;
    for (const auto& forward : vm.port_forwards) // of two forwards of one guest port the first is told
        plan.env.emplace("CASTRA_PORT_" + std::to_string(forward.guest), std::to_string(forward.host));
    plan.readiness.deadline_ms = options.ready_timeout_secs * 1000;
    if (options.notifies) {
        plan.readiness.kind = "notify";
        plan.env["CASTRA_NOTIFY_FD"] = "{fd:notify}";
    }
    return plan; // no stop method: the kernel sends SIGTERM, then SIGKILL
}

sdk::ExitExplanation ProcessLauncher::explain_exit(const sdk::ExitReport& report) {
    if (report.stderr_tail.find("Address already in use") != std::string::npos)
        return {"its port is taken: listen on the port that CASTRA_PORT_<guest> says, with SO_REUSEADDR"};
    if (report.phase == "boot" && report.exit_code == 0)
        return {
            "it ended before it was ready: a command that goes into the background must stay in the foreground here"};
    return {};
}

} // namespace castra::launcher_process
