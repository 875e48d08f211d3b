// SPDX-License-Identifier: Apache-2.0
// ProjectKernel: one down.
#include "operations/exit_code.hpp"
#include "operations/fleet_summary.hpp"
#include "operations/project_kernel.hpp"

#include <algorithm>

namespace castra {

using contract::VmOutcome;

Task<RunResult> ProjectKernel::down(Run& run, const Request& request, const Project* project) {
    const auto& names = request.vms;
    contract::CommandAccepted accepted;
    for (const auto& vm : fleet_->running())
        if (names.empty() || std::ranges::find(names, vm.name) != names.end())
            accepted.expects.push_back({"vm", vm.name});
    const bool had_broker = broker_->runs();
    if (had_broker && ends_broker(request)) accepted.expects.push_back({"broker", "broker"});
    begin(run, std::move(accepted), project);
    if (names.empty()) broker_->pin(false);
    auto stop_plan = project ? stop_plan_of(project->config) : StopPlan{};
    if (request.timeout) stop_plan.limit = request.timeout;
    auto result = co_await fleet_->down(run.bus(), names, stop_plan);
    if (had_broker) co_await stop_broker_if_unneeded();
    const auto meanwhile = settle_lost(run.bus(), project);
    auto summary = summary_of(result);
    if (!result.failures.empty()) {
        summary.outcome = contract::Outcome::failed;
        summary.exit_code = exit_code::failed;
        co_return run.finish(std::move(summary), "failed: " + result.failures.front().text);
    }
    const auto stopped = std::ranges::count(summary.vms, VmOutcome::succeeded, &contract::VmResult::outcome);
    if (stopped > 0)
        co_return run.finish(std::move(summary), vms_text(static_cast<std::size_t>(stopped)) + " down" + meanwhile);
    if (had_broker && !broker_->runs()) co_return run.finish(std::move(summary), "the broker is down" + meanwhile);
    co_return run.finish(std::move(summary), "nothing to do: nothing is up" + meanwhile);
}

} // namespace castra
