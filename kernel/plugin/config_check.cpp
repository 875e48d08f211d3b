// SPDX-License-Identifier: Apache-2.0
#include "plugin/config_check.hpp"

#include "castra/sdk/nearest.hpp"

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

using Problems = std::vector<ConfigProblem>;

// As a part of a JSON pointer.
std::string escaped(std::string_view key) {
    std::string out;
    for (const char c : key)
        out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    return out;
}

// valijson's own words for this are three lines long and name no alternative.
void find_unknown_keys(const Manifest& manifest, const json& config, Problems& problems) {
    const auto& schema = manifest.config_schema;
    if (schema.value("additionalProperties", json(true)) != json(false) || schema.contains("patternProperties")) return;
    std::vector<std::string> known;
    for (const auto& property : properties_of(schema).items())
        known.push_back(property.key());
    for (const auto& entry : config.items()) {
        if (std::ranges::find(known, entry.key()) != known.end()) continue;
        problems.push_back({"/" + escaped(entry.key()), manifest.id + " has no option \"" + entry.key() + "\"",
                            sdk::options_hint(entry.key(), known)});
    }
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

std::string pointer_of(const std::vector<std::string>& context) {
    std::string pointer;
    for (const auto& part : context)
        if (part.size() >= 2 && part.front() == '[') pointer += "/" + escaped(part.substr(1, part.size() - 2));
    return pointer;
}

// Says of a table or list only that something in it is wrong, which has been told.
bool repeats_inner(const std::string& text) {
    return text.starts_with("Failed to validate against schema associated with property name") ||
           text.starts_with("Failed to validate item #");
}

void validate(const Manifest& manifest, const json& config, Problems& problems) {
    valijson::Schema schema;
    valijson::SchemaParser parser; // knows no way to fetch: a remote $ref is an error
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(manifest.config_schema), schema);
    valijson::Validator validator;
    valijson::ValidationResults results;
    const valijson::adapters::NlohmannJsonAdapter target(config);
    if (validator.validate(schema, target, &results)) return;

    const bool has_unknown = !problems.empty();
    valijson::ValidationResults::Error error; // the innermost come first
    while (results.popError(error)) {
        const auto field = field_name(error.context);
        if (repeats_inner(error.description)) continue;
        if (has_unknown && field.empty() && error.description.starts_with("Object contains a property that")) continue;
        problems.push_back(
            {pointer_of(error.context),
             manifest.id + ": option " + (field.empty() ? "table" : "\"" + field + "\"") + ": " + error.description,
             hint_for(manifest.config_schema, field), error.description.starts_with("Missing required property")});
    }
    if (problems.empty()) problems.push_back({"", manifest.id + ": its config does not fit its config_schema", ""});
}

} // namespace

Result<std::vector<ConfigProblem>> find_config_problems(const Manifest& manifest, const json& config) {
    if (!config.is_object()) return Problems{{"", manifest.id + ": the config is not a table", ""}};
    Problems problems;
    find_unknown_keys(manifest, config, problems);
    auto filled = config;
    fill_defaults(manifest.config_schema, filled);
    try { // valijson throws for schemas it cannot read
        validate(manifest, filled, problems);
    } catch (const std::exception& error) {
        return fail(ErrorCode::plugin, manifest.id + ": its config_schema is broken: " + error.what(),
                    "this is a bug of the plugin");
    }
    return problems;
}

Result<json> check_plugin_config(const Manifest& manifest, const json& config) {
    CASTRA_TRY(problems, find_config_problems(manifest, config));
    if (!problems.empty()) return fail(ErrorCode::config_invalid, problems.front().text, problems.front().hint);
    auto filled = config;
    fill_defaults(manifest.config_schema, filled);
    return filled;
}

} // namespace castra
