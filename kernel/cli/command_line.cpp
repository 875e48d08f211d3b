// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.hpp"

#include "config/names.hpp"
#include "operations/clean.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace castra {
namespace {

constexpr const char* about = R"(Turns one TOML file into running virtual machines and tells the world what happens
as JSON events that obey a published, versioned contract.)";

constexpr const char* examples = R"(
Examples:
  castra up                          bring up every VM of ./castra.toml
  castra up web-0 --events ndjson    one VM, events on stdout for a program to read
  castra status --json               what is true now, as JSON
  castra down                        take everything down, leave nothing behind
  castra clean --dry-run             what could be removed, and how much it is
  castra events --follow             what happens from here on, run after run
  castra image build tiny            build the guest image that configs/quickstart uses

Exit codes: 0 done, 1 failed, 2 usage, 3 castra.toml, 4 the machine lacks something, 5 busy, 6 partial,
7 contract violation (--strict), 8 plugin, 9 aborted, 10 not found, 11 gap, 130 cancelled. See docs/ERRORS.md.)";

// Where events go must be known even when the rest of the line is wrong: the refusal is an event too.
EventFormat format_in(int argc, const char* const* argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--events=ndjson") return EventFormat::ndjson;
        if (argument == "--events" && i + 1 < argc && std::string_view(argv[i + 1]) == "ndjson")
            return EventFormat::ndjson;
    }
    return EventFormat::console;
}

Operation operation_in(int argc, const char* const* argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "up") return Operation::up;
        if (argument == "down") return Operation::down;
        if (argument == "clean") return Operation::clean;
    }
    return Operation::status;
}

// Commands whose stdout belongs to events of other runs.
bool shows_other_runs(int argc, const char* const* argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "events" || argument == "replay") return true;
        if (!argument.starts_with('-')) return false;
    }
    return false;
}

class Grammar {
public:
    explicit Grammar(const std::string& version) : app_(about, "castra") {
        app_.set_version_flag("--version,-V", "castra " + version, "Print version and commit");
        app_.footer(examples);
        app_.require_subcommand(1);
        app_.fallthrough();
        add_up();
        add_down();
        add_status();
        add_clean();
        add_image();
        add_contract();
        add_events();
        add_replay();
        add_plugin();
        add_supervise();
    }

    CLI::App& app() { return app_; }
    CommandLine& line() { return line_; }

private:
    CLI::App* command(const char* name, const char* help, Verb verb) {
        auto* command = app_.add_subcommand(name, help);
        command->callback([this, verb] { line_.verb = verb; });
        return command;
    }
    void add_file(CLI::App* command) {
        command->add_option("-c,--config", line_.request.config, "The TOML file; default: castra.toml here or above")
            ->type_name("FILE");
    }
    void add_output(CLI::App* command) {
        command
            ->add_option("--events", events_, "How events are shown: console, ndjson (on stdout, nothing else), none")
            ->check(CLI::IsMember({"console", "ndjson", "none"}))
            ->type_name("FORMAT");
        command->add_option("--color", line_.color, "auto, always, never")
            ->check(CLI::IsMember({"auto", "always", "never"}));
        command->add_flag("-v,--verbose", line_.verbose, "Show every event, also the small ones");
    }
    void add_run(CLI::App* command, Operation operation) {
        add_file(command);
        add_output(command);
        command->add_option("vms", line_.request.vms, "VMs; default: all")->type_name("VM");
        command->add_flag("--strict", line_.request.strict, "A contract violation fails the run (exit code 7)");
        command->parse_complete_callback([this, operation] { line_.request.operation = operation; });
    }
    void add_up() {
        auto* up = command("up", "Bring up the VMs of castra.toml and wait until they are ready", Verb::up);
        add_run(up, Operation::up);
        up->add_flag("--keep-going", line_.request.keep_going,
                     "When a VM fails leave the others standing (exit code 6)");
        up->add_flag("--replace", line_.request.replace,
                     "Stop and start anew what runs with another configuration than castra.toml has now");
        up->add_flag("--foreground", line_.foreground,
                     "Stay and supervise in this terminal; Ctrl-C takes everything down");
        up->footer("\nWithout --keep-going a failed or interrupted up takes down what it had started.\n"
                   "Example: castra up --config configs/quickstart/castra.toml");
    }
    void add_down() {
        auto* down = command("down", "Take VMs down: power button, then SIGTERM, then SIGKILL; remove their overlays",
                             Verb::down);
        add_run(down, Operation::down);
    }
    void add_status() {
        auto* status = command("status", "Tell what is true now; writes nothing", Verb::status);
        add_file(status);
        add_output(status);
        status->add_flag("--json", line_.json, "One JSON document on stdout");
    }
    void add_clean() {
        auto* clean = command("clean", "Remove what castra left behind; spares VMs that live", Verb::clean);
        add_run(clean, Operation::clean);
        clean->add_option("--only", line_.kinds, "Categories, separated by commas; default: all but images")
            ->delimiter(',')
            ->check(CLI::IsMember(std::vector<std::string>(cleanup_kinds.begin(), cleanup_kinds.end())))
            ->type_name("KIND");
        clean->add_flag("--dry-run", line_.dry_run, "Only tell what would go; writes nothing");
        clean->add_flag("--all", line_.all, "Every project of this user on this machine");
        clean->footer(
            "\nEach removal is announced in the journal before it happens. Kinds: overlay, keys, files, runtime,\n"
            "record, handshakes, logs, images (the image store, for all projects).\n"
            "Example: castra clean --all --dry-run");
    }
    void add_image() {
        auto* image = app_.add_subcommand("image", "Guest images");
        image->require_subcommand(1);
        auto* build = image->add_subcommand("build", "Build an image from its recipe, if it is not there already");
        build->add_option("name", line_.image, "The recipe: tiny")->required()->type_name("NAME");
        build->add_flag("--force", line_.force, "Build it even if it is there");
        build->add_flag("--json", line_.json, "Answer in JSON");
        build->callback([this] { line_.verb = Verb::image_build; });
    }
    void add_contract() {
        auto* contract = app_.add_subcommand("contract", "The event contract: schema, docs, samples, types, differ");
        add_contract_commands(*contract, line_.contract);
        contract->callback([this] { line_.verb = Verb::contract; });
    }
    void add_look(CLI::App* command) {
        command->add_option("--color", line_.color, "auto, always, never")
            ->check(CLI::IsMember({"auto", "always", "never"}));
        command->add_flag("-v,--verbose", line_.verbose, "Show every event, also the small ones");
    }
    void add_events() {
        auto* events = app_.add_subcommand("events", "Show the events of runs from their journals; writes nothing");
        auto& query = line_.query;
        add_file(events);
        add_look(events);
        events->add_option("--run", query.run, "Of one run: its id, the beginning of it, or latest (default)");
        events->add_option("--since", query.since, "Only what comes behind a cursor; without --run also later runs")
            ->type_name("RUN_ID:SEQ");
        events->add_flag("--follow,-f", query.follow, "Wait for more; with --run until its summary, else for ever");
        events->add_option("--type", query.types, "Only these types, such as vm.launch or 'vm.*'")->type_name("GLOB");
        events->add_option("--vm", query.vms, "Only of these VMs")->type_name("VM");
        events->add_option("--severity", query.severity, "Only of this severity and above")
            ->check(CLI::IsMember({"progress", "info", "warn", "error", "blocker"}));
        events->add_option("--format", query.format, "human, ndjson (the journal's bytes), cloudevents, otlp")
            ->check(CLI::IsMember({"human", "ndjson", "cloudevents", "otlp"}))
            ->type_name("FORMAT");
        events->footer("\nWhat was asked for and is gone is told on stderr, and the exit code is 11.\n"
                       "Example: castra events --since 01ARYZ6S410000000000000000:12 --follow --format ndjson");
        auto* runs = events->add_subcommand("runs", "List the runs that have a journal, newest first");
        runs->add_flag("--json", line_.json, "One JSON document on stdout");
        auto* verify = events->add_subcommand(
            "verify", "Judge a stream: every line and their order, by the rules that castra itself writes under");
        verify->add_option("file", line_.file, "NDJSON, one event a line; - for stdin")->required()->type_name("FILE");
        verify->add_flag("--json", line_.json, "Answer in JSON");
        verify->footer("Exit codes: 0 valid, 7 it breaks the contract, 10 no such file.");
        verify->callback([this] { line_.verb = Verb::events_verify; });
        events->require_subcommand(0, 1);
        runs->callback([this] { line_.verb = Verb::event_runs; });
        events->callback([this, events] {
            if (events->get_subcommands().empty()) line_.verb = Verb::events;
        });
    }
    void add_replay() {
        auto* replay = command("replay", "Tell a reporter plugin a run again, from its journal", Verb::replay);
        add_file(replay);
        add_look(replay);
        replay->add_option("run", line_.query.run, "Its id, the beginning of it, or latest")
            ->required()
            ->type_name("RUN");
        replay->add_option("--reporter", line_.query.reporter, "As in [[reporters]], or a path such as ./mine.so")
            ->required()
            ->type_name("NAME");
        replay->add_option("--reporter-config", line_.query.reporter_config, "Over what castra.toml says of it")
            ->type_name("JSON");
    }
    void add_plugin() {
        auto* plugin = app_.add_subcommand("plugin", "Plugins: which there are, whether they are any good, a new one");
        plugin->require_subcommand(1);
        auto* list = plugin_action(plugin, "list", "Tell which plugins there are; runs none of their code",
                                   PluginRequest::Action::list);
        add_file(list);
        auto* inspect = plugin_action(plugin, "inspect", "Tell what a plugin says of itself; runs none of its code",
                                      PluginRequest::Action::inspect);
        add_file(inspect);
        inspect->add_option("plugin", line_.plugin.target, "A file, or a name as in castra.toml")
            ->required()
            ->type_name("FILE|NAME");
        auto* validate = plugin_action(plugin, "validate", "Run a plugin through every check, each in its own process",
                                       PluginRequest::Action::validate);
        validate->add_option("file", line_.plugin.target, "The plugin's .so")->required()->type_name("FILE");
        validate
            ->add_option("--level", line_.plugin.level_max,
                         "How far: 1 static, 2 load, 3 shape, 4 config, 5 its kinds, 6 cancelling, 7 faults")
            ->check(CLI::Range(1, 7));
        validate->add_option("--junit", line_.plugin.junit, "Write the report as JUnit XML, too")->type_name("FILE");
        validate->footer("Exit codes: 0 every check passed, 8 one did not, 10 no such file.");
        auto* make = plugin_action(plugin, "new", "Make a plugin's folder that builds outside of castra's tree",
                                   PluginRequest::Action::make);
        make->add_option("--kind", line_.plugin.kind, "reporter, launcher, step, broker-launcher")
            ->check(CLI::IsMember({"reporter", "launcher", "step", "broker-launcher"}))
            ->required();
        make->add_option("name", line_.plugin.target, "Its name; mine becomes reporter-mine, say")
            ->required()
            ->type_name("NAME");
        make->add_option("--in", line_.plugin.parent, "Where its folder goes; default: here")->type_name("DIR");
        auto* check = plugin_action(plugin, "check", "", PluginRequest::Action::check); // started by validate
        check->group("");
        check->add_option("file", line_.plugin.target)->required();
        check->add_option("--name", line_.plugin.check)->required();
        check->add_option("--report-fd", line_.plugin.report_fd)->required();
    }
    CLI::App* plugin_action(CLI::App* plugin, const char* name, const char* help, PluginRequest::Action action) {
        auto* command = plugin->add_subcommand(name, help);
        command->callback([this, action] {
            line_.verb = Verb::plugin;
            line_.plugin.action = action;
        });
        command->add_flag("--json", line_.json, "Answer in JSON");
        return command;
    }
    void add_supervise() {
        auto* supervise = command("supervise", "", Verb::supervise); // started by castra itself
        supervise->group("");
        add_file(supervise);
        supervise->add_option("--state-dir", line_.state_dir);
        supervise->add_option("--notify-fd", line_.notify_fd);
    }

public:
    EventFormat events() const {
        return events_ == "ndjson" ? EventFormat::ndjson : events_ == "none" ? EventFormat::none : EventFormat::console;
    }

private:
    CLI::App app_;
    CommandLine line_;
    std::string events_ = "console";
};

std::string suggestion(CLI::App& app, int argc, const char* const* argv) {
    std::vector<std::string> names;
    for (const auto* command : app.get_subcommands(nullptr))
        if (!command->get_group().empty()) names.push_back(command->get_name());
    for (int i = 1; i < argc; ++i) {
        if (argv[i][0] == '-') continue;
        const auto meant = did_you_mean(argv[i], names);
        if (meant && *meant != argv[i]) return "did you mean \"" + *meant + "\"? ";
        break;
    }
    return {};
}

} // namespace

tl::expected<CommandLine, UsageError> parse_command_line(int argc, const char* const* argv,
                                                         const std::string& version) {
    Grammar grammar(version);
    auto& app = grammar.app();
    auto answer = [&](Verb verb, std::string text) {
        CommandLine line;
        line.verb = verb;
        line.text = std::move(text);
        return line;
    };
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        auto* deepest = &app;
        std::string path;
        while (!deepest->get_subcommands().empty()) {
            path += (path.empty() ? "" : " ") + deepest->get_name();
            deepest = deepest->get_subcommands().front();
        }
        return answer(Verb::help, deepest->help(path));
    } catch (const CLI::CallForAllHelp&) {
        return answer(Verb::help, app.help("", CLI::AppFormatMode::All));
    } catch (const CLI::CallForVersion&) {
        return answer(Verb::version, "castra " + version + "\n");
    } catch (const CLI::ParseError& error) {
        return tl::unexpected(UsageError{error.what(), suggestion(app, argc, argv) + "see castra --help",
                                         operation_in(argc, argv), format_in(argc, argv),
                                         shows_other_runs(argc, argv)});
    }
    auto& line = grammar.line();
    line.events = grammar.events();
    for (int i = 0; i < argc; ++i)
        line.request.argv.emplace_back(argv[i]);
    return line;
}

} // namespace castra
