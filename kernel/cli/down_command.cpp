// SPDX-License-Identifier: Apache-2.0
// castra down: through the supervisor when there is one or anything of the project is recorded, else nothing is to be
// done.
#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/grammar.hpp"
#include "config/limits.hpp"
#include "host/files.hpp"
#include "operations/project.hpp"
#include "state/vm_record.hpp"

#include <algorithm>

namespace castra {
namespace {

Task<int> down(App& app, const CommandLine& line) {
    auto project = load_project(app.installation(), line.request.config);
    auto located = project ? Result<Located>(Located{project->layout, project->config.path})
                           : locate_project(app.installation(), line.request.config);
    if (!located) co_return app.reject(line, "", project.error());
    const auto& [layout, path] = *located;
    auto recorded = recorded_vms(layout);
    if (!recorded) co_return app.reject(line, project ? project->config.name : "", {recorded.error()});
    auto known = *std::move(recorded);
    // A broker may run alone, and a supervisor may know of more than is recorded: of a VM that waits for its restart.
    const bool may_be_up =
        !known.empty() || files::exists(layout.broker_socket()) || files::exists(layout.supervisor_socket());
    if (project)
        for (const auto& vm : project->config.vms)
            known.push_back(vm.name);
    std::vector<Error> findings;
    for (const auto& vm : line.request.vms)
        if (std::ranges::find(known, vm) == known.end())
            findings.push_back({ErrorCode::usage, "this project has no VM \"" + vm + "\"", "castra status lists them"});
    const auto name = project ? project->config.name : std::string();
    if (!findings.empty()) co_return app.reject(line, name, findings);
    if (may_be_up) {
        SupervisorStart supervisor(app.workshop(), layout, path);
        const int code = co_await app.perform_remotely(line, supervisor, layout, path);
        co_return code;
    }

    Run run(app.host().clock(), line.request, name, app.installation().version);
    if (auto sink = app.sink_for(line, run.id())) run.bus().add_sink(std::move(sink));
    contract::CommandAccepted accepted;
    accepted.config_path = path;
    accepted.config_digest = project ? project->config_digest : "";
    run.accept(std::move(accepted));
    if (!project) run.bus().publish(goes_by_records(project.error().front()));
    co_return run.finish({}, "nothing to do: nothing is up").exit_code;
}

} // namespace

void add_down(Grammar& grammar) {
    auto down = grammar.add("down", "Take VMs down: power button, then SIGTERM, then SIGKILL; remove their overlays",
                            [](App& app, const CommandLine& line) { return castra::down(app, line); });
    grammar.add_run(down, Operation::down);
    const auto seconds = Grammar::options<double>();
    auto& request = grammar.line().request;
    down.option("--timeout", *seconds,
                "Of the whole: who is not down then is sent SIGKILL. Default: castra.toml's waits")
        .real_range(0.0, static_cast<double>(limits::seconds_max))
        .type_name("SECS")
        .each([&request](const std::string& text) {
            request.timeout = Milliseconds(static_cast<std::int64_t>(std::strtod(text.c_str(), nullptr) * 1000));
            return std::optional<std::string>();
        });
}

} // namespace castra
