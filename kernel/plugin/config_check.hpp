// SPDX-License-Identifier: Apache-2.0
// A plugin's table of castra.toml against the config_schema of its manifest, before any of its code runs.
// Shape:  JSON Schema in draft-07 vocabulary; "default" of properties is filled in, nested objects included.
// Errors: config_invalid naming the field, what is wrong and what is known; plugin when the schema itself is broken.
#pragma once
#include "base/result.hpp"
#include "plugin/manifest.hpp"

namespace castra {

// The config with its defaults: what create() gets.
Result<nlohmann::json> check_plugin_config(const Manifest& manifest, const nlohmann::json& config);

} // namespace castra
