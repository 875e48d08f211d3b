// SPDX-License-Identifier: Apache-2.0
// castra plugin list, inspect, validate, new, schema. They answer and make no events; list and inspect run no code of a
// plugin.
#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/grammar.hpp"

#include "host/files.hpp"
#include "operations/exit_code.hpp"
#include "operations/plugin_catalog.hpp"
#include "operations/plugin_scaffold.hpp"
#include "plugin/payload_schema.hpp"
#include "validator/live_checks.hpp"
#include "validator/validator.hpp"

#include <cstdio>
#include <unistd.h>

namespace castra {
namespace {

using nlohmann::ordered_json;

struct PluginOptions {
    std::string target;       // inspect: a file or a name; validate, check: a file; new: the new name
    std::string kind;         // new: reporter, launcher, step, broker-launcher
    std::string parent = "."; // new: where the folder goes
    std::string directory;    // schema: write files there
    int level_max = 7;        // validate
    std::string junit;        // validate: a file for the report as JUnit XML
    std::string check;        // check: the one that this process is to make
    int report_fd = -1;       // check: where its verdict goes
};

void print_json(const ordered_json& answer) {
    print(answer.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

int answer_error(const CommandLine& line, const Error& error) {
    if (line.json)
        print_json({{"error", {{"code", to_string(error.code)}, {"text", error.text}, {"hint", error.hint}}}});
    return complain(error);
}

std::string joined(const std::vector<std::string>& texts) {
    std::string all;
    for (const auto& text : texts)
        all += (all.empty() ? "" : ", ") + text;
    return all.empty() ? "-" : all;
}

ordered_json to_json(const CatalogEntry& entry) {
    ordered_json json{{"file", entry.file.string()}, {"source", entry.source}, {"sha256", entry.sha256}};
    if (entry.manifest) {
        const auto& manifest = *entry.manifest;
        json["id"] = manifest.id;
        json["version"] = manifest.version;
        json["description"] = manifest.description;
        json["kinds"] = manifest.kinds;
        json["abi"] = {{"major", manifest.abi_major}, {"minor_min", manifest.abi_minor_min}};
        json["contract"] = {{"min", to_string(manifest.contract_min)}, {"max_major", manifest.contract_max_major}};
        json["emits"] = manifest.emits;
        json["accepts_isolation"] = manifest.isolation;
        json["config_schema"] = manifest.config_schema;
    }
    json["isolation"] = to_string(entry.isolation);
    json["state"] = entry.state;
    if (!entry.why.empty()) json["why"] = entry.why;
    if (!entry.cure.empty()) json["cure"] = entry.cure;
    return json;
}

ordered_json to_json(const QuarantinedPlugin& plugin) {
    return {{"plugin", plugin.plugin},
            {"file", plugin.file},
            {"sha256", plugin.sha256},
            {"reason", plugin.reason},
            {"at_unix_us", plugin.at_unix_us}};
}

// The project here, if there is one: plugins may be listed without. Errors: one that was named, or is broken.
Result<std::optional<Project>> project_of(const Installation& installation, const CommandLine& line) {
    auto project = load_project(installation, line.request.config);
    if (project) return std::optional(std::move(*project));
    const auto& first = project.error().front();
    if (first.code == ErrorCode::config_not_found && line.request.config.empty()) return std::optional<Project>();
    return Failure(first);
}

int list(const Installation& installation, const CommandLine& line, const PluginOptions&) {
    auto project = project_of(installation, line);
    if (!project) return answer_error(line, project.error());
    const auto entries = list_plugins(installation, *project ? &(*project)->config : nullptr);
    const auto locked_up = quarantined_plugins(installation);
    if (line.json) {
        ordered_json answer{{"plugins", ordered_json::array()}, {"quarantine", ordered_json::array()}};
        for (const auto& entry : entries) {
            auto json = to_json(entry);
            json.erase("config_schema");
            answer["plugins"].push_back(std::move(json));
        }
        for (const auto& plugin : locked_up)
            answer["quarantine"].push_back(to_json(plugin));
        print_json(answer);
        return exit_code::succeeded;
    }
    for (const auto& entry : entries) {
        const auto id = entry.manifest ? entry.manifest->id : entry.file.stem().string();
        std::string text = id + "  " + (entry.manifest ? entry.manifest->version : "?") + "  " + entry.state + "  " +
                           std::string(to_string(entry.isolation)) + "  " + entry.file.string() + "\n";
        if (entry.manifest) text += "    " + entry.manifest->description + "\n";
        if (!entry.why.empty()) text += "    " + entry.why + "\n";
        if (!entry.cure.empty()) text += "    try: " + entry.cure + "\n";
        print(text);
    }
    for (const auto& plugin : locked_up)
        print("in quarantine: " + plugin.plugin + " (" + plugin.file + "), sha256 " + plugin.sha256 + "\n    it " +
              plugin.reason + "\n");
    return exit_code::succeeded;
}

int inspect(const Installation& installation, const CommandLine& line, const PluginOptions& options) {
    auto project = project_of(installation, line);
    if (!project) return answer_error(line, project.error());
    const auto entry = inspect_plugin(installation, *project ? &(*project)->config : nullptr, options.target);
    if (!entry) return answer_error(line, entry.error());
    const int code = entry->state == "ok" ? exit_code::succeeded : exit_code::plugin;
    if (line.json) {
        print_json(to_json(*entry));
        return code;
    }
    std::string text =
        "file       " + entry->file.string() + "\nsha256     " + entry->sha256 + "\nstate      " + entry->state + "\n";
    if (!entry->why.empty()) text += "why        " + entry->why + "\n";
    if (!entry->cure.empty()) text += "try        " + entry->cure + "\n";
    if (entry->manifest) {
        const auto& manifest = *entry->manifest;
        text += "id         " + manifest.id + "\nversion    " + manifest.version + "\n           " +
                manifest.description + "\nkinds      " + joined(manifest.kinds) + "\nABI        " +
                std::to_string(manifest.abi_major) + "." + std::to_string(manifest.abi_minor_min) +
                " or later\ncontract   " + to_string(manifest.contract_min) + " to major " +
                std::to_string(manifest.contract_max_major) + "\nemits      " + joined(manifest.emits) +
                "\nisolation  " + std::string(to_string(entry->isolation)) + "; accepts " + joined(manifest.isolation) +
                "\nconfig     " + manifest.config_schema.dump(2) + "\n";
    }
    print(text);
    return code;
}

int make(const Installation& installation, const CommandLine& line, const PluginOptions& options) {
    const auto made = make_plugin_folder(installation, {options.kind, options.target, options.parent});
    if (!made) return answer_error(line, made.error());
    if (line.json) {
        ordered_json answer{{"id", made->id}, {"folder", made->folder.string()}, {"files", ordered_json::array()}};
        for (const auto& file : made->files)
            answer["files"].push_back(file.string());
        print_json(answer);
        return exit_code::succeeded;
    }
    // What runs from a build tree is not where cmake finds a package.
    const auto prefix = installation.program.parent_path().parent_path();
    const bool is_installed = files::exists(prefix / "lib/cmake/castra-sdk/castra-sdk-config.cmake");
    const bool is_found = prefix == "/usr" || prefix == "/usr/local";
    const auto folder = made->folder.string(), build = (made->folder / "build").string();
    tell(line, "made " + folder +
                   "\nnext: " + (is_installed ? "" : "cmake --install " + prefix.string() + " --prefix ~/castra && ") +
                   "cmake -S " + folder + " -B " + build +
                   (is_found       ? ""
                    : is_installed ? " -DCMAKE_PREFIX_PATH=" + prefix.string()
                                   : " -DCMAKE_PREFIX_PATH=~/castra") +
                   " && cmake --build " + build + "\n");
    return exit_code::succeeded;
}

int schema(const Installation&, const CommandLine& line, const PluginOptions& options) {
    ordered_json answer = ordered_json::object();
    for (const auto& payload : payload_schemas()) {
        answer[payload.file()] = payload.schema;
        if (options.directory.empty()) continue;
        const auto path = std::filesystem::path(options.directory) / payload.file();
        if (auto made = files::make_directories(path.parent_path()); !made) return answer_error(line, made.error());
        if (auto written = files::replace(path, payload.schema.dump(2) + "\n", false); !written)
            return answer_error(line, written.error());
    }
    if (options.directory.empty() || line.json)
        print_json(answer);
    else
        tell(line, "wrote " + std::to_string(answer.size()) + " schemas to " + options.directory + "\n");
    return exit_code::succeeded;
}

// ---- validate -------------------------------------------------------------------------------------------------------

const char* word_of(CheckStatus status) {
    return status == CheckStatus::passed ? "passed" : status == CheckStatus::failed ? "failed" : "skipped";
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '"')
            out += "&quot;";
        else if (static_cast<unsigned char>(c) < 0x20)
            out += ' ';
        else
            out += c;
    }
    return out;
}

std::string junit_of(const PluginReport& report) {
    std::size_t failures = 0, skipped = 0;
    std::string cases;
    for (const auto& check : report.checks) {
        char seconds[32];
        std::snprintf(seconds, sizeof seconds, "%.3f", static_cast<double>(check.duration_ms) / 1000.0);
        cases += "  <testcase classname=\"" + escaped(report.plugin) + "\" name=\"" + check.name + "\" time=\"" +
                 seconds + "\"";
        if (check.status == CheckStatus::failed) {
            ++failures;
            cases += ">\n    <failure message=\"" + escaped(check.text) + "\">" + escaped(check.hint) +
                     "</failure>\n  </testcase>\n";
        } else if (check.status == CheckStatus::skipped) {
            ++skipped;
            cases += ">\n    <skipped message=\"" + escaped(check.text) + "\"/>\n  </testcase>\n";
        } else {
            cases += "/>\n";
        }
    }
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"castra plugin validate " +
           escaped(report.file) + "\" tests=\"" + std::to_string(report.checks.size()) + "\" failures=\"" +
           std::to_string(failures) + "\" skipped=\"" + std::to_string(skipped) + "\">\n" + cases + "</testsuite>\n";
}

int validate(const Installation& installation, const CommandLine& line, const PluginOptions& options) {
    const ValidatorSettings settings{installation.program, installation.program.parent_path() / "castra-plugin-host",
                                     options.level_max};
    const auto report = validate_plugin(options.target, settings);
    if (!report) return answer_error(line, report.error());
    if (!options.junit.empty())
        if (const auto written = files::replace(options.junit, junit_of(*report), false); !written)
            return answer_error(line, written.error());
    if (line.json) {
        ordered_json answer{{"file", report->file},
                            {"plugin", report->plugin},
                            {"ok", report->is_good()},
                            {"level_max", report->level_max},
                            {"level_passed", report->level_passed},
                            {"checks", ordered_json::array()}};
        for (const auto& check : report->checks) {
            ordered_json json{{"name", check.name},
                              {"level", check.level},
                              {"status", word_of(check.status)},
                              {"duration_ms", check.duration_ms}};
            if (!check.text.empty()) json["text"] = check.text;
            if (!check.hint.empty()) json["hint"] = check.hint;
            answer["checks"].push_back(std::move(json));
        }
        print_json(answer);
    } else {
        for (const auto& check : report->checks) {
            std::string text = std::string(word_of(check.status)) + "  " + check.name + "\n";
            if (!check.text.empty()) text += "        " + check.text + "\n";
            if (!check.hint.empty()) text += "        try: " + check.hint + "\n";
            print(text);
        }
        print(report->is_good()
                  ? report->plugin + " is good: level " + std::to_string(report->level_passed) + "\n"
                  : report->file + " is not good: it passes level " + std::to_string(report->level_passed) + " of " +
                        std::to_string(report->level_max) + "\n");
    }
    return report->is_good() ? exit_code::succeeded : exit_code::plugin;
}

// One check, in this process, which exists for nothing else.
int check(const Installation& installation, const CommandLine&, const PluginOptions& options) {
    std::string scratch = std::filesystem::temp_directory_path() / "castra-check-XXXXXX";
    if (::mkdtemp(scratch.data()) == nullptr) return exit_code::failed;
    const auto result = run_live_check(options.check, options.target,
                                       installation.program.parent_path() / "castra-plugin-host", scratch);
    std::error_code ignored;
    std::filesystem::remove_all(scratch, ignored);
    const auto said =
        ordered_json{{"status", word_of(result.status)}, {"text", result.text}, {"hint", result.hint}}.dump(
            -1, ' ', false, nlohmann::json::error_handler_t::replace);
    const bool is_written = ::write(options.report_fd, said.data(), said.size()) == static_cast<ssize_t>(said.size());
    return is_written ? exit_code::succeeded : exit_code::failed;
}

using Answer = int (*)(const Installation&, const CommandLine&, const PluginOptions&);

Task<int> answer_with(Answer answer, App& app, const CommandLine& line, PluginOptions options) {
    co_return answer(app.installation(), line, options);
}

} // namespace

void add_plugin(Grammar& grammar) {
    auto plugin = grammar.add_group("plugin", "Plugins: which there are, whether they are any good, a new one");
    const auto options = Grammar::options<PluginOptions>();
    const auto action = [&](const char* name, const char* help, Answer answer) {
        auto made = grammar.add(
            name, help,
            [options, answer](App& app, const CommandLine& line) { return answer_with(answer, app, line, *options); },
            plugin);
        grammar.add_json(made);
        return made;
    };
    auto listed = action("list", "Tell which plugins there are; runs none of their code", list);
    grammar.add_file(listed);
    auto inspected = action("inspect", "Tell what a plugin says of itself; runs none of its code", inspect);
    grammar.add_file(inspected);
    inspected.option("plugin", options->target, "A file, or a name as in castra.toml")
        .required()
        .type_name("FILE|NAME");
    auto validated = action("validate", "Run a plugin through every check, each in its own process", validate);
    validated.option("file", options->target, "The plugin's .so").required().type_name("FILE");
    validated
        .option("--level", options->level_max,
                "How far: 1 static, 2 load, 3 shape, 4 config, 5 its kinds, 6 cancelling, 7 faults")
        .range(1, 7);
    validated.option("--junit", options->junit, "Write the report as JUnit XML, too").type_name("FILE");
    validated.footer("Exit codes: 0 every check passed, 8 one did not, 10 no such file.");
    auto made = action("new", "Make a plugin's folder that builds outside of castra's tree", make);
    made.option("--kind", options->kind, "reporter, launcher, step, broker-launcher")
        .one_of({"reporter", "launcher", "step", "broker-launcher"})
        .required();
    made.option("name", options->target, "Its name; mine becomes reporter-mine, say").required().type_name("NAME");
    made.option("--in", options->parent, "Where its folder goes; default: here").type_name("DIR");
    auto schemas = action("schema", "Print the JSON Schema of what castra and plugins say to each other", schema);
    schemas.footer("Example: castra plugin schema --json | jq '.[\"launcher/plan.request.json\"]'");
    schemas.option("--to", options->directory, "Write a file for each into this folder instead").type_name("DIR");
    auto checked = action("check", "", check); // started by validate
    checked.hide();
    checked.option("file", options->target).required();
    checked.option("--name", options->check).required();
    checked.option("--report-fd", options->report_fd).required();
}

} // namespace castra
