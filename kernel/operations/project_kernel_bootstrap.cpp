// SPDX-License-Identifier: Apache-2.0
// ProjectKernel: castra bootstrap, of VMs that run.
#include "contract/text.hpp"
#include "host/in_parallel.hpp"
#include "operations/bootstrap_modes.hpp"
#include "operations/bootstrap_outcome.hpp"
#include "operations/bootstrap_runner.hpp"
#include "operations/exit_code.hpp"
#include "operations/project_kernel.hpp"

#include <algorithm>

namespace castra {

using contract::Outcome;
using contract::VmOutcome;

Task<RunResult> ProjectKernel::bootstrap(Run& run, const Request& request, Project& project, Gate& cancel) {
    std::vector<Machine*> machines;
    auto findings = apply_bootstrap_modes(request.bootstrap, project.config);
    for (const auto& name : request.vms)
        if (std::ranges::find(project.config.vms, name, &VmConfig::name) == project.config.vms.end())
            findings.push_back(
                {ErrorCode::usage, project.config.path + " has no VM \"" + name + "\"", "castra status lists them"});
    for (const auto& vm : project.config.vms) {
        const bool is_named = std::ranges::find(request.vms, vm.name) != request.vms.end();
        if (!request.vms.empty() && !is_named) continue;
        auto* machine = fleet_->find(vm.name);
        const bool runs = machine && (machine->state() == VmState::ready || machine->state() == VmState::running);
        if (runs && (is_named || has_bootstrap(vm.bootstrap)))
            machines.push_back(machine);
        else if (is_named)
            findings.push_back({ErrorCode::preflight, "VM " + vm.name + " does not run",
                                "castra up " + vm.name + " starts and bootstraps it"});
    }
    if (findings.empty()) {
        PluginSet plugins(workshop_.installation(), workshop_.registry(), &project.config);
        std::vector<std::string> names;
        for (const auto* machine : machines)
            names.push_back(machine->name());
        if (!names.empty()) findings = bootstrap_findings(workshop_.host(), project, plugins, names);
    }
    if (!findings.empty()) co_return run.reject(findings);

    contract::CommandAccepted accepted;
    for (const auto* machine : machines)
        accepted.expects.push_back({"vm", machine->name()});
    begin(run, std::move(accepted), &project);

    BootstrapRunner runner(workshop_, project, run.bus(), cancel, handshakes_);
    std::vector<Task<>> tasks;
    for (auto* machine : machines)
        tasks.push_back(runner.run(*machine, true));
    co_await in_parallel(workshop_.host().executor(), std::move(tasks));

    contract::Summary summary;
    for (const auto* machine : machines)
        summary.vms.push_back({machine->name(), std::string(to_string(machine->state())),
                               outcome_of(runner.results().at(machine->name()))});
    const auto meanwhile = settle_lost(run.bus(), &project);
    auto message = conclude_bootstraps(runner.results(), cancel.is_open(), summary);
    co_return run.finish(std::move(summary), message + meanwhile);
}

} // namespace castra
