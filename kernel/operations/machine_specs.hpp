// SPDX-License-Identifier: Apache-2.0
// From castra.toml's VMs to what the fleet is told to bring up: launcher found, image resolved, identity given.
#pragma once
#include "lifecycle/machine.hpp"
#include "operations/plugin_set.hpp"

namespace castra {

// `names` empty: every VM. Errors: all at once; usage for a name that the file does not have.
tl::expected<std::vector<MachineSpec>, std::vector<Error>> machine_specs(const Installation& installation, Clock& clock,
                                                                         const Project& project, PluginSet& plugins,
                                                                         const std::vector<std::string>& names);

} // namespace castra
