// SPDX-License-Identifier: Apache-2.0
// castra ports: what castra.toml declares beside what holds now: the ports that lead into the VM as its own process
// says (QEMU's monitor); where that cannot be asked, the port that the VM was given, and whether somebody listens on
// it, as this machine's kernel says.
#include "cli/app.hpp"
#include "cli/everyday_commands.hpp"
#include "cli/grammar.hpp"
#include "cli/live_status.hpp"
#include "host/in_parallel.hpp"
#include "host/listeners.hpp"
#include "lifecycle/port_query.hpp"
#include "operations/exit_code.hpp"
#include "operations/project.hpp"
#include "state/vm_record.hpp"

#include <algorithm>

namespace castra {
namespace {

constexpr Milliseconds answer_wait{1000};

using AskedPorts = std::optional<std::vector<sdk::PortForward>>; // absent: nobody could say

struct PortRow {
    std::string vm, address, protocol;
    int declared = -1; // host port in the file, 0: any; -1: not in the file
    int live = 0;      // 0: the VM is not up
    int guest = 0;
    bool is_listening = false;
    bool was_asked = false; // the VM's process said so
};

bool is_same(const PortForwardConfig& declared, const PortRow& row) {
    return declared.guest == row.guest && declared.protocol == row.protocol && declared.address == row.address &&
           (declared.host == 0 || declared.host == row.live);
}

// What the VM was given, and whether it holds; then what only its process knows.
std::vector<PortRow> live_rows(const VmStatus& vm, AskedPorts asked, const Listeners& listeners) {
    std::vector<PortRow> rows;
    for (const auto& port : vm.ports) {
        PortRow row{vm.name, port.address, port.protocol, -1, port.host, port.guest, false, false};
        if (asked) {
            const auto gone = std::erase_if(*asked, [&](const sdk::PortForward& one) {
                return one.address == row.address && one.host == row.live && one.guest == row.guest &&
                       one.protocol == row.protocol;
            });
            row.is_listening = gone > 0;
            row.was_asked = true;
        } else {
            row.is_listening = listeners.has(row.address, row.live, row.protocol);
        }
        rows.push_back(std::move(row));
    }
    for (const auto& one : asked.value_or(std::vector<sdk::PortForward>()))
        rows.push_back({vm.name, one.address, one.protocol, -1, one.host, one.guest, true, true});
    return rows;
}

// The live ones first take the declaration that they came from; a declaration that is left over has no VM that is up.
std::vector<PortRow> rows_of(const VmStatus& vm, std::vector<PortForwardConfig> declared, AskedPorts asked,
                             const Listeners& listeners) {
    auto rows = live_rows(vm, std::move(asked), listeners);
    for (auto& row : rows) {
        const auto origin = std::ranges::find_if(declared, [&](const auto& one) { return is_same(one, row); });
        if (origin != declared.end()) {
            row.declared = origin->host;
            declared.erase(origin);
        }
    }
    for (const auto& one : declared)
        rows.push_back({vm.name, one.address, one.protocol, one.host, 0, one.guest, false, false});
    return rows;
}

std::string declared_text(const PortRow& row) {
    return row.declared < 0 ? "not in castra.toml" : row.declared == 0 ? "any" : std::to_string(row.declared);
}

std::string live_text(const PortRow& row) {
    if (row.live == 0) return "-";
    return row.address + ":" + std::to_string(row.live);
}

nlohmann::ordered_json to_json(const PortRow& row) {
    nlohmann::ordered_json json{
        {"vm", row.vm}, {"address", row.address}, {"protocol", row.protocol}, {"guest", row.guest}};
    if (row.declared >= 0) json["declared_host"] = row.declared;
    if (row.live > 0) {
        json["live_host"] = row.live;
        json["listening"] = row.is_listening;
        json["live_from"] = row.was_asked ? "vm" : "host";
    }
    return json;
}

void print_rows(const std::vector<PortRow>& rows) {
    std::vector<std::array<std::string, 5>> lines{{"VM", "GUEST", "DECLARED", "LIVE", "STATE"}};
    for (const auto& row : rows)
        lines.push_back({row.vm, std::to_string(row.guest) + "/" + row.protocol, declared_text(row), live_text(row),
                         row.live == 0      ? "not up"
                         : row.is_listening ? "listening"
                         : row.was_asked    ? "not forwarded"
                                            : "nobody listens"});
    std::array<std::size_t, 5> widths{};
    for (const auto& line : lines)
        for (std::size_t i = 0; i < line.size(); ++i)
            widths[i] = std::max(widths[i], line[i].size());
    for (const auto& line : lines) {
        std::string text;
        for (std::size_t i = 0; i < line.size(); ++i)
            text += line[i] + (i + 1 == line.size() ? "" : std::string(widths[i] - line[i].size() + 2, ' '));
        print(text + "\n");
    }
}

// Those that are up and whose launcher planned a question, all at once. A VM that does not answer, or names no port,
// is as one that cannot be asked.
Task<std::map<std::string, AskedPorts>> ask_vms(App& app, const Layout& layout, const std::vector<VmStatus>& vms) {
    std::map<std::string, AskedPorts> answers;
    std::vector<Task<>> questions;
    for (const auto& vm : vms) {
        if (vm.pid == 0) continue;
        const auto record = load_record(layout, vm.name);
        if (!record) continue;
        sdk::LaunchPlan plan;
        try {
            plan = record->plan.get<sdk::LaunchPlan>();
        } catch (const std::exception&) { // of another castra
            continue;
        }
        questions.push_back([](App& on, sdk::LaunchPlan of, AskedPorts& answer) -> Task<> {
            auto told = co_await live_ports(on.host(), of, answer_wait);
            if (told && *told && !(*told)->empty()) answer = std::move(*told);
        }(app, std::move(plan), answers[vm.name]));
    }
    co_await in_parallel(app.host().executor(), std::move(questions));
    co_return answers;
}

Task<int> ports(App& app, const CommandLine& line) {
    const auto status = co_await live_status(app, line);
    if (!status) co_return complain(status.error());
    const auto vms = wanted_vms(*status, line.request.vms);
    if (!vms) co_return complain(vms.error());
    const auto project = load_project(app.installation(), line.request.config);
    const auto layout = app.layout_of(line.request.config);
    if (!layout) co_return complain(layout.error());
    auto answers = co_await ask_vms(app, *layout, *vms);
    const auto listeners = Listeners::now();
    std::vector<PortRow> rows;
    for (const auto& vm : *vms) {
        std::vector<PortForwardConfig> declared;
        if (project)
            for (const auto& one : project->config.vms)
                if (one.name == vm.name) declared = one.port_forwards;
        for (auto& row : rows_of(vm, std::move(declared), std::move(answers[vm.name]), listeners))
            rows.push_back(std::move(row));
    }
    if (line.json) {
        nlohmann::ordered_json answer{{"project", status->project}, {"ports", nlohmann::ordered_json::array()}};
        for (const auto& row : rows)
            answer["ports"].push_back(to_json(row));
        print(answer.dump(2) + "\n");
    } else if (rows.empty()) {
        tell(line, "no VM forwards a port; [[vms.port_forwards]] with guest = 22 would be one\n");
    } else {
        print_rows(rows);
    }
    co_return exit_code::succeeded;
}

} // namespace

void add_ports(Grammar& grammar) {
    auto ports = grammar.add("ports", "Tell which ports lead into the VMs: declared, and live",
                             [](App& app, const CommandLine& line) { return castra::ports(app, line); });
    grammar.add_file(ports);
    grammar.add_json(ports);
    ports.option("vms", grammar.line().request.vms, "VMs; default: all").type_name("VM");
    ports.footer("\nExamples:\n"
                 "  castra ports\n"
                 "  castra ports web-0 --json");
}

} // namespace castra
