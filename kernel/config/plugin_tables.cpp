// SPDX-License-Identifier: Apache-2.0
#include "config/plugin_tables.hpp"

#include "config/limits.hpp"
#include "config/names.hpp"

#include <algorithm>

namespace castra {
namespace {

constexpr Choice isolations[] = {{"in-process", "in-process"}, {"process", "process"}};

PluginConfig read_plugin(const Reader& reader, std::string name) {
    PluginConfig plugin;
    plugin.name = std::move(name);
    plugin.line = reader.where().line;
    plugin.column = reader.where().column;
    reader.read_path("path", plugin.path);
    reader.read_sha256("sha256", plugin.sha256);
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

void read_secrets(const Reader& root, ProjectConfig& project) {
    for (const auto& reader : root.tables("secrets", known::secret, limits::secrets_max)) {
        SecretConfig secret;
        secret.line = reader.where().line;
        secret.column = reader.where().column;
        if (!reader.has("name")) reader.refuse_missing("name", "write name = \"nats-token\", say");
        if (!reader.has("file")) reader.refuse_missing("file", "write file = \"nats.token\", say");
        if (!reader.has("plugins")) reader.refuse_missing("plugins", "write plugins = [\"reporter-nats\"], say");
        reader.read_name("name", secret.name);
        reader.read_path("file", secret.file);
        reader.read_names("plugins", limits::secret_plugins_max, secret.plugins);
        if (std::ranges::find(project.secrets, secret.name, &SecretConfig::name) != project.secrets.end())
            reader.refuse("name", "there is a secret " + in_quotes(secret.name) + " already", "give each its own name");
        project.secrets.push_back(std::move(secret));
    }
}

} // namespace castra
