// SPDX-License-Identifier: Apache-2.0
// From castra.toml and what is recorded of a VM to what its bootstrap is about: how it is reached, its steps, its base.
#pragma once
#include "bootstrap/bootstrap_plan.hpp"
#include "host/host.hpp"
#include "operations/plugin_set.hpp"

namespace castra {

// Of a VM that does not run: `spec` as it would be launched, no incarnation, and an automatic port is 0.
struct BootstrapTarget {
    sdk::VmSpec spec;
    std::string incarnation, uuid, ssh_key;
};
BootstrapTarget target_of(const VmRecord& record);

// Makes an instance of each step's plugin. Errors: plugin, config_invalid.
Result<std::vector<StepSpec>> make_steps(Host& host, PluginSet& plugins, const BootstrapConfig& config);

// All but artifact and steps.
BootstrapSubject subject_of(const Project& project, const VmConfig& vm, const BootstrapTarget& target);

// "sha256:..." that stands for the disk and the kernel that the VM was started from.
std::string base_hash_of(const sdk::VmSpec& spec);

// What stands in the way of bootstrap on this machine, before anything is touched: files, programs, plugins.
std::vector<Error> bootstrap_findings(Host& host, const Project& project, PluginSet& plugins,
                                      const std::vector<std::string>& names);

} // namespace castra
