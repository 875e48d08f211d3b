// SPDX-License-Identifier: Apache-2.0
#include "broker/message.hpp"

#include <gtest/gtest.h>

namespace castra::broker {
namespace {

TEST(Message, SaysWhatIsWrongWithAFrame) {
    const std::pair<std::string, std::string> cases[] = {
        {"", "one JSON object"},
        {"[]", "one JSON object"},
        {"{\"type\":\"\xff\"}", "one JSON object"},
        {R"({"id":1})", "needs a type"},
        {R"({"type":1})", "needs a type"},
        {R"({"type":"explode"})", "unknown type"},
        {R"({"type":"publish"})", "topic must"},
        {R"({"type":"publish","topic":"../etc"})", "topic must"},
        {R"({"type":"publish","topic":"a//b"})", "topic must"},
        {R"({"type":"publish","topic":"a/*"})", "topic must"},
        {R"({"type":"publish","topic":"a","to":"everybody"})", "to must"},
        {R"({"type":"publish","topic":"a","to":"vm:"})", "to must"},
        {R"({"type":"publish","topic":"a","id":-1})", "id is beyond"},
        {R"({"type":"publish","topic":"a","id":9007199254740992})", "id is beyond"},
        {R"({"type":"publish","topic":"a","id":1.5})", "id is no whole"},
        {R"({"type":"subscribe","topic":"a","after":"x"})", "after is no whole"},
        {R"({"type":"hello","version":1})", "role must"},
        {R"({"type":"hello","role":"guest"})", "needs a version"},
        {R"({"type":"hello","version":1,"role":"root"})", "role must"},
        {R"({"type":"hello","version":1,"role":"guest","capabilities":"all"})", "capabilities must"},
        {R"({"type":"hello","version":1,"role":"guest","secret":"a b"})", "secret is empty"},
    };
    for (const auto& [body, expected] : cases) {
        const auto message = decode(body);
        ASSERT_FALSE(message) << body;
        EXPECT_NE(message.error().text.find(expected), std::string::npos) << body << "\n" << message.error().text;
    }
}

TEST(Message, NestsAsDeepAsTheLimitAndNoDeeper) {
    const auto nested = [](std::size_t depth) { // the frame itself is one
        return R"({"type":"publish","topic":"a","payload":)" + std::string(depth - 1, '[') +
               std::string(depth - 1, ']') + "}";
    };
    EXPECT_TRUE(decode(nested(limits::nesting_max)));
    EXPECT_FALSE(decode(nested(limits::nesting_max + 1)));
    EXPECT_TRUE(decode(R"({"type":"publish","topic":"a","payload":")" + std::string(100, '[') + "\"}"));
}

TEST(Message, MatchesTopics) {
    EXPECT_TRUE(is_topic("durable/vm/web-0/log.1", false));
    EXPECT_TRUE(is_topic(std::string(limits::topic_letters_max, 'a'), false));
    EXPECT_FALSE(is_topic(std::string(limits::topic_letters_max + 1, 'a'), false));
    for (const auto* bad : {"", "/a", "a/", "A", "a b", "a..b", "-a", "a/*", "*"})
        EXPECT_FALSE(is_topic(bad, false)) << bad;
    EXPECT_TRUE(is_topic("a/*", true));
    EXPECT_TRUE(topic_matches("a/*", "a/b/c"));
    EXPECT_FALSE(topic_matches("a/*", "a"));
    EXPECT_FALSE(topic_matches("a/*", "ab/c"));
    EXPECT_TRUE(topic_matches("*", "a"));
}

} // namespace
} // namespace castra::broker
