// SPDX-License-Identifier: Apache-2.0
#include "config/schema.hpp"

#include "config/key_descriptions.hpp"
#include "config/known_keys.hpp"
#include "config/load_noted.hpp"

#include <algorithm>
#include <set>

namespace castra {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// One of each table, with what a table cannot do without.
constexpr const char* every_table = R"(
[project]
name = "p"
[broker]
[lifecycle]
[journal]
[bootstrap]
[plugins.p]
[[reporters]]
plugin = "p"
[[secrets]]
name = "p"
file = "p"
plugins = ["p"]
[[vms]]
name = "p"
count = 2
image = "p"
[vms.boot]
kernel = "p"
[[vms.port_forwards]]
guest = 1
[vms.bootstrap]
[[vms.bootstrap.steps]]
name = "p"
[vms.options]
[[vms.instances]]
id = 0
[[vms.instances.port_forwards]]
guest = 1
[[vms.instances]]
name = "p-1"
)";

// What a table cannot do without, found by leaving it out.
constexpr const char* bare_tables[] = {
    "", "[project]\n[[reporters]]\n[[secrets]]\n[[vms]]\n[vms.boot]\n[[vms.bootstrap.steps]]\n[[vms.port_forwards]]\n",
    "[project]\nname = \"p\"\n[[vms]]\nname = \"p\"\n[[vms.instances]]\n"};

KeyBook read_probes() {
    KeyBook book;
    (void)parse_project(every_table, "/probe/castra.toml", {"/home"}, &book);
    for (const auto* text : bare_tables) {
        KeyBook bare;
        (void)parse_project(text, "/probe/castra.toml", {"/home"}, &bare);
        for (const auto& demand : bare.demands())
            book.require(demand.table, demand.keys);
    }
    return book;
}

std::string definition_of(const std::string& table) {
    return "#/definitions/" + (table.empty() ? "root" : table);
}

// Where the value comes from a weaker table, that table's default is none of this one.
bool has_own_defaults(const KeyNote& note) {
    return note.table != known::instance.path && note.table != known::vm_bootstrap.path;
}

bool is_default(const json& value, const json& schema) {
    if (value.is_null() || value == "") return false;
    return !value.is_number() || !schema.contains("minimum") || value >= schema["minimum"];
}

ordered_json schema_of(const KeyNote& note) {
    if (note.schema.contains("table")) return {{"$ref", definition_of(note.schema["table"].get<std::string>())}};
    if (note.schema.contains("tables"))
        return {{"type", "array"},
                {"maxItems", note.schema["maxItems"]},
                {"items", {{"$ref", definition_of(note.schema["tables"].get<std::string>())}}}};
    ordered_json schema = note.schema;
    if (has_own_defaults(note) && is_default(note.before, note.schema)) schema["default"] = note.before;
    return schema;
}

// Draft-07 reads nothing beside $ref.
void set_reference_aside(ordered_json& property) {
    if (!property.contains("$ref") || property.size() == 1) return;
    const auto reference = property["$ref"];
    property.erase("$ref");
    property["allOf"].push_back({{"$ref", reference}});
}

ordered_json schema_of(const KnownTable& table, const KeyBook& book) {
    ordered_json schema{{"description", table.header.empty() ? "castra.toml" : std::string(table.header)},
                        {"type", "object"},
                        {"properties", ordered_json::object()},
                        {"additionalProperties", false}};
    std::set<std::string> seen;
    for (const auto& note : book.notes()) {
        if (note.table != table.path || note.schema.is_null() || !seen.insert(note.key).second) continue;
        auto one = schema_of(note);
        if (const auto text = description_of(table.path, note.key); !text.empty()) one["description"] = text;
        (note.key == "*" ? schema["additionalProperties"] : schema["properties"][note.key]) = std::move(one);
    }
    for (const auto& demand : book.demands()) {
        if (demand.table != table.path) continue;
        if (demand.keys.size() == 1)
            schema["required"].push_back(demand.keys.front());
        else
            for (const auto& key : demand.keys)
                schema["anyOf"].push_back({{"required", {key}}});
    }
    for (const auto& narrowing : book.narrowings())
        if (narrowing.table == table.path) schema.merge_patch(narrowing.schema);
    for (auto& property : schema["properties"])
        set_reference_aside(property);
    if (schema["additionalProperties"].is_object()) set_reference_aside(schema["additionalProperties"]);
    return schema;
}

} // namespace

ordered_json config_schema() {
    const auto book = read_probes();
    ordered_json schema{{"$schema", "http://json-schema.org/draft-07/schema#"},
                        {"title", "castra.toml"},
                        {"description",
                         "A castra project: virtual machines and what happens to them. docs/CONFIG.md "
                         "explains every key; castra config check knows more mistakes than a schema can."}};
    for (const auto* table : known_tables()) {
        auto one = schema_of(*table, book);
        if (table == &known::root) {
            one.erase("description");
            schema.update(one);
        } else {
            schema["definitions"][std::string(table->path)] = std::move(one);
        }
    }
    // [plugins] takes any name besides its own key.
    const KnownTable plugins{"plugins", "[plugins]", {}};
    schema["definitions"]["plugins"] = schema_of(plugins, book);
    return schema;
}

} // namespace castra
