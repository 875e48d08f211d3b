// SPDX-License-Identifier: Apache-2.0
// What is in force for a project, key by key, and where each value came from. Values of env are masked: they are
// secrets. Order: the file's tables as docs/CONFIG.md has them, then each VM by name of the file.
#pragma once
#include "config/key_book.hpp"
#include "config/project_config.hpp"

namespace castra {

struct EffectiveValue {
    std::string key;      // "lifecycle.boot_window", "vms.web-2.memory"
    nlohmann::json value; // null: not set, castra or the plugin chooses
    bool is_default = true;
    std::string table; // that said it: "[bootstrap]", "[[vms]]", "[[vms.instances]]"; empty for a default
    Position at;       // in the file
};

// `book`: what was noted while `project` was read.
std::vector<EffectiveValue> effective_values(const ProjectConfig& project, const KeyBook& book);

} // namespace castra
