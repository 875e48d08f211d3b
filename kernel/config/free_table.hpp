// SPDX-License-Identifier: Apache-2.0
// Tables whose keys are not ours ([vms.options], config of plugins and reporters): TOML to JSON, nothing interpreted.
// Errors: nesting over limits::nesting_max, dates, nan and inf (JSON has none), control characters.
#pragma once
#include "config/problems.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <toml++/toml.h>

namespace castra {

struct FreeTable {
    nlohmann::json json;
    Positions positions; // of all that is in `json`
};

// Nothing: the mistakes are in `problems`. `key` is the table's dotted name.
std::optional<FreeTable> read_free_table(const toml::table& table, const std::string& key, Problems& problems);

} // namespace castra
