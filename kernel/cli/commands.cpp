// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.hpp"

namespace castra {

void add_commands(Grammar& grammar) {
    add_up(grammar);
    add_bootstrap(grammar);
    add_down(grammar);
    add_status(grammar);
    add_clean(grammar);
    add_image(grammar);
    add_contract(grammar);
    add_events(grammar);
    add_replay(grammar);
    add_plugin(grammar);
    add_bus(grammar);
    add_broker(grammar);
    add_supervise(grammar);
}

} // namespace castra
