// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.hpp"

#include "cli/everyday_commands.hpp"
#include "cli/examples.hpp"

#include <algorithm>
#include <array>

namespace castra {
namespace {

struct Command {
    std::array<std::string_view, 3> names; // that come with it
    void (*add)(Grammar&);
};

// In the order of castra --help.
constexpr Command all[] = {
    {{"init"}, add_init},
    {{"up"}, add_up},
    {{"plan"}, add_plan},
    {{"bootstrap"}, add_bootstrap},
    {{"down"}, add_down},
    {{"status"}, add_status},
    {{"clean"}, add_clean},
    {{"ports"}, add_ports},
    {{"logs"}, add_logs},
    {{"ssh", "ssh-config"}, add_ssh},
    {{"exec"}, add_exec},
    {{"cp"}, add_cp},
    {{"config"}, add_config},
    {{"image"}, add_image},
    {{"contract"}, add_contract},
    {{"events"}, add_events},
    {{"replay"}, add_replay},
    {{"report"}, add_report},
    {{"watch"}, add_watch},
    {{"plugin"}, add_plugin},
    {{"bus"}, add_bus},
    {{"broker"}, add_broker},
    {{"completion", "reference", "complete-vms"}, add_completion},
    {{"supervise"}, add_supervise},
};

} // namespace

void add_commands(Grammar& grammar) {
    for (const auto& command : all)
        command.add(grammar);
    add_examples(grammar);
}

bool add_command(Grammar& grammar, std::string_view name) {
    const auto found = std::ranges::find_if(all, [name](const Command& command) {
        return !name.empty() && std::ranges::find(command.names, name) != command.names.end();
    });
    if (found == std::end(all)) return false;
    found->add(grammar);
    add_examples(grammar);
    return true;
}

} // namespace castra
