// SPDX-License-Identifier: Apache-2.0
// The one place that runs the TOML parser: text to a tree, or the place of the mistake. Its exceptions stop here.
#pragma once
#include "config/problems.hpp"

#include <optional>
#include <toml++/toml.h>

namespace castra {

// Nothing: the mistake is in `problems`.
std::optional<toml::table> parse_document(std::string_view text, Problems& problems);

} // namespace castra
