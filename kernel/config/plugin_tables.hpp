// SPDX-License-Identifier: Apache-2.0
// [plugins], [plugins.NAME], [[reporters]] and [[secrets]]: which plugins the project names, their own config, not
// interpreted, and what they may ask for.
#pragma once
#include "config/project_config.hpp"
#include "config/reader.hpp"

namespace castra {

// `table`: [plugins] itself, if it is a table; its keys are "search" and names of plugins.
void read_plugins(const Reader& root, const toml::table* table, ProjectConfig& project);
void read_reporters(const Reader& root, ProjectConfig& project);
void read_secrets(const Reader& root, ProjectConfig& project);

} // namespace castra
