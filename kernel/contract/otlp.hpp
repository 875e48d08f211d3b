// SPDX-License-Identifier: Apache-2.0
// An event as OTLP-JSON logs: one LogsData with one record, one line, as the collector's file receiver and the HTTP
// endpoint /v1/logs take it. Pure: a function of the native line and of nothing else.
//   severityNumber 8, 9, 13, 17, 21   body: message   eventName: type   traceId: the 128 bits of run_id   spanId: of
//   `span` attributes castra.NAME: every other field; objects are kvlistValue, arrays arrayValue, integers strings
// Source: opentelemetry-proto 1.x, logs.proto and the specification's "JSON Protobuf encoding" (ids in hex).
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace castra::contract {

// Without line feed. Nothing: the line is no event.
std::optional<std::string> to_otlp(std::string_view line);

} // namespace castra::contract
