// SPDX-License-Identifier: Apache-2.0
#include "contract/schema.hpp"

namespace castra::contract {
namespace {

constexpr std::string_view time_pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z$";

Json value_schema(const FieldSpec& spec, SchemaForm form);

void add_members(Json& schema, std::span<const FieldSpec> fields, SchemaForm form) {
    for (const auto& field : fields) { // no reference is kept: adding a key moves an ordered object's members
        schema["properties"][field.name] = value_schema(field, form);
        if (field.required) schema["required"].push_back(field.name);
    }
}

Json value_schema(const FieldSpec& spec, SchemaForm form) {
    Json schema{{"type", to_string(spec.type)}};
    if (!spec.meaning.empty()) schema["description"] = spec.meaning;
    if (!spec.closed.empty()) schema["enum"] = spec.closed;
    if (!spec.known.empty()) schema["examples"] = spec.known;
    if (!spec.deprecated.empty()) schema["deprecated"] = true; // read by 2020-12, ignored by draft-07
    if (spec.unit == Unit::utc_time) schema["pattern"] = time_pattern;
    if (spec.type == JsonType::integer) {
        schema["minimum"] = spec.unit == Unit::none ? -integer_max : 0;
        schema["maximum"] = integer_max;
    }
    if (spec.type == JsonType::array) schema["items"] = value_schema(spec.item.front(), form);
    if (spec.type == JsonType::object && !spec.members.empty()) {
        add_members(schema, spec.members, form);
        if (form == SchemaForm::closed) schema["additionalProperties"] = false;
    }
    return schema;
}

// Both vocabularies have if/then, const and definitions by reference; only the keyword for definitions differs.
Json type_schema(const TypeSpec& spec, SchemaForm form, const Registry& of) {
    Json schema{{"type", "object"},
                {"description", spec.about.meaning},
                {"properties", Json::object()},
                {"required", Json::array({"type"})}};
    if (!spec.deprecated.empty()) schema["deprecated"] = true;
    if (form == SchemaForm::closed)
        for (const auto& field : of.envelope())
            schema["properties"][field.name] = true;
    add_members(schema, spec.fields, form);
    schema["properties"]["type"] = {{"const", spec.about.type}};
    schema["properties"]["family"] = {{"const", text_of(spec.about.family)}};
    for (const auto field : spec.about.also)
        schema["required"].push_back(field);
    if (form == SchemaForm::closed) schema["additionalProperties"] = false;
    return schema;
}

std::string major_of(std::string_view version) {
    return std::string(version.substr(0, version.find('.')));
}

} // namespace

Json event_schema(SchemaForm form, SchemaVocabulary vocabulary, const Registry& of) {
    const bool modern = vocabulary == SchemaVocabulary::draft_2020_12;
    const std::string definitions = modern ? "$defs" : "definitions";
    Json schema{{"$schema",
                 modern ? "https://json-schema.org/draft/2020-12/schema" : "http://json-schema.org/draft-07/schema#"},
                {"title", "castra event, contract " + std::string(of.version())},
                {"type", "object"}};
    add_members(schema, of.envelope(), form);
    schema["properties"]["contract"]["pattern"] = "^" + major_of(of.version()) + "\\.[0-9]+$";
    Json choices = Json::array();
    Json names = Json::array();
    for (const auto& type : of.types()) {
        const std::string name{type.about.type};
        schema[definitions][name] = type_schema(type, form, of);
        names.push_back(name);
        choices.push_back({{"if", {{"properties", {{"type", {{"const", name}}}}}}},
                           {"then", {{"$ref", "#/" + definitions + "/" + name}}}});
    }
    // x.<plugin>.<name>: nothing but the envelope; what the plugin has to say is in ext.
    const Json extension{{"type", "string"}, {"pattern", extension_pattern}};
    Json envelope_only{{"properties", Json::object()}};
    for (const auto& field : of.envelope())
        envelope_only["properties"][field.name] = true;
    envelope_only["properties"]["family"] = {{"const", text_of(Family::message)}};
    if (form == SchemaForm::closed) envelope_only["additionalProperties"] = false;
    choices.push_back({{"if", {{"properties", {{"type", extension}}}}}, {"then", std::move(envelope_only)}});
    if (form == SchemaForm::closed)
        schema["properties"]["type"]["anyOf"] = Json::array({Json{{"enum", std::move(names)}}, extension});
    schema["allOf"] = std::move(choices);
    return schema;
}

} // namespace castra::contract
