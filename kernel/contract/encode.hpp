// SPDX-License-Identifier: Apache-2.0
// The one encoder: a typed event as its line, envelope first, members in the order of their description. It checks what
// the types cannot (rule 18): control characters, integer range, fields that the type requires of the envelope.
// Written by hand: a JSON library costs several times what the whole bus may (docs/decisions/0023).
#pragma once
#include "contract/event.hpp"
#include "contract/violation.hpp"

namespace castra::contract {

// unknown_fields: every object of the line has one member more, which no contract knows, of any JSON type. For readers
// who want to know that they pass over what a later minor may add.
enum class Grease { none, unknown_fields };
inline constexpr std::string_view grease_field = "grease"; // a name that the contract never gives to anything

// One line with its line feed into `line` (its content is replaced, its capacity kept), at most line_bytes_max: the
// longest strings are cut and `truncated` is set; `whole`, if given, then receives the uncut line. Invalid UTF-8
// becomes U+FFFD. On a violation `line` holds the event all the same, for the quarantine.
Check encode(const Event& event, std::string& line, std::string* whole = nullptr, Grease grease = Grease::none);

// Whether a type has the form x.<plugin>.<name>: lower case letters, digits, '-', '_', and dots within the name.
bool is_extension_type(std::string_view type);

} // namespace castra::contract
