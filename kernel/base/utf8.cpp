// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.hpp"

namespace castra {

std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    if (text.empty()) return 0;
    const auto first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xc0U) != 0x80U) return 0;
    if (first == 0xe0 && byte(1) < 0xa0) return 0; // longer than needed
    if (first == 0xed && byte(1) > 0x9f) return 0; // surrogate
    if (first == 0xf0 && byte(1) < 0x90) return 0; // longer than needed
    if (first == 0xf4 && byte(1) > 0x8f) return 0; // beyond U+10FFFF
    return length;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto length = utf8_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

} // namespace castra
