// SPDX-License-Identifier: Apache-2.0
// Names that become directories, sockets and QEMU arguments, and the guess at a mistyped word.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace castra {

// Shape: [a-z0-9]([a-z0-9-]*[a-z0-9])?, at most 63 letters.
bool is_name(std::string_view text);

// The candidate nearest to `word`, if it is near enough to be a slip of the hand.
std::optional<std::string> did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

} // namespace castra
