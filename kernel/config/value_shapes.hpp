// SPDX-License-Identifier: Apache-2.0
// The JSON Schema of each kind of value that Reader reads, draft-07 vocabulary, regular expressions as in ECMA 262.
// What a schema cannot say (bytes instead of letters, that two ports collide) castra config check says.
#pragma once
#include "config/limits.hpp"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

namespace castra::value_shapes {

using nlohmann::json;

json line();
json script();
json name();
json path();
json names(std::size_t count_max); // at least one
json paths(std::size_t count_max);
// `words`: each with whether it is the word to propose; case does not matter.
json choice(const std::vector<std::pair<std::string_view, bool>>& words);
json boolean();
json integer(std::int64_t min, std::int64_t max);
json seconds(std::int64_t min);
json memory();
json env();
json free_table();
json pattern(std::string_view expression); // of a string

} // namespace castra::value_shapes
