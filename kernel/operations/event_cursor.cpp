// SPDX-License-Identifier: Apache-2.0
#include "operations/event_cursor.hpp"

#include "base/ulid.hpp"
#include "contract/envelope.hpp"

#include <charconv>

namespace castra {

Result<EventCursor> parse_cursor(std::string_view text) {
    EventCursor cursor;
    const auto colon = text.find(':');
    const auto number = colon == text.npos ? std::string_view() : text.substr(colon + 1);
    cursor.run_id = text.substr(0, colon);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), cursor.seq);
    if (!is_ulid(cursor.run_id) || number.empty() || error != std::errc() || end != number.data() + number.size() ||
        cursor.seq < 0 || cursor.seq > contract::integer_max)
        return fail(ErrorCode::usage, "\"" + std::string(text) + "\" is no cursor",
                    "a cursor is RUN_ID:SEQ, run_id and seq of the last event you have; seq 0: from the first one on");
    return cursor;
}

std::string to_string(const EventCursor& cursor) {
    return cursor.run_id + ":" + std::to_string(cursor.seq);
}

} // namespace castra
