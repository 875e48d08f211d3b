// SPDX-License-Identifier: Apache-2.0
// What the commands share while they work: the workshop, where their events go, refusals, signals, the supervisor as
// seen by a client. The commands themselves stand in files of their own (commands.hpp).
#pragma once
#include "cli/output.hpp"
#include "host/signals.hpp"
#include "operations/run.hpp"
#include "operations/supervisor_client.hpp"
#include "operations/workshop.hpp"

#include <atomic>

namespace castra {

// On stdout: a command's answer.
void print(const std::string& text);
// The same, where it only says that all is well; not with --quiet.
void tell(const CommandLine& line, const std::string& text);
// At the end of the process: what its exit code becomes when not all of the answer could be written to stdout, or
// `is_lost` says so. A reader who left wanted no more.
int end_of_output(int code, bool is_lost);
// For a command that shows what happens for as long as somebody looks: whether anybody can.
Result<> somebody_can_look();
// On stderr: "castra: what (cure)". Returns the exit code that the error means.
int complain(const Error& error);

class App {
public:
    App(Workshop& workshop, Signals& signals) : workshop_(workshop), signals_(signals) {}

    // Returns the process's exit code.
    Task<int> run(CommandLine line);
    // A command line that could not be parsed: command.rejected and summary, like every refusal.
    int refuse(const UsageError& error, int argc, const char* const* argv);

    Workshop& workshop() { return workshop_; }
    Host& host() { return workshop_.host(); }
    Signals& signals() { return signals_; }
    const Installation& installation() const { return workshop_.installation(); }

    // Also of a project whose file is broken. Errors: config_not_found.
    Result<Layout> layout_of(const std::string& config);
    // Hands the request to the project's supervisor and passes its events on.
    Task<int> perform_remotely(const CommandLine& line, SupervisorStart& supervisor, Layout layout,
                               std::string config_path);
    // A run of this process that touched nothing.
    int reject(const CommandLine& line, const std::string& project, const std::vector<Error>& findings);
    // Open at the first signal; at the second one castra leaves at once. One for the process, whoever asks for it.
    std::shared_ptr<Gate> cancelled_by_signal();
    // Null when the reporter cannot be opened: that is told on stderr.
    std::unique_ptr<Sink> sink_for(const CommandLine& line, const std::string& run_id);
    // Of a command whose events are its answer (status, plan): some of them could not be shown.
    bool answer_is_lost() const { return *answer_is_lost_; }

private:
    Task<> cancel_on_signal(std::shared_ptr<Gate> cancel);

    Workshop& workshop_;
    Signals& signals_;
    std::shared_ptr<Gate> cancel_; // once somebody asked
    std::shared_ptr<std::atomic<bool>> answer_is_lost_ = std::make_shared<std::atomic<bool>>(false);
};

} // namespace castra
