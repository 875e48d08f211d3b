// SPDX-License-Identifier: Apache-2.0
// castra status: what records and the machine say, of one project or of all, once or for as long as somebody watches;
// as a run of this process that writes nothing, or as JSON documents.
#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/feed_events.hpp"
#include "cli/grammar.hpp"
#include "contract/text.hpp"
#include "operations/exit_code.hpp"
#include "operations/status_json.hpp"
#include "operations/status_watch.hpp"

#include <algorithm>
#include <cstdio>

namespace castra {
namespace {

using Projects = std::vector<ProjectStatus>;

struct StatusOptions {
    bool all = false, why = false, watch = false;
};

// `indent`: as json_text.
bool print_json(const Projects& projects, bool all, int indent) {
    auto pieces = all ? json_text(projects, indent) : json_text(projects.front(), indent);
    pieces.emplace_back("\n");
    const bool is_written = std::ranges::all_of(pieces, [](const std::string& piece) {
        return std::fwrite(piece.data(), 1, piece.size(), stdout) == piece.size();
    });
    return is_written && std::fflush(stdout) == 0;
}

// One look. Errors: config_not_found, and what load_project says of a file that nothing is recorded of.
Task<tl::expected<Projects, std::vector<Error>>> look(App& app, const CommandLine& line, StatusOptions options) {
    StatusWish wish;
    wish.why = options.why;
    wish.ask_guests = true;
    Projects projects;
    if (options.all) {
        projects = co_await machine_status(app.host(), app.installation(), wish);
        // Not one of them: the directory of all cannot be read.
        const auto* first = projects.empty() ? nullptr : &projects.front();
        if (first && first->unlisted && first->state_dir == projects_dir(app.installation().environment))
            co_return tl::unexpected(std::vector{*first->unlisted});
        co_return projects;
    }
    auto project = load_project(app.installation(), line.request.config);
    auto located = project ? Result<Located>(Located{project->layout, project->config.path})
                           : locate_project(app.installation(), line.request.config);
    if (!located) co_return tl::unexpected(project.error());
    auto status = co_await project_status(app.host(), located->layout, project ? &project->config : nullptr,
                                          located->config_path, wish);
    if (status.unlisted) co_return tl::unexpected(std::vector{*status.unlisted});
    if (project)
        status.config_digest = project->config_digest;
    else
        status.problem = project.error().front().text;
    projects.push_back(std::move(status));
    co_return projects;
}

// Several projects may have VMs of one name.
std::string prefix_of(const ProjectStatus& project, bool all) {
    if (!all) return {};
    return project.project.empty() ? project.config_path : project.project;
}

void publish(EventBus& bus, const Projects& projects, bool all) {
    for (const auto& project : projects) {
        if (!project.problem.empty())
            bus.publish(contract::message(contract::Severity::warn, contract::clean_text(project.problem, 2048, true),
                                          "project_problem")
                            .cure("mend the file; castra clean --all when the project is gone for good"));
        for (const auto& vm : project.vms)
            for (auto& event : status_events(vm, prefix_of(project, all)))
                bus.publish(std::move(event));
        if (auto broker = broker_event(project.broker, project.vms)) bus.publish(std::move(*broker));
    }
}

// Until a signal, or until nobody reads any more. `bus` null: one JSON line for each change.
Task<int> follow(App& app, const CommandLine& line, StatusOptions options, StatusWatch& watch, Projects before,
                 EventBus* bus) {
    const auto stop = app.cancelled_by_signal();
    asio::co_spawn(app.host().executor(), stop_when_nobody_reads(app.host().executor(), stop), asio::detached);
    while (true) {
        auto woken = watch.follow(before);
        if (woken) {
            auto first = co_await (watch.changed() || stop->wait());
            if (stop->is_open()) co_return exit_code::cancelled;
            if (first.index() == 0) woken = std::get<0>(std::move(first));
        }
        if (!woken) co_return complain(woken.error());
        auto now = co_await look(app, line, options);
        if (!now) continue; // castra.toml is gone for good, or about to be replaced: its directory will tell
        const auto changes = changes_between(before, *now);
        before = std::move(*now);
        if (changes.empty()) continue;
        if (bus)
            publish(*bus, changes, options.all);
        else if (!print_json(before, options.all, -1))
            co_return exit_code::cancelled;
    }
}

Task<int> status_run(App& app, const CommandLine& line, StatusOptions options, StatusWatch* watch, Projects projects) {
    Run run(app.host().clock(), line.request, options.all ? "" : projects.front().project, app.installation().version);
    if (auto sink = app.sink_for(line, run.id())) run.bus().add_sink(std::move(sink));
    contract::CommandAccepted accepted;
    if (!options.all) {
        accepted.config_path = projects.front().config_path;
        accepted.config_digest = projects.front().config_digest;
    }
    contract::Summary summary;
    for (const auto& project : projects)
        for (const auto& vm : project.vms) {
            if (options.all) break; // VMs of two projects may have one name: their messages tell them apart
            if (vm.pid > 0) accepted.running.push_back({vm.name, vm.incarnation});
            summary.vms.push_back({vm.name, vm.state, contract::VmOutcome::unchanged});
        }
    run.accept(std::move(accepted));
    publish(run.bus(), projects, options.all);
    auto text = count_of(projects);
    if (watch) {
        const int code = co_await follow(app, line, options, *watch, std::move(projects), &run.bus());
        summary.vms.clear(); // what was true in the beginning is no longer worth telling
        summary.exit_code = code;
        summary.outcome = code == exit_code::cancelled ? contract::Outcome::cancelled : contract::Outcome::failed;
        text = "no longer watched";
    }
    co_return run.finish(std::move(summary), text).exit_code;
}

// With --json nothing but a document is on stdout.
int refuse(App& app, const CommandLine& line, const std::vector<Error>& findings) {
    if (!line.json) return app.reject(line, "", findings);
    for (const auto& finding : findings)
        complain(finding);
    return exit_code::of(findings.front().code);
}

Task<int> status(App& app, const CommandLine& line, StatusOptions options) {
    std::unique_ptr<StatusWatch> watch;
    if (options.watch)
        if (const auto looks = somebody_can_look(); !looks) co_return complain(looks.error());
    if (options.watch) { // before the first look, so that nothing happens unseen in between
        auto opened = StatusWatch::open(app.host(), options.all ? projects_dir(app.installation().environment)
                                                                : std::filesystem::path());
        if (!opened) co_return refuse(app, line, {opened.error()});
        watch = std::move(*opened);
    }
    auto projects = co_await look(app, line, options);
    if (!projects) co_return refuse(app, line, projects.error());
    if (!line.json) {
        const int code = co_await status_run(app, line, options, watch.get(), std::move(*projects));
        co_return code;
    }
    const bool is_told = print_json(*projects, options.all, watch ? -1 : 2);
    if (!watch) co_return exit_code::succeeded; // see end_of_output
    if (!is_told) co_return exit_code::cancelled;
    const int code = co_await follow(app, line, options, *watch, std::move(*projects), nullptr);
    co_return code;
}

} // namespace

void add_status(Grammar& grammar) {
    const auto options = Grammar::options<StatusOptions>();
    auto status =
        grammar.add("status", "Tell what is true now; writes nothing",
                    [options](App& app, const CommandLine& line) { return castra::status(app, line, *options); });
    grammar.add_file(status);
    grammar.add_output(status);
    grammar.add_json(status);
    status.flag("--all", options->all, "Every project of this user on this machine");
    status.flag("--why", options->why, "For each VM: what was asked, what was answered, and the events that led here");
    status.flag("--watch", options->watch,
                "Go on until Ctrl-C and tell each change as it happens; with --json one document a line");
    status.footer("\nExample: castra status --all --watch");
}

} // namespace castra
