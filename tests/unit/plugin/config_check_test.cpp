// SPDX-License-Identifier: Apache-2.0
#include "plugin/config_check.hpp"

#include <gmock/gmock.h>

namespace castra {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

Manifest with_schema(const char* schema) {
    Manifest manifest;
    manifest.id = "reporter-x";
    manifest.config_schema = json::parse(schema);
    return manifest;
}

Manifest usual() {
    return with_schema(R"({"type": "object", "additionalProperties": false, "required": ["host"], "properties": {
        "host": {"type": "string", "minLength": 1, "description": "where to", "examples": ["a.example"]},
        "stream": {"enum": ["stdout", "stderr"], "default": "stderr"},
        "retry": {"type": "object", "default": {}, "properties": {"count": {"type": "integer", "minimum": 1, "default": 3}}},
        "tls": {"type": "object", "properties": {"verify": {"type": "boolean", "default": true}}}}})");
}

TEST(ConfigCheck, FillsDefaultsDeeplyButInventsNoTable) {
    const auto config = check_plugin_config(usual(), {{"host", "h"}});
    ASSERT_TRUE(config) << config.error().text;
    EXPECT_EQ(*config, json::parse(R"({"host": "h", "stream": "stderr", "retry": {"count": 3}})"));
    EXPECT_EQ((*check_plugin_config(usual(), {{"host", "h"}, {"tls", json::object()}}))["tls"]["verify"], true);
    EXPECT_EQ((*check_plugin_config(usual(), {{"host", "h"}, {"stream", "stdout"}}))["stream"], "stdout");
}

TEST(ConfigCheck, NamesTheFieldTheRuleAndTheCure) {
    const auto deep = check_plugin_config(usual(), {{"host", "h"}, {"retry", {{"count", 0}}}});
    ASSERT_FALSE(deep);
    EXPECT_EQ(deep.error().code, ErrorCode::config_invalid);
    EXPECT_THAT(deep.error().text, HasSubstr("reporter-x: option \"retry.count\": "));

    const auto type = check_plugin_config(usual(), {{"host", 7}});
    ASSERT_FALSE(type);
    EXPECT_THAT(type.error().text, HasSubstr("option \"host\": "));
    EXPECT_EQ(type.error().hint, "where to; like [\"a.example\"]");

    const auto choice = check_plugin_config(usual(), {{"host", "h"}, {"stream", "stdoot"}});
    ASSERT_FALSE(choice);
    EXPECT_THAT(choice.error().hint, HasSubstr("one of [\"stdout\",\"stderr\"]"));

    const auto missing = check_plugin_config(usual(), json::object());
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().text, HasSubstr("host"));
}

TEST(ConfigCheck, FindsEveryMistakeAndWhereItIs) {
    const auto problems = find_config_problems(
        usual(),
        {{"host", 7}, {"stream", "stdoot"}, {"retry", {{"count", 0}}}, {"a/b", true}, {"tls", {{"verify", 1}}}});
    ASSERT_TRUE(problems) << problems.error().text;
    std::vector<std::string> pointers;
    for (const auto& problem : *problems) {
        pointers.push_back(problem.pointer);
        EXPECT_FALSE(problem.text.empty());
    }
    EXPECT_THAT(pointers, ::testing::UnorderedElementsAre("/a~1b", "/host", "/stream", "/retry/count", "/tls/verify"));
    const auto missing = find_config_problems(usual(), json::object());
    ASSERT_TRUE(missing && missing->size() == 1);
    EXPECT_EQ(missing->front().pointer, "");
    EXPECT_TRUE(find_config_problems(usual(), {{"host", "h"}})->empty());
}

TEST(ConfigCheck, PointsIntoLists) {
    const auto list =
        with_schema(R"({"type": "object", "properties": {"names": {"type": "array", "items": {"type": "string"}}}})");
    const auto problems = find_config_problems(list, {{"names", {"a", 7, "c"}}});
    ASSERT_TRUE(problems && problems->size() == 1);
    EXPECT_EQ(problems->front().pointer, "/names/1");
}

TEST(ConfigCheck, SuggestsTheOptionThatWasMeant) {
    const auto unknown = check_plugin_config(usual(), {{"host", "h"}, {"steam", "stdout"}});
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().text, "reporter-x has no option \"steam\"");
    EXPECT_EQ(unknown.error().hint, "did you mean \"stream\"? options: host, retry, stream, tls");
}

TEST(ConfigCheck, TakesOddValuesAsValues) {
    const std::string nul("a\0b", 3);
    EXPECT_EQ((*check_plugin_config(usual(), {{"host", nul}}))["host"], nul);
    EXPECT_TRUE(check_plugin_config(usual(), {{"host", std::string(1 << 20, 'x')}}));
    EXPECT_FALSE(check_plugin_config(usual(), {{"host", nullptr}}));
    EXPECT_FALSE(check_plugin_config(usual(), json::array()));
    EXPECT_FALSE(check_plugin_config(usual(), nullptr));
}

TEST(ConfigCheck, ABrokenSchemaIsTheFaultOfThePlugin) {
    for (const auto* schema : {R"({"type": "object", "properties": {"a": {"type": 7}}})",
                               R"({"type": "object", "properties": {"a": {"$ref": "http://example.com/x"}}})",
                               R"({"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}})",
                               R"({"type": "object", "properties": {"a": {"pattern": "("}}})"}) {
        const auto checked = check_plugin_config(with_schema(schema), {{"a", "x"}});
        ASSERT_FALSE(checked) << schema;
        EXPECT_EQ(checked.error().code, ErrorCode::plugin) << schema << checked.error().text;
    }
}

} // namespace
} // namespace castra
