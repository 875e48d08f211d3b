// SPDX-License-Identifier: Apache-2.0
// What a run of the fleet says at its end, and how castra.toml wants VMs to be stopped.
#pragma once
#include "contract/events.hpp"
#include "lifecycle/fleet.hpp"
#include "operations/project.hpp"

namespace castra {

// Takes the VMs and leftovers out of `result`. Outcome and exit code are the caller's to say.
contract::Summary summary_of(FleetResult& result);
std::string vms_text(std::size_t count); // "2 VMs"
StopPlan stop_plan_of(const ProjectConfig& config);

} // namespace castra
