// SPDX-License-Identifier: Apache-2.0
// --bootstrap MODE or VM=MODE[,VM=MODE...]: which mode a run uses instead of castra.toml's.
#pragma once
#include "config/project_config.hpp"
#include "operations/request.hpp"

namespace castra {

// The canonical word (auto, always, skip) of one that a person may use, the prototype's included; empty: none.
std::string bootstrap_mode(std::string_view word);

// Errors: usage, with the words there are. Several options add up; the later one wins.
Result<BootstrapModes> parse_bootstrap_modes(const std::vector<std::string>& options);

// Errors: usage for each VM that the project does not have; nothing is changed then.
std::vector<Error> apply_bootstrap_modes(const BootstrapModes& modes, ProjectConfig& config);

} // namespace castra
