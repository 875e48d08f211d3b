// SPDX-License-Identifier: Apache-2.0
#include "launcher-qemu/qemu_launcher.hpp"

#include "castra/sdk/refusal.hpp"
#include "launcher-qemu/arguments.hpp"
#include "launcher-qemu/exit_hints.hpp"
#include "launcher-qemu/probe.hpp"
#include "launcher-qemu/spec_check.hpp"

namespace castra::launcher_qemu {
namespace {

// The VM's own limit stands in castra.toml (ready_wait_secs) and is kept by the kernel; this one only has to be longer.
constexpr std::int64_t ready_deadline_ms = 24LL * 60 * 60 * 1000;

std::vector<sdk::Exchange> qmp(const char* command, const std::string& answer) {
    return {{"", "\"QMP\""}, // its greeting
            {R"({"execute":"qmp_capabilities"})", "\"return\""},
            {std::string(R"({"execute":")") + command + "\"}", answer}};
}

// -F: a format that QEMU guesses could be chosen by whoever wrote the image.
sdk::OverlayPlan make_overlay(const sdk::VmSpec& vm, const sdk::VmPaths& paths, const Options& options) {
    sdk::OverlayPlan overlay{.path = paths.overlay, .base_image = vm.base_image};
    overlay.argv = {options.qemu_img, "create", "-q",          "-f",         "qcow2", "-F",
                    vm.base_format,   "-b",     vm.base_image, paths.overlay};
    return overlay;
}

} // namespace

sdk::Requirements QemuLauncher::requirements(const sdk::RequirementsRequest& request) {
    const auto& vm = request.vm;
    const auto options = decode_options(vm.options, config_);
    check_spec(vm, options);
    sdk::Requirements needs;
    needs.programs.push_back({options.qemu_binary, "apt-get install qemu-system-x86"});
    if (!vm.base_image.empty()) {
        needs.programs.push_back({options.qemu_img, "apt-get install qemu-utils"});
        needs.files.push_back({vm.base_image, "disk image", "set base_image to a qcow2 or raw image, or use image"});
    }
    if (!vm.boot.kernel.empty())
        needs.files.push_back({vm.boot.kernel, "guest kernel", "set [vms.boot] kernel to a bzImage or vmlinux"});
    if (!vm.boot.initrd.empty())
        needs.files.push_back({vm.boot.initrd, "initrd", "set [vms.boot] initrd to the initramfs of that kernel"});
    needs.probes = needed_probes(options);
    return needs;
}

sdk::LaunchPlan QemuLauncher::plan(const sdk::PlanRequest& request) {
    const auto& vm = request.vm;
    const auto options = decode_options(vm.options, config_);
    check_spec(vm, options);
    check_format(vm);
    const auto acceleration = choose_acceleration(options, request.probes);

    sdk::LaunchPlan plan;
    plan.argv = make_arguments(vm, request.paths, options, acceleration);
    plan.accelerator = acceleration.accelerator;
    if (acceleration.warning) plan.warnings.push_back(*acceleration.warning);
    if (!vm.base_image.empty()) plan.overlays.push_back(make_overlay(vm, request.paths, options));
    plan.sockets = {{"qmp", request.paths.runtime_dir + "/qmp", ""},
                    {"serial", request.paths.runtime_dir + "/serial", request.paths.state_dir + "/serial.log"}};
    if (!request.paths.agent_socket.empty()) plan.sockets.push_back({"agent", request.paths.agent_socket, ""});
    plan.readiness.deadline_ms = ready_deadline_ms;
    if (!vm.ready_marker.empty()) {
        plan.readiness.kind = "marker";
        plan.readiness.socket = "serial";
        plan.readiness.text = vm.ready_marker;
    } else {
        plan.warnings.push_back(
            {"readiness_unknown", "nothing tells when the guest is ready: it counts as ready when QEMU runs",
             "set ready_marker to a line that the guest writes to its serial console when it is up"});
    }
    if (options.acpi) {
        auto talk = qmp("system_powerdown", "\"return\"");
        // A guest that stands still (somebody paused it, or its disk was full) must go on to hear its power button.
        // What comes of it does not matter, but that it was answered does: QEMU forgets what it has not read when we
        // leave.
        talk.insert(talk.end() - 1, {R"({"execute":"cont","id":"cont"})", "\"cont\""});
        plan.stop.push_back({"acpi", "qmp", std::move(talk)});
    }
    plan.identity = sdk::IdentityCheck{"qmp", qmp("query-uuid", vm.uuid)};
    // "  TCP[HOST_FORWARD]  12       127.0.0.1 25581       10.0.2.15    22     0     0"; a monitor's answer is no API,
    // but QMP has no other. What does not match is not told.
    plan.ports = sdk::PortQuery{
        "qmp",
        {{"", "\"QMP\""},
         {R"({"execute":"qmp_capabilities"})", "\"return\""},
         {R"({"execute":"human-monitor-command","arguments":{"command-line":"info usernet"}})", "\"return\""}},
        R"((TCP|UDP)\[HOST_FORWARD\]\s+\d+\s+(\*|[0-9.]+)\s+(\d+)\s+[0-9.]+\s+(\d+))"};
    const auto down = "; castra down " + vm.name + " lets it go on and asks it to power down";
    plan.state =
        sdk::StateQuery{"qmp",
                        {{"", "\"QMP\""},
                         {R"({"execute":"qmp_capabilities"})", "\"return\""},
                         {R"({"execute":"query-status","id":"castra-state"})", "\"castra-state\""}},
                        R"re("status":\s*"([a-z-]+)")re",
                        "running",
                        {{"io-error", "its disk cannot be written: free some space where its overlay lies" + down},
                         {"paused", "somebody paused it through its QMP socket" + down}}};
    return plan;
}

sdk::ExitExplanation QemuLauncher::explain_exit(const sdk::ExitReport& report) {
    return {hint_for(report)};
}

} // namespace castra::launcher_qemu
