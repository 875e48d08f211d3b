// SPDX-License-Identifier: Apache-2.0
#include "contract/samples.hpp"

#include <algorithm>

namespace castra::contract {
namespace {

// An example is JSON text; what has members or items may leave it empty and is put together from theirs.
Json sample_of(const FieldSpec& spec) {
    if (!spec.example.empty()) return Json::parse(spec.example);
    if (!spec.item.empty()) return Json::array({sample_of(spec.item.front())});
    auto object = Json::object();
    for (const auto& member : spec.members)
        object[member.name] = sample_of(member);
    return object;
}

bool requires_field(const TypeSpec& type, std::string_view name) {
    return std::find(type.about.also.begin(), type.about.also.end(), name) != type.about.also.end();
}

Json sample_of(const TypeSpec& type, const Registry& of, std::int64_t seq) {
    const bool is_failure = type.about.severity == Severity::error || type.about.severity == Severity::blocker;
    auto event = Json::object();
    for (const auto& field : of.envelope())
        if (field.required || requires_field(type, field.name) || (is_failure && field.name == "error") ||
            (type.about.family == Family::summary && field.name == "last"))
            event[field.name] = sample_of(field);
    event["type"] = type.about.type;
    event["family"] = text_of(type.about.family);
    event["contract"] = of.version();
    event["seq"] = seq;
    event["severity"] = text_of(type.about.severity);
    event["message"] = type.about.meaning;
    for (const auto& field : type.fields)
        event[field.name] = sample_of(field);
    return event;
}

} // namespace

std::vector<Json> sample_events(const Registry& of) {
    std::vector<Json> events;
    for (const auto& type : of.types())
        events.push_back(sample_of(type, of, static_cast<std::int64_t>(events.size()) + 1));
    return events;
}

std::string sample_lines(const Registry& of) {
    std::string lines;
    for (const auto& event : sample_events(of))
        lines += event.dump() + "\n";
    return lines;
}

} // namespace castra::contract
