// SPDX-License-Identifier: Apache-2.0
// What castra.toml gives to plugins ([plugins.NAME] config, [[reporters]] config), against what their manifests
// declare. Runs none of their code, loads nothing, and tells all mistakes at once, each with file, line and column. A
// plugin that is not there, or is none, is not its business: loading says so.
#pragma once
#include "config/config_error.hpp"
#include "operations/project.hpp"
#include "plugin/finder.hpp"

#include <map>

namespace castra {

// Where a name of castra.toml leads, and its entry in [plugins] (null: it has none). `config` may be null.
struct PluginLookup {
    PluginQuery query;
    const PluginConfig* entry = nullptr;
};
PluginLookup look_up_plugin(const Installation& installation, const ProjectConfig* config, const std::string& name,
                            const std::string& kind);

// In the order in which the tables are handed to plugins.
ConfigErrors plugin_option_errors(const Installation& installation, const ProjectConfig& config);
// The same for whoever refuses to go on: code config_invalid, the place in the text.
std::vector<Error> check_plugin_options(const Installation& installation, const ProjectConfig& config);

// Where the options of the VMs stand, which only their launcher can judge. A copy: it may outlive the config.
class VmOptionPlaces {
public:
    explicit VmOptionPlaces(const ProjectConfig* config); // null: nowhere
    // The launcher's complaint about one of them, with the line. `field`: as in its refusal, "/vm/options/command". The
    // same error where there is nothing to add.
    Error at(const std::string& vm, const std::string& field, Error error) const;

private:
    struct Place {
        Positions options;
        Position vm;
    };
    std::string file_;
    std::map<std::string, Place> places_; // by VM
};

} // namespace castra
