// SPDX-License-Identifier: Apache-2.0
// Which logs a project has: files that castra and its children write. Computes paths and looks which are there.
#pragma once
#include "base/result.hpp"
#include "state/layout.hpp"

#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace castra {

inline constexpr std::array<std::string_view, 5> log_kinds{"serial", "process", "bootstrap", "broker", "supervisor"};

struct LogFile {
    std::string vm;   // empty: of the project
    std::string kind; // one of log_kinds
    std::filesystem::path path;
    std::string run_id{}; // of a bootstrap
};

// Where logs of this VM and kind can be, now: a bootstrap has one for each run. `vm` empty: broker and supervisor.
// Errors: io, the directory cannot be read.
Result<std::vector<LogFile>> log_files(const Layout& layout, const std::string& vm, std::string_view kind);
// Where they come to be.
std::filesystem::path log_directory(const Layout& layout, const std::string& vm, std::string_view kind);
bool is_of_project(std::string_view kind);

} // namespace castra
