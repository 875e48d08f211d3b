// SPDX-License-Identifier: Apache-2.0
// The plugins that a project names, found and made: launchers by the name its VMs use, reporters by the list in the
// file. The registry behind it is shared and keeps every library for ever; instances live as long as whoever holds
// them. Thread: the kernel's.
#pragma once
#include "bus/sink.hpp"
#include "lifecycle/launcher_client.hpp"
#include "operations/broker_launcher.hpp"
#include "operations/project.hpp"
#include "plugin/finder.hpp"
#include "plugin/registry.hpp"

#include <map>

namespace castra {

class PluginSet {
public:
    // `config` may be null: only installed plugins are found then.
    PluginSet(const Installation& installation, PluginRegistry& registry, const ProjectConfig* config);

    // `name`: as in [[vms]] launcher. One instance for each name. Errors: plugin, not_found, config_invalid.
    Result<std::shared_ptr<LauncherClient>> launcher(const std::string& name);
    // The one that [broker] names; null: this project has none. A plugin whose config knows a `cli` is told which
    // castra to run, so that it never has to guess. Errors: plugin, not_found, config_invalid.
    Result<std::shared_ptr<BrokerLauncher>> broker_launcher();
    // `terminal`: what a reporter's open request says of where people read; null when nobody does.
    struct ReporterWish {
        std::string name; // as in [[reporters]] plugin, or a path with a slash in it
        nlohmann::json config = nlohmann::json::object();
        nlohmann::json open; // {run_id, operation, project, terminal}
    };
    Result<std::unique_ptr<Sink>> reporter(const ReporterWish& wish);
    // A bootstrap step of its own for each call; `config` over that of [plugins.NAME].
    Result<PluginInstance> step(const std::string& plugin, const nlohmann::json& config);

private:
    // Finds, checks and loads; answers the plugin's id and its config in the file.
    struct Found {
        std::string id;
        nlohmann::json config;
        nlohmann::json config_schema;
    };
    Result<Found> load(const std::string& name, const std::string& kind);

    const Installation& installation_;
    PluginRegistry& registry_;
    const ProjectConfig* config_;
    std::map<std::string, std::shared_ptr<LauncherClient>> launchers_;
};

} // namespace castra
