// SPDX-License-Identifier: Apache-2.0
// Level 1: what a plugin's file says, read byte by byte; none of its code runs and nothing is mapped.
#pragma once
#include "validator/check.hpp"

#include <filesystem>

namespace castra {

// In their order; those after one that makes them pointless are skipped. `id`: the manifest's, as far as it is known.
std::vector<CheckResult> static_checks(const std::filesystem::path& file, std::string& id);

} // namespace castra
