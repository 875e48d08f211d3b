// SPDX-License-Identifier: Apache-2.0
// The kernel of one project while something of it is owned: its lock, its fleet, its runs. The supervisor is this
// behind a socket; an embedder and `up --foreground` are this in their own process. Invariant: one up or down at a
// time; a second is rejected as busy, naming the first. Thread: the kernel's. Errors: through the stream; every path
// ends in summary.
#pragma once
#include "bootstrap/handshakes.hpp"
#include "host/file_lock.hpp"
#include "lifecycle/fleet.hpp"
#include "lifecycle/spec_diff.hpp"
#include "operations/broker_handshakes.hpp"
#include "operations/restarts.hpp"
#include "operations/run.hpp"
#include "operations/workshop.hpp"
#include "state/journal_retention.hpp"

namespace castra {

using Sinks = std::vector<std::unique_ptr<Sink>>;

class ProjectKernel {
public:
    // Takes the project's lock and adopts what an earlier kernel left. Errors: busy, io; nothing stays behind.
    // `wait`: for a predecessor that is about to end; only for a caller whom somebody watches with a deadline.
    static Result<std::unique_ptr<ProjectKernel>> open(Workshop& workshop, Layout layout, std::string config_path,
                                                       bool wait);
    ~ProjectKernel();

    // Operations up, down and bootstrap. The sinks are told everything. Opening `cancel` ends it in order.
    Task<RunResult> perform(Request request, Sinks sinks, std::shared_ptr<Gate> cancel);

    // Asked by the next `up` instead of the plugin that castra.toml names; null: that plugin.
    void use_broker_launcher(std::shared_ptr<BrokerLauncher> launcher) { broker_launcher_ = std::move(launcher); }
    // Takes the project down in order. What is under way is cancelled, or waited for.
    Task<> shut_down();
    bool is_idle() const { return !busy_with_ && needs_no_broker() && !broker_->is_pinned(); }
    const Layout& layout() const { return layout_; }
    // Called when the last VM is gone, none waits to be started again, and no operation runs.
    std::function<void()> on_idle;
    // Whoever hears guests; none: vm.ready is what bootstrap waits for. Outlives this.
    void set_handshakes(Handshakes* handshakes) { handshakes_ = handshakes; }

private:
    ProjectKernel(Workshop& workshop, Layout layout, std::string config_path, FileLock lock);

    struct Up; // one up (project_kernel_up.cpp)
    Task<RunResult> up(Run& run, const Request& request, Project& project, Gate& cancel);
    Task<RunResult> down(Run& run, const Request& request, const Project* project);
    Task<RunResult> bootstrap(Run& run, const Request& request, Project& project, Gate& cancel);
    // command.accepted, with what every run of a project says in it, told to the reporters of `project` (null: its
    // castra.toml cannot be read) as well; then what was left to be said.
    void begin(Run& run, contract::CommandAccepted accepted, const Project* project);
    // Before the first event, so that reporters are told it too. Returns what is to be said about those that failed.
    std::vector<contract::Draft> attach_reporters(Run& run, const Project& project);
    // Reporters that failed when the run was over: said in the log now, and in the next run.
    void remember_lost(const Run& run, const std::vector<SinkStatus>& lost);
    // Of those that run, what castra.toml wants otherwise now.
    std::map<std::string, std::vector<SpecChange>> changes_of(const std::vector<MachineSpec>& specs);
    void tell_forgotten(Run& run, const Project& project); // VMs that run and that castra.toml no longer has
    void tell_changes(Run& run, const std::map<std::string, std::vector<SpecChange>>& changes, bool will_replace);
    RunResult refuse_changes(Run& run, const std::vector<MachineSpec>& specs,
                             const std::map<std::string, std::vector<SpecChange>>& changes);
    // Nothing is started: an image is missing or wrong, or the run was cancelled before all were there.
    RunResult refuse_images(Run& run, const std::vector<MachineSpec>& specs,
                            const std::map<std::string, Error>& spoiled, bool cancelled);
    struct Lost { // a VM that ended unasked
        std::string vm;
        bool has_failed = true;
        Milliseconds up_for{0}; // since it was ready; 0: it never was
    };
    void lost(Machine& machine);
    // Of those that ended while an operation was under way and that it has left as they are: decides about their next
    // start. Answers what the run's summary should say of them: "; web-0 ended unexpectedly meanwhile", or nothing.
    std::string settle_lost(EventBus& bus, const Project* project);
    void begin_own_run(Run& run, const std::string& vm, const Project* project);
    // About the next start of one whose last attempt was refused: in a run of its own, for the refused one is over.
    void reconsider(const Lost& lost);
    // A turn of waiting for what changes this project now; false: nothing does.
    Task<bool> wait_for_operation(std::shared_ptr<Gate> closing);
    // The broker of this project (project_kernel_broker.cpp).
    bool needs_no_broker() const { return restarts_.is_empty() && !fleet_->has_processes(); }
    Result<bool> plan_broker(PluginSet& plugins, const Project& project, const Request& request);
    Task<Result<>> start_broker(EventBus& bus);
    Task<> stop_broker_if_unneeded();
    bool ends_broker(const Request& request) const; // a down that leaves no VM
    void tell_broker_news();
    // What follows from the end of a VM, told to `bus`.
    void consider_restart(EventBus& bus, const Project& project, const Lost& lost);
    Task<> restart(std::string vm, std::int64_t token, Milliseconds wait, std::shared_ptr<Gate> closing);
    void forget_settled_restarts(const Request& request);
    RunFiles files_of(const Run& run) const;
    // What the file gives to guests as their environment is nobody else's to read. Values too short to be told from
    // other text are not masked; nothing of castra's prints them either.
    static void hide_secrets(EventBus& bus, const ProjectConfig& config);
    static Retention retention_of(const Project* project); // a file that cannot be read gets the defaults

    Workshop& workshop_;
    Layout layout_;
    std::string config_path_;
    FileLock lock_;
    std::shared_ptr<BrokerKeeper> broker_; // before the fleet, whose machines refer to it
    std::shared_ptr<BrokerLauncher> broker_launcher_;
    BrokerHandshakes broker_handshakes_;
    std::unique_ptr<Fleet> fleet_;
    std::vector<std::shared_ptr<LauncherClient>> launchers_; // of every up, for machines that still refer to them
    std::optional<std::string> busy_with_;
    std::vector<contract::Draft> lost_reporters_; // not yet said in a run
    std::optional<Error> config_problem_;         // of castra.toml as the operation under way found it
    EventBus* bus_ = nullptr;                     // of the operation under way
    Handshakes* handshakes_ = &broker_handshakes_;
    std::shared_ptr<Gate> operation_ended_, cancel_; // of the operation under way
    std::vector<Lost> lost_meanwhile_;               // the same
    Restarts restarts_;
    std::shared_ptr<Gate> closing_; // open: this object is gone
};

} // namespace castra
