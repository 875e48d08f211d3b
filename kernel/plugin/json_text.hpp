// SPDX-License-Identifier: Apache-2.0
// JSON from plugins, where nothing is believed: strict, and nested no deeper than a limit, because writing and freeing
// a value is recursive in places.
#pragma once
#include "base/result.hpp"

#include <nlohmann/json.hpp>
#include <string_view>

namespace castra {

inline constexpr int json_depth_max = 64;

// Errors: no JSON object, or one that is nested too deep. The text says where.
Result<nlohmann::json> parse_json_object(std::string_view text);

// The first `max` bytes for a message, control characters as '?'.
std::string clipped(std::string_view text, std::size_t max = 60);

} // namespace castra
