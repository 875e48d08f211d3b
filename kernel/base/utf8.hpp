// SPDX-License-Identifier: Apache-2.0
// UTF-8 as RFC 3629 has it: shortest forms only, no surrogates, at most U+10FFFF.
#pragma once
#include <cstddef>
#include <string_view>

namespace castra {

// Length of the valid sequence that `text` begins with; 0 when it begins with none.
std::size_t utf8_length(std::string_view text);
bool is_utf8(std::string_view text); // all of it

} // namespace castra
