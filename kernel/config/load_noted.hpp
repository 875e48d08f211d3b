// SPDX-License-Identifier: Apache-2.0
// The reading of load.hpp, with a book of what was asked for: for castra config.
#pragma once
#include "config/key_book.hpp"
#include "config/load.hpp"

namespace castra {

tl::expected<ProjectConfig, ConfigErrors> parse_project(std::string text, std::filesystem::path file,
                                                        const ConfigEnvironment& environment, KeyBook* book);
tl::expected<ProjectConfig, LoadFailure> load_project(const std::filesystem::path& file_or_empty, KeyBook* book);

} // namespace castra
