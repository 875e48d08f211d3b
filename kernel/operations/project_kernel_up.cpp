// SPDX-License-Identifier: Apache-2.0
// ProjectKernel: one up, from the request to its summary, in four phases: look, declare, start, conclude.
#include "config/named_ports.hpp"
#include "operations/bootstrap_modes.hpp"
#include "operations/bootstrap_outcome.hpp"
#include "operations/bootstrap_runner.hpp"
#include "operations/exit_code.hpp"
#include "operations/fleet_summary.hpp"
#include "operations/image_phase.hpp"
#include "operations/machine_specs.hpp"
#include "operations/preflight.hpp"
#include "operations/project_kernel.hpp"

#include <algorithm>

namespace castra {

using contract::Outcome;
using contract::VmOutcome;

// What one up knows so far; each phase adds to it.
struct ProjectKernel::Up {
    ProjectKernel& kernel;
    Run& run;
    const Request& request;
    Project& project;
    Gate& cancel;

    std::vector<MachineSpec> specs;
    std::map<std::string, std::vector<SpecChange>> changes;
    std::set<std::string> running, replaced; // those that stay; those that are started anew
    std::set<std::string> unfinished;        // of the latter: told to end by a castra that was killed or gave up
    std::vector<ImageWish> images;
    PreflightReport report;
    bool starts_broker = false;

    std::vector<Error> look();
    void declare();
    bool is_being_stopped(const std::string& vm) const;
    bool is_unproven(const std::string& vm) const;
    void tell_unfinished();
    void tell_unproven();
    Task<RunResult> start();
    RunResult conclude(FleetResult result, std::size_t total);
    std::int64_t boot_window() const;
};

// Everything that can be wrong before anything is touched.
std::vector<Error> ProjectKernel::Up::look() {
    auto& workshop = kernel.workshop_;
    if (auto findings = apply_bootstrap_modes(request.bootstrap, project.config); !findings.empty()) return findings;
    PluginSet plugins(workshop.installation(), workshop.registry(), &project.config);
    const auto wants_broker = kernel.plan_broker(plugins, project, request);
    if (!wants_broker) return {wants_broker.error()};
    starts_broker = *wants_broker && !kernel.broker_->is_open();
    if (!request.broker_only) {
        auto made = machine_specs(workshop.installation(), workshop.host().clock(), project, plugins, request.vms);
        if (!made) return made.error();
        specs = std::move(*made);
    }
    changes = kernel.changes_of(specs);
    for (const auto& spec : specs)
        if (is_being_stopped(spec.vm.name)) {
            unfinished.insert(spec.vm.name);
            changes.erase(spec.vm.name); // it ends anyway
        }
    for (const auto& vm : kernel.fleet_->running()) {
        const bool goes = unfinished.contains(vm.name) || (request.replace && changes.contains(vm.name));
        (goes ? replaced : running).insert(vm.name);
    }
    images = image_wishes(project.config, specs, running);
    PreflightWish wish{kernel.layout_, specs, running, {}, {}};
    wish.replaced = replaced;
    wish.to_fetch = to_fetch(images);
    report = preflight(workshop.host(), wish);
    auto findings = report.refusals(request.force);
    std::ranges::move(bootstrap_findings(workshop.host(), project, plugins, request.vms), std::back_inserter(findings));
    return findings;
}

// command.accepted, and what is to be said before anything is done.
void ProjectKernel::Up::declare() {
    contract::CommandAccepted accepted;
    accepted.limits.boot_window = boot_window();
    if (starts_broker) accepted.expects.push_back({"broker", "broker"});
    for (const auto& spec : specs) {
        accepted.expects.push_back({"vm", spec.vm.name});
        auto& known = kernel.launchers_;
        if (std::ranges::find(known, spec.launcher) == known.end()) known.push_back(spec.launcher);
    }
    kernel.begin(run, std::move(accepted), &project);
    if (request.operation == Operation::up && request.vms.empty() && !request.broker_only)
        kernel.tell_forgotten(run, project);
    kernel.tell_changes(run, changes, request.replace);
    tell_unfinished();
    tell_unproven();
}

bool ProjectKernel::Up::is_being_stopped(const std::string& vm) const {
    const auto* held = kernel.fleet_->find(vm);
    return held != nullptr && held->state() == VmState::running && held->record().phase == "stopping";
}

void ProjectKernel::Up::tell_unfinished() {
    for (const auto& name : unfinished)
        run.bus().publish(
            contract::message(contract::Severity::info,
                              name + " was told to end before this and has not yet: that first, then it starts anew",
                              "stop_unfinished")
                .on(name));
}

// A castra that was killed had begun it: it lives, and what would have told that it is ready may be past.
bool ProjectKernel::Up::is_unproven(const std::string& vm) const {
    const auto* held = kernel.fleet_->find(vm);
    return held != nullptr && held->state() == VmState::running && held->record().phase != "ready";
}

void ProjectKernel::Up::tell_unproven() {
    for (const auto& spec : specs) {
        const auto& name = spec.vm.name;
        if (!is_unproven(name) || replaced.contains(name)) continue;
        run.bus().publish(contract::message(contract::Severity::warn,
                                            name + " runs, but nobody saw whether it became ready", "readiness_unseen")
                              .on(name)
                              .cure("castra logs " + name + " shows how far it came; castra down " + name +
                                    ", then castra up, starts it anew"));
    }
}

std::int64_t ProjectKernel::Up::boot_window() const {
    const auto wanted = project.config.lifecycle.boot_window;
    return wanted > 0 ? wanted : kernel.workshop_.installation().cores;
}

// The broker, the images, the VMs and their bootstraps.
Task<RunResult> ProjectKernel::Up::start() {
    auto& workshop = kernel.workshop_;
    if (request.force) tell_scarce(run.bus(), report.scarce);
    if (starts_broker) {
        const auto broker_runs = co_await kernel.start_broker(run.bus());
        if (!broker_runs) {
            contract::Summary without;
            without.outcome = Outcome::failed;
            without.exit_code = exit_code::of(broker_runs.error().code);
            co_return run.finish(std::move(without), "failed: " + broker_runs.error().text);
        }
    }
    if (request.broker_only) {
        kernel.broker_->pin(true);
        co_return run.finish({}, starts_broker ? "the broker runs" : "nothing to do: the broker runs");
    }
    FleetUp wanted;
    wanted.specs = std::move(specs);
    wanted.boot_window = boot_window();
    wanted.named_ports = named_ports(project.config);
    wanted.keep_going = request.keep_going;
    wanted.stop_plan = stop_plan_of(project.config);
    wanted.replaced = replaced;
    const auto total = wanted.specs.size();
    const auto spoiled = co_await prepare_images(workshop, run.bus(), std::move(images), wanted.specs, cancel);
    if (!spoiled.empty() && (!request.keep_going || cancel.is_open())) {
        if (starts_broker) co_await kernel.stop_broker_if_unneeded();
        co_return kernel.refuse_images(run, wanted.specs, spoiled, cancel.is_open());
    }
    std::erase_if(wanted.specs, [&](const MachineSpec& spec) { return spoiled.contains(spec.vm.name); });
    BootstrapRunner bootstraps(workshop, project, run.bus(), cancel, kernel.handshakes_);
    wanted.when_ready = [&bootstraps](Machine& machine) { return bootstraps.run(machine, false); };
    auto result = co_await kernel.fleet_->up(run.bus(), std::move(wanted), cancel);
    if (starts_broker) co_await kernel.stop_broker_if_unneeded();
    lay_over(bootstraps.results(), result.vms, result.failures);
    add_spoiled(result, spoiled);
    co_return conclude(std::move(result), total);
}

RunResult ProjectKernel::Up::conclude(FleetResult result, std::size_t total) {
    const auto meanwhile = kernel.settle_lost(run.bus(), &project);
    auto summary = summary_of(result);
    const auto good = static_cast<std::size_t>(std::ranges::count_if(summary.vms, [](const auto& vm) {
        return vm.outcome == VmOutcome::succeeded || vm.outcome == VmOutcome::unchanged;
    }));
    const auto count_of = [&](VmOutcome outcome) {
        return std::ranges::count(summary.vms, outcome, &contract::VmResult::outcome);
    };
    const bool failed = !result.failures.empty() || count_of(VmOutcome::failed) > 0;
    if (failed && request.operation == Operation::supervise && kernel.restarts_.is_empty_of(request.vms.front()))
        kernel.consider_restart(run.bus(), project, {request.vms.front()});
    if (!failed && cancel.is_open()) {
        summary.outcome = Outcome::cancelled;
        summary.exit_code = exit_code::cancelled;
        return run.finish(std::move(summary), "cancelled; what this run had started was taken down again");
    }
    if (failed && request.keep_going && good > 0 && !run.bus().journal_failed()) {
        summary.outcome = Outcome::partial;
        summary.exit_code = exit_code::partial;
        return run.finish(std::move(summary), "partial: " + std::to_string(good) + " of " + vms_text(total) + " stand");
    }
    if (failed) {
        summary.outcome = Outcome::failed;
        summary.exit_code = result.failures.empty() ? exit_code::failed : exit_code::of(result.failures.front().code);
        return run.finish(std::move(summary),
                          result.failures.empty() ? "failed" : "failed: " + result.failures.front().text);
    }
    const bool changed = count_of(VmOutcome::succeeded) > 0;
    const auto unproven = std::ranges::count_if(summary.vms, [&](const auto& vm) { return is_unproven(vm.vm); });
    auto text = changed ? vms_text(total) + " ready" : std::string("nothing to do: all is up already");
    if (unproven > 0) text += "; of " + std::to_string(unproven) + " nobody saw whether it became ready";
    return run.finish(std::move(summary), text + meanwhile);
}

Task<RunResult> ProjectKernel::up(Run& run, const Request& request, Project& project, Gate& cancel) {
    Up up{*this, run, request, project, cancel};
    const auto findings = up.look();
    if (!findings.empty()) co_return run.reject(findings);
    up.declare();
    if (!up.changes.empty() && !request.replace) co_return refuse_changes(run, up.specs, up.changes);
    const auto result = co_await up.start();
    co_return result;
}

} // namespace castra
