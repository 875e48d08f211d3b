// SPDX-License-Identifier: Apache-2.0
#include "operations/status.hpp"

#include "contract/text.hpp"
#include "lifecycle/vm_state.hpp"
#include "state/vm_record.hpp"

#include <algorithm>

namespace castra {
namespace {

struct Verdict {
    VmState state;
    std::string why;
};

Verdict judge(Host& host, const VmRecord& record, bool supervised) {
    const auto process = "process " + std::to_string(record.pid);
    if (record.pid == 0)
        return supervised ? Verdict{VmState::preparing, "its record says so and a supervisor works on it"}
                          : Verdict{VmState::failed, "it was never launched, and no supervisor works on it"};
    if (record.boot_id != host.boot_id()) return {VmState::failed, "this machine was rebooted since"};
    if (!host.is_alive(record.process())) {
        if (!supervised || record.restart_unix_us == 0) return {VmState::failed, process + " has ended"};
        const auto left_ms = std::max<std::int64_t>(0, (record.restart_unix_us - host.clock().unix_us()) / 1000);
        return {VmState::failed, process + " has ended; restart " + std::to_string(record.restart_attempt) +
                                     " follows in " + std::to_string(left_ms) + " ms"};
    }
    if (record.phase == "ready") return {VmState::ready, process + " lives and it had said ready"};
    if (supervised && record.phase == "launched") return {VmState::booting, process + " lives and has not said ready"};
    return {VmState::running, process + " lives; nobody watched whether it became ready"};
}

VmStatus status_of(Host& host, const Layout& layout, const std::string& name, bool supervised) {
    VmStatus status;
    status.name = name;
    const auto record = load_record(layout, name);
    if (!record) {
        // It may have been removed since it was listed.
        status.state = record.error().code == ErrorCode::not_found ? to_string(VmState::absent) : "unknown";
        status.why = record.error().text;
        return status;
    }
    const auto verdict = judge(host, *record, supervised);
    status.state = to_string(verdict.state);
    status.why = verdict.why;
    status.launcher = record->launcher;
    status.incarnation = record->incarnation;
    status.accelerator = record->plan.value("accelerator", "");
    status.serial_log = layout.vm_dir(name) / "serial.log";
    if (record->ready_unix_us > 0) status.boot_ms = (record->ready_unix_us - record->launched_unix_us) / 1000;
    if (!has_process(verdict.state)) return status;
    status.pid = record->pid;
    status.up_ms = std::max<std::int64_t>(0, (host.clock().unix_us() - record->launched_unix_us) / 1000);
    if (!record->spec.contains("port_forwards") || !record->spec["port_forwards"].is_array()) return status;
    for (const auto& forward : record->spec["port_forwards"]) {
        status.ports.push_back({{"address", forward.value("address", "")},
                                {"host", forward.value("host", 0)},
                                {"guest", forward.value("guest", 0)},
                                {"protocol", forward.value("protocol", "")}});
        if (forward.value("guest", 0) == 22 && !record->ssh_key.empty())
            status.ssh = {{"user", "root"},
                          {"address", forward.value("address", "")},
                          {"port", forward.value("host", 0)},
                          {"identity", record->ssh_key},
                          {"known_hosts", (layout.vm_dir(name) / "ssh" / "known_hosts").string()}};
    }
    return status;
}

} // namespace

Task<ProjectStatus> project_status(Host& host, const Layout& layout, const ProjectConfig* config,
                                   std::string config_path) {
    ProjectStatus status;
    status.project = config ? config->name : "";
    status.config_path = std::move(config_path);
    status.state_dir = layout.state_dir();
    status.supervised = (co_await host.connect_unix(layout.supervisor_socket())).has_value();
    auto names = recorded_vms(layout);
    for (const auto& name : names)
        status.vms.push_back(status_of(host, layout, name, status.supervised));
    if (config)
        for (const auto& vm : config->vms) {
            if (std::ranges::find(names, vm.name) != names.end()) continue;
            VmStatus absent;
            absent.name = vm.name;
            absent.state = to_string(VmState::absent);
            absent.why = "nothing is recorded of it";
            status.vms.push_back(std::move(absent));
        }
    std::ranges::sort(status.vms, {}, &VmStatus::name);
    co_return status;
}

nlohmann::ordered_json to_json(const ProjectStatus& status) {
    nlohmann::ordered_json json{{"project", status.project},
                                {"config_path", status.config_path},
                                {"state_dir", status.state_dir},
                                {"supervised", status.supervised},
                                {"vms", nlohmann::ordered_json::array()}};
    for (const auto& vm : status.vms) {
        nlohmann::ordered_json one{{"name", vm.name}, {"state", vm.state}, {"why", vm.why}};
        if (vm.pid > 0) one["pid"] = vm.pid;
        if (!vm.launcher.empty()) one["launcher"] = vm.launcher;
        if (!vm.accelerator.empty()) one["accelerator"] = vm.accelerator;
        if (!vm.incarnation.empty()) one["incarnation"] = vm.incarnation;
        if (vm.boot_ms > 0) one["boot_ms"] = vm.boot_ms;
        if (vm.up_ms > 0) one["up_ms"] = vm.up_ms;
        one["ports"] = vm.ports;
        if (!vm.ssh.is_null()) one["ssh"] = vm.ssh;
        if (!vm.serial_log.empty()) one["serial_log"] = vm.serial_log;
        json["vms"].push_back(std::move(one));
    }
    return json;
}

contract::Draft status_event(const VmStatus& vm) {
    auto text = vm.name + " is " + vm.state;
    if (vm.pid > 0) text += ", process " + std::to_string(vm.pid);
    for (const auto& port : vm.ports)
        text += ", " + port["address"].get<std::string>() + ":" + port["host"].dump() + " -> " + port["guest"].dump() +
                "/" + port["protocol"].get<std::string>();
    const bool needs_a_look = vm.state == "failed" || vm.state == "unknown";
    if (needs_a_look) text += " (" + vm.why + ")";
    text = contract::clean_text(text, 2048, true);
    return contract::message(needs_a_look ? contract::Severity::warn : contract::Severity::info, text, "status")
        .on(vm.name)
        .cure(needs_a_look ? "castra down clears it away; then castra up" : "");
}

std::string count_of(const ProjectStatus& status) {
    const auto up = std::ranges::count_if(status.vms, [](const VmStatus& vm) { return vm.pid > 0; });
    return std::to_string(up) + " of " + std::to_string(status.vms.size()) +
           (status.vms.size() == 1 ? " VM is up" : " VMs are up");
}

} // namespace castra
