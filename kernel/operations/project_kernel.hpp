// SPDX-License-Identifier: Apache-2.0
// The kernel of one project while something of it is owned: its lock, its fleet, its runs. The supervisor is this
// behind a socket; an embedder and `up --foreground` are this in their own process. Invariant: one up or down at a
// time; a second is rejected as busy, naming the first. Thread: the kernel's. Errors: through the stream; every path
// ends in summary.
#pragma once
#include "host/file_lock.hpp"
#include "lifecycle/fleet.hpp"
#include "operations/run.hpp"
#include "operations/workshop.hpp"

namespace castra {

using Sinks = std::vector<std::unique_ptr<Sink>>;

class ProjectKernel {
public:
    // Takes the project's lock and adopts what an earlier kernel left. Errors: busy, io; nothing stays behind.
    // `wait`: for a predecessor that is about to end; only for a caller whom somebody watches with a deadline.
    static Result<std::unique_ptr<ProjectKernel>> open(Workshop& workshop, Layout layout, std::string config_path,
                                                       bool wait);
    ~ProjectKernel();

    // Operations up and down. The sinks are told everything. Opening `cancel` ends it in order.
    Task<RunResult> perform(Request request, Sinks sinks, std::shared_ptr<Gate> cancel);

    bool is_idle() const { return !busy_with_ && !fleet_->has_processes(); }
    const Layout& layout() const { return layout_; }
    // Opens when the last VM is gone and no operation runs.
    std::function<void()> on_idle;

private:
    ProjectKernel(Workshop& workshop, Layout layout, std::string config_path, FileLock lock);

    Task<RunResult> up(Run& run, const Request& request, Project& project, Gate& cancel);
    Task<RunResult> down(Run& run, const Request& request, const Project* project);
    // Before the first event, so that reporters are told it too. Returns what is to be said about those that failed.
    std::vector<contract::Draft> attach_reporters(Run& run, const Project& project);
    void lost(Machine& machine);
    RunFiles files_of(const Run& run) const;

    Workshop& workshop_;
    Layout layout_;
    std::string config_path_;
    FileLock lock_;
    std::unique_ptr<Fleet> fleet_;
    std::vector<std::shared_ptr<LauncherClient>> launchers_; // of every up, for machines that still refer to them
    std::optional<std::string> busy_with_;
    EventBus* bus_ = nullptr; // of the operation under way
};

} // namespace castra
