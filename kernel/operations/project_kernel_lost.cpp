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
    if (bus_) {
        machine.report_lost(*bus_);
        if (project) consider_restart(*bus_, *project, machine.name(), has_failed, up_for);
        return;
    }
    Request request;
    request.operation = Operation::supervise;
    request.config = config_path_;
    Run run(workshop_.host().clock(), request, project ? project->config.name : "", workshop_.installation().version);
    if (const auto opened = run.open(files_of(run)); !opened) workshop_.log()("error", opened.error().text);
    if (project) hide_secrets(run.bus(), project->config);
    contract::CommandAccepted accepted;
    accepted.expects.push_back({"vm", machine.name()});
    begin(run, std::move(accepted), project ? &*project : nullptr);
    machine.report_lost(run.bus());
    if (project) consider_restart(run.bus(), *project, machine.name(), has_failed, up_for);
    if (needs_no_broker() && !broker_->is_pinned()) broker_->stop_now();
    broker_->leave();
    contract::Summary summary;
    summary.outcome = was_asked ? contract::Outcome::succeeded : contract::Outcome::failed;
    summary.vms.push_back({machine.name(), std::string(to_string(machine.state())),
                           was_asked ? contract::VmOutcome::succeeded : contract::VmOutcome::failed});
    run.finish(std::move(summary), machine.name() + (was_asked ? " ended as it was asked to" : " ended unexpectedly"));
    if (is_idle() && on_idle) on_idle();
}

void ProjectKernel::consider_restart(EventBus& bus, const Project& project, const std::string& vm, bool has_failed,
                                     Milliseconds up_for) {
    const auto& vms = project.config.vms;
    const auto config = std::ranges::find(vms, vm, &VmConfig::name);
    if (config == vms.end()) return;
    const auto decision = restarts_.decide(vm, config->restart, has_failed, up_for);
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
    if (auto* machine = fleet_->find(vm); machine && machine->state() == VmState::failed)
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
        if (busy_with_) { // an operation of ours
            const auto ended = operation_ended_;
            co_await (ended->wait() || closing->wait());
            continue;
        }
        if (FileLock::probe(layout_.operation_lock())) break;
        const auto first = co_await (lock_released(host, layout_.operation_lock()) || closing->wait()); // of clean, say
        if (first.index() != 0 || std::get<0>(first)) continue;
        workshop_.log()("warn", std::get<0>(first).error().text);
        co_await (host.sleep_for(unwatched_wait) || closing->wait());
    }
    if (closing->is_open() || !restarts_.is_waiting(vm, token)) co_return;
    Request request;
    request.operation = Operation::supervise;
    request.config = config_path_;
    request.vms = {vm};
    restarts_.forget(vm);
    co_await perform(request, {}, std::make_shared<Gate>(host.executor())); // schedules the next attempt if it fails
    if (is_idle() && on_idle) on_idle();
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
