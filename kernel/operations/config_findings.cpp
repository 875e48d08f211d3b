// SPDX-License-Identifier: Apache-2.0
#include "operations/config_findings.hpp"

#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"
#include "config/problems.hpp"
#include "plugin/config_check.hpp"
#include "plugin/finder.hpp"
#include "plugin/manifest.hpp"

#include <algorithm>
#include <set>

namespace castra {
namespace {

class Findings {
public:
    Findings(const Installation& installation, const ProjectConfig& project)
        : installation_(installation), project_(project) {}

    // One table that belongs to a plugin. `options`: over what [plugins.NAME] says; null: nothing.
    void check(const std::string& name, const std::string& kind, const nlohmann::json* options, Position at,
               const std::string& key) {
        const auto entry = std::ranges::find(project_.plugins, name, &PluginConfig::name);
        PluginQuery query;
        query.name = name;
        query.kind_prefix = kind_prefix_of(kind);
        query.install_dir = installation_.plugin_dir;
        for (const auto& dir : project_.plugin_search)
            query.search_dirs.emplace_back(dir);
        auto config = nlohmann::json::object();
        if (entry != project_.plugins.end()) {
            query.explicit_path = entry->path;
            config = entry->config;
        }
        if (options) config.update(*options, true);
        const auto file = find_plugin(query);
        if (!file) return add(at, key, file.error());
        const auto manifest = read_manifest(*file);
        if (!manifest) return add(at, key, manifest.error());
        if (!manifest->provides(kind))
            return add(at, key, {ErrorCode::plugin, "plugin " + manifest->id + " does not provide " + kind, ""});
        if (const auto good = check_plugin_config(*manifest, config); !good) add(at, key + ".config", good.error());
    }

    ConfigErrors take() {
        std::ranges::stable_sort(errors_, {}, &ConfigError::line);
        return std::move(errors_);
    }

private:
    void add(Position at, const std::string& key, const Error& error) {
        errors_.push_back({project_.path, at.line, at.column, key, error.text, error.hint});
    }

    const Installation& installation_;
    const ProjectConfig& project_;
    ConfigErrors errors_;
};

} // namespace

ConfigErrors plugin_findings(const Installation& installation, const ProjectConfig& project) {
    Findings findings(installation, project);
    std::set<std::string> launchers;
    for (const auto& vm : project.vms)
        if (launchers.insert(vm.launcher).second)
            findings.check(vm.launcher, CASTRA_LAUNCHER_V1, nullptr, {vm.line, vm.column},
                           "vms." + vm.name + ".launcher");
    for (std::size_t i = 0; i < project.reporters.size(); ++i)
        findings.check(project.reporters[i].plugin, CASTRA_REPORTER_V1, &project.reporters[i].config,
                       {project.reporters[i].line, 1}, "reporters[" + std::to_string(i) + "]");
    return findings.take();
}

} // namespace castra
