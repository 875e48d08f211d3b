// SPDX-License-Identifier: Apache-2.0
// castra.toml to ProjectConfig. parse_project is pure; load_project finds and reads the file and touches nothing else.
// Errors: all mistakes of a file at once, in the order of its lines; the first limits::errors_max that were found and
// then one that counts the rest. A mistake in the TOML itself comes alone.
#pragma once
#include "base/result.hpp"
#include "config/config_error.hpp"
#include "config/project_config.hpp"

#include <filesystem>

namespace castra {

struct LoadFailure {
    ErrorCode code = ErrorCode::config_invalid; // or config_not_found
    ConfigErrors errors;
};

// What the text may refer to outside itself. Empty: "~/" is refused.
struct ConfigEnvironment {
    std::string home;
};

// `file` names the text in errors and gives the directory of relative paths; it need not exist. It should be absolute:
// a relative one is taken from the working directory.
tl::expected<ProjectConfig, ConfigErrors> parse_project(std::string text, std::filesystem::path file);
tl::expected<ProjectConfig, ConfigErrors> parse_project(std::string text, std::filesystem::path file,
                                                        const ConfigEnvironment& environment);

// Empty path: ./castra.toml, then in each parent up to /. "~/" is $HOME of this process.
tl::expected<ProjectConfig, LoadFailure> load_project(const std::filesystem::path& file_or_empty);

} // namespace castra
