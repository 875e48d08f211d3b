// SPDX-License-Identifier: Apache-2.0
// A place in the events of a project: behind event `seq` of a run. Shape: RUN_ID:SEQ, "01ARYZ6S410000000000000000:12";
// seq 0 is before the run's first event.
#pragma once
#include "base/result.hpp"

#include <cstdint>
#include <string>

namespace castra {

struct EventCursor {
    std::string run_id;
    std::int64_t seq = 0;
};

// Errors: usage.
Result<EventCursor> parse_cursor(std::string_view text);
std::string to_string(const EventCursor& cursor);

} // namespace castra
