// SPDX-License-Identifier: Apache-2.0
#include "operations/vm_status.hpp"

#include "bootstrap/bootstrap_record.hpp"
#include "contract/text.hpp"
#include "state/record_head.hpp"
#include "state/vm_folder.hpp"

#include <algorithm>

namespace castra {

using contract::Severity;

namespace {

constexpr std::int64_t ssh_port = 22;
constexpr const char* unknown_state = "unknown";

std::string process_text(std::int64_t pid) {
    return "process " + std::to_string(pid);
}

void tell_ports(const VmRecord& record, const std::string& dir, VmStatus& status) {
    const auto forwards = record.spec.find("port_forwards");
    if (forwards == record.spec.end()) return;
    forwards->get_to(status.ports);
    const auto ssh = std::ranges::find_if(status.ports, [](const sdk::PortForward& forward) {
        return forward.guest == ssh_port && forward.protocol == "tcp";
    });
    if (ssh == status.ports.end() || record.ssh_key.empty()) return;
    status.ssh = {record.name, "root", ssh->address, ssh->host, record.ssh_key, dir + "/ssh/known_hosts"};
}

bool needs_a_look(const VmStatus& vm) {
    return vm.state == "failed" || vm.state == unknown_state;
}

void tell_bootstrap(const Layout& layout, VmStatus& status) {
    const auto record = load_bootstrap_record(layout, status.name, status.incarnation);
    if (!record) return;
    const bool has_failed = !record->is_complete && !record->steps.empty() && !record->steps.back().is_done;
    status.bootstrap = record->is_complete ? "done" : has_failed ? "failed" : "unfinished";
    if (has_failed) status.bootstrap_step = record->steps.back().name;
}

} // namespace

Verdict judge(const Observation& seen) {
    const auto process = process_text(seen.pid);
    if (seen.pid == 0)
        return seen.supervised ? Verdict{VmState::preparing, "its record says so and a supervisor works on it"}
                               : Verdict{VmState::failed, "it was never launched, and no supervisor works on it"};
    if (!seen.same_boot) return {VmState::failed, "this machine was rebooted since"};
    if (!seen.process_lives) {
        if (!seen.supervised || seen.restart_in_ms < 0) return {VmState::failed, process + " has ended"};
        return {VmState::failed, process + " has ended; restart " + std::to_string(seen.restart_attempt) +
                                     " follows in " + std::to_string(seen.restart_in_ms) + " ms"};
    }
    if (seen.phase == "ready") return {VmState::ready, process + " lives and it had said ready"};
    if (seen.phase == "stopping")
        return {VmState::stopping, seen.supervised ? process + " lives and was told to end"
                                                   : process + " lives and was told to end by a castra that is gone"};
    if (seen.supervised && seen.phase == "launched")
        return {VmState::booting, process + " lives and has not said ready"};
    return {VmState::running, process + " lives; nobody watched whether it became ready"};
}

Observation observe(Host& host, const VmRecord& record, const std::string& boot_id, bool supervised) {
    Observation seen;
    seen.phase = record.phase;
    seen.pid = record.pid;
    seen.same_boot = record.boot_id == boot_id;
    seen.process_lives = record.pid > 0 && seen.same_boot && host.is_alive(record.process());
    seen.supervised = supervised;
    if (record.restart_unix_us != 0) {
        seen.restart_in_ms = std::max<std::int64_t>(0, (record.restart_unix_us - host.clock().unix_us()) / 1000);
        seen.restart_attempt = record.restart_attempt;
    }
    return seen;
}

namespace {

VmStatus status_of(Host& host, const Layout& layout, const VmRecord& record, const std::string& boot_id,
                   bool supervised) {
    VmStatus status;
    status.name = record.name;
    auto verdict = judge(observe(host, record, boot_id, supervised));
    status.state = to_string(verdict.state);
    status.why = std::move(verdict.why);
    status.launcher = record.launcher;
    status.incarnation = record.incarnation;
    status.accelerator = record.plan.value("accelerator", "");
    const auto dir = layout.vm_dir(record.name).string();
    status.serial_log = dir + "/serial.log";
    if (record.ready_unix_us > 0) status.boot_ms = (record.ready_unix_us - record.launched_unix_us) / 1000;
    if (!has_process(verdict.state)) return status;
    status.pid = record.pid;
    status.start_ticks = record.start_ticks;
    status.up_ms = std::max<std::int64_t>(0, (host.clock().unix_us() - record.launched_unix_us) / 1000);
    status.asks_state = record.plan.value("asks_state", false);
    tell_ports(record, dir, status);
    tell_bootstrap(layout, status);
    return status;
}

} // namespace

std::optional<VmStatus> vm_status(Host& host, const Layout& layout, const std::string& name, const std::string& boot_id,
                                  bool supervised) {
    const auto record = load_record_head(layout, name);
    if (!record && record.error().code == ErrorCode::not_found) return std::nullopt;
    VmStatus unknown;
    unknown.name = name;
    unknown.state = unknown_state;
    if (!record) {
        unknown.why = record.error().text;
        return unknown;
    }
    try {
        return status_of(host, layout, *record, boot_id, supervised);
    } catch (const std::exception& error) { // a type that castra does not write
        unknown.why = "record " + layout.vm_record(name).string() + " is damaged: " + error.what();
        return unknown;
    }
}

void find_users(const Layout& layout, std::vector<VmStatus>& vms) {
    std::optional<VmUsers> users;
    for (auto& vm : vms) {
        if (vm.state != unknown_state) continue;
        if (!users) users.emplace(layout);
        const auto user = users->user_of(vm.name);
        if (!user) vm.state = to_string(VmState::failed);
        vm.why += "; " + user.value_or("nothing uses its directory");
    }
}

nlohmann::ordered_json to_json(const VmStatus& vm) {
    nlohmann::ordered_json::object_t object;
    object.reserve(20);
    nlohmann::ordered_json one(std::move(object));
    one["name"] = vm.name;
    one["state"] = vm.state;
    one["why"] = vm.why;
    if (vm.pid > 0) one["pid"] = vm.pid;
    if (!vm.launcher.empty()) one["launcher"] = vm.launcher;
    if (!vm.accelerator.empty()) one["accelerator"] = vm.accelerator;
    if (!vm.incarnation.empty()) one["incarnation"] = vm.incarnation;
    if (vm.boot_ms > 0) one["boot_ms"] = vm.boot_ms;
    if (vm.up_ms > 0) one["up_ms"] = vm.up_ms;
    auto& ports = one["ports"] = nlohmann::ordered_json::array();
    for (const auto& port : vm.ports) {
        auto& forward = ports.emplace_back(nlohmann::ordered_json::object());
        forward["address"] = port.address;
        forward["host"] = port.host;
        forward["guest"] = port.guest;
        forward["protocol"] = port.protocol;
    }
    if (vm.ssh) {
        auto& ssh = one["ssh"];
        ssh["user"] = vm.ssh->user;
        ssh["address"] = vm.ssh->address;
        ssh["port"] = vm.ssh->port;
        ssh["identity"] = vm.ssh->identity;
        ssh["known_hosts"] = vm.ssh->known_hosts;
    }
    if (!vm.serial_log.empty()) one["serial_log"] = vm.serial_log;
    if (!vm.bootstrap.empty()) one["bootstrap"]["state"] = vm.bootstrap;
    if (!vm.bootstrap_step.empty()) one["bootstrap"]["step"] = vm.bootstrap_step;
    if (!vm.stands_still.empty()) one["guest"] = {{"runs", false}, {"state", vm.stands_still}};
    if (vm.handshake_age_ms) one["agent"] = {{"handshake_age_ms", *vm.handshake_age_ms}, {"subscribed", vm.subscribed}};
    if (vm.probes.empty()) return one;
    auto& evidence = one["evidence"];
    for (const auto& probe : vm.probes)
        evidence["probes"].push_back({{"probe", probe.probe}, {"answer", probe.answer}});
    evidence["events"] = nlohmann::ordered_json::array();
    for (const auto& event : vm.events)
        evidence["events"].push_back({{"run_id", event.run_id},
                                      {"seq", event.seq},
                                      {"time", event.time},
                                      {"type", event.type},
                                      {"message", event.message}});
    evidence["has_older_events"] = vm.has_older_events;
    return one;
}

std::vector<contract::Draft> status_events(const VmStatus& vm, const std::string& project) {
    const auto name = (project.empty() ? "" : project + ": ") + vm.name;
    auto text = name + " is " + vm.state;
    if (vm.pid > 0) text += ", process " + std::to_string(vm.pid);
    for (const auto& port : vm.ports)
        text += ", " + port.address + ":" + std::to_string(port.host) + " -> " + std::to_string(port.guest) + "/" +
                port.protocol;
    if (needs_a_look(vm) || !vm.probes.empty()) text += " (" + vm.why + ")";
    const bool has_failed_bootstrap = vm.bootstrap == "failed";
    if (has_failed_bootstrap) text += "; its bootstrap failed at " + vm.bootstrap_step;
    if (!vm.stands_still.empty()) text += "; its guest stands still: " + vm.stands_still;
    std::string cure;
    if (!vm.stands_still.empty())
        cure = vm.stands_hint.empty() ? "castra status --why " + vm.name
                                      : contract::clean_text(vm.stands_hint, 1024, true);
    else if (needs_a_look(vm))
        cure = vm.state == unknown_state ? "end that process if it is the VM; then castra down clears the rest away"
                                         : "castra down clears it away; then castra up";
    else if (has_failed_bootstrap)
        cure = "castra logs " + vm.name + " --log bootstrap tells why; castra bootstrap " + vm.name + " goes on there";
    std::vector<contract::Draft> events;
    events.push_back(contract::message(cure.empty() ? Severity::info : Severity::warn,
                                       contract::clean_text(text, 2048, true), "status")
                         .on(vm.name)
                         .cure(std::move(cure)));
    auto because = [&](const std::string& line, contract::Json ext) {
        auto event =
            contract::message(Severity::info, contract::clean_text("  " + line, 2048, true), "status_why").on(vm.name);
        event.envelope.ext = std::move(ext);
        events.push_back(std::move(event));
    };
    for (const auto& probe : vm.probes)
        because(probe.probe + ": " + probe.answer, {{"probe", probe.probe}});
    if (vm.has_older_events) because("... there are older events: castra events --vm " + vm.name, {{"older", true}});
    for (const auto& event : vm.events)
        because(event.time + " " + event.type + ": " + event.message,
                {{"event", {{"run_id", event.run_id}, {"seq", event.seq}, {"type", event.type}}}});
    return events;
}

} // namespace castra
