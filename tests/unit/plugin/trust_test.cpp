// SPDX-License-Identifier: Apache-2.0
#include "plugin/trust.hpp"

#include "plugin/sha256.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <sys/stat.h>

namespace castra {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Trust : public ::testing::Test {
protected:
    Trust() {
        std::string name = fs::temp_directory_path() / "castra-trust-XXXXXX";
        dir_ = ::mkdtemp(name.data());
        fs::create_directory(dir_ / "sub");
        file_ = dir_ / "sub" / "p.so";
        std::ofstream(file_) << "abc";
        for (const auto& path : {file_, dir_ / "sub"})
            fs::permissions(path, fs::perms(0755));
    }
    ~Trust() override { fs::remove_all(dir_); }
    std::string refusal(const fs::path& file, uid_t user = ::geteuid()) const {
        const auto answer = check_trust(file, {}, user);
        return answer ? "(trusted)" : answer.error().text;
    }
    fs::path dir_, file_;
};

TEST_F(Trust, TakesAFileThatOnlyItsOwnerCanChange) {
    EXPECT_EQ(check_trust(file_).value_or(""), fs::canonical(file_));
}

TEST_F(Trust, RefusesAnyComponentThatOthersMayWrite) {
    for (const auto& path : {file_, dir_ / "sub", dir_}) {
        for (const unsigned mode : {0775U, 0757U, 0777U}) {
            fs::permissions(path, fs::perms(mode));
            EXPECT_EQ(refusal(file_), path.string() + " is writable by others than its owner");
        }
        fs::permissions(path, fs::perms(0755));
    }
    EXPECT_EQ(check_trust(file_, {}).has_value(), true);
}

TEST_F(Trust, ASharedStickyDirectoryIsFineButNotASharedFile) {
    fs::permissions(dir_ / "sub", fs::perms(01777));
    EXPECT_EQ(refusal(file_), "(trusted)");
    fs::permissions(file_, fs::perms(01666));
    EXPECT_THAT(refusal(file_), HasSubstr("p.so is writable by others"));
}

TEST_F(Trust, RefusesWhatBelongsToSomebodyElse) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give files away";
    ASSERT_EQ(::chown(file_.c_str(), 12345, 12345), 0);
    EXPECT_THAT(refusal(file_), HasSubstr("p.so belongs to user 12345, not to root or you"));
    EXPECT_EQ(refusal(file_, 12345), "(trusted)");
    ASSERT_EQ(::chown(file_.c_str(), 0, 0), 0);
    ASSERT_EQ(::chown(dir_.c_str(), 12345, 12345), 0);
    EXPECT_THAT(refusal(file_), HasSubstr("belongs to user 12345"));
}

TEST_F(Trust, JudgesWhereALinkLeads) {
    const auto link = dir_ / "link.so";
    fs::create_symlink(file_, link);
    EXPECT_EQ(check_trust(link).value_or(""), fs::canonical(file_));
    fs::permissions(dir_ / "sub", fs::perms(0777));
    EXPECT_THAT(refusal(link), HasSubstr("sub is writable by others"));
}

TEST_F(Trust, RefusesWhatIsNotThereOrNoFile) {
    EXPECT_EQ(check_trust(dir_ / "nothing.so").error().code, ErrorCode::not_found);
    EXPECT_THAT(refusal(dir_ / "sub"), HasSubstr("not a regular file"));
    EXPECT_THAT(refusal("/dev/null"), HasSubstr("not a regular file"));
}

TEST_F(Trust, ComparesThePinInAnyCase) {
    auto pin = sha256_of("abc");
    EXPECT_TRUE(check_trust(file_, pin));
    for (auto& c : pin)
        c = static_cast<char>(std::toupper(c));
    EXPECT_TRUE(check_trust(file_, pin));
    pin[0] = 'c';
    EXPECT_THAT(check_trust(file_, pin).error().hint, HasSubstr("castra.toml"));
    EXPECT_FALSE(check_trust(file_, std::string()));
}

} // namespace
} // namespace castra
