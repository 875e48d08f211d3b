// SPDX-License-Identifier: Apache-2.0
// castra plugin list, inspect, validate, new. They answer and make no events; list and inspect run no code of a plugin.
// Returns the process's exit code.
#pragma once
#include "cli/command_line.hpp"
#include "operations/project.hpp"

namespace castra {

int plugin_command(const Installation& installation, const CommandLine& line);

} // namespace castra
