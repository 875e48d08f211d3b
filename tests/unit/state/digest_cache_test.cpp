// SPDX-License-Identifier: Apache-2.0
#include "state/digest_cache.hpp"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>

namespace castra {
namespace {

class DigestCacheTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "castra-digests.XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        dir = name;
        cache.emplace(dir / "cache/digests.json");
    }
    void TearDown() override { std::filesystem::remove_all(dir); }

    static constexpr std::int64_t later_us = 10'000'000; // ten seconds after the files' ctime of 0
    std::filesystem::path dir;
    std::optional<DigestCache> cache;
};

TEST_F(DigestCacheTest, RemembersItsOwnHoweverYoung) {
    const FileIdentity file{1, 2, 3, 4, later_us * 1000};
    ASSERT_TRUE(cache->remember(file, "abc", later_us));
    EXPECT_FALSE(cache->find(file));
    ASSERT_TRUE(cache->remember_own(file, "abc"));
    EXPECT_EQ(cache->find(file), "abc");
}

TEST_F(DigestCacheTest, KnowsAFileByAllFiveOfItsMarks) {
    const FileIdentity file{1, 2, 3, 4, 5};
    ASSERT_TRUE(cache->remember(file, "abc", later_us));
    EXPECT_EQ(cache->find(file), "abc");
    for (const auto& other : {FileIdentity{9, 2, 3, 4, 5}, FileIdentity{1, 9, 3, 4, 5}, FileIdentity{1, 2, 9, 4, 5},
                              FileIdentity{1, 2, 3, 9, 5}, FileIdentity{1, 2, 3, 4, 9}})
        EXPECT_EQ(cache->find(other), std::nullopt);
}

TEST_F(DigestCacheTest, ForgetsWhatAFileWasBefore) {
    ASSERT_TRUE(cache->remember({1, 2, 3, 4, 5}, "abc", later_us));
    ASSERT_TRUE(cache->remember({1, 2, 3, 6, 7}, "def", later_us));
    EXPECT_EQ(cache->find({1, 2, 3, 4, 5}), std::nullopt);
    EXPECT_EQ(cache->find({1, 2, 3, 6, 7}), "def");
}

TEST_F(DigestCacheTest, DoesNotRememberAFileThatChangedAMomentAgo) {
    const FileIdentity young{1, 2, 3, 4, later_us * 1000 - DigestCache::settled_ns + 1};
    ASSERT_TRUE(cache->remember(young, "abc", later_us));
    EXPECT_EQ(cache->find(young), std::nullopt);
}

TEST_F(DigestCacheTest, KeepsTheYoungestOfTooMany) {
    for (std::uint64_t i = 0; i <= DigestCache::entries_max; ++i)
        ASSERT_TRUE(cache->remember({1, i, 3, 4, 5}, std::to_string(i), later_us));
    EXPECT_EQ(cache->find({1, 0, 3, 4, 5}), std::nullopt);
    EXPECT_EQ(cache->find({1, 1, 3, 4, 5}), "1");
    EXPECT_EQ(cache->find({1, DigestCache::entries_max, 3, 4, 5}), std::to_string(DigestCache::entries_max));
}

TEST_F(DigestCacheTest, IsEmptyWhenItsFileIsDamaged) {
    ASSERT_TRUE(cache->remember({1, 2, 3, 4, 5}, "abc", later_us));
    std::ofstream(dir / "cache/digests.json") << "[{";
    EXPECT_EQ(cache->find({1, 2, 3, 4, 5}), std::nullopt);
    ASSERT_TRUE(cache->remember({1, 2, 3, 4, 5}, "abc", later_us));
    EXPECT_EQ(cache->find({1, 2, 3, 4, 5}), "abc");
}

TEST(FileIdentity, ChangesWithTheContentAndFollowsLinks) {
    const std::filesystem::path file = testing::TempDir() + "castra-identity";
    const std::filesystem::path link = testing::TempDir() + "castra-identity-link";
    std::filesystem::remove(link);
    std::ofstream(file) << "one";
    std::filesystem::create_symlink(file, link);
    const auto first = identity_of(file);
    ASSERT_TRUE(first);
    EXPECT_EQ(*first, *identity_of(link));
    std::ofstream(file) << "three";
    EXPECT_FALSE(*first == *identity_of(file));
    std::filesystem::remove(file);
    EXPECT_EQ(identity_of(file).error().code, ErrorCode::not_found);
    std::filesystem::remove(link);
}

} // namespace
} // namespace castra
