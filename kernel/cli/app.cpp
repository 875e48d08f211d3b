// SPDX-License-Identifier: Apache-2.0
#include "cli/app.hpp"

#include "cli/plugin_command.hpp"
#include "host/starter_wire.hpp"
#include "operations/exit_code.hpp"
#include "operations/image_build.hpp"
#include "operations/machine_specs.hpp"
#include "operations/status.hpp"
#include "operations/supervisor.hpp"
#include "state/vm_record.hpp"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

namespace castra {

namespace {

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

// Not noreturn: GCC 12 makes a trap of a coroutine that ends in a call which does not return.
void leave_at_once() {
    std::_Exit(exit_code::cancelled); // the supervisor finishes the work
}

void complain(const Error& error) {
    std::fprintf(stderr, "castra: %s%s%s%s\n", error.text.c_str(), error.hint.empty() ? "" : " (", error.hint.c_str(),
                 error.hint.empty() ? "" : ")");
}

} // namespace

Task<int> App::run(CommandLine line) {
    switch (line.verb) {
    case Verb::up:
        co_return co_await up(std::move(line));
    case Verb::down:
        co_return co_await down(std::move(line));
    case Verb::status:
        co_return co_await status(std::move(line));
    case Verb::clean:
        co_return clean(line);
    case Verb::supervise:
        co_return co_await supervise(std::move(line));
    case Verb::image_build:
        co_return co_await image_build(std::move(line));
    case Verb::contract:
        co_return run_contract(line.contract);
    case Verb::events_verify:
        co_return events_verify(line);
    case Verb::events:
        co_return co_await events(std::move(line));
    case Verb::replay:
        co_return co_await replay(std::move(line));
    case Verb::event_runs:
        co_return event_runs(line);
    case Verb::plugin:
        co_return plugin_command(workshop_.installation(), line);
    case Verb::help:
    case Verb::version:
        break;
    }
    print(line.text);
    co_return exit_code::succeeded;
}

std::unique_ptr<Sink> App::sink_for(const CommandLine& line, const std::string& run_id) {
    Output output(workshop_, line.events, line.verbose, line.color);
    auto sink = output.make_sink(run_id, std::string(to_string(line.request.operation)));
    if (sink) return std::move(*sink);
    complain(sink.error());
    return {};
}

int App::reject(const CommandLine& line, const std::string& project, const std::vector<Error>& findings) {
    Run run(workshop_.host().clock(), line.request, project, workshop_.installation().version);
    if (auto sink = sink_for(line, run.id())) run.bus().add_sink(std::move(sink));
    return run.reject(findings).exit_code;
}

int App::refuse(const UsageError& error, int argc, const char* const* argv) {
    if (error.as_text) {
        complain({ErrorCode::usage, error.text, error.hint});
        return exit_code::usage;
    }
    CommandLine line;
    line.events = error.events;
    line.request.operation = error.operation;
    for (int i = 0; i < argc; ++i)
        line.request.argv.emplace_back(argv[i]);
    return reject(line, "", {Error{ErrorCode::usage, error.text, error.hint}});
}

Task<> App::cancel_on_signal(std::shared_ptr<Gate> cancel) {
    const int first = co_await signals_.next();
    if (first == 0) co_return;
    cancel->open();
    const int second = co_await signals_.next();
    if (second != 0) leave_at_once();
}

Task<int> App::up(CommandLine line) {
    auto project = load_project(workshop_.installation(), line.request.config);
    if (!project) co_return reject(line, "", project.error());
    SupervisorStart supervisor(workshop_, project->layout, project->config.path);
    if (!line.foreground) co_await supervisor.prepare();
    const auto findings = findings_of(line, *project);
    if (!findings.empty()) {
        co_await supervisor.abandon();
        co_return reject(line, project->config.name, findings);
    }
    if (line.foreground) {
        const int code = co_await up_foreground(std::move(line), std::move(*project));
        co_return code;
    }
    const int code = co_await perform_remotely(line, supervisor, project->layout, project->config.path);
    co_return code;
}

std::vector<Error> App::findings_of(const CommandLine& line, const Project& project) {
    PluginSet plugins(workshop_.installation(), workshop_.registry(), &project.config);
    const auto specs =
        machine_specs(workshop_.installation(), workshop_.host().clock(), project, plugins, line.request.vms);
    if (!specs) return specs.error();
    std::vector<std::string> running;
    for (const auto& vm : recorded_vms(project.layout))
        if (const auto record = load_record(project.layout, vm); record && workshop_.host().is_alive(record->process()))
            running.push_back(vm);
    return preflight(workshop_.host(), *specs, running);
}

Task<int> App::up_foreground(CommandLine line, Project project) {
    auto kernel = ProjectKernel::open(workshop_, project.layout, project.config.path, false);
    if (!kernel) co_return reject(line, project.config.name, {kernel.error()});
    auto* owned = kernel->get();
    Supervisor supervisor(workshop_, std::move(*kernel));
    if (const auto listening = supervisor.listen(); !listening)
        co_return reject(line, project.config.name, {listening.error()});
    const auto cancel = std::make_shared<Gate>(workshop_.host().executor());
    auto sinks_of = [&] {
        Sinks sinks;
        if (auto sink = sink_for(line, "")) sinks.push_back(std::move(sink));
        return sinks;
    };
    asio::co_spawn(workshop_.host().executor(), cancel_on_signal(cancel), asio::detached);
    const auto result = co_await owned->perform(line.request, sinks_of(), cancel);
    if (owned->is_idle()) co_return result.exit_code;
    co_await (supervisor.serve() || cancel->wait());
    if (owned->is_idle()) co_return result.exit_code;
    auto down = line.request;
    down.operation = Operation::down;
    down.vms.clear();
    const auto stopped = co_await owned->perform(down, sinks_of(), std::make_shared<Gate>(workshop_.host().executor()));
    co_return std::max(result.exit_code, stopped.exit_code);
}

Task<int> App::down(CommandLine line) {
    auto project = load_project(workshop_.installation(), line.request.config);
    auto located = project ? Result<Located>(Located{project->layout, project->config.path})
                           : locate_project(workshop_.installation(), line.request.config);
    if (!located) co_return reject(line, "", project.error());
    const auto& [layout, path] = *located;
    auto known = recorded_vms(layout);
    const bool has_records = !known.empty();
    if (project)
        for (const auto& vm : project->config.vms)
            known.push_back(vm.name);
    std::vector<Error> findings;
    for (const auto& vm : line.request.vms)
        if (std::ranges::find(known, vm) == known.end())
            findings.push_back({ErrorCode::usage, "this project has no VM \"" + vm + "\"", "castra status lists them"});
    const auto name = project ? project->config.name : std::string();
    if (!findings.empty()) co_return reject(line, name, findings);
    if (has_records) {
        SupervisorStart supervisor(workshop_, layout, path);
        const int code = co_await perform_remotely(line, supervisor, layout, path);
        co_return code;
    }

    Run run(workshop_.host().clock(), line.request, name, workshop_.installation().version);
    if (auto sink = sink_for(line, run.id())) run.bus().add_sink(std::move(sink));
    contract::CommandAccepted accepted;
    accepted.config_path = path;
    accepted.config_digest = project ? project->config_digest : "";
    run.accept(std::move(accepted));
    co_return run.finish({}, "nothing to do: nothing is up").exit_code;
}

Task<int> App::status(CommandLine line) {
    auto project = load_project(workshop_.installation(), line.request.config);
    auto located = project ? Result<Located>(Located{project->layout, project->config.path})
                           : locate_project(workshop_.installation(), line.request.config);
    if (!located) co_return reject(line, "", project.error());
    const auto& [layout, path] = *located;
    const auto* config = project ? &project->config : nullptr;
    const auto status = co_await project_status(workshop_.host(), layout, config, path);
    if (line.json) {
        print(to_json(status).dump(2) + "\n");
        co_return exit_code::succeeded;
    }
    Run run(workshop_.host().clock(), line.request, status.project, workshop_.installation().version);
    if (auto sink = sink_for(line, run.id())) run.bus().add_sink(std::move(sink));
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
    co_return run.finish(std::move(summary), count_of(status)).exit_code;
}

// SIGTERM (the machine shuts down, say) takes the project down in order; whoever wants the VMs to go on uses SIGKILL.
Task<> App::take_down_on_signal(ProjectKernel& kernel) {
    while (true) {
        const int number = co_await signals_.next();
        if (number == 0) co_return;
        if (number == SIGHUP) continue; // a supervisor outlives its terminal
        Request request;
        request.operation = Operation::down;
        request.argv = {"castra", "supervise"};
        co_await kernel.perform(request, {}, std::make_shared<Gate>(workshop_.host().executor()));
    }
}

Task<int> App::supervise(CommandLine line) {
    Layout layout(workshop_.installation().environment, line.request.config, line.state_dir);
    StarterWire starter(line.notify_fd);
    if (!starter.wait_for_go()) co_return exit_code::cancelled; // whoever began to start us thought better of it
    if (const auto opened = keep_output(layout.supervisor_log()); !opened) {
        starter.say(opened.error().text);
        co_return exit_code::failed;
    }
    auto kernel = ProjectKernel::open(workshop_, layout, line.request.config, true);
    if (!kernel) {
        starter.say(kernel.error().text);
        co_return exit_code::of(kernel.error().code);
    }
    auto* owned = kernel->get();
    Supervisor supervisor(workshop_, std::move(*kernel));
    if (const auto listening = supervisor.listen(); !listening) {
        starter.say(listening.error().text);
        co_return exit_code::failed;
    }
    starter.say("READY");
    asio::co_spawn(workshop_.host().executor(), take_down_on_signal(*owned), asio::detached);
    co_await supervisor.serve();
    co_return exit_code::succeeded;
}

Task<int> App::image_build(CommandLine line) {
    const auto cancel = std::make_shared<Gate>(workshop_.host().executor());
    asio::co_spawn(workshop_.host().executor(), cancel_on_signal(cancel), asio::detached);
    const auto built = co_await build_image(workshop_, line.image, line.force, cancel);
    if (!built) {
        if (line.json)
            print(nlohmann::ordered_json{{"image", line.image},
                                         {"error",
                                          {{"code", to_string(built.error().code)},
                                           {"text", built.error().text},
                                           {"hint", built.error().hint}}}}
                      .dump() +
                  "\n");
        complain(built.error());
        co_return exit_code::of(built.error().code);
    }
    if (line.json)
        print(nlohmann::ordered_json{{"image", built->name},
                                     {"folder", built->folder.string()},
                                     {"key", built->key},
                                     {"changed", built->changed}}
                  .dump() +
              "\n");
    else
        print("image " + built->name + (built->changed ? " built in " : " is there already: ") +
              built->folder.string() + "\n");
    co_return exit_code::succeeded;
}

} // namespace castra
