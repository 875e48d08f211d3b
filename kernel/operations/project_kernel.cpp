// SPDX-License-Identifier: Apache-2.0
#include "operations/project_kernel.hpp"

#include "contract/text.hpp"
#include "host/files.hpp"
#include "operations/bootstrap_modes.hpp"
#include "operations/bootstrap_outcome.hpp"
#include "operations/bootstrap_runner.hpp"
#include "operations/exit_code.hpp"
#include "operations/image_phase.hpp"
#include "operations/journal_prune.hpp"
#include "operations/journal_seal.hpp"
#include "operations/machine_specs.hpp"
#include "operations/preflight.hpp"
#include "state/project_register.hpp"

#include <algorithm>

namespace castra {

using contract::Outcome;
using contract::VmOutcome;

namespace {

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

std::string count_text(std::size_t count, const char* noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

Task<> tell_plugins(Workshop& workshop, std::shared_ptr<Gate> cancel) {
    co_await cancel->wait();
    if (cancel->is_open()) workshop.cancel_run();
}

contract::Summary summary_of(FleetResult& result) {
    contract::Summary summary;
    summary.vms = std::move(result.vms);
    summary.reclaimed_bytes = result.reclaimed_bytes;
    summary.leftovers = std::move(result.leftovers);
    return summary;
}

} // namespace

ProjectKernel::ProjectKernel(Workshop& workshop, Layout layout, std::string config_path, FileLock lock)
    : workshop_(workshop), layout_(std::move(layout)), config_path_(std::move(config_path)), lock_(std::move(lock)),
      broker_(std::make_shared<BrokerKeeper>(workshop.host(), layout_)), broker_handshakes_(workshop.host(), *broker_),
      fleet_(std::make_unique<Fleet>(workshop.host(), layout_,
                                     cache_dir(workshop.installation().environment) / "probes",
                                     [this](Machine& machine) { lost(machine); })),
      closing_(std::make_shared<Gate>(workshop.host().executor())) {
    fleet_->set_guest_link(broker_.get());
    broker_->on_news = [this] { tell_broker_news(); };
}

ProjectKernel::~ProjectKernel() {
    closing_->open();
    broker_->on_news = {};
    broker_->stop_now();
    // Sockets of VMs that live stay; an empty runtime directory goes.
    if (fleet_->has_processes()) return;
    (void)files::remove_tree(layout_.runtime_dir());
}

Result<std::unique_ptr<ProjectKernel>> ProjectKernel::open(Workshop& workshop, Layout layout, std::string config_path,
                                                           bool wait) {
    CASTRA_CHECK(files::make_directories(layout.state_dir()));
    const auto holder = "process " + std::to_string(::getpid());
    auto taken = wait ? FileLock::wait_lock(layout.supervisor_lock(), holder)
                      : FileLock::try_lock(layout.supervisor_lock(), holder);
    if (!taken) return Failure(taken.error());
    auto& lock = *taken;
    // Only now: a predecessor removes it before it lets go of the lock.
    CASTRA_CHECK(files::make_private_directory(layout.runtime_dir().parent_path()));
    CASTRA_CHECK(files::make_private_directory(layout.runtime_dir()));
    SealedRuns dead; // castra clean writes a journal in a process of its own: while it works, nothing is taken for dead
    if (const auto quiet = FileLock::try_lock(layout.operation_lock(), holder))
        dead = seal_dead_runs(layout, workshop.host().clock());
    for (const auto& run : dead.sealed)
        workshop.log()("info", "sealed run " + run + ", which ended without a summary");
    for (const auto& problem : dead.problems)
        workshop.log()("warn", problem.text);
    if (auto known = register_project(workshop.installation().environment, layout, config_path); !known)
        workshop.log()("warn", known.error().text); // status --all will not know of it; nothing else suffers
    std::unique_ptr<ProjectKernel> kernel(
        new ProjectKernel(workshop, std::move(layout), std::move(config_path), std::move(lock)));
    for (const auto& problem : kernel->fleet_->adopt_recorded())
        workshop.log()("warn", problem.text);
    return kernel;
}

void ProjectKernel::hide_secrets(EventBus& bus, const ProjectConfig& config) {
    for (const auto& vm : config.vms)
        for (const auto& [name, value] : vm.bootstrap.env)
            (void)bus.hide(value);
}

Retention ProjectKernel::retention_of(const Project* project) {
    const auto journal = project ? project->config.journal : JournalConfig();
    return {journal.runs_max, journal.bytes_max};
}

RunFiles ProjectKernel::files_of(const Run& run) const {
    return {layout_.journal(run.id()), layout_.quarantine(run.id())};
}

Task<RunResult> ProjectKernel::perform(Request request, Sinks sinks, std::shared_ptr<Gate> cancel) {
    auto project = load_project(workshop_.installation(), config_path_);
    const auto name = project ? project->config.name : std::string();
    Run run(workshop_.host().clock(), request, name, workshop_.installation().version);
    const auto command = "castra " + std::string(to_string(request.operation)) + " (run " + run.id() + ")";
    std::vector<Error> findings;
    auto lock = FileLock::try_lock(layout_.operation_lock(), command); // castra clean works in another process
    if (!lock) lock.error().hint = "wait for it to end, or interrupt it";
    if (busy_with_)
        findings.push_back({ErrorCode::busy, "project " + name + " is busy with " + *busy_with_,
                            "wait for it to end, or interrupt it"});
    else if (!lock)
        findings.push_back(lock.error());
    else if (!project && request.operation != Operation::down)
        findings = project.error();
    else if (auto opened = run.open(files_of(run)); !opened)
        findings.push_back(opened.error());
    if (project) hide_secrets(run.bus(), project->config);
    auto every_event = EventBus::default_limits();
    every_event.may_coalesce = false;
    for (auto& sink : sinks)
        run.bus().add_sink(std::move(sink), every_event);
    if (!findings.empty()) co_return run.reject(findings);

    struct Attachment { // undone on every way out
        ProjectKernel& kernel;
        const Request& request;
        ~Attachment() {
            kernel.workshop_.attach(nullptr);
            kernel.broker_->leave();
            kernel.bus_ = nullptr;
            kernel.busy_with_.reset();
            kernel.operation_ended_->open();
            kernel.forget_settled_restarts(request);
            if (kernel.is_idle() && kernel.on_idle) kernel.on_idle();
        }
    } attachment{*this, request};
    busy_with_ = command;
    operation_ended_ = std::make_shared<Gate>(workshop_.host().executor());
    bus_ = &run.bus();
    workshop_.attach(bus_);
    asio::co_spawn(workshop_.host().executor(), tell_plugins(workshop_, cancel), asio::detached);
    RunResult result;
    if (request.operation == Operation::down)
        result = co_await down(run, request, project ? &*project : nullptr);
    else if (request.operation == Operation::bootstrap)
        result = co_await bootstrap(run, request, *project, *cancel);
    else // supervise starts a VM again as up does
        result = co_await up(run, request, *project, *cancel);
    remember_lost(run, run.bus().lost_at_the_end());
    co_return result;
}

std::vector<contract::Draft> ProjectKernel::attach_reporters(Run& run, const Project& project) {
    PluginSet plugins(workshop_.installation(), workshop_.registry(), &project.config);
    auto warnings = std::exchange(lost_reporters_, {});
    for (const auto& reporter : project.config.reporters) {
        PluginSet::ReporterWish wish{reporter.plugin, reporter.config, {}};
        wish.open = {{"run_id", run.id()},
                     {"operation", run.bus().identity().operation},
                     {"project", project.config.name},
                     {"terminal", {{"is_tty", false}, {"width", 0}, {"color", false}}}};
        auto sink = plugins.reporter(wish);
        if (sink)
            run.bus().add_sink(std::move(*sink));
        else
            warnings.push_back(contract::message(contract::Severity::warn,
                                                 contract::clean_text(sink.error().text, 1024, true), "reporter_failed")
                                   .cure(contract::clean_text(sink.error().hint, 1024, true)));
    }
    return warnings;
}

void ProjectKernel::remember_lost(const Run& run, const std::vector<SinkStatus>& lost) {
    for (const auto& status : lost) {
        if (!status.name.starts_with("reporter-")) continue; // a client that went away knows it
        const auto text = status.name + " has not told all of run " + run.id() + ": " + status.why;
        workshop_.log()("warn", text);
        lost_reporters_.push_back(
            contract::message(contract::Severity::warn, contract::clean_text(text, 1024, true), "reporter_failed")
                .cure("castra replay " + run.id() + " --reporter " + status.name.substr(9)));
    }
}

Task<RunResult> ProjectKernel::up(Run& run, const Request& request, Project& project, Gate& cancel) {
    if (auto findings = apply_bootstrap_modes(request.bootstrap, project.config); !findings.empty())
        co_return run.reject(findings);
    PluginSet plugins(workshop_.installation(), workshop_.registry(), &project.config);
    auto wants_broker = plan_broker(plugins, project, request);
    if (!wants_broker) co_return run.reject({wants_broker.error()});
    tl::expected<std::vector<MachineSpec>, std::vector<Error>> specs;
    if (!request.broker_only)
        specs = machine_specs(workshop_.installation(), workshop_.host().clock(), project, plugins, request.vms);
    if (!specs) co_return run.reject(specs.error());
    FleetUp wanted;
    const auto changes = changes_of(*specs);
    PreflightWish wish{layout_, *specs, {}, {}, {}};
    for (const auto& vm : fleet_->running())
        (request.replace && changes.contains(vm.name) ? wanted.replaced : wish.running).insert(vm.name);
    wish.replaced = wanted.replaced;
    auto images = image_wishes(project.config, *specs, wish.running);
    wish.to_fetch = to_fetch(images);
    const auto report = preflight(workshop_.host(), wish);
    auto findings = report.refusals(request.force);
    std::ranges::move(bootstrap_findings(workshop_.host(), project, plugins, request.vms),
                      std::back_inserter(findings));
    if (!findings.empty()) co_return run.reject(findings);

    wanted.boot_window = project.config.lifecycle.boot_window > 0 ? project.config.lifecycle.boot_window
                                                                  : workshop_.installation().cores;
    wanted.keep_going = request.keep_going;
    wanted.stop_plan = stop_plan_of(project.config);
    contract::CommandAccepted accepted;
    accepted.config_path = project.config.path;
    accepted.config_digest = project.config_digest;
    accepted.limits.boot_window = wanted.boot_window;
    accepted.running = fleet_->running();
    if (broker_->ran_before()) accepted.broker_running = true;
    const bool starts_broker = *wants_broker && !broker_->is_open();
    if (starts_broker) accepted.expects.push_back({"broker", "broker"});
    for (const auto& spec : *specs) {
        accepted.expects.push_back({"vm", spec.vm.name});
        if (std::ranges::find(launchers_, spec.launcher) == launchers_.end()) launchers_.push_back(spec.launcher);
    }
    auto warnings = attach_reporters(run, project);
    run.accept(std::move(accepted));
    broker_->join(run.bus());
    for (auto& warning : warnings)
        run.bus().publish(std::move(warning));
    prune_journals(layout_, retention_of(&project), run.bus());
    if (request.operation == Operation::up && request.vms.empty() && !request.broker_only) tell_forgotten(run, project);
    tell_changes(run, changes, request.replace);
    if (!changes.empty() && !request.replace) co_return refuse_changes(run, *specs, changes);
    if (request.force) tell_scarce(run.bus(), report.scarce);
    Result<> broker_runs;
    if (starts_broker) broker_runs = co_await start_broker(run.bus());
    if (!broker_runs) {
        contract::Summary without;
        without.outcome = Outcome::failed;
        without.exit_code = exit_code::of(broker_runs.error().code);
        co_return run.finish(std::move(without), "failed: " + broker_runs.error().text);
    }
    if (request.broker_only) broker_->pin(true);
    wanted.specs = std::move(*specs);
    const auto total = wanted.specs.size();
    const auto spoiled = co_await prepare_images(workshop_, run.bus(), std::move(images), wanted.specs, cancel);
    if (!spoiled.empty() && (!request.keep_going || cancel.is_open()))
        co_return refuse_images(run, wanted.specs, spoiled, cancel.is_open());
    std::erase_if(wanted.specs, [&](const MachineSpec& spec) { return spoiled.contains(spec.vm.name); });
    BootstrapRunner bootstraps(workshop_, project, run.bus(), cancel, handshakes_);
    wanted.when_ready = [&bootstraps](Machine& machine) { return bootstraps.run(machine, false); };
    auto result = co_await fleet_->up(run.bus(), std::move(wanted), cancel);
    if (starts_broker) co_await stop_broker_if_unneeded();
    lay_over(bootstraps.results(), result.vms, result.failures);
    add_spoiled(result, spoiled);

    auto summary = summary_of(result);
    const auto good = static_cast<std::size_t>(std::ranges::count_if(summary.vms, [](const auto& vm) {
        return vm.outcome == VmOutcome::succeeded || vm.outcome == VmOutcome::unchanged;
    }));
    const bool failed = !result.failures.empty() ||
                        std::ranges::count(summary.vms, VmOutcome::failed, &contract::VmResult::outcome) > 0;
    if (failed && request.operation == Operation::supervise && restarts_.is_empty_of(request.vms.front()))
        consider_restart(run.bus(), project, request.vms.front(), true, Milliseconds(0));
    if (!failed && cancel.is_open()) {
        summary.outcome = Outcome::cancelled;
        summary.exit_code = exit_code::cancelled;
        co_return run.finish(std::move(summary), "cancelled; what this run had started was taken down again");
    }
    if (failed && request.keep_going && good > 0 && !run.bus().journal_failed()) {
        summary.outcome = Outcome::partial;
        summary.exit_code = exit_code::partial;
        co_return run.finish(std::move(summary),
                             "partial: " + std::to_string(good) + " of " + count_text(total, "VM") + " stand");
    }
    if (failed) {
        summary.outcome = Outcome::failed;
        summary.exit_code = result.failures.empty() ? exit_code::failed : exit_code::of(result.failures.front().code);
        co_return run.finish(std::move(summary),
                             result.failures.empty() ? "failed" : "failed: " + result.failures.front().text);
    }
    const bool changed = std::ranges::count(summary.vms, VmOutcome::succeeded, &contract::VmResult::outcome) > 0;
    if (request.broker_only)
        co_return run.finish(std::move(summary), starts_broker ? "the broker runs" : "nothing to do: the broker runs");
    co_return run.finish(std::move(summary),
                         changed ? count_text(total, "VM") + " ready" : "nothing to do: all is up already");
}

Task<RunResult> ProjectKernel::down(Run& run, const Request& request, const Project* project) {
    contract::CommandAccepted accepted;
    accepted.config_path = config_path_;
    accepted.config_digest = project ? project->config_digest : "";
    accepted.running = fleet_->running();
    const auto names = request.vms;
    for (const auto& vm : accepted.running)
        if (names.empty() || std::ranges::find(names, vm.name) != names.end())
            accepted.expects.push_back({"vm", vm.name});
    if (broker_->ran_before()) accepted.broker_running = true;
    const bool had_broker = broker_->runs();
    if (had_broker && ends_broker(request)) accepted.expects.push_back({"broker", "broker"});
    std::vector<contract::Draft> warnings;
    if (project) warnings = attach_reporters(run, *project);
    run.accept(std::move(accepted));
    broker_->join(run.bus());
    if (names.empty()) broker_->pin(false);
    for (auto& warning : warnings)
        run.bus().publish(std::move(warning));
    prune_journals(layout_, retention_of(project), run.bus());
    auto stop_plan = project ? stop_plan_of(project->config) : StopPlan{};
    if (request.timeout) stop_plan.limit = request.timeout;
    auto result = co_await fleet_->down(run.bus(), names, stop_plan);
    if (had_broker) co_await stop_broker_if_unneeded();
    auto summary = summary_of(result);
    if (!result.failures.empty()) {
        summary.outcome = Outcome::failed;
        summary.exit_code = exit_code::failed;
        co_return run.finish(std::move(summary), "failed: " + result.failures.front().text);
    }
    const auto stopped = std::ranges::count(summary.vms, VmOutcome::succeeded, &contract::VmResult::outcome);
    if (stopped == 0 && had_broker && !broker_->runs()) co_return run.finish(std::move(summary), "the broker is down");
    co_return run.finish(std::move(summary), stopped > 0 ? count_text(static_cast<std::size_t>(stopped), "VM") + " down"
                                                         : "nothing to do: nothing is up");
}

} // namespace castra
