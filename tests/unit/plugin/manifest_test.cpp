// SPDX-License-Identifier: Apache-2.0
#include "plugin/manifest.hpp"

#include "plugin/config_check.hpp"
#include "plugin/sha256.hpp"

#include <fstream>
#include <gmock/gmock.h>

namespace castra {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json good() {
    return json::parse(R"({"id": "reporter-x", "version": "1", "description": "d", "kinds": ["castra.reporter/1"],
        "abi": {"major": 1, "minor_min": 0}, "contract": {"min": "1.2", "max_major": 3},
        "config_schema": {"type": "object"}, "emits": ["x.y.z"], "isolation": ["in-process"]})");
}

TEST(Manifest, IsReadWhole) {
    const auto text = good().dump();
    const auto manifest = parse_manifest(text);
    ASSERT_TRUE(manifest) << manifest.error().text;
    EXPECT_EQ(manifest->id, "reporter-x");
    EXPECT_TRUE(manifest->provides("castra.reporter/1"));
    EXPECT_FALSE(manifest->provides("castra.reporter"));
    EXPECT_EQ(to_string(manifest->contract_min), "1.2");
    EXPECT_EQ(manifest->contract_max_major, 3);
    EXPECT_TRUE(manifest->accepts_isolation("in-process"));
    EXPECT_FALSE(manifest->accepts_isolation("process"));
    EXPECT_EQ(manifest->sha256, sha256_of(text));
}

TEST(Manifest, HashesAreThoseOfOtherTools) {
    EXPECT_EQ(sha256_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// Each change is refused twice: by the parser, and by the published schema.
struct Damage {
    const char* patch; // JSON merge patch; null removes
    const char* said;
};

TEST(Manifest, EachRuleIsKeptByTheParserAndByTheSchema) {
    std::ifstream in(CASTRA_SOURCE_DIR "/sdk/schema/manifest.json");
    Manifest schema;
    schema.id = "schema";
    schema.config_schema = json::parse(in);
    ASSERT_TRUE(check_plugin_config(schema, good()));

    for (const auto& [patch, said] : std::initializer_list<Damage>{
             {R"({"id": null})", "\"id\" must be a string"},
             {R"({"id": "../evil"})", "\"id\""},
             {R"({"id": "Upper"})", "\"id\""},
             {R"({"id": ""})", "\"id\""},
             {R"({"version": ""})", "\"version\""},
             {R"({"version": 1})", "\"version\" must be a string"},
             {R"({"description": null})", "\"description\""},
             {R"({"kinds": []})", "\"kinds\" has 0 entries"},
             {R"({"kinds": ["castra.reporter"]})", "castra.reporter"},
             {R"({"kinds": ["castra.reporter/0"]})", "castra.reporter/0"},
             {R"({"kinds": ["castra.cook/1"]})", "castra.cook/1"},
             {R"({"kinds": ["castra.reporter/1", "castra.reporter/1"]})", "stands twice"},
             {R"({"abi": {"major": 0}})", "\"abi.major\""},
             {R"({"abi": {"major": 1.5}})", "\"abi.major\""},
             {R"({"abi": {"minor_min": -1}})", "\"abi.minor_min\""},
             {R"({"abi": {"minor_min": 65536}})", "\"abi.minor_min\""},
             {R"({"abi": {"more": 1}})", "\"abi.more\" is unknown"},
             {R"({"contract": {"min": "1"}})", "\"contract.min\""},
             {R"({"contract": {"min": "1.x"}})", "\"contract.min\""},
             {R"({"contract": {"max_major": "1"}})", "\"contract.max_major\""},
             {R"({"config_schema": null})", "\"config_schema\" must be an object"},
             {R"({"config_schema": {"type": "array"}})", "\"config_schema\" must have type object"},
             {R"({"emits": ["UPPER"]})", "UPPER"},
             {R"({"emits": {}})", "\"emits\" must be an array"},
             {R"({"isolation": []})", "\"isolation\""},
             {R"({"isolation": ["cloud"]})", "cloud"},
             {R"({"extra": 1})", "\"extra\" is unknown"}}) {
        auto damaged = good();
        damaged.merge_patch(json::parse(patch));
        const auto manifest = parse_manifest(damaged.dump());
        ASSERT_FALSE(manifest) << patch;
        EXPECT_THAT(manifest.error().text, HasSubstr(said)) << patch;
        EXPECT_FALSE(check_plugin_config(schema, damaged)) << "the schema lets pass: " << patch;
    }
}

TEST(Manifest, RefusesWhatIsNoJson) {
    EXPECT_THAT(parse_manifest("").error().text, HasSubstr("no JSON"));
    EXPECT_THAT(parse_manifest("{\x01\x1b[2J").error().text, HasSubstr("{??[2J"));
    EXPECT_THAT(parse_manifest("[]").error().text, HasSubstr("no JSON object"));
    EXPECT_THAT(parse_manifest("{\"id\": \"\xff\"}").error().text, HasSubstr("no JSON"));
    EXPECT_THAT(parse_manifest(std::string(100000, '[')).error().text, HasSubstr("nested deeper"));
}

} // namespace
} // namespace castra
