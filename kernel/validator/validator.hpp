// SPDX-License-Identifier: Apache-2.0
// Runs a plugin through every check up to a level. Checks that run its code do so in a child process each, with a
// deadline: a plugin that crashes or hangs fails the check that it was in, and nothing else.
// Order:  by level. After a level with a failure, and after a crash, what follows is skipped: it would fail for the
// same reason. Errors: not_found. A bad plugin is a report, not an error.
#pragma once
#include "base/result.hpp"
#include "validator/check.hpp"

#include <filesystem>

namespace castra {

struct ValidatorSettings {
    std::filesystem::path program;      // castra itself; runs `castra plugin check`
    std::filesystem::path host_program; // castra-plugin-host
    int level_max = 7;
};

Result<PluginReport> validate_plugin(const std::filesystem::path& file, const ValidatorSettings& settings);

} // namespace castra
