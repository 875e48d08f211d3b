// SPDX-License-Identifier: Apache-2.0
#include "operations/embedded_operations.hpp"

#include "operations/bootstrap_modes.hpp"
#include "operations/clean.hpp"
#include "operations/exit_code.hpp"
#include "operations/status.hpp"
#include "operations/up_findings.hpp"
#include "state/vm_record.hpp"

#include <algorithm>
#include <unistd.h>

namespace castra {
namespace {

void add_sinks(Run& run, Sinks sinks) {
    auto every_event = EventBus::default_limits();
    every_event.may_coalesce = false;
    for (auto& sink : sinks)
        run.bus().add_sink(std::move(sink), every_event);
}

} // namespace

EmbeddedOperations::EmbeddedOperations(Workshop& workshop, std::string config_path)
    : workshop_(workshop), config_path_(std::move(config_path)) {}

Task<RunResult> EmbeddedOperations::perform(Work work, Sinks sinks, std::shared_ptr<Gate> cancel) {
    auto request = work.request;
    request.argv = {"embedded", std::string(to_string(request.operation))};
    request.config = config_path_;
    for (auto& [vm, mode] : request.bootstrap) {
        const auto canonical = bootstrap_mode(mode);
        if (canonical.empty())
            co_return reject(request, "",
                             {{ErrorCode::usage, "no bootstrap mode \"" + mode + "\"", "auto, always, skip"}},
                             std::move(sinks));
        mode = canonical;
    }
    if (work.plan) co_return co_await plan(std::move(request), *work.plan, std::move(sinks), std::move(cancel));
    if (request.operation == Operation::up)
        co_return co_await up(std::move(request), work.broker_launcher, std::move(sinks), std::move(cancel));
    if (request.operation == Operation::down)
        co_return co_await down(std::move(request), std::move(sinks), std::move(cancel));
    if (request.operation == Operation::bootstrap)
        co_return co_await bootstrap(std::move(request), std::move(sinks), std::move(cancel));
    if (request.operation == Operation::clean) co_return clean(request, work, std::move(sinks));
    co_return co_await status(std::move(request), std::move(sinks));
}

RunResult EmbeddedOperations::reject(const Request& request, const std::string& project,
                                     const std::vector<Error>& findings, Sinks sinks) {
    Run run(workshop_.host().clock(), request, project, workshop_.installation().version);
    add_sinks(run, std::move(sinks));
    return run.reject(findings);
}

RunResult EmbeddedOperations::nothing_to_do(const Request& request, const Located& located, const Project* project,
                                            Sinks sinks) {
    Run run(workshop_.host().clock(), request, project ? project->config.name : "", workshop_.installation().version);
    add_sinks(run, std::move(sinks));
    contract::CommandAccepted accepted;
    accepted.config_path = located.config_path;
    accepted.config_digest = project ? project->config_digest : "";
    run.accept(std::move(accepted));
    return run.finish({}, "nothing to do: nothing is up");
}

Result<ProjectKernel*> EmbeddedOperations::own(const Layout& layout, const std::string& config_path) {
    if (!kernel_) {
        CASTRA_TRY(opened, ProjectKernel::open(workshop_, layout, config_path, false));
        kernel_ = std::move(opened);
    }
    return kernel_.get();
}

void EmbeddedOperations::let_go_if_idle() {
    if (kernel_ && kernel_->is_idle()) kernel_.reset();
}

Task<RunResult> EmbeddedOperations::up(Request request, std::shared_ptr<BrokerLauncher> launcher, Sinks sinks,
                                       std::shared_ptr<Gate> cancel) {
    auto project = load_project(workshop_.installation(), request.config);
    if (!project) co_return reject(request, "", project.error(), std::move(sinks));
    if (!kernel_) { // nothing is touched when something is wrong
        const auto findings = up_findings(workshop_, request, *project);
        if (!findings.empty()) co_return reject(request, project->config.name, findings, std::move(sinks));
    }
    const auto kernel = own(project->layout, project->config.path);
    if (!kernel) co_return reject(request, project->config.name, {kernel.error()}, std::move(sinks));
    (*kernel)->use_broker_launcher(std::move(launcher));
    const auto result = co_await (*kernel)->perform(std::move(request), std::move(sinks), std::move(cancel));
    let_go_if_idle();
    co_return result;
}

Task<RunResult> EmbeddedOperations::down(Request request, Sinks sinks, std::shared_ptr<Gate> cancel) {
    auto project = load_project(workshop_.installation(), request.config);
    auto located = project ? Result<Located>(Located{project->layout, project->config.path})
                           : locate_project(workshop_.installation(), request.config);
    if (!located) co_return reject(request, "", project.error(), std::move(sinks));
    const auto name = project ? project->config.name : std::string();
    auto recorded = recorded_vms(located->layout);
    if (!recorded) co_return reject(request, name, {recorded.error()}, std::move(sinks));
    auto known = *std::move(recorded);
    const bool has_records = !known.empty();
    if (project)
        for (const auto& vm : project->config.vms)
            known.push_back(vm.name);
    for (const auto& vm : request.vms)
        if (std::ranges::find(known, vm) == known.end())
            co_return reject(request, name,
                             {{ErrorCode::usage, "this project has no VM \"" + vm + "\"", "status lists them"}},
                             std::move(sinks));
    if (has_records || kernel_) {
        const auto kernel = own(located->layout, located->config_path);
        if (!kernel) co_return reject(request, name, {kernel.error()}, std::move(sinks));
        const auto result = co_await (*kernel)->perform(std::move(request), std::move(sinks), std::move(cancel));
        let_go_if_idle();
        co_return result;
    }
    co_return nothing_to_do(request, *located, project ? &*project : nullptr, std::move(sinks));
}

Task<RunResult> EmbeddedOperations::bootstrap(Request request, Sinks sinks, std::shared_ptr<Gate> cancel) {
    auto project = load_project(workshop_.installation(), request.config);
    if (!project) co_return reject(request, "", project.error(), std::move(sinks));
    const auto recorded = recorded_vms(project->layout);
    if (!recorded) co_return reject(request, project->config.name, {recorded.error()}, std::move(sinks));
    if (kernel_ || !recorded->empty()) {
        const auto kernel = own(project->layout, project->config.path);
        if (!kernel) co_return reject(request, project->config.name, {kernel.error()}, std::move(sinks));
        const auto result = co_await (*kernel)->perform(std::move(request), std::move(sinks), std::move(cancel));
        let_go_if_idle();
        co_return result;
    }
    auto findings = apply_bootstrap_modes(request.bootstrap, project->config);
    for (const auto& vm : request.vms)
        findings.push_back({ErrorCode::preflight, "VM " + vm + " does not run", "up starts and bootstraps it"});
    if (!findings.empty()) co_return reject(request, project->config.name, findings, std::move(sinks));
    co_return nothing_to_do(request, {project->layout, project->config.path}, &*project, std::move(sinks));
}

Task<RunResult> EmbeddedOperations::plan(Request request, PlanOf what, Sinks sinks, std::shared_ptr<Gate> cancel) {
    request.operation = Operation::plan;
    auto project = load_project(workshop_.installation(), request.config);
    if (!project) co_return reject(request, "", project.error(), std::move(sinks));
    Run run(workshop_.host().clock(), request, project->config.name, workshop_.installation().version);
    add_sinks(run, std::move(sinks));
    const auto result = co_await plan_project(workshop_, run, request, *project, what, *cancel);
    co_return result;
}

Task<RunResult> EmbeddedOperations::status(Request request, Sinks sinks) {
    auto project = load_project(workshop_.installation(), request.config);
    auto located = project ? Result<Located>(Located{project->layout, project->config.path})
                           : locate_project(workshop_.installation(), request.config);
    if (!located) co_return reject(request, "", project.error(), std::move(sinks));
    const auto* config = project ? &project->config : nullptr;
    const auto status = co_await project_status(workshop_.host(), located->layout, config, located->config_path);
    if (status.unlisted) co_return reject(request, status.project, {*status.unlisted}, std::move(sinks));
    Run run(workshop_.host().clock(), request, status.project, workshop_.installation().version);
    add_sinks(run, std::move(sinks));
    contract::CommandAccepted accepted;
    accepted.config_path = located->config_path;
    accepted.config_digest = project ? project->config_digest : "";
    contract::Summary summary;
    for (const auto& vm : status.vms) {
        if (vm.pid > 0) accepted.running.push_back({vm.name, vm.incarnation});
        summary.vms.push_back({vm.name, vm.state, contract::VmOutcome::unchanged});
    }
    run.accept(std::move(accepted));
    for (const auto& vm : status.vms)
        for (auto& event : status_events(vm))
            run.bus().publish(std::move(event));
    if (auto broker = broker_event(status.broker, status.vms)) run.bus().publish(std::move(*broker));
    const auto text = count_of(std::vector<ProjectStatus>(1, status));
    co_return run.finish(std::move(summary), text);
}

RunResult EmbeddedOperations::clean(const Request& request, const Work& work, Sinks sinks) {
    const auto& installation = workshop_.installation();
    auto project = load_project(installation, request.config);
    auto located = project ? Result<Located>(Located{project->layout, project->config.path})
                           : locate_project(installation, request.config);
    if (!located) return reject(request, "", project.error(), std::move(sinks));
    const auto name = project ? project->config.name : std::string();
    for (const auto& kind : work.kinds)
        if (kind == "images" || std::ranges::find(cleanup_kinds, kind) == cleanup_kinds.end())
            return reject(
                request, name,
                {{ErrorCode::usage, "\"" + kind + "\" is nothing of a project that clean knows", "see cleanup_kinds"}},
                std::move(sinks));
    const CleanTarget target{located->layout, located->config_path, ""};
    std::error_code error;
    const bool exists = std::filesystem::exists(target.layout.state_dir(), error);
    std::optional<FileLock> lock; // nothing changes the project meanwhile, in whatever process
    if (exists && work.dry_run) {
        if (const auto free = FileLock::probe(target.layout.operation_lock()); !free)
            return reject(request, name, {free.error()}, std::move(sinks));
    } else if (exists) {
        auto taken =
            FileLock::try_lock(target.layout.operation_lock(), "clean (process " + std::to_string(::getpid()) + ")");
        if (!taken) return reject(request, name, {taken.error()}, std::move(sinks));
        lock = std::move(*taken);
    }
    Run run(workshop_.host().clock(), request, name, installation.version);
    if (exists && !work.dry_run)
        if (auto opened = run.open({target.layout.journal(run.id()), target.layout.quarantine(run.id()), {}}); !opened)
            return reject(request, name, {opened.error()}, std::move(sinks));
    add_sinks(run, std::move(sinks));
    contract::CommandAccepted accepted;
    accepted.config_path = target.config_path;
    run.accept(std::move(accepted));
    Cleaner cleaner(workshop_, run.bus(), run.id() + ".ndjson", {request.vms, work.kinds, work.dry_run});
    cleaner.project(target);
    const auto& result = cleaner.result();
    contract::Summary summary;
    summary.vms = result.vms;
    summary.reclaimed_bytes = work.dry_run ? 0 : result.reclaimed_bytes;
    summary.leftovers = result.leftovers;
    if (result.failed) {
        summary.outcome = result.removed > 0 ? contract::Outcome::partial : contract::Outcome::failed;
        summary.exit_code = result.removed > 0 ? exit_code::partial : exit_code::failed;
    }
    return run.finish(std::move(summary), std::string(work.dry_run ? "would remove " : "removed ") +
                                              std::to_string(result.removed) + " items");
}

} // namespace castra
