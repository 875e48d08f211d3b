// SPDX-License-Identifier: Apache-2.0
#include "printable.hpp"

#include <cstdint>
#include <cstdio>

namespace castra::console {
namespace {

struct Character {
    std::uint32_t code = 0;
    std::size_t size = 0; // 0: no UTF-8 here
};

// Table 3-7 of the Unicode standard: no overlong forms, no surrogates, nothing above U+10FFFF.
Character decode(std::string_view text) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const auto lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4) return {};
    std::uint32_t code = lead & (0xffU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0U) != 0x80) return {};
        code = (code << 6) | (byte(i) & 0x3fU);
    }
    static constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < smallest[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
    return {code, size};
}

bool is_harmful(std::uint32_t code) {
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return true;
    if (code >= 0x200e && code <= 0x200f) return true; // direction marks
    if (code >= 0x2028 && code <= 0x202e) return true; // line separators, direction
    if (code >= 0x2066 && code <= 0x2069) return true; // direction isolates
    return code == 0x061c || code == 0xfeff;
}

std::string escaped(const char* format, std::uint32_t value) {
    char text[16];
    std::snprintf(text, sizeof text, format, static_cast<unsigned>(value));
    return text;
}

} // namespace

std::string printable(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto character = decode(text);
        const auto size = character.size == 0 ? 1 : character.size;
        if (character.size == 0)
            out += escaped("\\x%02x", static_cast<unsigned char>(text[0]));
        else if (character.code == '\t')
            out += ' ';
        else if (character.code == '\n')
            out += "\\n";
        else if (is_harmful(character.code))
            out += escaped(character.code < 0x80 ? "\\x%02x" : "\\u%04x", character.code);
        else
            out += text.substr(0, size);
        text.remove_prefix(size);
    }
    return out;
}

std::size_t columns_of(std::string_view text) {
    std::size_t columns = 0;
    for (const auto c : text)
        columns += (static_cast<unsigned char>(c) & 0xc0U) != 0x80;
    return columns;
}

std::string shortened(std::string_view text, std::size_t columns) {
    if (columns_of(text) <= columns) return std::string(text);
    const auto keep = columns > 3 ? columns - 3 : columns;
    std::size_t size = 0;
    for (std::size_t seen = 0; size < text.size(); ++size) {
        if ((static_cast<unsigned char>(text[size]) & 0xc0U) != 0x80 && seen++ == keep) break;
    }
    return std::string(text.substr(0, size)) + (columns > 3 ? "..." : "");
}

std::string padded(std::string_view text, std::size_t columns) {
    const auto have = columns_of(text);
    return std::string(text) + std::string(have < columns ? columns - have : 0, ' ');
}

} // namespace castra::console
