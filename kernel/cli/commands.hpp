// SPDX-License-Identifier: Apache-2.0
// The commands, a file each (<name>_command.cpp): its words, and what it does with the operations. A new command is a
// file and two lines, here and in commands.cpp.
#pragma once
#include <string_view>

namespace castra {

class CommandWords;
class Grammar;

void add_up(Grammar& grammar);
void add_plan(Grammar& grammar);
void add_bootstrap(Grammar& grammar);
void add_down(Grammar& grammar);
void add_status(Grammar& grammar);
void add_clean(Grammar& grammar);
void add_image(Grammar& grammar);
void add_contract(Grammar& grammar);
void add_events(Grammar& grammar);
void add_event_runs(Grammar& grammar, CommandWords events);
void add_events_verify(Grammar& grammar, CommandWords events);
void add_events_diff_plan(Grammar& grammar, CommandWords events);
void add_replay(Grammar& grammar);
void add_report(Grammar& grammar);
void add_watch(Grammar& grammar);
void add_plugin(Grammar& grammar);
void add_bus(Grammar& grammar);
void add_broker(Grammar& grammar);
void add_supervise(Grammar& grammar);

// All of them, in the order of castra --help.
void add_commands(Grammar& grammar);
// The one of that name and what comes with it: the whole grammar takes longer than many a command. False: there is
// none.
bool add_command(Grammar& grammar, std::string_view name);

} // namespace castra
