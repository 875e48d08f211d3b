// SPDX-License-Identifier: Apache-2.0
#include "plugin/config_check.hpp"

#include "plugin/finder.hpp"

// Without this a schema that it cannot read ends the process.
#define VALIJSON_USE_EXCEPTIONS 1
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace castra {
namespace {

using nlohmann::json;

const json& properties_of(const json& schema) {
    static const json none = json::object();
    const auto found = schema.find("properties");
    return found != schema.end() && found->is_object() ? *found : none;
}

void fill_defaults(const json& schema, json& config) {
    if (!schema.is_object() || !config.is_object()) return;
    for (const auto& property : properties_of(schema).items()) {
        if (!property.value().is_object()) continue;
        if (!config.contains(property.key())) {
            const auto found = property.value().find("default");
            if (found == property.value().end()) continue;
            config[property.key()] = *found;
        }
        fill_defaults(property.value(), config[property.key()]);
    }
}

// valijson's own words for this are three lines long and name no alternative.
Result<> check_known_keys(const Manifest& manifest, const json& config) {
    const auto& schema = manifest.config_schema;
    if (schema.value("additionalProperties", json(true)) != json(false) || schema.contains("patternProperties"))
        return {};
    std::vector<std::string> known;
    for (const auto& property : properties_of(schema).items())
        known.push_back(property.key());
    for (const auto& entry : config.items()) {
        if (std::ranges::find(known, entry.key()) != known.end()) continue;
        std::string all;
        for (const auto& key : known)
            all += (all.empty() ? "" : ", ") + key;
        const auto near = nearest_name(entry.key(), known);
        return fail(ErrorCode::config_invalid, manifest.id + " has no option \"" + entry.key() + "\"",
                    (near.empty() ? "" : "did you mean \"" + near + "\"? ") +
                        (all.empty() ? "it has no options" : "options: " + all));
    }
    return {};
}

// {"<root>", "[a]", "[b]"} -> "a.b"
std::string field_name(const std::vector<std::string>& context) {
    std::string name;
    for (const auto& part : context) {
        if (part.size() < 2 || part.front() != '[') continue;
        name += (name.empty() ? "" : ".") + part.substr(1, part.size() - 2);
    }
    return name;
}

std::string hint_for(const json& schema, const std::string& field) {
    const auto& known = properties_of(schema);
    const auto found = known.find(field.substr(0, field.find('.')));
    if (field.empty() || found == known.end() || !found->is_object()) return {};
    std::string hint = found->value("description", json()).is_string() ? found->value("description", "") : "";
    if (const auto one_of = found->find("enum"); one_of != found->end()) hint += "; one of " + one_of->dump();
    if (const auto examples = found->find("examples"); examples != found->end()) hint += "; like " + examples->dump();
    return hint.starts_with("; ") ? hint.substr(2) : hint;
}

Result<> validate(const Manifest& manifest, const json& config) {
    valijson::Schema schema;
    valijson::SchemaParser parser; // knows no way to fetch: a remote $ref is an error
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(manifest.config_schema), schema);
    valijson::Validator validator;
    valijson::ValidationResults results;
    const valijson::adapters::NlohmannJsonAdapter target(config);
    if (validator.validate(schema, target, &results)) return {};

    valijson::ValidationResults::Error first; // the innermost comes first
    results.popError(first);
    const auto field = field_name(first.context);
    return fail(ErrorCode::config_invalid,
                manifest.id + ": option " + (field.empty() ? "table" : "\"" + field + "\"") + ": " + first.description,
                hint_for(manifest.config_schema, field));
}

} // namespace

Result<json> check_plugin_config(const Manifest& manifest, const json& config) {
    if (!config.is_object()) return fail(ErrorCode::config_invalid, manifest.id + ": the config is not a table");
    CASTRA_CHECK(check_known_keys(manifest, config));
    auto filled = config;
    fill_defaults(manifest.config_schema, filled);
    try { // valijson throws for schemas it cannot read
        CASTRA_CHECK(validate(manifest, filled));
    } catch (const std::exception& error) {
        return fail(ErrorCode::plugin, manifest.id + ": its config_schema is broken: " + error.what(),
                    "this is a bug of the plugin");
    }
    return filled;
}

} // namespace castra
