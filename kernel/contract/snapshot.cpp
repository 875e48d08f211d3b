// SPDX-License-Identifier: Apache-2.0
#include "contract/snapshot.hpp"

#include "contract/exit_codes.hpp"
#include "contract/families.hpp"
#include "contract/rules.hpp"
#include "contract/schema.hpp"
#include "contract/severities.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace castra::contract {
namespace {

Json fields_of(std::span<const FieldSpec> specs);

Json field_of(const FieldSpec& spec) {
    auto field = Json::object();
    if (!spec.name.empty()) field["name"] = spec.name;
    field["type"] = to_string(spec.type);
    if (spec.unit == Unit::utc_time)
        field["format"] = to_string(spec.unit);
    else if (spec.unit != Unit::none)
        field["unit"] = to_string(spec.unit);
    if (!spec.name.empty()) field["required"] = spec.required;
    if (!spec.closed.empty()) field["closed"] = spec.closed;
    if (!spec.known.empty()) field["open"] = spec.known;
    if (spec.masked) field["masked"] = true;
    if (!spec.deprecated.empty()) field["deprecated"] = spec.deprecated;
    if (!spec.meaning.empty()) field["meaning"] = spec.meaning;
    if (!spec.since.empty()) field["since"] = spec.since;
    if (!spec.example.empty()) field["example"] = spec.example;
    if (!spec.members.empty()) field["members"] = fields_of(spec.members);
    if (!spec.item.empty()) field["items"] = field_of(spec.item.front());
    return field;
}

Json fields_of(std::span<const FieldSpec> specs) {
    auto fields = Json::array();
    for (const auto& spec : specs)
        fields.push_back(field_of(spec));
    return fields;
}

Json type_of(const TypeSpec& spec) {
    Json type{{"type", spec.about.type},
              {"family", text_of(spec.about.family)},
              {"severity", text_of(spec.about.severity)},
              {"moment", spec.moment}};
    for (const auto field : spec.about.also)
        type["requires"].push_back(field);
    if (!spec.deprecated.empty()) type["deprecated"] = spec.deprecated;
    type["meaning"] = spec.about.meaning;
    type["since"] = spec.about.since;
    type["fields"] = fields_of(spec.fields);
    return type;
}

Json words_of(std::string_view text) {
    auto words = Json::array();
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        if (end > 0) words.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

bool is_version(const Json& value) {
    if (!value.is_string()) return false;
    const auto& text = value.get_ref<const std::string&>();
    const auto dot = text.find('.');
    if (dot == std::string::npos) return false;
    const auto is_number = [](const char* from, const char* to) {
        unsigned number = 0;
        const auto [end, error] = std::from_chars(from, to, number);
        return error == std::errc() && end == to && to - from < 6;
    };
    return is_number(text.data(), text.data() + dot) && is_number(text.data() + dot + 1, text.data() + text.size());
}

bool has_text(const Json& object, const char* key) {
    return object.is_object() && object.contains(key) && object[key].is_string();
}

// Objects that carry the text `key`, each a different one.
bool are_named(const Json& list, const char* key) {
    if (!list.is_array()) return false;
    std::set<std::string> seen;
    return std::ranges::all_of(list, [&](const Json& entry) {
        return has_text(entry, key) && seen.insert(entry[key].get<std::string>()).second;
    });
}

constexpr int depth_max = 16;

bool are_fields(const Json& list, int depth = 0) {
    return depth < depth_max && are_named(list, "name") && std::ranges::all_of(list, [depth](const Json& field) {
               const auto inner = [depth](const Json& of) {
                   return has_text(of, "type") && (!of.contains("members") || are_fields(of["members"], depth + 1));
               };
               return inner(field) && (!field.contains("items") || inner(field["items"]));
           });
}

bool are_types(const Json& list) {
    return are_named(list, "type") && std::ranges::all_of(list, [](const Json& type) {
               return type.contains("fields") && are_fields(type["fields"]);
           });
}

} // namespace

Json snapshot(const Registry& of) {
    Json made{{"snapshot", snapshot_format}, {"contract", of.version()}};
    made["wire"] = {{"framing", "ndjson"},        {"encoding", "utf-8"},
                    {"line_end", "lf"},           {"null", "never"},
                    {"duplicate_keys", "never"},  {"line_bytes_max", line_bytes_max},
                    {"integer_max", integer_max}, {"extension_types", extension_pattern}};
    for (const auto& entry : severities)
        made["severities"].push_back({{"name", text_of(entry.severity)},
                                      {"meaning", entry.owed},
                                      {"opentelemetry", entry.opentelemetry},
                                      {"syslog", entry.syslog}});
    for (std::size_t i = 0; i < family_meanings.size(); ++i)
        made["families"].push_back({{"name", EnumText<Family>::values[i]}, {"meaning", family_meanings[i]}});
    for (const auto& entry : exit_codes)
        made["exit_codes"].push_back({{"name", entry.name}, {"code", entry.code}, {"meaning", entry.meaning}});
    for (const auto& rule : rules())
        made["rules"].push_back({{"name", std::to_string(rule.number)},
                                 {"title", rule.name},
                                 {"says", rule.says},
                                 {"clauses", words_of(rule.clauses)}});
    for (const auto& duty : reader_duties())
        made["reader_duties"].push_back({{"name", duty.name}, {"says", duty.says}});
    made["security_decisions"] = security_decisions();
    made["envelope"] = fields_of(of.envelope());
    for (const auto& type : of.types())
        made["types"].push_back(type_of(type));
    return made;
}

tl::expected<Json, std::string> read_snapshot(std::string_view text) {
    auto read = Json::parse(text, nullptr, false);
    if (read.is_discarded()) return tl::unexpected(std::string("it is not JSON"));
    if (!read.is_object() || !read.contains("snapshot"))
        return tl::unexpected(std::string("it is not a contract snapshot"));
    if (read["snapshot"] != snapshot_format)
        return tl::unexpected("it has snapshot format " + read["snapshot"].dump() +
                              ", and this build compares format " + std::to_string(snapshot_format));
    if (!read.contains("contract") || !is_version(read["contract"]))
        return tl::unexpected(std::string("its contract is not major.minor"));
    if (!read.contains("wire") || !read["wire"].is_object()) return tl::unexpected(std::string("it has no wire"));
    for (const auto* list : {"severities", "families", "exit_codes", "rules", "reader_duties"})
        if (!read.contains(list) || !are_named(read[list], "name"))
            return tl::unexpected(std::string("its ") + list + " are not a list of objects with different names");
    if (!read.contains("envelope") || !are_fields(read["envelope"]))
        return tl::unexpected(std::string("its envelope is not a list of fields"));
    if (!read.contains("types") || !are_types(read["types"]))
        return tl::unexpected(std::string("its types are not a list of types with fields"));
    return read;
}

} // namespace castra::contract
