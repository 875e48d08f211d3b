// SPDX-License-Identifier: Apache-2.0
// castra config check, show, schema: what castra.toml says, what is wrong with it, and what it may say at all. Touches
// nothing and opens no run; no code of a plugin runs.
#include "cli/app.hpp"
#include "cli/everyday_commands.hpp"
#include "cli/grammar.hpp"
#include "config/effective.hpp"
#include "config/load_noted.hpp"
#include "config/names.hpp"
#include "config/schema.hpp"
#include "operations/config_findings.hpp"
#include "operations/exit_code.hpp"

#include <algorithm>
#include <cstdio>

namespace castra {
namespace {

using nlohmann::ordered_json;

void print_json(const ordered_json& answer) {
    print(answer.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

ordered_json to_json(const ConfigError& error) {
    ordered_json json{{"file", error.file}};
    if (error.line > 0) {
        json["line"] = error.line;
        json["column"] = error.column;
    }
    if (!error.key.empty()) json["key"] = error.key;
    json["text"] = error.text;
    if (!error.hint.empty()) json["hint"] = error.hint;
    return json;
}

int refuse(const CommandLine& line, ErrorCode code, const ConfigErrors& errors) {
    if (line.json) {
        ordered_json answer{{"ok", false}, {"code", to_string(code)}, {"errors", ordered_json::array()}};
        for (const auto& error : errors)
            answer["errors"].push_back(to_json(error));
        print_json(answer);
    } else {
        for (const auto& error : errors)
            std::fprintf(stderr, "%s\n", to_string(error).c_str());
        if (code != ErrorCode::config_not_found)
            std::fprintf(stderr, "%zu %s\n", errors.size(), errors.size() == 1 ? "mistake" : "mistakes");
    }
    return exit_code::config;
}

std::size_t group_count(const ProjectConfig& project) {
    std::vector<int> lines;
    for (const auto& vm : project.vms)
        if (std::ranges::find(lines, vm.line) == lines.end()) lines.push_back(vm.line);
    return lines.size();
}

Task<int> check(App& app, const CommandLine& line) {
    const auto project = load_project(std::filesystem::path(line.request.config));
    if (!project) co_return refuse(line, project.error().code, project.error().errors);
    const auto errors = plugin_findings(app.installation(), *project);
    if (!errors.empty()) co_return refuse(line, ErrorCode::config_invalid, errors);
    if (line.json)
        print_json({{"ok", true},
                    {"file", project->path},
                    {"project", project->name},
                    {"vms", project->vms.size()},
                    {"errors", ordered_json::array()}});
    else
        tell(line, project->path + " is good: project " + project->name + ", " + std::to_string(project->vms.size()) +
                       (project->vms.size() == 1 ? " VM" : " VMs") + " in " + std::to_string(group_count(*project)) +
                       (group_count(*project) == 1 ? " group\n" : " groups\n") +
                       "castra plan asks launchers, images and this machine, too\n");
    co_return exit_code::succeeded;
}

// ---- show -----------------------------------------------------------------------------------------------------------

std::string value_text(const EffectiveValue& row) {
    if (row.value.is_null()) return "(not set)";
    if (row.value.is_object() && row.value.contains("guest"))
        return row.value["address"].get<std::string>() + ":" +
               (row.value["host"] == 0 ? std::string("(any)") : row.value["host"].dump()) + " -> " +
               row.value["guest"].dump() + "/" + row.value["protocol"].get<std::string>();
    return row.value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string origin_text(const EffectiveValue& row) {
    if (row.is_default) return "default";
    return "line " + std::to_string(row.at.line) + (row.table.empty() ? "" : ", " + row.table);
}

ordered_json to_json(const EffectiveValue& row) {
    ordered_json json{{"key", row.key}, {"value", row.value}, {"origin", row.is_default ? "default" : "file"}};
    if (row.is_default) return json;
    json["line"] = row.at.line;
    json["column"] = row.at.column;
    json["table"] = row.table;
    return json;
}

// "vms.web-2.memory" is of web-2.
bool is_of(const EffectiveValue& row, const std::vector<std::string>& vms) {
    return vms.empty() ||
           std::ranges::any_of(vms, [&](const std::string& vm) { return row.key.starts_with("vms." + vm + "."); });
}

std::optional<Error> unknown_vm(const ProjectConfig& project, const std::vector<std::string>& wanted) {
    std::vector<std::string> names;
    for (const auto& vm : project.vms)
        names.push_back(vm.name);
    for (const auto& vm : wanted)
        if (std::ranges::find(names, vm) == names.end()) {
            const auto near = did_you_mean(vm, names);
            return Error{ErrorCode::usage, "there is no VM \"" + vm + "\" in " + project.path,
                         near ? "did you mean \"" + *near + "\"?" : "castra status lists them"};
        }
    return std::nullopt;
}

Task<int> show(App&, const CommandLine& line) {
    KeyBook book;
    const auto project = load_project(std::filesystem::path(line.request.config), &book);
    if (!project) co_return refuse(line, project.error().code, project.error().errors);
    if (const auto error = unknown_vm(*project, line.request.vms)) co_return complain(*error);
    auto rows = effective_values(*project, book);
    std::erase_if(rows, [&](const EffectiveValue& row) { return !is_of(row, line.request.vms); });
    if (line.json) {
        ordered_json answer{{"file", project->path}, {"values", ordered_json::array()}};
        for (const auto& row : rows)
            answer["values"].push_back(to_json(row));
        print_json(answer);
        co_return exit_code::succeeded;
    }
    std::size_t key_letters = 0, value_letters = 0;
    for (const auto& row : rows) {
        key_letters = std::max(key_letters, row.key.size());
        value_letters = std::max(value_letters, std::min<std::size_t>(40, value_text(row).size()));
    }
    std::string text;
    for (const auto& row : rows) {
        auto value = value_text(row);
        value.resize(std::max(value.size(), value_letters), ' ');
        text += row.key + std::string(key_letters - row.key.size() + 2, ' ') + value + "  " + origin_text(row) + "\n";
    }
    print(text);
    co_return exit_code::succeeded;
}

Task<int> schema(App&, const CommandLine&) {
    print_json(config_schema());
    co_return exit_code::succeeded;
}

} // namespace

void add_config(Grammar& grammar) {
    auto config = grammar.add_group("config", "castra.toml: its mistakes, its effective values, its JSON Schema");
    auto check = grammar.add(
        "check", "Tell every mistake in castra.toml, with line, column, key and cure; touches nothing",
        [](App& app, const CommandLine& line) { return castra::check(app, line); }, config);
    grammar.add_file(check);
    grammar.add_json(check);
    check.footer("\nExit codes: 0 it is good, 3 it has mistakes or is not there.\n"
                 "Examples:\n"
                 "  castra config check\n"
                 "  castra config check --config ci/castra.toml --json");
    auto show = grammar.add(
        "show", "Tell every value that is in force and where it comes from: a line of the file, or the default",
        [](App& app, const CommandLine& line) { return castra::show(app, line); }, config);
    grammar.add_file(show);
    grammar.add_json(show);
    show.option("vms", grammar.line().request.vms, "Only what concerns these VMs").type_name("VM");
    show.footer("\nValues of env are secrets and shown as ***.\n"
                "Examples:\n"
                "  castra config show\n"
                "  castra config show web-0 --json");
    auto schema = grammar.add(
        "schema", "Print the JSON Schema of castra.toml, for editors that complete and check while you write",
        [](App& app, const CommandLine& line) { return castra::schema(app, line); }, config);
    schema.footer("\nEditors that use Taplo (VS Code: Even Better TOML) find it by the first line of castra.toml:\n"
                  "#:schema ./castra.schema.json\n"
                  "Examples:\n"
                  "  castra config schema > castra.schema.json");
}

} // namespace castra
