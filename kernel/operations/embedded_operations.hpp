// SPDX-License-Identifier: Apache-2.0
// The operations of one project for an embedder, in the kernel's thread: what the commands of the CLI do, without a
// supervisor of its own, because this process is it. Invariant: every way out has ended in a summary.
// Owner: Kernel. Thread: the kernel's.
#pragma once
#include "operations/project_kernel.hpp"
#include "operations/project_plan.hpp"

namespace castra {

class EmbeddedOperations {
public:
    struct Work {
        Request request;                                 // argv and config are filled in here
        std::optional<PlanOf> plan;                      // only tell what would be done
        std::shared_ptr<BrokerLauncher> broker_launcher; // up: instead of castra.toml's; null: that
        bool dry_run = false;                            // clean
        std::vector<std::string> kinds;                  // clean
    };

    EmbeddedOperations(Workshop& workshop, std::string config_path);
    Task<RunResult> perform(Work work, Sinks sinks, std::shared_ptr<Gate> cancel);
    // The project is nobody's any more; VMs go on.
    void let_go() { kernel_.reset(); }

private:
    Task<RunResult> up(Request request, std::shared_ptr<BrokerLauncher> launcher, Sinks sinks,
                       std::shared_ptr<Gate> cancel);
    Task<RunResult> plan(Request request, PlanOf what, Sinks sinks, std::shared_ptr<Gate> cancel);
    Task<RunResult> down(Request request, Sinks sinks, std::shared_ptr<Gate> cancel);
    Task<RunResult> bootstrap(Request request, Sinks sinks, std::shared_ptr<Gate> cancel);
    Task<RunResult> status(Request request, Sinks sinks);
    RunResult clean(const Request& request, const Work& work, Sinks sinks);
    RunResult reject(const Request& request, const std::string& project, const std::vector<Error>& findings,
                     Sinks sinks);
    // Of a project of which nothing is up.
    RunResult nothing_to_do(const Request& request, const Located& located, const Project* project, Sinks sinks);
    // Of the project, or why somebody else has it.
    Result<ProjectKernel*> own(const Layout& layout, const std::string& config_path);
    void let_go_if_idle();

    Workshop& workshop_;
    std::string config_path_;
    std::unique_ptr<ProjectKernel> kernel_; // while something of the project is ours
};

} // namespace castra
