// SPDX-License-Identifier: Apache-2.0
// Where something stands in castra.toml. Lines and columns count from 1; 0: nowhere in the file.
#pragma once
#include <map>
#include <string>

namespace castra {

struct Position {
    int line = 0;
    int column = 0;
    friend bool operator==(const Position&, const Position&) = default;
};

// Of every value of a table whose keys are not ours, by JSON pointer: "" is the table, "/retry/count" a value in it.
using Positions = std::map<std::string, Position>;

// Of the value itself or else of the nearest table around it that stands in the file.
Position nearest_position(const Positions& positions, std::string pointer);

} // namespace castra
