// SPDX-License-Identifier: Apache-2.0
// A line of a stream that somebody else wrote, made ready for a sink.
#pragma once
#include "bus/encoded_batch.hpp"

namespace castra {

// `line` with or without its line feed. Of a line that is no event only the bytes are told.
EncodedEvents stored_line(std::string_view line);

} // namespace castra
