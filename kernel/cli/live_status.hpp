// SPDX-License-Identifier: Apache-2.0
// What is true of the project that a command line means, also when its file is broken or gone. Writes nothing.
#pragma once
#include "cli/app.hpp"
#include "operations/status.hpp"

namespace castra {

// Errors: config_not_found, config_invalid (of a project that nothing is known of); io, nobody can say which VMs there
// are.
Task<Result<ProjectStatus>> live_status(App& app, const CommandLine& line);
// Which of the project's VMs are meant: `named`, or all. Errors: usage, with the nearest name.
Result<std::vector<VmStatus>> wanted_vms(const ProjectStatus& status, const std::vector<std::string>& named);

} // namespace castra
