// SPDX-License-Identifier: Apache-2.0
// Made from what the reader asks: nothing is missing, nothing is too much. That other people's validators accept and
// refuse the same files: tests/integration/config_test.py.
#include "config/known_keys.hpp"
#include "config/schema.hpp"
#include "parsing.hpp"

namespace castra {
namespace {

const nlohmann::ordered_json& properties_of(const nlohmann::ordered_json& schema, const KnownTable& table) {
    return table.path.empty() ? schema["properties"] : schema["definitions"][std::string(table.path)]["properties"];
}

TEST(ConfigSchema, HasEveryKnownKeyAndNoOther) {
    const auto schema = config_schema();
    for (const auto* table : known_tables()) {
        const auto& properties = properties_of(schema, *table);
        for (const auto key : table->keys)
            EXPECT_TRUE(properties.contains(key)) << table->header << " " << key << ": the reader never asks for it";
        EXPECT_EQ(properties.size(), table->keys.size()) << table->header;
    }
}

TEST(ConfigSchema, RefusesUnknownKeysInEveryTable) {
    const auto schema = config_schema();
    for (const auto* table : known_tables()) {
        const auto& one = table->path.empty() ? schema : schema["definitions"][std::string(table->path)];
        EXPECT_EQ(one["additionalProperties"], false) << table->header;
    }
}

TEST(ConfigSchema, SaysTheDefaultsAndLimitsOfTheReader) {
    const auto schema = config_schema();
    const auto& window = properties_of(schema, known::lifecycle)["boot_window"];
    EXPECT_EQ(window["type"], "integer");
    EXPECT_EQ(window["minimum"], 0);
    EXPECT_EQ(window["maximum"], 1000);
    EXPECT_EQ(window["default"], 0);
    EXPECT_EQ(properties_of(schema, known::vm)["launcher"]["default"], "qemu");
    EXPECT_EQ(properties_of(schema, known::vm)["memory"]["default"], "512 MiB");
    EXPECT_FALSE(properties_of(schema, known::bootstrap)["handshake_timeout_secs"].contains("default"));
    EXPECT_FALSE(properties_of(schema, known::instance)["cpus"].contains("default")) << "it is the group's value";
}

TEST(ConfigSchema, KnowsWhatATableCannotDoWithout) {
    const auto schema = config_schema();
    EXPECT_EQ(schema["required"], nlohmann::ordered_json({"project", "vms"}));
    EXPECT_EQ(schema["definitions"]["vms"]["required"], nlohmann::ordered_json({"name"}));
    EXPECT_EQ(schema["definitions"]["vms.boot"]["required"], nlohmann::ordered_json({"kernel"}));
    EXPECT_EQ(schema["definitions"]["vms.instances"]["anyOf"].size(), 2U) << "id or name";
}

TEST(ConfigSchema, SaysOfEveryKeyWhatItMeans) {
    const auto schema = config_schema();
    for (const auto* table : known_tables())
        for (const auto& [key, property] : properties_of(schema, *table).items())
            EXPECT_GT(property.value("description", "").size(), 7U) << table->path << " " << key;
    EXPECT_NE(schema["definitions"]["plugins"]["properties"]["search"].value("description", ""), "");
    EXPECT_NE(schema["definitions"]["plugins"]["additionalProperties"].value("description", ""), "");
    EXPECT_TRUE(properties_of(schema, known::root)["lifecycle"].contains("allOf"))
        << "draft-07 reads nothing beside $ref";
}

} // namespace
} // namespace castra
