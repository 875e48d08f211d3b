// SPDX-License-Identifier: Apache-2.0
#include "xml_text.hpp"

#include <cstdint>

namespace castra::junit {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";

// Bytes of the character that the text begins with; 0: no UTF-8, or nothing that XML may hold.
std::size_t size_of_first(std::string_view text) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const auto lead = byte(0);
    if (lead < 0x80) return lead >= 0x20 || lead == '\t' || lead == '\n' || lead == '\r' ? 1 : 0;
    const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4) return 0;
    std::uint32_t code = lead & (0xffU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0U) != 0x80) return 0;
        code = (code << 6U) | (byte(i) & 0x3fU);
    }
    constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool fits = code >= smallest[size] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) &&
                      code != 0xfffe && code != 0xffff;
    return fits ? size : 0;
}

} // namespace

std::string xml_text(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto size = size_of_first(text);
        if (size == 0) {
            out += replacement;
        } else if (size > 1) {
            out += text.substr(0, size);
        } else {
            switch (text[0]) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\n':
                out += "&#10;";
                break; // a line feed in an attribute would be read as a space
            case '\r':
                out += "&#13;";
                break;
            case '\t':
                out += "&#9;";
                break;
            default:
                out += text[0];
            }
        }
        text.remove_prefix(size == 0 ? 1 : size);
    }
    return out;
}

std::string xml_attribute(std::string_view name, std::string_view value) {
    return " " + std::string(name) + "=\"" + xml_text(value) + "\"";
}

} // namespace castra::junit
