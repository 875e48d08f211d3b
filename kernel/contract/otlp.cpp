// SPDX-License-Identifier: Apache-2.0
#include "contract/otlp.hpp"

#include "base/ulid.hpp"
#include "contract/enums.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace castra::contract {
namespace {

// What stands in fields of OTLP's own.
constexpr std::array<std::string_view, 6> own_fields{"type", "time", "severity", "message", "project", "contract"};
constexpr std::array<int, 5> severity_numbers{8, 9, 13, 17, 21}; // DEBUG4, INFO, WARN, ERROR, FATAL

Json wrapped(const char* kind, Json values) {
    Json out;
    out[kind]["values"] = std::move(values);
    return out;
}

Json value_of(const Json& value) {
    if (value.is_string()) return Json::object({{"stringValue", value}});
    if (value.is_boolean()) return Json::object({{"boolValue", value}});
    if (value.is_number_integer()) return Json::object({{"intValue", value.dump()}});
    if (value.is_number()) return Json::object({{"doubleValue", value}});
    if (value.is_array()) {
        auto values = Json::array();
        for (const auto& entry : value)
            values.push_back(value_of(entry));
        return wrapped("arrayValue", std::move(values));
    }
    auto values = Json::array();
    for (const auto& [name, entry] : value.items())
        values.push_back(Json::object({{"key", name}, {"value", value_of(entry)}}));
    return wrapped("kvlistValue", std::move(values));
}

Json attribute(const std::string& name, const Json& value) {
    return Json::object({{"key", name}, {"value", value_of(value)}});
}

// "2026-11-23T13:06:02.000001Z" in nanoseconds since 1970. Throws std::out_of_range on another form.
std::string unix_nanoseconds(const std::string& time) {
    if (time.size() != 27) throw std::out_of_range("time");
    const auto number = [&](std::size_t at, std::size_t size) {
        int value = 0;
        const auto* end = time.data() + at + size;
        if (std::from_chars(time.data() + at, end, value).ptr != end) throw std::out_of_range("time");
        return value;
    };
    using namespace std::chrono;
    const year_month_day date{year(number(0, 4)), month(static_cast<unsigned>(number(5, 2))),
                              day(static_cast<unsigned>(number(8, 2)))};
    const auto moment = sys_days(date) + hours(number(11, 2)) + minutes(number(14, 2)) + seconds(number(17, 2)) +
                        microseconds(number(20, 6));
    return std::to_string(duration_cast<nanoseconds>(moment.time_since_epoch()).count());
}

std::string hex(std::uint64_t value, int digits_count) {
    std::string out(static_cast<std::size_t>(digits_count), '0');
    for (auto at = out.rbegin(); at != out.rend(); ++at, value >>= 4U)
        *at = "0123456789abcdef"[value & 15U];
    return out;
}

// A ULID is 128 bits, as a trace id is.
std::string trace_id(std::string_view ulid) {
    constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    for (const char c : ulid) {
        high = (high << 5U) | (low >> 59U);
        low = (low << 5U) | alphabet.find(c);
    }
    return hex(high, 16) + hex(low, 16);
}

// FNV-1a: the same span of the same run has the same id everywhere, and two have two.
std::string span_id(const std::string& run_id, const std::string& span) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : run_id + "/" + span)
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return hex(hash == 0 ? 1 : hash, 16); // all zero means none
}

Json record_of(const Json& event) {
    const auto text = [&](const char* key) { return event.at(key).get<std::string>(); };
    Json record;
    record["timeUnixNano"] = unix_nanoseconds(text("time"));
    record["observedTimeUnixNano"] = record["timeUnixNano"];
    const auto& names = EnumText<Severity>::values;
    const auto severity = std::ranges::find(names, text("severity")) - names.begin();
    if (severity < std::ssize(severity_numbers))
        record["severityNumber"] = severity_numbers[static_cast<std::size_t>(severity)];
    record["severityText"] = text("severity");
    record["eventName"] = text("type");
    record["body"] = value_of(event.at("message"));
    auto attributes = Json::array();
    for (const auto& [name, value] : event.items())
        if (std::ranges::find(own_fields, name) == own_fields.end() && !value.is_null())
            attributes.push_back(attribute("castra." + name, value));
    record["attributes"] = std::move(attributes);
    const auto run_id = text("run_id");
    if (!is_ulid(run_id)) return record;
    record["traceId"] = trace_id(run_id);
    if (event.contains("span")) record["spanId"] = span_id(run_id, text("span"));
    return record;
}

} // namespace

std::optional<std::string> to_otlp(std::string_view line) {
    try {
        const auto event = Json::parse(line);
        const auto& project = event.at("project").get_ref<const std::string&>();
        Json resource;
        resource["attributes"].push_back(attribute("service.name", "castra"));
        if (!project.empty()) resource["attributes"].push_back(attribute("castra.project", project));
        Json scope;
        scope["scope"]["name"] = "castra.events";
        scope["scope"]["version"] = event.at("contract").get<std::string>();
        scope["logRecords"].push_back(record_of(event));
        Json logs;
        logs["resource"] = std::move(resource);
        logs["scopeLogs"].push_back(std::move(scope));
        Json data;
        data["resourceLogs"].push_back(std::move(logs));
        return data.dump(-1, ' ', false, Json::error_handler_t::replace);
    } catch (const Json::exception&) {
        return {};
    } catch (const std::out_of_range&) {
        return {};
    }
}

} // namespace castra::contract
