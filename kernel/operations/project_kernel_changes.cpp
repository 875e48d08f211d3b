// SPDX-License-Identifier: Apache-2.0
// ProjectKernel: castra.toml against what runs.
#include "operations/config_changes.hpp"
#include "operations/exit_code.hpp"
#include "operations/project_kernel.hpp"

#include <algorithm>

namespace castra {

using contract::Severity;
using contract::VmOutcome;

using Changes = std::map<std::string, std::vector<SpecChange>>;

Changes ProjectKernel::changes_of(const std::vector<MachineSpec>& specs) {
    Changes changes;
    for (const auto& spec : specs) {
        const auto* machine = fleet_->find(spec.vm.name);
        if (!machine || !has_process(machine->state())) continue;
        const auto& record = machine->record();
        auto found = spec_changes(record.launcher, record.spec, spec.launcher->id(), spec.vm);
        if (!found.empty()) changes.emplace(spec.vm.name, std::move(found));
    }
    return changes;
}

void ProjectKernel::tell_forgotten(Run& run, const Project& project) {
    for (const auto& vm : fleet_->running())
        if (std::ranges::find(project.config.vms, vm.name, &VmConfig::name) == project.config.vms.end())
            run.bus().publish(
                contract::message(Severity::warn, vm.name + " runs, and castra.toml no longer has it", "not_in_config")
                    .on(vm.name)
                    .cure("castra down " + vm.name));
}

void ProjectKernel::tell_changes(Run& run, const Changes& changes, bool will_replace) {
    for (const auto& [vm, list] : changes)
        run.bus().publish(config_changed(vm, list, will_replace ? ChangeAnswer::replaced : ChangeAnswer::refused));
}

RunResult ProjectKernel::refuse_changes(Run& run, const std::vector<MachineSpec>& specs, const Changes& changes) {
    contract::Summary summary;
    summary.outcome = contract::Outcome::failed;
    summary.exit_code = exit_code::config;
    for (const auto& spec : specs) {
        const auto* machine = fleet_->find(spec.vm.name);
        const auto state = to_string(machine ? machine->state() : VmState::absent);
        const bool is_changed = changes.contains(spec.vm.name);
        summary.vms.push_back(
            {spec.vm.name, std::string(state), is_changed ? VmOutcome::failed : VmOutcome::unchanged});
    }
    return run.finish(std::move(summary), "nothing was done: what runs is not what castra.toml wants; see --replace");
}

RunResult ProjectKernel::refuse_images(Run& run, const std::vector<MachineSpec>& specs,
                                       const std::map<std::string, Error>& spoiled, bool cancelled) {
    contract::Summary summary;
    summary.outcome = cancelled ? contract::Outcome::cancelled : contract::Outcome::failed;
    for (const auto& spec : specs) {
        const auto* machine = fleet_->find(spec.vm.name);
        const auto state = machine ? machine->state() : VmState::absent;
        const auto error = spoiled.find(spec.vm.name);
        const bool failed = error != spoiled.end() && error->second.code != ErrorCode::cancelled;
        summary.vms.push_back({spec.vm.name, std::string(to_string(state)),
                               failed               ? VmOutcome::failed
                               : has_process(state) ? VmOutcome::unchanged
                                                    : VmOutcome::cancelled});
    }
    const auto& first = spoiled.begin()->second;
    summary.exit_code = cancelled ? exit_code::cancelled : exit_code::of(first.code);
    return run.finish(std::move(summary),
                      cancelled ? "cancelled before anything was started" : "nothing was started: " + first.text);
}

} // namespace castra
