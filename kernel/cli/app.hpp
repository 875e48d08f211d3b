// SPDX-License-Identifier: Apache-2.0
// The commands. Each says in a few lines what it does with the operations; none of them renders anything but its --json
// answer. Returns the process's exit code.
#pragma once
#include "cli/event_output.hpp"
#include "cli/output.hpp"
#include "host/signals.hpp"
#include "operations/project_kernel.hpp"
#include "operations/supervisor_client.hpp"

namespace castra {

class App {
public:
    App(Workshop& workshop, Signals& signals) : workshop_(workshop), signals_(signals) {}

    Task<int> run(CommandLine line);
    // A command line that could not be parsed: command.rejected and summary, like every refusal.
    int refuse(const UsageError& error, int argc, const char* const* argv);

private:
    Task<int> up(CommandLine line);
    // Everything that can be wrong before anything is touched.
    std::vector<Error> findings_of(const CommandLine& line, const Project& project);
    Task<int> up_foreground(CommandLine line, Project project);
    Task<int> down(CommandLine line);
    Task<int> status(CommandLine line);
    int clean(const CommandLine& line);
    Task<int> supervise(CommandLine line);
    Task<> take_down_on_signal(ProjectKernel& kernel);
    Task<int> image_build(CommandLine line);
    int events_verify(const CommandLine& line);
    Task<int> events(CommandLine line);
    Task<int> replay(CommandLine line);
    int event_runs(const CommandLine& line);
    Task<int> feed(const Layout& layout, FeedRequest request, EventOutput& output);
    // Also of a project whose file is broken. Errors: config_not_found.
    Result<Layout> layout_of(const std::string& config);

    // Hands the request to the project's supervisor and passes its events on.
    Task<int> perform_remotely(const CommandLine& line, SupervisorStart& supervisor, Layout layout,
                               std::string config_path);
    // A run of this process that touched nothing.
    int reject(const CommandLine& line, const std::string& project, const std::vector<Error>& findings);
    // Opens `cancel` at the first signal; at the second one castra leaves at once.
    Task<> cancel_on_signal(std::shared_ptr<Gate> cancel);
    // Null when the reporter cannot be opened: that is told on stderr.
    std::unique_ptr<Sink> sink_for(const CommandLine& line, const std::string& run_id);

    Workshop& workshop_;
    Signals& signals_;
};

} // namespace castra
