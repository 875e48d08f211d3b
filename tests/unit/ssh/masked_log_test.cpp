// SPDX-License-Identifier: Apache-2.0
#include "ssh/masked_log.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace castra::ssh {
namespace {

class MaskedLogFile : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "castra-log.XXXXXX").string();
        dir_ = ::mkdtemp(pattern.data());
    }
    void TearDown() override { std::filesystem::remove_all(dir_); }
    std::string path() const { return dir_ + "/log"; }
    std::string content() const {
        std::ifstream file(path());
        std::stringstream text;
        text << file.rdbuf();
        return text.str();
    }
    std::string dir_;
};

TEST_F(MaskedLogFile, HidesASecretAlsoWhenItArrivesInPieces) {
    const std::string text = "begin hunter2-secret and hunter2-secret-longer end";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        std::filesystem::remove(path());
        {
            MaskedLog log(path(), {{"A", "hunter2-secret"}, {"B", "hunter2-secret-longer"}});
            log.add(text.substr(0, cut));
            log.add(text.substr(cut));
            log.flush();
            EXPECT_EQ(log.tail(), "begin *** and *** end") << cut;
        }
        EXPECT_EQ(content(), "begin *** and *** end") << cut;
    }
}

TEST_F(MaskedLogFile, HidesOneThatArrivesByteByByte) {
    MaskedLog log("", {{"A", "multi\nline secret"}});
    for (const char c : std::string("x multi\nline secret y"))
        log.add({&c, 1});
    log.flush();
    EXPECT_EQ(log.tail(), "x *** y");
}

TEST_F(MaskedLogFile, LeavesShortValuesAlone) {
    MaskedLog log("", {{"A", "abc"}, {"B", ""}});
    log.add("abcabc");
    log.flush();
    EXPECT_EQ(log.tail(), "abcabc");
}

TEST_F(MaskedLogFile, IsPrivateAndBounded) {
    {
        MaskedLog log(path(), sdk::Json::object());
        const std::string piece(1 << 20, 'x');
        for (int i = 0; i < 12; ++i)
            log.add(piece);
    }
    struct stat info {};
    ASSERT_EQ(::stat(path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    EXPECT_LE(static_cast<std::size_t>(info.st_size), MaskedLog::file_bytes_max + 200);
    EXPECT_NE(content().find("what follows is not kept"), std::string::npos);
}

} // namespace
} // namespace castra::ssh
