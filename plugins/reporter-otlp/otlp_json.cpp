// SPDX-License-Identifier: Apache-2.0
#include "otlp_json.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace castra::otlp {
namespace {

constexpr std::array<std::string_view, 6> own_fields{"type", "time", "severity", "message", "project", "contract"};
constexpr std::array<std::string_view, 5> severities{"progress", "info", "warn", "error", "blocker"};
constexpr std::array<int, 5> severity_numbers{8, 9, 13, 17, 21}; // DEBUG4, INFO, WARN, ERROR, FATAL
constexpr std::string_view ulid_alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

OrderedJson wrapped(const char* kind, OrderedJson values) {
    OrderedJson out;
    out[kind]["values"] = std::move(values);
    return out;
}

OrderedJson value_of(const OrderedJson& value) {
    if (value.is_string()) return OrderedJson::object({{"stringValue", value}});
    if (value.is_boolean()) return OrderedJson::object({{"boolValue", value}});
    if (value.is_number_integer()) return OrderedJson::object({{"intValue", value.dump()}});
    if (value.is_number()) return OrderedJson::object({{"doubleValue", value}});
    auto values = OrderedJson::array();
    if (value.is_array()) {
        for (const auto& entry : value)
            values.push_back(value_of(entry));
        return wrapped("arrayValue", std::move(values));
    }
    for (const auto& [name, entry] : value.items())
        values.push_back(attribute(name, entry));
    return wrapped("kvlistValue", std::move(values));
}

std::string hex(std::uint64_t value) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
    return text;
}

std::string text_in(const OrderedJson& event, const char* key) {
    const auto found = event.find(key);
    return found != event.end() && found->is_string() ? found->get<std::string>() : std::string();
}

} // namespace

OrderedJson attribute(const std::string& name, const OrderedJson& value) {
    return OrderedJson::object({{"key", name}, {"value", value_of(value)}});
}

OrderedJson resource_of(const std::string& project) {
    OrderedJson resource;
    resource["attributes"].push_back(attribute("service.name", "castra"));
    if (!project.empty()) resource["attributes"].push_back(attribute("castra.project", project));
    return resource;
}

OrderedJson scope_of(const std::string& contract) {
    OrderedJson scope;
    scope["name"] = "castra.events";
    scope["version"] = contract;
    return scope;
}

std::string trace_id(std::string_view run_id) {
    if (run_id.size() != 26 || run_id[0] > '7' ||
        !std::ranges::all_of(run_id, [](char c) { return ulid_alphabet.find(c) != std::string_view::npos; }))
        return {};
    std::uint64_t high = 0, low = 0;
    for (const char c : run_id) {
        high = (high << 5U) | (low >> 59U);
        low = (low << 5U) | ulid_alphabet.find(c);
    }
    return hex(high) + hex(low);
}

std::string span_id(const std::string& run_id, const std::string& span) { // FNV-1a
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : run_id + "/" + span)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return hex(hash == 0 ? 1 : hash); // all zero means none
}

std::optional<std::int64_t> unix_us(const std::string& time) {
    std::tm parts{};
    int us = 0;
    char end = '\0';
    if (time.size() != 27 ||
        std::sscanf(time.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%6d%c", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
                    &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &us, &end) != 8 ||
        end != 'Z')
        return std::nullopt;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return static_cast<std::int64_t>(::timegm(&parts)) * 1000000 + us;
}

std::optional<OrderedJson> log_record(const OrderedJson& event) {
    const auto us = unix_us(text_in(event, "time"));
    if (!us || !event.contains("message")) return std::nullopt;
    OrderedJson record;
    record["timeUnixNano"] = std::to_string(*us * 1000);
    record["observedTimeUnixNano"] = record["timeUnixNano"];
    const auto severity = text_in(event, "severity");
    const auto known = std::ranges::find(severities, severity) - severities.begin();
    if (known < std::ssize(severity_numbers))
        record["severityNumber"] = severity_numbers[static_cast<std::size_t>(known)];
    record["severityText"] = severity;
    record["eventName"] = text_in(event, "type");
    record["body"] = value_of(event["message"]);
    auto attributes = OrderedJson::array();
    for (const auto& [name, value] : event.items())
        if (std::ranges::find(own_fields, name) == own_fields.end() && !value.is_null())
            attributes.push_back(attribute("castra." + name, value));
    record["attributes"] = std::move(attributes);
    const auto run_id = text_in(event, "run_id");
    if (const auto id = trace_id(run_id); !id.empty()) {
        record["traceId"] = id;
        if (event.contains("span")) record["spanId"] = span_id(run_id, text_in(event, "span"));
    }
    return record;
}

} // namespace castra::otlp
