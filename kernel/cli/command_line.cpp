// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.hpp"

#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/grammar.hpp"
#include "config/names.hpp"
#include "operations/exit_code.hpp"

namespace castra {
namespace {

constexpr const char* about = R"(Turns one TOML file into running virtual machines and tells the world what happens
as JSON events that obey a published, versioned contract.)";

constexpr const char* examples = R"(
Examples:
  castra up                          bring up every VM of ./castra.toml
  castra up web-0 --events ndjson    one VM, events on stdout for a program to read
  castra up --plan                   what would be done; touches nothing
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
        if (argument == "bootstrap") return Operation::bootstrap;
        if (argument == "clean") return Operation::clean;
    }
    return Operation::status;
}

// Commands whose stdout belongs to events of other runs.
bool shows_other_runs(int argc, const char* const* argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "events" || argument == "replay" || argument == "report") return true;
        if (!argument.starts_with('-')) return false;
    }
    return false;
}

Task<int> say(std::string text) {
    print(text);
    co_return exit_code::succeeded;
}

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
    Grammar grammar(version, about, examples);
    add_commands(grammar);
    auto& app = grammar.app();
    auto answer = [](std::string text) {
        CommandLine line;
        line.act = [text = std::move(text)](App&, const CommandLine&) { return say(text); };
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
        return answer(deepest->help(path));
    } catch (const CLI::CallForAllHelp&) {
        return answer(app.help("", CLI::AppFormatMode::All));
    } catch (const CLI::CallForVersion&) {
        return answer("castra " + version + "\n");
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
