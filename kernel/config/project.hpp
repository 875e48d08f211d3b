// SPDX-License-Identifier: Apache-2.0
// The top of castra.toml: from the tree to a ProjectConfig, then the checks that need the whole of it.
#pragma once
#include "config/project_config.hpp"
#include "config/reader.hpp"

namespace castra {

// Sets everything but path, directory and text. Mistakes go to context.problems.
ProjectConfig read_project(const toml::table& document, ReadContext& context);

} // namespace castra
