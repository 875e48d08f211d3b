// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.hpp"

#include "cli/everyday_commands.hpp"
#include "cli/examples.hpp"

namespace castra {

void add_commands(Grammar& grammar) {
    add_init(grammar);
    add_up(grammar);
    add_plan(grammar);
    add_bootstrap(grammar);
    add_down(grammar);
    add_status(grammar);
    add_clean(grammar);
    add_ports(grammar);
    add_logs(grammar);
    add_ssh(grammar);
    add_exec(grammar);
    add_cp(grammar);
    add_config(grammar);
    add_image(grammar);
    add_contract(grammar);
    add_events(grammar);
    add_replay(grammar);
    add_report(grammar);
    add_watch(grammar);
    add_plugin(grammar);
    add_bus(grammar);
    add_broker(grammar);
    add_completion(grammar);
    add_supervise(grammar);
    add_examples(grammar);
}

} // namespace castra
