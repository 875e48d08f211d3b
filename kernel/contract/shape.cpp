// SPDX-License-Identifier: Apache-2.0
#include "contract/shape.hpp"

#include "contract/registry.hpp"

#include <algorithm>
#include <cstdlib>

namespace castra::contract {
namespace {

constexpr int rule = 18;

Check refuse(const std::string& path, const std::string& why) {
    return violation(rule, "field " + path + " " + why);
}

Check check_value(const Json& value, const FieldSpec& spec, const std::string& path);

// The message of an event is one line; longer texts (a detail, a serial tail) may hold line feeds and tabs.
bool has_bad_control(const std::string& text, bool one_line) {
    return std::ranges::any_of(text, [one_line](unsigned char c) {
        return (c < 0x20 && (one_line || (c != '\n' && c != '\t'))) || c == 0x7f;
    });
}

Check check_string(const Json& value, const FieldSpec& spec, const std::string& path) {
    const auto& text = value.get_ref<const std::string&>();
    if (has_bad_control(text, spec.name == "message")) return refuse(path, "holds a control character");
    if (!spec.closed.empty() && std::ranges::find(spec.closed, text) == spec.closed.end())
        return refuse(path, "is \"" + text + "\", which its closed enum does not have");
    return {};
}

Check check_members(const Json& object, std::span<const FieldSpec> fields, const std::string& path) {
    for (const auto& field : fields) {
        const auto found = object.find(field.name);
        if (found == object.end()) {
            if (field.required) return refuse(path + field.name, "is missing");
            continue;
        }
        if (auto bad = check_value(*found, field, path + field.name)) return bad;
    }
    return {};
}

Check check_object(const Json& value, const FieldSpec& spec, const std::string& path) {
    if (spec.members.empty()) return {};
    for (const auto& [name, member] : value.items())
        if (std::ranges::find(spec.members, name, &FieldSpec::name) == spec.members.end())
            return refuse(path + "." + name, "is not registered");
    return check_members(value, spec.members, path + ".");
}

bool fits(const Json& value, JsonType type) {
    switch (type) {
    case JsonType::string:
        return value.is_string();
    case JsonType::integer:
        return value.is_number_integer();
    case JsonType::boolean:
        return value.is_boolean();
    case JsonType::object:
        return value.is_object();
    case JsonType::array:
        return value.is_array();
    }
    return false;
}

Check check_value(const Json& value, const FieldSpec& spec, const std::string& path) {
    if (!fits(value, spec.type))
        return refuse(path, "is " + std::string(value.type_name()) + ", not " + std::string(to_string(spec.type)));
    switch (spec.type) {
    case JsonType::string:
        return check_string(value, spec, path);
    case JsonType::integer: {
        const bool too_big = value.is_number_unsigned()
                                 ? value.get<std::uint64_t>() > static_cast<std::uint64_t>(integer_max)
                                 : std::abs(value.get<std::int64_t>()) > integer_max;
        if (too_big) return refuse(path, "is beyond 2^53-1");
        return {};
    }
    case JsonType::boolean:
        return {};
    case JsonType::object:
        return check_object(value, spec, path);
    case JsonType::array:
        for (std::size_t i = 0; i < value.size(); ++i)
            if (auto bad = check_value(value[i], spec.item.front(), path + "[" + std::to_string(i) + "]")) return bad;
        return {};
    }
    return {};
}

} // namespace

Check check_shape(const Json& event) {
    if (!event.is_object()) return violation(rule, "an event must be a JSON object");
    if (auto bad = check_members(event, registry().envelope(), "")) return bad;
    const auto& type = event["type"].get_ref<const std::string&>();
    const auto* spec = registry().find_type(type);
    if (!spec) return refuse("type", "is \"" + type + "\", which is not registered");
    if (event["family"] != text_of(spec->about.family)) return refuse("family", "does not belong to " + type);
    if (!spec->about.also.empty() && !event.contains(spec->about.also))
        return refuse(std::string(spec->about.also), "is missing, and " + type + " requires it");
    if (auto bad = check_members(event, spec->fields, "")) return bad;
    for (const auto& [name, value] : event.items())
        if (!registry().find_envelope_field(name) && !spec->find_field(name))
            return refuse(name, "is not registered for " + type);
    return {};
}

} // namespace castra::contract
