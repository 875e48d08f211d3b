// SPDX-License-Identifier: Apache-2.0
// The words of OTLP's JSON encoding, and an event as one log record: the same as castra's own projection
// (`castra events --format otlp`), which a test compares. Pure.
// Source: opentelemetry-proto 1.x, the specification's "JSON Protobuf encoding" (ids in hex, 64-bit integers as text).
#pragma once
#include "castra/sdk/json.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace castra::otlp {

using OrderedJson = nlohmann::ordered_json;

OrderedJson attribute(const std::string& name, const OrderedJson& value);
OrderedJson resource_of(const std::string& project);
OrderedJson scope_of(const std::string& contract);

std::string trace_id(std::string_view run_id); // empty: it is no ULID
std::string span_id(const std::string& run_id, const std::string& span);
// "2026-11-23T13:06:02.000001Z" in microseconds since 1970.
std::optional<std::int64_t> unix_us(const std::string& time);

// Nothing: it lacks what every event has.
std::optional<OrderedJson> log_record(const OrderedJson& event);

} // namespace castra::otlp
