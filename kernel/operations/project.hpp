// SPDX-License-Identifier: Apache-2.0
// A project as operations see it: its file, validated, and where it lives on disk.
#pragma once
#include "config/load.hpp"
#include "state/layout.hpp"

namespace castra {

// What main knows of the machine and hands to everybody.
struct Installation {
    Environment environment;
    std::string version;              // "0.1.0+abc1234"
    std::filesystem::path program;    // this executable
    std::filesystem::path plugin_dir; // lib/castra/plugins
    std::filesystem::path share_dir;  // share/castra
    std::int64_t cores = 1;
};

struct Project {
    ProjectConfig config;
    Layout layout;
    std::string config_digest; // sha256:hex
};

// Errors: config_not_found, config_invalid; every mistake of the file is one finding.
tl::expected<Project, std::vector<Error>> load_project(const Installation& installation,
                                                       const std::string& config_path);

// Where a project lives whose file can no longer be read as one, or is gone: down, status and clean must still work.
// Errors: config_not_found.
struct Located {
    Layout layout; // as registered; else that of a file without state_dir
    std::string config_path;
};
Result<Located> locate_project(const Installation& installation, const std::string& config_path);

} // namespace castra
