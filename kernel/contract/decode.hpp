// SPDX-License-Identifier: Apache-2.0
// The one decoder: a line back to a typed event. Refuses whatever the contract does not allow on a line (rule 18): no
// JSON, a byte order mark, a duplicate key, null, a fraction, an integer beyond 2^53-1, control characters, a missing
// field, a wrong type, an unknown value of a closed enum.
#pragma once
#include "contract/event.hpp"
#include "contract/violation.hpp"

#include <tl/expected.hpp>

namespace castra::contract {

// strict: what this build writes, nothing else. tolerant: a reader's duty over all minors of this major; unknown fields
// are left out, an unknown type has the body Extension.
enum class ReaderMode { strict, tolerant };

// `line` without its line feed. Pure; bounded by line_bytes_max.
tl::expected<Event, Violation> decode(std::string_view line, ReaderMode mode);

// The same from JSON that was parsed already.
tl::expected<Event, Violation> decode_json(const Json& json, ReaderMode mode);

// The fields of `type` alone, as a plugin gives them; the body is Extension for x.<plugin>.<name>.
tl::expected<Body, Violation> decode_fields(std::string_view type, const Json& fields);

} // namespace castra::contract
