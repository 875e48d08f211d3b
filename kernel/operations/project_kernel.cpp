// SPDX-License-Identifier: Apache-2.0
#include "operations/project_kernel.hpp"

#include "contract/text.hpp"
#include "host/files.hpp"
#include "operations/journal_prune.hpp"
#include "operations/journal_seal.hpp"
#include "state/project_register.hpp"

#include <algorithm>
#include <set>

namespace castra {

namespace {

Task<> tell_plugins(Workshop& workshop, std::shared_ptr<Gate> cancel) {
    co_await cancel->wait();
    if (cancel->is_open()) workshop.cancel_run();
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
    CASTRA_CHECK(owns_state(workshop.installation().environment, layout, config_path));
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
    return {layout_.journal(run.id()), layout_.quarantine(run.id()), {}};
}

Task<RunResult> ProjectKernel::perform(Request request, Sinks sinks, std::shared_ptr<Gate> cancel) {
    std::set<std::string> named;
    std::erase_if(request.vms, [&](const std::string& vm) { return !named.insert(vm).second; });
    auto project = load_project(workshop_.installation(), config_path_);
    const auto name = project ? project->config.name : std::string();
    config_problem_ = project ? std::optional<Error>() : project.error().front();
    Run run(workshop_.host().clock(), request, name, workshop_.installation().version);
    const auto command = "castra " + std::string(to_string(request.operation)) + " (run " + run.id() + ")";
    std::vector<Error> findings;
    auto lock = FileLock::try_lock(layout_.operation_lock(), command); // castra clean works in another process
    if (!lock && lock.error().code == ErrorCode::busy) lock.error().hint = "wait for it to end, or interrupt it";
    if (busy_with_)
        findings.push_back({ErrorCode::busy, "project " + name + " is busy with " + *busy_with_,
                            "wait for it to end, or interrupt it"});
    else if (!lock)
        findings.push_back(lock.error());
    else if (!project && request.operation != Operation::down)
        findings = project.error();
    else if (auto adopted = fleet_->adopt_missed(); !adopted)
        findings.push_back(adopted.error());
    else if (auto opened = run.open(files_of(run)); !opened)
        findings.push_back(opened.error());
    if (project) {
        hide_secrets(run.bus(), project->config);
        workshop_.secrets().offer(project->config.secrets);
    }
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
            kernel.cancel_.reset();
            kernel.operation_ended_->open();
            for (const auto& vm : std::exchange(kernel.lost_meanwhile_, {})) // the run has ended without a word of them
                kernel.reconsider(vm);
            kernel.forget_settled_restarts(request);
            if (kernel.is_idle() && kernel.on_idle) kernel.on_idle();
        }
    } attachment{*this, request};
    busy_with_ = command;
    cancel_ = cancel;
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

void ProjectKernel::begin(Run& run, contract::CommandAccepted accepted, const Project* project) {
    accepted.config_path = config_path_;
    accepted.config_digest = project ? project->config_digest : "";
    accepted.running = fleet_->running();
    if (broker_->ran_before()) accepted.broker_running = true;
    std::vector<contract::Draft> warnings;
    if (project) warnings = attach_reporters(run, *project);
    run.accept(std::move(accepted));
    if (config_problem_) run.bus().publish(goes_by_records(*config_problem_));
    broker_->join(run.bus());
    for (auto& warning : warnings)
        run.bus().publish(std::move(warning));
    prune_journals(layout_, retention_of(project), run.bus());
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

} // namespace castra
