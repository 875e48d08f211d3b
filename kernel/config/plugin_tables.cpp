// SPDX-License-Identifier: Apache-2.0
#include "config/plugin_tables.hpp"

#include "config/limits.hpp"
#include "config/names.hpp"

#include <algorithm>

namespace castra {
namespace {

constexpr Choice isolations[] = {{"in-process", "in-process"}, {"process", "process"}};

bool is_sha256(std::string_view text) {
    const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    return text.size() == 64 && std::ranges::all_of(text, is_hex);
}

void read_sha256(const Reader& reader, std::string& into) {
    std::string text;
    reader.narrow("sha256", {{"pattern", "^[0-9a-f]{64}$"}});
    if (!reader.read_line("sha256", text)) return;
    if (is_sha256(text))
        into = text;
    else
        reader.refuse("sha256", in_quotes(text) + " is no SHA-256 digest",
                      "write the 64 lower-case digits that sha256sum prints");
}

PluginConfig read_plugin(const Reader& reader, std::string name) {
    PluginConfig plugin;
    plugin.name = std::move(name);
    plugin.line = reader.where().line;
    plugin.column = reader.where().column;
    reader.read_path("path", plugin.path);
    read_sha256(reader, plugin.sha256);
    reader.read_choice("isolation", isolations, plugin.isolation);
    reader.read_free_table("config", plugin.config, plugin.config_at);
    return plugin;
}

} // namespace

void read_plugins(const Reader& root, const toml::table* table, ProjectConfig& project) {
    std::vector<std::string_view> names{"search"};
    if (table != nullptr)
        for (const auto& [name, value] : *table)
            names.push_back(name.str());
    const auto reader = root.table("plugins", {"plugins", "[plugins]", names});
    if (!reader || table == nullptr) return;
    reader->read_paths("search", limits::plugin_search_max, project.plugin_search);
    if (names.size() - 1 - (reader->has("search") ? 1 : 0) > limits::plugins_max) {
        root.refuse("plugins", "more than " + std::to_string(limits::plugins_max) + " plugins", "remove some");
        return;
    }
    for (const auto& [name, value] : *table) {
        if (name.str() == "search") continue;
        if (!is_name(name.str()))
            root.context().problems.add(position_of(name), reader->key_of(name.str()),
                                        in_quotes(name.str()) + " is no name of a plugin",
                                        "a name is 1 to 63 lower-case letters, digits and inner hyphens");
        if (!value.is_table())
            reader->refuse(name.str(), "wants a table, found " + described(value),
                           "write [plugins." + shown(name.str()) + "], or search = [\"directory\"]");
        else if (const auto plugin = reader->table(name.str(), known::plugin))
            project.plugins.push_back(read_plugin(*plugin, std::string(name.str())));
    }
    std::ranges::stable_sort(project.plugins, {}, &PluginConfig::line); // TOML tables come by name
}

void read_reporters(const Reader& root, ProjectConfig& project) {
    for (const auto& reader : root.tables("reporters", known::reporter, limits::reporters_max)) {
        ReporterConfig reporter;
        reporter.line = reader.where().line;
        reporter.column = reader.where().column;
        if (!reader.has("plugin")) reader.refuse_missing("plugin", "write plugin = \"reporter-console\", say");
        reader.read_name("plugin", reporter.plugin);
        reader.read_free_table("config", reporter.config, reporter.config_at);
        project.reporters.push_back(std::move(reporter));
    }
}

} // namespace castra
