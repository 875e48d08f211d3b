// SPDX-License-Identifier: Apache-2.0
// Text from guests and tools made harmless for a terminal: escape sequences, control characters (C0, DEL, C1),
// characters that change the direction of writing, and bytes that are no UTF-8 are shown as \x1b, \u202e, ... and never
// sent.
#pragma once
#include <string>
#include <string_view>

namespace castra::console {

std::string printable(std::string_view text);

// At most `columns` characters of printable text; a cut one ends with "...".
std::string shortened(std::string_view text, std::size_t columns);

// Padded with spaces to `columns` characters.
std::string padded(std::string_view text, std::size_t columns);
std::size_t columns_of(std::string_view text); // one for each character: wide ones are not known here

} // namespace castra::console
