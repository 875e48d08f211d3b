// SPDX-License-Identifier: Apache-2.0
// What castra.toml says now against what a VM was launched with. Pure.
#pragma once
#include "castra/sdk/launch_plan.hpp"

namespace castra {

struct SpecChange {
    std::string field;        // JSON pointer into sdk::VmSpec, or /launcher
    nlohmann::json from, to;  // null: absent there
    bool is_redacted = false; // values that may be secret are not told: from and to are null
};

// `launched`: sdk::VmSpec as recorded; not part of it: identity, automatic ports. Sorted by field.
std::vector<SpecChange> spec_changes(const std::string& launched_by, const nlohmann::json& launched,
                                     const std::string& launcher, const sdk::VmSpec& wanted);
// "memory_bytes 536870912 -> 1073741824, cpus 1 -> 2"
std::string to_string(const std::vector<SpecChange>& changes);
// [{field, from, to} ...]; a redacted one has no from and to.
nlohmann::ordered_json to_json(const std::vector<SpecChange>& changes);

} // namespace castra
