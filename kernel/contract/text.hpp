// SPDX-License-Identifier: Apache-2.0
// Text that may stand in an event: UTF-8 without control characters.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace castra::contract {

// Text from a guest or a tool, made fit for a field: control characters but line feed and tab become '?', invalid UTF-8
// U+FFFD, and only the last `bytes_max` bytes stay. `one_line` turns line feeds into spaces.
std::string clean_text(std::string_view text, std::size_t bytes_max, bool one_line);

// Whether a byte may stand in an event's text: no control character but, when not `one_line`, line feed and tab.
constexpr bool is_bad_control(unsigned char byte, bool one_line) {
    return (byte < 0x20 && (one_line || (byte != '\n' && byte != '\t'))) || byte == 0x7f;
}

// "2026-11-23T13:06:02.000001Z" from microseconds since 1970.
std::string utc_text(std::int64_t unix_us);
void put_utc_text(std::int64_t unix_us, std::string& text); // the same, in the string's own memory
bool is_utc_text(std::string_view text);                    // of that form

} // namespace castra::contract
