// SPDX-License-Identifier: Apache-2.0
// Levels 2 to 7: checks that run a plugin's code, in this process. Only for a child that exists for one check.
#pragma once
#include "validator/check.hpp"

#include <filesystem>
#include <string_view>

namespace castra {

struct LiveCheck {
    const char* name;
    int level;
};
// All of them, in their order.
const std::vector<LiveCheck>& live_checks();
// `scratch`: an empty directory. `host_program`: castra-plugin-host.
CheckResult run_live_check(std::string_view name, const std::filesystem::path& file,
                           const std::filesystem::path& host_program, const std::filesystem::path& scratch);

} // namespace castra
