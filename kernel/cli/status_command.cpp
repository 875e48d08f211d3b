// SPDX-License-Identifier: Apache-2.0
// castra status: what records and the machine say, as a run of this process that writes nothing, or as one document.
#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/grammar.hpp"
#include "operations/exit_code.hpp"
#include "operations/status.hpp"

namespace castra {
namespace {

Task<int> status(App& app, const CommandLine& line) {
    auto project = load_project(app.installation(), line.request.config);
    auto located = project ? Result<Located>(Located{project->layout, project->config.path})
                           : locate_project(app.installation(), line.request.config);
    if (!located) co_return app.reject(line, "", project.error());
    const auto& [layout, path] = *located;
    const auto* config = project ? &project->config : nullptr;
    const auto status = co_await project_status(app.host(), layout, config, path);
    if (line.json) {
        print(to_json(status).dump(2) + "\n");
        co_return exit_code::succeeded;
    }
    Run run(app.host().clock(), line.request, status.project, app.installation().version);
    if (auto sink = app.sink_for(line, run.id())) run.bus().add_sink(std::move(sink));
    contract::CommandAccepted accepted;
    accepted.config_path = path;
    accepted.config_digest = project ? project->config_digest : "";
    contract::Summary summary;
    for (const auto& vm : status.vms) {
        if (vm.pid > 0) accepted.running.push_back({vm.name, vm.incarnation});
        summary.vms.push_back({vm.name, vm.state, contract::VmOutcome::unchanged});
    }
    run.accept(std::move(accepted));
    for (const auto& vm : status.vms)
        run.bus().publish(status_event(vm));
    if (auto broker = broker_event(status)) run.bus().publish(std::move(*broker));
    co_return run.finish(std::move(summary), count_of(status)).exit_code;
}

} // namespace

void add_status(Grammar& grammar) {
    auto* status = grammar.add("status", "Tell what is true now; writes nothing",
                               [](App& app, const CommandLine& line) { return castra::status(app, line); });
    grammar.add_file(status);
    grammar.add_output(status);
    grammar.add_json(status);
}

} // namespace castra
