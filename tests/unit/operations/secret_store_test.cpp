// SPDX-License-Identifier: Apache-2.0
#include "operations/secret_store.hpp"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>

namespace castra {
namespace {

using ::testing::HasSubstr;

class StillClock final : public Clock {
public:
    std::int64_t unix_us() const override { return 1700000000000000; }
    std::int64_t monotonic_us() const override { return 0; }
    std::array<std::uint8_t, 10> entropy() override { return {}; }
};

class Kept final : public Journal {
public:
    explicit Kept(std::string& text) : text_(text) {}
    Result<> append(std::string_view line, bool) override { return text_ += line, Result<>(); }

private:
    std::string& text_;
};

class SecretStoreTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "castra-secret.XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        dir = name;
    }
    void TearDown() override { std::filesystem::remove_all(dir); }

    void offer(const std::string& content) {
        std::ofstream(dir / "token", std::ios::binary) << content;
        store.offer({{"token", (dir / "token").string(), {"reporter-x"}, 7, 1}});
    }
    std::string refusal(std::string_view plugin = "reporter-x", const std::string& name = "token") {
        const auto read = store.read(plugin, name);
        return read ? "none" : read.error().text + " | " + read.error().hint;
    }

    std::filesystem::path dir;
    SecretStore store;
};

TEST_F(SecretStoreTest, GivesThoseWhoMayAskTheFileWithoutItsLineEnd) {
    for (const auto* content : {"hush hush", "hush hush\n", "hush hush\r\n"}) {
        offer(content);
        const auto read = store.read("reporter-x", "token");
        ASSERT_TRUE(read) << read.error().text;
        EXPECT_EQ(read->reveal(), "hush hush");
    }
    offer("two\nlines\n");
    EXPECT_EQ(store.read("reporter-x", "token")->reveal(), "two\nlines");
}

TEST_F(SecretStoreTest, RefusesWithTheCure) {
    offer("hush hush");
    EXPECT_THAT(refusal("reporter-y"), HasSubstr("is not for plugin reporter-y | add it to plugins of that [[secrets]] "
                                                 "(castra.toml:7)"));
    EXPECT_THAT(refusal("reporter-x", "other"), HasSubstr("has no secret \"other\" | add [[secrets]] with name = "
                                                          "\"other\""));
    std::filesystem::remove(dir / "token");
    EXPECT_THAT(refusal(), HasSubstr("secret \"token\""));
    EXPECT_THAT(refusal(), HasSubstr("no such file"));
    for (const auto* content : {"abc\n", "", "a\x01 control character", "no UTF-8 \xff"}) {
        offer(content);
        EXPECT_THAT(refusal(), HasSubstr("secret \"token\"")) << content;
    }
    offer(std::string(SecretStore::bytes_max + 1, 'x'));
    EXPECT_NE(refusal(), "none");
}

TEST_F(SecretStoreTest, WhatWasAskedForShowsInNoEventOfThisRunAndTheNext) {
    offer("hush \"hush\"\n");
    ASSERT_TRUE(store.read("reporter-x", "token"));
    StillClock clock;
    std::string told;
    EventBus bus({"01ARYZ6S410000000000000000", "up", "demo"}, clock, {std::make_unique<Kept>(told), {}, {}, ""});
    store.attach(&bus);
    std::ofstream(dir / "token") << "another one";
    ASSERT_TRUE(store.read("reporter-x", "token"));
    bus.publish(contract::draft(contract::CommandAccepted{}, "up"));
    bus.publish(contract::message(contract::Severity::info, "they are hush \"hush\" and another one"));
    bus.conclude({}, {}, "done");
    EXPECT_THAT(told, HasSubstr("they are *** and ***"));
    EXPECT_EQ(told.find("hush"), std::string::npos);
    EXPECT_EQ(store.masked("hush \"hush\" is said"), "*** is said");
}

} // namespace
} // namespace castra
