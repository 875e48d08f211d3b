// SPDX-License-Identifier: Apache-2.0
// castra supervise: the project's supervisor. castra starts it itself.
#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/grammar.hpp"
#include "host/starter_wire.hpp"
#include "operations/exit_code.hpp"
#include "operations/supervisor.hpp"
#include "operations/up_findings.hpp"

#include <csignal>

namespace castra {
namespace {

struct SuperviseOptions {
    std::string state_dir;
    int notify_fd = -1; // where whoever started us listens
};

// SIGTERM (the machine shuts down, say) takes the project down in order; whoever wants the VMs to go on uses SIGKILL.
Task<> take_down_on_signal(App& app, ProjectKernel& kernel) {
    while (true) {
        const int number = co_await app.signals().next();
        if (number == 0) co_return;
        if (number == SIGHUP) continue; // a supervisor outlives its terminal
        co_await kernel.shut_down();
    }
}

constexpr std::string_view judge_word = "JUDGE ";

std::vector<Error> findings_of(App& app, const CommandLine& line, const std::string& text) {
    const auto request = parse_request(text);
    if (!request) return {request.error()};
    const auto project = load_project(app.installation(), line.request.config);
    if (!project) return project.error();
    return up_findings(app.workshop(), *request, *project);
}

Task<int> supervise(App& app, const CommandLine& line, SuperviseOptions options) {
    Layout layout(app.installation().environment, line.request.config, options.state_dir);
    StarterWire starter(options.notify_fd);
    auto word = starter.next_line();
    if (word.starts_with(judge_word)) {
        const auto findings = findings_of(app, line, word.substr(judge_word.size()));
        starter.say(to_line(findings));
        if (!findings.empty()) co_return exit_code::cancelled;
        word = starter.next_line();
    }
    if (word != "GO") co_return exit_code::cancelled; // whoever began to start us thought better of it
    // Without its log it works as well: whoever cannot have one must be able to take VMs down all the same.
    auto opened = keep_output(layout.supervisor_log());
    if (!opened) opened = keep_output("/dev/null");
    if (!opened) {
        starter.say(to_line({opened.error()}));
        co_return exit_code::failed;
    }
    auto kernel = ProjectKernel::open(app.workshop(), layout, line.request.config, true);
    if (!kernel) {
        starter.say(to_line({kernel.error()}));
        co_return exit_code::of(kernel.error().code);
    }
    auto* owned = kernel->get();
    Supervisor supervisor(app.workshop(), std::move(*kernel));
    if (const auto listening = supervisor.listen(); !listening) {
        starter.say(to_line({listening.error()}));
        co_return exit_code::of(listening.error().code);
    }
    starter.say("READY");
    starter.close();
    asio::co_spawn(app.host().executor(), take_down_on_signal(app, *owned), asio::detached);
    co_await supervisor.serve();
    co_return exit_code::succeeded;
}

} // namespace

void add_supervise(Grammar& grammar) {
    const auto options = Grammar::options<SuperviseOptions>();
    auto supervise = grammar.add("supervise", "", [options](App& app, const CommandLine& line) {
        return castra::supervise(app, line, *options);
    });
    supervise.hide();
    grammar.add_file(supervise);
    supervise.option("--state-dir", options->state_dir);
    supervise.option("--notify-fd", options->notify_fd);
    supervise.when_parsed([&grammar] {
        grammar.line().request.operation = Operation::supervise;
        grammar.line().logs_much = true;
    });
}

} // namespace castra
