// SPDX-License-Identifier: Apache-2.0
// What a check says when an event breaks the contract. Rule numbers are those of docs/EVENTS.md.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace castra::contract {

struct Violation {
    int rule = 0;
    std::string text;
    std::optional<std::int64_t> clashes_with; // seq of the earlier event
};

using Check = std::optional<Violation>; // empty: admitted

inline Check violation(int rule, std::string text, std::optional<std::int64_t> clashes_with = {}) {
    return Violation{rule, std::move(text), clashes_with};
}

} // namespace castra::contract
