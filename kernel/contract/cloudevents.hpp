// SPDX-License-Identifier: Apache-2.0
// An event as a CloudEvent 1.0 in structured mode (application/cloudevents+json), one line. Pure: a function of the
// native line and of nothing else, which stands byte for byte in `data`.
//   id RUN_ID:SEQ   source castra://PROJECT/SOURCE   type castra.TYPE   subject the VM   time   severity (an extension)
// Source: cloudevents.io, spec and JSON format 1.0.2.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace castra::contract {

// Without line feed. Nothing: the line is no event.
std::optional<std::string> to_cloudevent(std::string_view line);

} // namespace castra::contract
