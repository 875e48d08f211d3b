// SPDX-License-Identifier: Apache-2.0
#include "operations/plugin_catalog.hpp"

#include "castra/sdk/nearest.hpp"
#include "config/project_config.hpp"
#include "plugin/finder.hpp"
#include "plugin/library.hpp"
#include "plugin/sha256.hpp"
#include "plugin/trust.hpp"
#include "state/plugin_state.hpp"

#include <algorithm>

namespace castra {
namespace {

namespace fs = std::filesystem;

void refuse(CatalogEntry& entry, const Error& error) {
    if (entry.state != "ok") return;
    entry.state = "refused";
    entry.why = error.text;
    entry.cure = error.hint;
}

// "reporter-mine" is called mine in a file, or by its whole id.
bool is_called(const std::string& id, const std::string& name) {
    const auto dash = id.find('-');
    return id == name || (dash != std::string::npos && id.substr(dash + 1) == name);
}

CatalogEntry entry_of(const Installation& installation, const ProjectConfig* config, const fs::path& file,
                      std::string source) {
    CatalogEntry entry;
    entry.file = file;
    entry.source = std::move(source);
    const PluginConfig* named = nullptr;
    if (config)
        for (const auto& plugin : config->plugins)
            if (plugin.path == file.string() || (plugin.path.empty() && is_called(file.stem().string(), plugin.name)))
                named = &plugin;
    const auto pin = named && !named->sha256.empty() ? std::optional(named->sha256) : std::nullopt;
    const auto trusted = check_trust(file, pin);
    if (trusted) entry.file = *trusted;
    if (auto digest = sha256_of_file(file)) entry.sha256 = std::move(*digest);

    std::error_code problem;
    const bool is_installed = entry.file.parent_path() == fs::canonical(installation.plugin_dir, problem);
    entry.isolation = is_installed ? Isolation::in_process : Isolation::process;
    if (named && !named->isolation.empty())
        entry.isolation = named->isolation == "process" ? Isolation::process : Isolation::in_process;

    auto manifest = read_manifest(entry.file);
    const PluginQuarantine quarantine(plugin_quarantine_dir(installation.environment));
    if (const auto locked_up = quarantine.find(entry.sha256)) {
        entry.state = "quarantined";
        entry.why = "it " + locked_up->reason;
        entry.cure = "rebuild it, or remove " + quarantine.file_of(entry.sha256).string();
    }
    if (!trusted) refuse(entry, trusted.error());
    if (!manifest) {
        refuse(entry, manifest.error());
        return entry;
    }
    entry.manifest = std::move(*manifest);
    if (const auto fits = check_compatible(*entry.manifest, ContractVersion{}, entry.isolation); !fits)
        refuse(entry, fits.error());
    return entry;
}

} // namespace

std::vector<CatalogEntry> list_plugins(const Installation& installation, const ProjectConfig* config) {
    std::vector<CatalogEntry> all;
    const auto add = [&](const fs::path& file, const char* source) {
        const auto same = std::ranges::find(all, file, &CatalogEntry::file);
        if (same == all.end()) all.push_back(entry_of(installation, config, file, source));
    };
    std::vector<fs::path> dirs;
    if (config) {
        for (const auto& plugin : config->plugins)
            if (!plugin.path.empty()) add(plugin.path, "castra.toml");
        for (const auto& dir : config->plugin_search)
            dirs.emplace_back(dir);
    }
    const auto search_count = dirs.size();
    dirs.push_back(installation.plugin_dir);
    for (const auto& file : list_plugin_files(dirs)) { // a name that was seen hides later ones, as when loading
        const bool is_searched =
            std::find(dirs.begin(), dirs.begin() + static_cast<std::ptrdiff_t>(search_count), file.parent_path()) !=
            dirs.begin() + static_cast<std::ptrdiff_t>(search_count);
        add(file, is_searched ? "search" : "installed");
    }
    return all;
}

Result<CatalogEntry> inspect_plugin(const Installation& installation, const ProjectConfig* config,
                                    const std::string& file_or_name) {
    std::error_code problem;
    if (file_or_name.find('/') != std::string::npos || file_or_name.ends_with(".so")) {
        const auto file = fs::absolute(file_or_name, problem);
        if (!fs::exists(file, problem)) return fail(ErrorCode::not_found, "no file " + file.string());
        return entry_of(installation, config, file, "file");
    }
    std::vector<std::string> names;
    for (auto& entry : list_plugins(installation, config)) {
        const auto id = entry.manifest ? entry.manifest->id : entry.file.stem().string();
        if (is_called(id, file_or_name)) return entry;
        names.push_back(id);
    }
    const auto near = sdk::nearest(file_or_name, names);
    return fail(ErrorCode::not_found, "no plugin \"" + file_or_name + "\"",
                near.empty() ? "castra plugin list shows them" : "did you mean \"" + near + "\"?");
}

std::vector<QuarantinedPlugin> quarantined_plugins(const Installation& installation) {
    return PluginQuarantine(plugin_quarantine_dir(installation.environment)).list();
}

} // namespace castra
