// SPDX-License-Identifier: Apache-2.0
#include "operations/project_plan.hpp"

#include "contract/text.hpp"
#include "operations/bootstrap_modes.hpp"
#include "operations/bootstrap_runner.hpp"
#include "operations/config_changes.hpp"
#include "operations/exit_code.hpp"
#include "operations/image_phase.hpp"
#include "operations/machine_specs.hpp"
#include "operations/preflight.hpp"
#include "state/vm_record.hpp"

#include <algorithm>

namespace castra {

using contract::draft;
using contract::PlannedAction;
using contract::Severity;
using contract::VmOutcome;

namespace {

struct Planned {
    MachineSpec spec;
    const VmConfig* config = nullptr;
    std::optional<VmRecord> record;  // of a VM that runs
    std::vector<SpecChange> changes; // what it runs with is not what castra.toml says now
    bool is_replaced = false;        // and up would replace it
};

BootstrapTarget target_of(const Planned& vm, const Layout& layout) {
    if (vm.record && !vm.is_replaced) return castra::target_of(*vm.record);
    BootstrapTarget target;
    target.spec = vm.spec.vm;
    if (vm.spec.wants_ssh_key)
        target.ssh_key = layout.vm_dir(vm.spec.vm.name) / "ssh" / "id_ed25519"; // that it will get
    return target;
}

// In the words of castra status.
std::string state_of(const Planned& vm) {
    if (!vm.record) return "absent";
    if (vm.record->phase == "stopping") return "stopping";
    return vm.record->phase == "ready" ? "ready" : "running";
}

contract::Draft start_event(const Planned& vm) {
    const auto& name = vm.spec.vm.name;
    if (!vm.changes.empty())
        return config_changed(name, vm.changes,
                              vm.is_replaced ? ChangeAnswer::would_be_replaced : ChangeAnswer::refused);
    if (vm.record) return contract::message(Severity::info, name + " runs already", "unchanged").on(name);
    const auto text = name + " would be started by " + vm.spec.launcher->id() + " with " +
                      std::to_string(vm.spec.vm.cpus) + (vm.spec.vm.cpus == 1 ? " CPU and " : " CPUs and ") +
                      std::to_string(vm.spec.vm.memory_bytes >> 20) + " MiB";
    return contract::message(Severity::info, text, "would_start").on(name);
}

contract::Draft planned_event(const std::string& vm, const contract::BootstrapPlanned& planned) {
    auto event = draft(planned, to_message(vm, planned)).on(vm);
    if (planned.action != PlannedAction::error) return event;
    return std::move(event)
        .at(Severity::error)
        .because({"bootstrap_plan", vm + " cannot be bootstrapped", planned.reason, true})
        .cure("correct it, then plan again");
}

} // namespace

Task<RunResult> plan_project(Workshop& workshop, Run& run, const Request& request, Project& project, PlanOf what,
                             Gate& cancel) {
    auto findings = apply_bootstrap_modes(request.bootstrap, project.config);
    workshop.secrets().offer(project.config.secrets);
    PluginSet plugins(workshop.installation(), workshop.registry(), &project.config);
    auto specs = machine_specs(workshop.installation(), workshop.host().clock(), project, plugins, request.vms);
    if (!specs) std::ranges::move(specs.error(), std::back_inserter(findings));
    if (!findings.empty()) co_return run.reject(findings);
    std::vector<Planned> vms;
    std::vector<std::string> running;
    std::set<std::string> replaced;
    contract::CommandAccepted accepted;
    for (auto& spec : *specs) {
        Planned vm;
        vm.config = &*std::ranges::find(project.config.vms, spec.vm.name, &VmConfig::name);
        vm.spec = std::move(spec);
        const auto& name = vm.spec.vm.name;
        if (auto record = load_record(project.layout, name); record && workshop.host().is_alive(record->process())) {
            accepted.running.push_back({name, record->incarnation});
            if (what == PlanOf::up)
                vm.changes = spec_changes(record->launcher, record->spec, vm.spec.launcher->id(), vm.spec.vm);
            vm.is_replaced = request.replace && !vm.changes.empty();
            if (vm.is_replaced)
                replaced.insert(name);
            else
                running.push_back(name);
            vm.record = std::move(*record);
        }
        accepted.expects.push_back({"vm", name});
        vms.push_back(std::move(vm));
    }
    if (what == PlanOf::up) {
        std::vector<MachineSpec> wanted;
        for (const auto& vm : vms)
            wanted.push_back(vm.spec);
        PreflightWish wish{project.layout, wanted, {}, replaced, {}};
        wish.running.insert(running.begin(), running.end());
        wish.to_fetch = to_fetch(image_wishes(project.config, wanted, wish.running));
        findings = preflight(workshop.host(), wish).refusals(request.force);
        if (!findings.empty()) co_return run.reject(findings);
    }
    for (const auto& vm : project.config.vms)
        for (const auto& [variable, value] : vm.bootstrap.env)
            (void)run.bus().hide(value);
    accepted.config_path = project.config.path;
    accepted.config_digest = project.config_digest;
    run.accept(std::move(accepted));

    BootstrapRunner bootstraps(workshop, project, run.bus(), cancel, nullptr);
    contract::Summary summary;
    int would_run = 0;
    int would_start = 0;
    bool is_refused = false;
    for (const auto& vm : vms) {
        const auto& name = vm.spec.vm.name;
        if (what == PlanOf::up) {
            run.bus().publish(start_event(vm));
            if (!vm.record || vm.is_replaced) ++would_start;
            if (!vm.changes.empty() && !vm.is_replaced) {
                is_refused = true;
                summary.vms.push_back({name, state_of(vm), VmOutcome::failed});
                continue;
            }
        }
        const auto target = target_of(vm, project.layout);
        const auto planned = co_await bootstraps.plan(*vm.config, target, what == PlanOf::bootstrap);
        if (planned) {
            run.bus().publish(planned_event(name, *planned));
            if (planned->action == PlannedAction::would_run) ++would_run;
        }
        const auto outcome =
            planned && planned->action == PlannedAction::error ? VmOutcome::failed : VmOutcome::unchanged;
        summary.vms.push_back({name, state_of(vm), outcome});
    }
    if (cancel.is_open()) {
        summary.outcome = contract::Outcome::cancelled;
        summary.exit_code = exit_code::cancelled;
        co_return run.finish(std::move(summary), "cancelled; nothing was done");
    }
    if (is_refused) {
        summary.outcome = contract::Outcome::failed;
        summary.exit_code = exit_code::config;
        co_return run.finish(std::move(summary),
                             "up would refuse: what runs is not what castra.toml wants; see --replace");
    }
    if (const auto bad = std::ranges::count(summary.vms, VmOutcome::failed, &contract::VmResult::outcome); bad > 0) {
        summary.outcome = contract::Outcome::failed;
        summary.exit_code = exit_code::preflight; // as up would
        co_return run.finish(std::move(summary), std::string(what == PlanOf::up ? "up" : "bootstrap") +
                                                     " would refuse: " + std::to_string(bad) + " of " +
                                                     std::to_string(vms.size()) + " cannot be bootstrapped");
    }
    auto text = std::to_string(would_run) + " of " + std::to_string(vms.size()) + " would be bootstrapped";
    if (what == PlanOf::up)
        text = std::to_string(would_start) + " of " + std::to_string(vms.size()) + " VMs would be started, " +
               std::to_string(would_run) + " bootstrapped";
    co_return run.finish(std::move(summary), text + "; nothing was done");
}

} // namespace castra
