// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.hpp"

#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/everyday_commands.hpp"
#include "cli/grammar.hpp"
#include "config/names.hpp"
#include "operations/exit_code.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <set>

namespace castra {
namespace {

constexpr const char* about = R"(Turns one TOML file into running virtual machines and tells the world what happens
as JSON events that obey a published, versioned contract.)";

constexpr const char* examples = R"(
Examples:
  castra init                        write a castra.toml that comes up as it is
  castra up                          bring up every VM of ./castra.toml
  castra up web-0 --events ndjson    one VM, events on stdout for a program to read
  castra plan                        what castra up would do; touches nothing
  castra status --json               what is true now, as JSON
  castra ssh web-0                   log in; castra exec, cp and logs are what you think they are
  castra config check                every mistake in castra.toml, with its cure
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
        if (argument == "plan") return Operation::plan;
        if (argument == "down") return Operation::down;
        if (argument == "bootstrap") return Operation::bootstrap;
        if (argument == "clean") return Operation::clean;
    }
    return Operation::status;
}

// These open a run of their own, and their refusal is one; whatever else is mistyped is told on stderr.
bool makes_a_run(int argc, const char* const* argv) {
    static const std::set<std::string_view> runs{"up", "down", "status", "clean", "bootstrap", "plan", "supervise"};
    static const std::set<std::string_view> answers{
        "init",   "ports",  "logs",  "ssh",      "ssh-config", "exec",       "cp",     "config",
        "events", "replay", "image", "contract", "plugin",     "completion", "report", "watch"};
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--") break;
        if (runs.contains(argument)) return true;
        if (answers.contains(argument)) return false;
    }
    return true;
}

Task<int> say(std::string text) {
    print(text);
    co_return exit_code::succeeded;
}

// The nearest word to a mistyped command or option: of the innermost command that was understood.
std::string suggestion(CLI::App& app, const std::vector<std::string>& words) {
    auto* at = &app;
    for (const auto& word : words) {
        if (word.starts_with("--")) {
            std::vector<std::string> names;
            for (const auto* option : at->get_options())
                for (const auto& name : option->get_lnames())
                    names.push_back("--" + name);
            const auto typed = word.substr(0, word.find('='));
            if (std::ranges::find(names, typed) != names.end()) continue;
            if (const auto meant = did_you_mean(typed, names)) return "did you mean \"" + *meant + "\"? ";
            continue;
        }
        if (word.starts_with("-")) continue;
        std::vector<std::string> names;
        CLI::App* child = nullptr;
        for (auto* command : at->get_subcommands([](CLI::App*) { return true; })) {
            if (command->get_name() == word) child = command;
            if (!command->get_group().empty()) names.push_back(command->get_name());
        }
        if (child) {
            at = child;
            continue;
        }
        if (names.empty()) continue; // a value
        if (const auto meant = did_you_mean(word, names)) return "did you mean \"" + *meant + "\"? ";
        if (at == &app) break;
    }
    return {};
}

// The first word, when it is no command. What CLI11 says of it is that a subcommand is required.
std::string unknown_command(CLI::App& app, const std::vector<std::string>& words) {
    if (words.empty() || words.front().starts_with("-")) return {};
    const auto commands = app.get_subcommands([](CLI::App*) { return true; });
    const bool is_known =
        std::ranges::any_of(commands, [&](const CLI::App* one) { return one->get_name() == words.front(); });
    return is_known ? std::string() : "there is no command \"" + words.front() + "\"";
}

CLI::App* innermost(CLI::App& app) {
    auto* at = &app;
    while (!at->get_subcommands().empty())
        at = at->get_subcommands().front();
    return at;
}

std::string path_of(CLI::App& app) {
    std::string path = "castra";
    for (auto* at = &app; !at->get_subcommands().empty();) {
        at = at->get_subcommands().front();
        path += " " + at->get_name();
    }
    return path;
}

} // namespace

bool takes_a_tail(const std::string& command) {
    return command == "ssh" || command == "exec";
}

std::vector<std::string> tail_of(const std::vector<std::string>& argv) {
    const auto dashes = std::ranges::find(argv, "--");
    return dashes == argv.end() ? std::vector<std::string>() : std::vector<std::string>(dashes + 1, argv.end());
}

std::unique_ptr<Grammar> make_grammar(const std::string& version) {
    auto grammar = std::make_unique<Grammar>(version, about, examples);
    add_commands(*grammar);
    return grammar;
}

tl::expected<CommandLine, UsageError> parse_command_line(int argc, const char* const* argv,
                                                         const std::string& version) {
    Grammar grammar(version, about, examples);
    if (argc < 2 || (argv[1] != std::string_view("--version") && !add_command(grammar, argv[1]))) add_commands(grammar);
    auto& app = grammar.app();
    auto answer = [](std::string text) {
        CommandLine line;
        line.act = [text = std::move(text)](App&, const CommandLine&) { return say(text); };
        return line;
    };
    std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    const auto dashes = std::ranges::find(words, "--");
    const bool has_tail = dashes != words.end();
    words.erase(dashes, words.end());
    const auto refuse = [&](std::string text, std::string hint) {
        return tl::unexpected(UsageError{std::move(text), std::move(hint), operation_in(argc, argv),
                                         format_in(argc, argv), !makes_a_run(argc, argv)});
    };
    try {
        app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
    } catch (const CLI::CallForHelp&) {
        const auto path = path_of(app);
        const auto parents = path.rfind(' '); // CLI11 adds the command's own name
        return answer(innermost(app)->help(parents == std::string::npos ? "" : path.substr(0, parents)));
    } catch (const CLI::CallForAllHelp&) {
        return answer(app.help("", CLI::AppFormatMode::All));
    } catch (const CLI::CallForVersion&) {
        return answer("castra " + version + "\n");
    } catch (const CLI::ParseError& error) {
        const auto unknown = unknown_command(app, words);
        auto refusal = refuse(unknown.empty() ? error.what() : unknown,
                              suggestion(app, words) + "see " + path_of(app) + " --help");
        if (!unknown.empty() && refusal.value().events == EventFormat::console) refusal.value().as_text = true;
        return refusal;
    }
    if (has_tail && !takes_a_tail(innermost(app)->get_name()))
        return refuse(path_of(app) + " takes nothing behind --", "see " + path_of(app) + " --help");
    auto& line = grammar.line();
    line.events = grammar.events();
    for (int i = 0; i < argc; ++i)
        line.request.argv.emplace_back(argv[i]);
    return line;
}

} // namespace castra
