// SPDX-License-Identifier: Apache-2.0
// castra bootstrap, and --plan of it and of castra up.
#include "cli/bootstrap_options.hpp"
#include "cli/commands.hpp"
#include "operations/bootstrap_modes.hpp"
#include "operations/exit_code.hpp"
#include "state/vm_record.hpp"

namespace castra {
namespace {

Task<int> bootstrap(App& app, const CommandLine& line) {
    auto project = load_project(app.installation(), line.request.config);
    if (!project) co_return app.reject(line, "", project.error());
    const auto known = recorded_vms(project->layout);
    if (!known) co_return app.reject(line, project->config.name, {known.error()});
    if (!known->empty()) {
        SupervisorStart supervisor(app.workshop(), project->layout, project->config.path);
        const int code = co_await app.perform_remotely(line, supervisor, project->layout, project->config.path);
        co_return code;
    }
    auto findings = apply_bootstrap_modes(line.request.bootstrap, project->config);
    for (const auto& vm : line.request.vms)
        findings.push_back(
            {ErrorCode::preflight, "VM " + vm + " does not run", "castra up " + vm + " starts and bootstraps it"});
    if (!findings.empty()) co_return app.reject(line, project->config.name, findings);
    Run run(app.host().clock(), line.request, project->config.name, app.installation().version);
    if (auto sink = app.sink_for(line, run.id())) run.bus().add_sink(std::move(sink));
    contract::CommandAccepted accepted;
    accepted.config_path = project->config.path;
    accepted.config_digest = project->config_digest;
    run.accept(std::move(accepted));
    co_return run.finish({}, "nothing to do: nothing is up").exit_code;
}

} // namespace

Task<int> plan(App& app, CommandLine line, PlanOf what) {
    line.request.operation = Operation::plan;
    auto project = load_project(app.installation(), line.request.config);
    if (!project) co_return app.reject(line, "", project.error());
    Run run(app.host().clock(), line.request, project->config.name, app.installation().version);
    if (auto sink = app.sink_for(line, run.id())) run.bus().add_sink(std::move(sink));
    const auto cancel = app.cancelled_by_signal();
    const auto result = co_await plan_project(app.workshop(), run, line.request, *project, what, *cancel);
    co_return result.exit_code;
}

void add_mode_option(Grammar& grammar, CommandWords command) {
    const auto words = Grammar::options<std::vector<std::string>>();
    auto& modes = grammar.line().request.bootstrap;
    command
        .option("--bootstrap", *words,
                "Instead of castra.toml's bootstrap mode: auto, always, skip; or VM=MODE[,VM=MODE]")
        .type_name("MODE")
        .one_at_a_time()
        .each([words, &modes](const std::string& word) { // keeps `words` as long as the option
            auto parsed = parse_bootstrap_modes({word});
            if (!parsed) return std::optional(parsed.error().text + " (" + parsed.error().hint + ")");
            for (auto& [vm, mode] : *parsed)
                modes[vm] = mode;
            return std::optional<std::string>();
        });
}

std::shared_ptr<bool> add_bootstrap_options(Grammar& grammar, CommandWords command) {
    const auto is_plan = Grammar::options<bool>();
    command.flag("--plan", *is_plan, "Only tell what would be done; nothing is touched, no guest is asked");
    add_mode_option(grammar, command);
    return is_plan;
}

void add_bootstrap(Grammar& grammar) {
    auto is_plan = std::make_shared<std::shared_ptr<bool>>();
    auto command = grammar.add("bootstrap", "Bootstrap VMs that run: send script and payload, run it, verify",
                               [is_plan](App& app, const CommandLine& line) {
                                   if (**is_plan) return plan(app, line, PlanOf::bootstrap);
                                   return bootstrap(app, line);
                               });
    grammar.add_run(command, Operation::bootstrap);
    *is_plan = add_bootstrap_options(grammar, command);
    command.footer(
        "\nWhat is unchanged is left out, and what failed goes on where it ended; --bootstrap always does all.\n"
        "Example: castra bootstrap web-0 --bootstrap always");
}

} // namespace castra
