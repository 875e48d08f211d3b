// SPDX-License-Identifier: Apache-2.0
// castra up: as a client of the project's supervisor, or as that supervisor in this terminal.
#include "cli/bootstrap_options.hpp"
#include "cli/commands.hpp"
#include "operations/supervisor.hpp"
#include "operations/up_findings.hpp"

#include <algorithm>

namespace castra {
namespace {

Task<int> up_foreground(App& app, const CommandLine& line, Project project) {
    auto kernel = ProjectKernel::open(app.workshop(), project.layout, project.config.path, false);
    if (!kernel) co_return app.reject(line, project.config.name, {kernel.error()});
    auto* owned = kernel->get();
    Supervisor supervisor(app.workshop(), std::move(*kernel));
    if (const auto listening = supervisor.listen(); !listening)
        co_return app.reject(line, project.config.name, {listening.error()});
    auto sinks_of = [&] {
        Sinks sinks;
        if (auto sink = app.sink_for(line, "")) sinks.push_back(std::move(sink));
        return sinks;
    };
    const auto cancel = app.cancelled_by_signal();
    const auto result = co_await owned->perform(line.request, sinks_of(), cancel);
    if (owned->is_idle()) co_return result.exit_code;
    co_await (supervisor.serve() || cancel->wait());
    if (owned->is_idle()) co_return result.exit_code;
    auto down = line.request;
    down.operation = Operation::down;
    down.vms.clear();
    const auto stopped = co_await owned->perform(down, sinks_of(), std::make_shared<Gate>(app.host().executor()));
    co_return std::max(result.exit_code, stopped.exit_code);
}

Error interrupted() {
    return {ErrorCode::cancelled, "interrupted before anything was begun", {}};
}

Task<int> up(App& app, const CommandLine& line, bool foreground) {
    auto project = load_project(app.installation(), line.request.config);
    if (!project) co_return app.reject(line, "", project.error());
    if (foreground) {
        const auto findings = up_findings(app.workshop(), line.request, *project);
        if (!findings.empty()) co_return app.reject(line, project->config.name, findings);
        const int code = co_await up_foreground(app, line, std::move(*project));
        co_return code;
    }
    SupervisorStart supervisor(app.workshop(), project->layout, project->config.path);
    const auto cancel = app.cancelled_by_signal();
    auto first = co_await (supervisor.judge(line.request) || cancel->wait());
    const auto findings = first.index() == 0 ? std::get<0>(std::move(first)) : std::vector{interrupted()};
    if (!findings.empty()) {
        (void)co_await supervisor.abandon();
        co_return app.reject(line, project->config.name, findings);
    }
    const int code = co_await app.perform_remotely(line, supervisor, project->layout, project->config.path);
    co_return code;
}

} // namespace

void add_up(Grammar& grammar) {
    const auto foreground = Grammar::options<bool>();
    const auto is_plan = std::make_shared<std::shared_ptr<bool>>();
    auto up = grammar.add("up", "Bring up the VMs of castra.toml, wait until they are ready, bootstrap them",
                          [foreground, is_plan](App& app, const CommandLine& line) {
                              if (**is_plan) return plan(app, line, PlanOf::up);
                              return castra::up(app, line, *foreground);
                          });
    grammar.add_run(up, Operation::up);
    *is_plan = add_bootstrap_options(grammar, up);
    auto& request = grammar.line().request;
    up.flag("--keep-going", request.keep_going, "When a VM fails leave the others standing (exit code 6)");
    up.flag("--replace", request.replace,
            "Stop and start anew what runs with another configuration than castra.toml has now");
    up.flag("--force", request.force, "Warn instead of refusing when cpus, memory or disk are scarce");
    up.flag("--broker-only", request.broker_only, "Bring up the broker and no VM; castra down ends it");
    up.flag("--foreground", *foreground, "Stay and supervise in this terminal; Ctrl-C takes everything down");
    up.footer("\nWithout --keep-going a failed or interrupted up takes down what it had started.\n"
              "Example: castra up --config configs/quickstart/castra.toml");
}

} // namespace castra
