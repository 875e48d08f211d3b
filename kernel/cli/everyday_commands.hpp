// SPDX-License-Identifier: Apache-2.0
// The commands of everyday work, and what is made from the whole grammar.
#pragma once
#include <memory>
#include <string>
#include <vector>

namespace castra {

class Grammar;

void add_init(Grammar& grammar);
void add_ports(Grammar& grammar);
void add_logs(Grammar& grammar);
void add_ssh(Grammar& grammar); // and ssh-config
void add_exec(Grammar& grammar);
void add_cp(Grammar& grammar);
void add_config(Grammar& grammar);
void add_completion(Grammar& grammar); // and reference

// The whole grammar, anew.
std::unique_ptr<Grammar> make_grammar(const std::string& version);

// What stood behind "--" on the command line: ssh and exec take it, for the others it is a mistake.
bool takes_a_tail(const std::string& command);
std::vector<std::string> tail_of(const std::vector<std::string>& argv);

} // namespace castra
