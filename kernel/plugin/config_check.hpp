// SPDX-License-Identifier: Apache-2.0
// A plugin's table of castra.toml against the config_schema of its manifest, before any of its code runs.
// Shape:  JSON Schema in draft-07 vocabulary; "default" of properties is filled in, nested objects included.
// Errors: config_invalid naming the field, what is wrong and what is known; plugin when the schema itself is broken.
#pragma once
#include "base/result.hpp"
#include "plugin/manifest.hpp"

namespace castra {

struct ConfigProblem {
    std::string pointer; // JSON pointer of the value that is wrong; of the table where one is missing
    std::string text, hint;
    bool is_missing = false; // a required value, in the table at `pointer`
};

// Every mistake of the config, without its defaults filled in; none: check_plugin_config() takes it.
// Errors: plugin, when the schema itself is broken.
Result<std::vector<ConfigProblem>> find_config_problems(const Manifest& manifest, const nlohmann::json& config);

// The config with its defaults: what create() gets. Its error is the first of find_config_problems().
Result<nlohmann::json> check_plugin_config(const Manifest& manifest, const nlohmann::json& config);

} // namespace castra
