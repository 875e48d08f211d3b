// SPDX-License-Identifier: Apache-2.0
#include "host/growing_file.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

namespace castra {
namespace {

namespace fs = std::filesystem;

class GrowingFileTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = fs::temp_directory_path() / "castra-grow-XXXXXX";
        dir = ::mkdtemp(name.data());
        path = dir / "a.log";
    }
    void TearDown() override { fs::remove_all(dir); }
    void append(const std::string& text) { std::ofstream(path, std::ios::app) << text; }
    void truncate_to(const std::string& text) { std::ofstream(path, std::ios::trunc) << text; }

    fs::path dir, path;
};

TEST_F(GrowingFileTest, GivesWhatWasAppendedOnce) {
    GrowingFile file(path);
    EXPECT_EQ(file.read_new(), "") << "not there yet";
    append("one\n");
    EXPECT_EQ(file.read_new(), "one\n");
    EXPECT_EQ(file.read_new(), "");
    append("two");
    EXPECT_EQ(file.read_new(), "two");
}

TEST_F(GrowingFileTest, LosesNothingWhenTheFileIsRotated) {
    GrowingFile file(path);
    append("one\n");
    EXPECT_EQ(file.read_new(), "one\n");
    append("two\n");
    fs::rename(path, dir / "a.log.1");
    EXPECT_EQ(file.read_new(), "two\n");
    std::ofstream(dir / "a.log.1", std::ios::app) << "three\n"; // by who still has it open
    append("four\n");
    EXPECT_EQ(file.read_new(), "three\nfour\n");
    append("five\n");
    EXPECT_EQ(file.read_new(), "five\n");
}

TEST_F(GrowingFileTest, BeginsAgainWhenTheFileIsTruncated) {
    GrowingFile file(path);
    append("a long line\n");
    (void)file.read_new();
    truncate_to("b\n");
    EXPECT_EQ(file.read_new(), "b\n");
}

TEST_F(GrowingFileTest, StartsAtTheLastLines) {
    append("one\ntwo\nthree\n");
    for (const auto& [count, expected] : std::initializer_list<std::pair<std::size_t, std::string>>{
             {0, ""}, {1, "three\n"}, {2, "two\nthree\n"}, {3, "one\ntwo\nthree\n"}, {9, "one\ntwo\nthree\n"}}) {
        GrowingFile file(path);
        file.start_at_last_lines(count);
        EXPECT_EQ(file.read_new(), expected) << count;
    }
    append("four"); // without its end it is a line, too
    GrowingFile file(path);
    file.start_at_last_lines(2);
    EXPECT_EQ(file.read_new(), "three\nfour");
}

TEST_F(GrowingFileTest, GivesAtMostItsLimitAndSaysThatThereIsMore) {
    append(std::string(GrowingFile::bytes_max + 1, 'x'));
    GrowingFile file(path);
    EXPECT_EQ(file.read_new().size(), GrowingFile::bytes_max);
    EXPECT_TRUE(file.is_behind());
    EXPECT_EQ(file.read_new(), "x");
    EXPECT_FALSE(file.is_behind());
}

TEST_F(GrowingFileTest, FollowsNoLink) {
    std::ofstream(dir / "secret") << "secret";
    fs::create_symlink(dir / "secret", path);
    GrowingFile file(path);
    EXPECT_EQ(file.read_new(), "");
    EXPECT_TRUE(file.problem());
}

TEST_F(GrowingFileTest, TellsWhyItShowsNothingUnlessNothingIsThere) {
    GrowingFile file(path);
    EXPECT_EQ(file.read_new(), "");
    EXPECT_FALSE(file.problem());
    fs::create_directory(path);
    EXPECT_EQ(file.read_new(), "");
    EXPECT_NE(file.problem().value().text.find("not a regular file"), std::string::npos);
    fs::remove(path);
    append("one\n");
    EXPECT_EQ(file.read_new(), "one\n");
    EXPECT_FALSE(file.problem());
}

} // namespace
} // namespace castra
