// SPDX-License-Identifier: Apache-2.0
#include "broker/topic_store.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace castra::broker {
namespace {

class TopicStoreTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::string name = ::testing::TempDir() + "/topicsXXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        dir = name;
    }
    void TearDown() override { std::filesystem::remove_all(dir); }
    TopicStore open() {
        auto store = TopicStore::open(dir, settings, problems);
        EXPECT_TRUE(store);
        return std::move(*store);
    }
    static std::vector<std::int64_t> seqs(const TopicStore& store, std::int64_t after) {
        std::vector<std::int64_t> out;
        while (true) {
            const auto chunk = store.read("durable/a", after);
            EXPECT_TRUE(chunk);
            if (!chunk || chunk->records.empty()) return out;
            for (const auto& record : chunk->records)
                out.push_back(record.seq);
            after = out.back();
        }
    }
    static std::string text_of(const std::filesystem::path& path) {
        std::ostringstream text;
        text << std::ifstream(path).rdbuf();
        return text.str();
    }
    std::filesystem::path dir;
    Settings settings{.topic_bytes_max = 262144, .topics_max = 2};
    std::vector<std::string> problems;
};

TEST_F(TopicStoreTest, KeepsRecordsOverALife) {
    {
        auto store = open();
        for (int i = 1; i <= 3; ++i)
            EXPECT_EQ(store.append("durable/a", "host>all", std::to_string(i)), i);
        EXPECT_TRUE(store.sync().empty());
        EXPECT_TRUE(store.save_cursors({{"host:me durable/a", 2}}));
    }
    auto store = open();
    EXPECT_EQ(store.cursor("host:me", "durable/a"), 2);
    EXPECT_EQ(seqs(store, 1), (std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(store.read("durable/a", 2)->records.at(0).payload, "3");
    EXPECT_EQ(store.append("durable/a", "host>all", "4"), 4);
}

TEST_F(TopicStoreTest, CutsOffATornRecord) {
    {
        auto store = open();
        (void)store.append("durable/a", "host>all", "1");
    }
    std::ofstream(dir / "durable+a/newer.ndjson", std::ios::app) << R"({"seq":2,"from":"ho)";
    auto store = open();
    EXPECT_EQ(seqs(store, 0), (std::vector<std::int64_t>{1}));
    EXPECT_EQ(store.append("durable/a", "host>all", "2"), 2);
    EXPECT_EQ(seqs(open(), 0), (std::vector<std::int64_t>{1, 2}));
}

TEST_F(TopicStoreTest, KeepsAFileThatIsDamagedAndTellsIt) {
    {
        auto store = open();
        for (const auto* payload : {"1", "2", "3"})
            (void)store.append("durable/a", "host>all", payload);
    }
    const auto file = dir / "durable+a/newer.ndjson";
    auto text = text_of(file);
    text[text.find('\n') + 3] = '\0';
    std::ofstream(file, std::ios::trunc) << text;
    auto store = open();
    EXPECT_EQ(problems.size(), 1U);
    EXPECT_EQ(seqs(store, 0), (std::vector<std::int64_t>{1}));
    EXPECT_EQ(text_of(file.string() + ".damaged"), text) << "all of it, for whoever can read it";
    EXPECT_EQ(store.append("durable/a", "host>all", "2"), 2);
    EXPECT_EQ(seqs(open(), 0), (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(problems.size(), 1U) << "told once";
}

TEST_F(TopicStoreTest, ReadsOnBehindAHole) {
    {
        auto store = open();
        for (int i = 0; i < 150; ++i)
            (void)store.append("durable/a", "host>all", "\"" + std::string(1000, 'x') + "\"");
    }
    const auto file = dir / "durable+a/older.ndjson";
    auto text = text_of(file);
    text[text.find('\n') + 3] = '\0';
    std::ofstream(file, std::ios::trunc) << text;
    const auto kept = seqs(open(), 0);
    EXPECT_EQ(kept.front(), 1);
    EXPECT_EQ(kept.back(), 150);
    EXPECT_GT(kept.size(), 2U);
}

TEST_F(TopicStoreTest, HoldsTheBytesOfATopicAndForgetsTheOldest) {
    auto store = open();
    const auto payload = "\"" + std::string(1000, 'x') + "\"";
    for (int i = 0; i < 1000; ++i)
        ASSERT_TRUE(store.append("durable/a", "host>all", payload));
    std::uintmax_t bytes = 0;
    for (const auto& file : std::filesystem::directory_iterator(dir / "durable+a"))
        bytes += file.file_size();
    EXPECT_LE(bytes, 262144U + 2048U);
    const auto kept = seqs(store, 0);
    EXPECT_EQ(kept.back(), 1000);
    EXPECT_EQ(static_cast<std::int64_t>(kept.size()), 1000 - kept.front() + 1) << "no hole";
    EXPECT_EQ(store.topics().at(0).first_seq, kept.front());
    EXPECT_EQ(seqs(open(), 990).size(), 10U);
}

TEST_F(TopicStoreTest, HoldsTheNumberOfTopics) {
    auto store = open();
    EXPECT_TRUE(store.append("durable/a", "host>all", "1"));
    EXPECT_TRUE(store.append("durable/b", "host>all", "1"));
    const auto third = store.append("durable/c", "host>all", "1");
    ASSERT_FALSE(third);
    EXPECT_NE(third.error().hint.find("topics_max"), std::string::npos);
}

TEST_F(TopicStoreTest, TellsThatTheDiskIsFullAndKeepsWhatWasThere) {
    auto store = open();
    std::filesystem::create_directories(dir / "durable+a");
    std::filesystem::create_symlink("/dev/full", dir / "durable+a/newer.ndjson");
    EXPECT_FALSE(store.append("durable/a", "host>all", "1")) << "a link is not followed";
    EXPECT_TRUE(store.append("durable/b", "host>all", "1"));
}

} // namespace
} // namespace castra::broker
