// SPDX-License-Identifier: Apache-2.0
#include "operations/status.hpp"

#include "broker/host_client.hpp"
#include "contract/text.hpp"
#include "lifecycle/vm_state.hpp"
#include "state/vm_record.hpp"

#include <algorithm>

namespace castra {
namespace {

constexpr Milliseconds broker_wait{250}; // a broker that hangs is one that is not reachable

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

void apply_broker(const nlohmann::json& said, ProjectStatus& status) {
    if (!said.is_object() || !said.contains("sessions") || !said["sessions"].is_array()) return;
    status.broker.is_reachable = true;
    for (const auto& session : said["sessions"]) {
        if (session.value("kind", "") != "guest") continue;
        ++status.broker.sessions;
        const auto age = session.value("handshake_age_ms", std::int64_t{0});
        status.broker.last_handshake_age_ms = std::min(age, status.broker.last_handshake_age_ms.value_or(age));
        for (auto& vm : status.vms) {
            if (vm.name != session.value("vm", "") || vm.incarnation != session.value("incarnation", "")) continue;
            vm.handshake_age_ms = age;
            vm.subscribed = session.value("subscribed", nlohmann::json::array());
        }
    }
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
    status.broker.is_wanted = config && !config->broker.launcher.empty() && config->broker.launcher != "none";
    std::error_code ignored;
    if (std::filesystem::exists(layout.broker_socket(), ignored)) {
        const auto said = co_await broker::broker_status(host, layout.broker_socket(), broker_wait);
        apply_broker(said, status);
    }
    co_return status;
}

namespace {

nlohmann::ordered_json broker_json(const BrokerStatus& broker) {
    nlohmann::ordered_json json{
        {"wanted", broker.is_wanted}, {"reachable", broker.is_reachable}, {"guest_sessions", broker.sessions}};
    if (broker.last_handshake_age_ms) json["last_handshake_age_ms"] = *broker.last_handshake_age_ms;
    return json;
}

} // namespace

nlohmann::ordered_json to_json(const ProjectStatus& status) {
    nlohmann::ordered_json json{{"project", status.project},
                                {"config_path", status.config_path},
                                {"state_dir", status.state_dir},
                                {"supervised", status.supervised},
                                {"broker", broker_json(status.broker)},
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
        if (vm.handshake_age_ms)
            one["agent"] = {{"handshake_age_ms", *vm.handshake_age_ms}, {"subscribed", vm.subscribed}};
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

std::optional<contract::Draft> broker_event(const ProjectStatus& status) {
    const auto& broker = status.broker;
    if (!broker.is_wanted && !broker.is_reachable) return std::nullopt;
    const auto up = std::ranges::count_if(status.vms, [](const VmStatus& vm) { return vm.pid > 0; });
    if (!broker.is_reachable) {
        const bool is_missed = up > 0;
        return contract::message(is_missed ? contract::Severity::warn : contract::Severity::info,
                                 "the broker does not answer", "status")
            .cure(is_missed ? "castra up starts it; see broker.log in the project's state" : "");
    }
    auto text = "the broker runs, " + std::to_string(broker.sessions) +
                (broker.sessions == 1 ? " guest has a session" : " guests have a session");
    if (broker.last_handshake_age_ms)
        text += ", the last handshake was " + std::to_string(*broker.last_handshake_age_ms / 1000) + " s ago";
    return contract::message(contract::Severity::info, text, "status");
}

std::string count_of(const ProjectStatus& status) {
    const auto up = std::ranges::count_if(status.vms, [](const VmStatus& vm) { return vm.pid > 0; });
    return std::to_string(up) + " of " + std::to_string(status.vms.size()) +
           (status.vms.size() == 1 ? " VM is up" : " VMs are up");
}

} // namespace castra
