// SPDX-License-Identifier: Apache-2.0
#include "base/ulid.hpp"

#include <algorithm>

namespace castra {
namespace {
constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
}

std::string make_ulid(std::uint64_t unix_ms, const std::array<std::uint8_t, 10>& entropy) {
    std::string out(26, '0');
    for (int i = 9; i >= 0; --i, unix_ms >>= 5)
        out[static_cast<std::size_t>(i)] = alphabet[unix_ms & 31U];
    unsigned buffer = 0;
    int bits = 0;
    std::size_t at = 10;
    for (const auto byte : entropy) {
        buffer = (buffer << 8U) | byte;
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            out[at++] = alphabet[(buffer >> static_cast<unsigned>(bits)) & 31U];
        }
    }
    return out;
}

bool is_ulid(std::string_view text) {
    return text.size() == 26 && text[0] <= '7' &&
           std::all_of(text.begin(), text.end(), [](char c) { return alphabet.find(c) != alphabet.npos; });
}

} // namespace castra
