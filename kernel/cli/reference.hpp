// SPDX-License-Identifier: Apache-2.0
// What is made from the grammar: docs/CLI.md and the completion scripts. Nothing in them is written twice.
#pragma once
#include <string>

namespace CLI {
class App;
}

namespace castra {

std::string cli_page(CLI::App& app);
// `shell`: bash, zsh, fish. The scripts ask `castra complete-vms` for the names of VMs.
std::string completion_script(CLI::App& app, const std::string& shell);

} // namespace castra
