// SPDX-License-Identifier: Apache-2.0
#include "broker/topic_store.hpp"

#include <fstream>
#include <gtest/gtest.h>

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
