// SPDX-License-Identifier: Apache-2.0
#include "plugin/finder.hpp"

#include <fstream>
#include <gmock/gmock.h>

namespace castra {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Finder : public ::testing::Test {
protected:
    Finder() {
        std::string name = fs::temp_directory_path() / "castra-find-XXXXXX";
        dir_ = ::mkdtemp(name.data());
        for (const auto* file :
             {"install/launcher-qemu.so", "install/launcher-process.so", "install/reporter-console.so",
              "one/launcher-qemu.so", "two/acme.so", "two/launcher-acme.so", "two/notes.txt", "explicit/my.so"}) {
            fs::create_directories((dir_ / file).parent_path());
            std::ofstream(dir_ / file) << "x";
        }
        fs::create_directory(dir_ / "install/launcher-directory.so");
    }
    ~Finder() override { fs::remove_all(dir_); }
    PluginQuery query(const std::string& name, std::vector<fs::path> search = {}) const {
        return {.name = name,
                .kind_prefix = "launcher",
                .explicit_path = {},
                .search_dirs = std::move(search),
                .install_dir = dir_ / "install"};
    }
    fs::path found(const PluginQuery& query) const {
        const auto answer = find_plugin(query);
        return answer ? answer->lexically_relative(dir_) : fs::path(answer.error().text);
    }
    fs::path dir_;
};

TEST_F(Finder, TakesShortAndLongNames) {
    EXPECT_EQ(found(query("qemu")), "install/launcher-qemu.so");
    EXPECT_EQ(found(query("launcher-qemu")), "install/launcher-qemu.so");
}

TEST_F(Finder, PrefersTheExplicitPathThenTheSearchPathThenTheInstallDirectory) {
    auto wanted = query("qemu", {dir_ / "missing", dir_ / "one"});
    EXPECT_EQ(found(wanted), "one/launcher-qemu.so");
    wanted.explicit_path = dir_ / "explicit/my.so";
    EXPECT_EQ(found(wanted), "explicit/my.so");
    wanted.explicit_path = dir_ / "explicit/not.so";
    EXPECT_EQ(find_plugin(wanted).error().code, ErrorCode::not_found) << "an explicit path has no second choice";
}

TEST_F(Finder, PrefersThePrefixedNameButTakesABareOne) {
    EXPECT_EQ(found(query("acme", {dir_ / "two"})), "two/launcher-acme.so");
    fs::remove(dir_ / "two/launcher-acme.so");
    EXPECT_EQ(found(query("acme", {dir_ / "two"})), "two/acme.so");
}

TEST_F(Finder, NeverLooksInTheCurrentDirectory) {
    fs::current_path(dir_ / "one");
    for (const auto* relative : {"launcher-qemu.so", "./launcher-qemu.so"}) {
        auto wanted = query("qemu");
        wanted.explicit_path = relative;
        EXPECT_EQ(find_plugin(wanted).error().code, ErrorCode::config_invalid);
    }
    EXPECT_THAT(find_plugin(query("qemu", {"."})).error().text,
                HasSubstr("plugins.path entry \".\" is not an absolute"));
    EXPECT_EQ(found(query("qemu")), "install/launcher-qemu.so");
    auto nowhere = query("qemu");
    nowhere.install_dir.clear();
    EXPECT_EQ(find_plugin(nowhere).error().code, ErrorCode::not_found);
    fs::current_path("/");
}

TEST_F(Finder, RefusesNamesThatArePaths) {
    for (const auto* name : {"", "../one/launcher-qemu", "a/b", "qemu.so", "QEMU", "a b", "qemu\n"})
        EXPECT_EQ(find_plugin(query(name)).error().code, ErrorCode::config_invalid) << name;
}

TEST_F(Finder, SuggestsAndLists) {
    const auto missing = find_plugin(query("qmeu", {dir_ / "two"}));
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().text, HasSubstr("no launcher plugin \"qmeu\" in " + (dir_ / "two").string()));
    EXPECT_EQ(missing.error().hint, "did you mean \"qemu\"? available: acme, process, qemu");
    auto none = query("qemu");
    none.kind_prefix = "broker";
    EXPECT_EQ(find_plugin(none).error().hint, "there is no broker there at all");
}

TEST_F(Finder, ListsEachFileNameOnceInSearchOrder) {
    std::vector<std::string> names;
    for (const auto& file : list_plugin_files({dir_ / "one", dir_ / "install", dir_ / "missing"}))
        names.push_back(file.lexically_relative(dir_));
    EXPECT_THAT(names, ::testing::ElementsAre("one/launcher-qemu.so", "install/launcher-process.so",
                                              "install/reporter-console.so"));
}

TEST(KindPrefix, IsTheFirstWordOfAnId) {
    EXPECT_EQ(kind_prefix_of("castra.launcher/1"), "launcher");
    EXPECT_EQ(kind_prefix_of("castra.broker_launcher/1"), "broker");
    EXPECT_EQ(kind_prefix_of("castra.bootstrap_step/2"), "step");
    EXPECT_EQ(kind_prefix_of("castra.reporter/1"), "reporter");
    EXPECT_EQ(kind_prefix_of("castra.cook/1"), "");
}

TEST(InstalledPluginDir, StandsBesideBin) {
    EXPECT_EQ(installed_plugin_dir().value_or(""), fs::path(CASTRA_BINARY_DIR) / "lib/castra/plugins");
}

} // namespace
} // namespace castra
