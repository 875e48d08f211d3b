// SPDX-License-Identifier: Apache-2.0
#include "operations/status_evidence.hpp"

#include "castra/sdk/launch_plan.hpp"
#include "host/files.hpp"
#include "host/in_parallel.hpp"
#include "lifecycle/control_channel.hpp"
#include "state/journal_store.hpp"

#include <map>

namespace castra {
namespace {

std::string text_in(const nlohmann::json& event, const char* key) {
    const auto found = event.find(key);
    return found != event.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string moment(std::int64_t unix_us) {
    return unix_us > 0 ? std::to_string(unix_us) + " us" : "never";
}

void ask_machine(Host& host, const VmRecord& record, const std::string& boot_id, std::vector<StatusProbe>& probes) {
    const bool same_boot = record.boot_id == boot_id;
    probes.push_back({"boot", same_boot ? "this boot of the machine is the recorded one"
                                        : "recorded under boot " + record.boot_id + ", now it is " + boot_id});
    if (record.pid == 0) {
        probes.push_back({"process", "none was ever recorded"});
        return;
    }
    const auto process = "process " + std::to_string(record.pid);
    if (!same_boot)
        probes.push_back({"process", process + " was one of another boot: not asked"});
    else if (host.is_alive(record.process()))
        probes.push_back({"process", process + " lives, and began when its record says"});
    else
        probes.push_back({"process", "no live " + process + " that began when its record says"});
}

void ask_overlay(const VmRecord& record, std::vector<StatusProbe>& probes) {
    if (record.overlay.empty()) return;
    const auto bytes = files::allocated_bytes(record.overlay);
    probes.push_back(
        {"overlay", record.overlay + (files::exists(record.overlay) ? " takes " + std::to_string(bytes) + " bytes"
                                                                    : " is not there")});
}

// The UUID over QMP, in QEMU's case: whoever answers there is this VM or is not.
Task<> ask_control_socket(Host& host, const VmRecord& record, std::vector<StatusProbe>& probes) {
    sdk::LaunchPlan plan;
    try {
        plan = record.plan.get<sdk::LaunchPlan>();
    } catch (const std::exception&) {
        probes.push_back({"control_socket", "the recorded plan is damaged"});
        co_return;
    }
    if (!plan.identity) co_return;
    std::string path;
    for (const auto& socket : plan.sockets)
        if (socket.name == plan.identity->socket) path = socket.path;
    const auto asked = co_await converse(host, path, plan.identity->exchanges, why_socket_wait);
    probes.push_back(
        {"control_socket", asked ? path + " answers as this VM, UUID " + record.uuid : asked.error().text});
}

Task<> ask(Host& host, const Layout& layout, const std::string& boot_id, bool supervised, VmStatus& vm) {
    const auto record = load_record(layout, vm.name);
    const auto path = layout.vm_record(vm.name).string();
    vm.probes.push_back({"supervisor", supervised ? "one answers on " + layout.supervisor_socket().string()
                                                  : "none answers on " + layout.supervisor_socket().string()});
    if (!record) {
        vm.probes.push_back(
            {"record", record.error().code == ErrorCode::not_found ? path + " does not exist" : record.error().text});
        co_return;
    }
    vm.probes.push_back({"record", path + ": phase " + record->phase + ", launched " +
                                       moment(record->launched_unix_us) + ", ready " + moment(record->ready_unix_us)});
    ask_machine(host, *record, boot_id, vm.probes);
    ask_overlay(*record, vm.probes);
    if (vm.pid > 0) co_await ask_control_socket(host, *record, vm.probes);
}

struct Search {
    VmStatus* vm;
    bool is_complete = false;
};

// The events of one run, by VM.
std::map<std::string, std::vector<nlohmann::json>> events_of(const JournalFile& file) {
    std::map<std::string, std::vector<nlohmann::json>> found;
    auto reader = JournalReader::open(file);
    if (!reader) return found;
    while (true) {
        const auto lines = reader->next_lines();
        if (!lines || lines->empty()) return found;
        for (const auto& line : *lines) {
            if (line.find("\"vm\":") == std::string::npos) continue;
            auto event = nlohmann::json::parse(line, nullptr, false);
            if (!event.is_object() || text_in(event, "severity") == "progress") continue;
            if (auto vm = text_in(event, "vm"); !vm.empty()) found[vm].push_back(std::move(event));
        }
    }
}

void take(const std::vector<nlohmann::json>& events, Search& search) {
    auto& vm = *search.vm;
    std::vector<StatusEvent> told;
    for (const auto& event : events) {
        const auto type = text_in(event, "type");
        if (type == "vm.launch" && text_in(event, "incarnation") == vm.incarnation) search.is_complete = true;
        told.push_back({text_in(event, "run_id"), event.value("seq", std::int64_t{0}), text_in(event, "time"), type,
                        text_in(event, "message")});
    }
    if (vm.incarnation.empty()) search.is_complete = true; // nothing is left of it: its last run is the whole answer
    vm.events.insert(vm.events.begin(), told.begin(), told.end());
    if (vm.events.size() <= why_events_max) return;
    vm.events.erase(vm.events.begin(), vm.events.end() - static_cast<std::ptrdiff_t>(why_events_max));
    vm.has_older_events = true;
    search.is_complete = true;
}

void read_journals(const Layout& layout, std::vector<VmStatus>& vms) {
    std::map<std::string, Search> searches;
    for (auto& vm : vms)
        searches[vm.name] = {&vm};
    auto runs = JournalStore(layout.journal_dir()).runs(); // newest first
    if (runs.size() > why_runs_max) runs.resize(why_runs_max);
    for (const auto& run : runs) {
        for (const auto& [name, events] : events_of(run))
            if (const auto search = searches.find(name); search != searches.end() && !search->second.is_complete)
                take(events, search->second);
        std::erase_if(searches, [](const auto& search) { return search.second.is_complete; });
        if (searches.empty()) return;
    }
}

} // namespace

Task<> gather_evidence(Host& host, const Layout& layout, bool supervised, std::vector<VmStatus>& vms) {
    const auto boot_id = host.boot_id();
    std::vector<Task<>> questions;
    for (auto& vm : vms)
        questions.push_back(ask(host, layout, boot_id, supervised, vm));
    co_await in_parallel(host.executor(), std::move(questions));
    read_journals(layout, vms);
}

} // namespace castra
