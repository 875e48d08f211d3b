// SPDX-License-Identifier: Apache-2.0
// What is no file where castra has one: nobody is waited for, and what is told is a failure with its cure, or nothing.
#include "host/files.hpp"

#include "host/file_lock.hpp"

#include <array>
#include <fcntl.h>
#include <functional>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace castra {
namespace {

namespace fs = std::filesystem;

// A pipe nobody has open, one that somebody has, a directory, a link to a pipe.
class InTheWay : public testing::TestWithParam<const char*> {
protected:
    InTheWay() {
        std::string name = testing::TempDir() + "castra-files.XXXXXX";
        dir = ::mkdtemp(name.data());
    }
    ~InTheWay() override { fs::remove_all(dir); }

    void put(const fs::path& path) {
        const std::string kind = GetParam();
        if (kind == "directory") return (void)fs::create_directory(path);
        const auto pipe = kind == "link" ? dir / "pipe" : path;
        ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
        if (kind == "link") fs::create_symlink(pipe, path);
        if (kind == "open") reader.reset(::open(pipe.c_str(), O_RDWR | O_CLOEXEC));
    }
    bool is_file(const fs::path& path) { return fs::symlink_status(path).type() == fs::file_type::regular; }

    fs::path dir;
    UniqueFd reader;
};

TEST_P(InTheWay, OfALock) {
    const auto lock = dir / "lock";
    put(lock);
    for (const auto& taken : {FileLock::try_lock(lock, "me"), FileLock::wait_lock(lock, "me")}) {
        ASSERT_FALSE(taken);
        EXPECT_EQ(taken.error().code, ErrorCode::io);
        EXPECT_NE(taken.error().hint.find("move that away"), std::string::npos) << taken.error().hint;
    }
    EXPECT_TRUE(FileLock::probe(lock)) << "nobody holds what castra does not lock";
    EXPECT_FALSE(is_file(lock)) << "left as it was";
}

TEST_P(InTheWay, OfALog) {
    const auto log = dir / "a.log";
    put(log);
    EXPECT_FALSE(files::open_to_append(log));
    EXPECT_FALSE(is_file(log));
}

TEST_P(InTheWay, OfTheNextVersionOfAFile) {
    const auto file = dir / "record.json";
    put(dir / "record.json.tmp");
    const auto written = files::replace(file, "content");
    if (GetParam() == std::string("directory")) {
        EXPECT_FALSE(written) << "a directory is nothing to be put out of the way";
        return;
    }
    ASSERT_TRUE(written) << written.error().text;
    EXPECT_EQ(files::read(file, 100).value_or(""), "content");
    EXPECT_FALSE(fs::exists(fs::symlink_status(dir / "record.json.tmp")));
}

TEST(OpenToAppend, TakesWhatSwallowsEverything) {
    EXPECT_TRUE(files::open_to_append("/dev/null"));
}

INSTANTIATE_TEST_SUITE_P(, InTheWay, testing::Values("pipe", "open", "directory", "link"),
                         [](const auto& one) { return std::string(one.param); });

} // namespace
} // namespace castra
