// SPDX-License-Identifier: Apache-2.0
// ProjectKernel: a VM ended and nobody had asked for it.
#include "contract/text.hpp"
#include "host/lock_watch.hpp"
#include "operations/project_kernel.hpp"

#include <algorithm>

namespace castra {

using contract::Severity;

namespace {

constexpr Milliseconds unwatched_wait{1000}; // where the system cannot tell when a lock is free: out of inotify watches

std::string seconds_text(Milliseconds wait) {
    auto text = std::to_string(static_cast<double>(wait.count()) / 1000);
    text.resize(text.find('.') + 2);
    return text + " s";
}

const VmConfig* find_vm(const Project& project, const std::string& vm) {
    const auto found = std::ranges::find(project.config.vms, vm, &VmConfig::name);
    return found == project.config.vms.end() ? nullptr : &*found;
}

Request own_request(const std::string& config_path) {
    Request request;
    request.operation = Operation::supervise;
    request.config = config_path;
    return request;
}

} // namespace

// Within an operation the end belongs to its run, otherwise it gets one of its own.
void ProjectKernel::lost(Machine& machine) {
    auto project = load_project(workshop_.installation(), config_path_);
    const auto ready_us = machine.record().ready_unix_us;
    const auto up_for = Milliseconds(
        ready_us > 0 ? std::max<std::int64_t>(0, (workshop_.host().clock().unix_us() - ready_us) / 1000) : 0);
    const bool was_asked = machine.record().phase == "stopping"; // by a castra that was killed
    const bool has_failed =
        !was_asked && machine.exit_status().exit_code != 0; // no code: a signal, or nobody could tell
    const Lost lost{machine.name(), has_failed, up_for};
    if (bus_) {
        machine.report_lost(*bus_);
        if (!was_asked) lost_meanwhile_.push_back(lost);
        return;
    }
    Run run(workshop_.host().clock(), own_request(config_path_), project ? project->config.name : "",
            workshop_.installation().version);
    begin_own_run(run, machine.name(), project ? &*project : nullptr);
    machine.report_lost(run.bus());
    if (project) consider_restart(run.bus(), *project, lost);
    if (needs_no_broker() && !broker_->is_pinned()) broker_->stop_now();
    broker_->leave();
    contract::Summary summary;
    summary.outcome = was_asked ? contract::Outcome::succeeded : contract::Outcome::failed;
    summary.vms.push_back({machine.name(), std::string(to_string(machine.state())),
                           was_asked ? contract::VmOutcome::succeeded : contract::VmOutcome::failed});
    run.finish(std::move(summary), machine.name() + (was_asked ? " ended as it was asked to" : " ended unexpectedly"));
    if (is_idle() && on_idle) on_idle();
}

void ProjectKernel::begin_own_run(Run& run, const std::string& vm, const Project* project) {
    if (const auto opened = run.open(files_of(run)); !opened) workshop_.log()("error", opened.error().text);
    if (project) hide_secrets(run.bus(), project->config);
    contract::CommandAccepted accepted;
    accepted.expects.push_back({"vm", vm});
    begin(run, std::move(accepted), project);
}

std::string ProjectKernel::settle_lost(EventBus& bus, const Project* project) {
    std::string names;
    for (const auto& lost : std::exchange(lost_meanwhile_, {})) {
        names += (names.empty() ? "; " : ", ") + lost.vm;
        const auto* machine = fleet_->find(lost.vm);
        if (project && machine && machine->state() == VmState::failed) consider_restart(bus, *project, lost);
    }
    return names.empty() ? names : names + " ended unexpectedly meanwhile";
}

void ProjectKernel::reconsider(const Lost& lost) {
    auto project = load_project(workshop_.installation(), config_path_);
    auto* machine = fleet_->find(lost.vm);
    if (!machine || machine->state() != VmState::failed) return;
    machine->note_restart(0, 0);
    const auto* config = project ? find_vm(*project, lost.vm) : nullptr;
    if (config && (config->restart.policy != restart_on_failure || !lost.has_failed)) return; // nobody expects a start
    Run run(workshop_.host().clock(), own_request(config_path_), project ? project->config.name : "",
            workshop_.installation().version);
    begin_own_run(run, lost.vm, project ? &*project : nullptr);
    if (project) consider_restart(run.bus(), *project, lost);
    if (restarts_.is_empty_of(lost.vm))
        run.bus().publish(contract::message(Severity::warn, lost.vm + " is not started again", "restart_given_up")
                              .on(lost.vm)
                              .cure("castra up " + lost.vm + " tries it at once"));
    broker_->leave();
    contract::Summary summary;
    summary.outcome = contract::Outcome::failed;
    summary.vms.push_back({lost.vm, std::string(to_string(machine->state())), contract::VmOutcome::failed});
    run.finish(std::move(summary), lost.vm + " stays down for now");
}

void ProjectKernel::consider_restart(EventBus& bus, const Project& project, const Lost& lost) {
    const auto& vm = lost.vm;
    auto* machine = fleet_->find(vm);
    if (machine && machine->state() == VmState::failed) machine->note_restart(0, 0);
    const auto* config = find_vm(project, vm);
    if (!config) return;
    const auto decision = restarts_.decide(vm, config->restart, lost.has_failed, lost.up_for);
    if (!decision.is_wanted) return;
    const auto limit = std::to_string(config->restart.restarts_max);
    if (!decision.is_allowed) {
        bus.publish(contract::message(Severity::error,
                                      vm + " was started again " + limit + " times in a row and stays down",
                                      "restart_limit")
                        .on(vm)
                        .because({"restart_limit", vm + " keeps failing", {}, true})
                        .cure("find out why it fails, then castra up " + vm));
        return;
    }
    bus.publish(contract::message(Severity::info,
                                  vm + " is started again in " + seconds_text(decision.wait) + " (restart " +
                                      std::to_string(decision.attempt) + " of " + limit + ")",
                                  "restart_scheduled")
                    .on(vm));
    if (machine && machine->state() == VmState::failed)
        machine->note_restart(workshop_.host().clock().unix_us() + decision.wait.count() * 1000, decision.attempt);
    const auto token = restarts_.schedule(vm);
    asio::co_spawn(workshop_.host().executor(), restart(vm, token, decision.wait, closing_), asio::detached);
}

// A run of its own, like any up of this one VM. An operation that starts or removes the VM meanwhile makes it
// pointless.
Task<> ProjectKernel::restart(std::string vm, std::int64_t token, Milliseconds wait, std::shared_ptr<Gate> closing) {
    auto& host = workshop_.host();
    co_await (host.sleep_for(wait) || closing->wait());
    while (!closing->is_open() && restarts_.is_waiting(vm, token)) {
        const bool has_waited = co_await wait_for_operation(closing);
        if (!has_waited) break;
    }
    if (closing->is_open() || !restarts_.is_waiting(vm, token)) co_return;
    auto request = own_request(config_path_);
    request.vms = {vm};
    restarts_.forget(vm);
    const auto result = co_await perform(request, {}, std::make_shared<Gate>(host.executor()));
    if (result.is_rejected) reconsider({vm}); // otherwise that run has scheduled the next attempt, if there is one
    if (is_idle() && on_idle) on_idle();
}

Task<bool> ProjectKernel::wait_for_operation(std::shared_ptr<Gate> closing) {
    auto& host = workshop_.host();
    if (busy_with_) { // an operation of ours
        const auto ended = operation_ended_;
        co_await (ended->wait() || closing->wait());
        co_return true;
    }
    if (FileLock::probe(layout_.operation_lock())) co_return false;
    const auto first = co_await (lock_released(host, layout_.operation_lock()) || closing->wait()); // of clean, say
    if (first.index() != 0 || std::get<0>(first)) co_return true;
    workshop_.log()("warn", std::get<0>(first).error().text);
    co_await (host.sleep_for(unwatched_wait) || closing->wait());
    co_return true;
}

Task<> ProjectKernel::shut_down() {
    const auto closing = closing_;
    bool has_waited = true;
    while (has_waited && !closing->is_open()) {
        if (cancel_) cancel_->open();
        has_waited = co_await wait_for_operation(closing);
    }
    if (closing->is_open()) co_return;
    Request request;
    request.operation = Operation::down;
    request.argv = {"castra", "supervise"};
    co_await perform(request, {}, std::make_shared<Gate>(workshop_.host().executor()));
}

void ProjectKernel::forget_settled_restarts(const Request& request) {
    if (request.operation == Operation::supervise) return; // up() has scheduled the next attempt, or there is none
    for (const auto& vm : restarts_.waiting()) {
        if (!request.vms.empty() && std::ranges::find(request.vms, vm) == request.vms.end()) continue;
        const auto* machine = fleet_->find(vm);
        if (!machine || machine->state() != VmState::failed) restarts_.forget(vm);
    }
}

} // namespace castra
