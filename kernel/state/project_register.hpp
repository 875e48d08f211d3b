// SPDX-License-Identifier: Apache-2.0
// Which projects this user has on this machine: one small file project.json for each, in the folder that the path of
// its castra.toml leads to. A project that keeps its state elsewhere ([project] state_dir) has the same file there;
// only where both name each other castra takes the other place for its own. Read by status --all, clean, and by every
// command whose castra.toml is gone or broken.
#pragma once
#include "base/result.hpp"
#include "state/layout.hpp"

#include <optional>
#include <vector>

namespace castra {

struct RegisteredProject {
    std::string id, config_path;     // config_path empty: project.json is missing or damaged
    std::filesystem::path state_dir; // where its state is
    std::string problem;             // why the entry is not to be trusted; empty: it is

    Layout layout(const Environment& environment) const;
};

// Errors: config_invalid, the place that `layout` has for state belongs to another project, whose castra.toml is there
// and says so: two of them in one place would take each other's VMs down.
Result<> owns_state(const Environment& environment, const Layout& layout, const std::string& config_path);
// Errors: config_invalid, `layout` has another place for state than the register, and VMs are recorded there still:
// whoever looks into the new place would see none, and start a second set of them.
Result<> left_no_vms(const Environment& environment, const Layout& layout, const std::string& config_path);
// Errors: io.
Result<> register_project(const Environment& environment, const Layout& layout, const std::string& config_path);
// Sorted by folder; none where there is no register. One that is damaged has a `problem`, and harms no other. Errors:
// io, the register cannot be read.
Result<std::vector<RegisteredProject>> registered_projects(const Environment& environment);
std::optional<RegisteredProject> find_registered(const Environment& environment, const std::string& config_path);

} // namespace castra
