// SPDX-License-Identifier: Apache-2.0
#include "operations/fleet_summary.hpp"

namespace castra {

contract::Summary summary_of(FleetResult& result) {
    contract::Summary summary;
    summary.vms = std::move(result.vms);
    summary.reclaimed_bytes = result.reclaimed_bytes;
    summary.leftovers = std::move(result.leftovers);
    return summary;
}

std::string vms_text(std::size_t count) {
    return std::to_string(count) + (count == 1 ? " VM" : " VMs");
}

StopPlan stop_plan_of(const ProjectConfig& config) {
    const auto& all = config.lifecycle;
    StopPlan plan{{all.graceful_shutdown_wait, all.sigterm_wait, all.sigkill_wait, {}}, {}, all.down_timeout};
    for (const auto& vm : config.vms)
        plan.of_vm[vm.name] = {vm.stop_wait.graceful_shutdown.value_or(plan.usual.graceful),
                               vm.stop_wait.sigterm.value_or(plan.usual.sigterm),
                               vm.stop_wait.sigkill.value_or(plan.usual.sigkill),
                               {}};
    return plan;
}

} // namespace castra
