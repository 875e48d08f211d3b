// SPDX-License-Identifier: Apache-2.0
#include "parsing.hpp"

#include <fstream>
#include <unistd.h>

namespace castra {
namespace {

namespace fs = std::filesystem;

// A directory of its own for every test, and the working directory put back.
class LoadProject : public ::testing::Test {
protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "castra-load-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        directory = fs::canonical(name);
    }
    void TearDown() override {
        fs::current_path(before);
        fs::remove_all(directory);
    }

    fs::path write(const fs::path& name, const std::string& text) const {
        const auto file = directory / name;
        fs::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << text;
        return file;
    }

    const fs::path before = fs::current_path();
    fs::path directory;
};

TEST_F(LoadProject, ReadsTheFileItIsGiven) {
    const auto file = write("other.toml", with_vm("overlay = \"x\""));
    const auto project = load_project(file);
    ASSERT_TRUE(project);
    EXPECT_EQ(project->path, file);
    EXPECT_EQ(project->directory, directory);
    EXPECT_EQ(project->vms[0].overlay, directory / "x");
    EXPECT_EQ(project->text, with_vm("overlay = \"x\""));
}

TEST_F(LoadProject, FindsTheNearestFileAboveTheWorkingDirectory) {
    write("castra.toml", with_vm(""));
    fs::create_directories(directory / "a/b/castra.toml"); // a directory of that name is passed over
    fs::current_path(directory / "a/b");
    const auto project = load_project("");
    ASSERT_TRUE(project);
    EXPECT_EQ(project->path, directory / "castra.toml");
}

TEST_F(LoadProject, IsTheSameProjectHoweverThePathIsTyped) {
    write("castra.toml", with_vm(""));
    fs::create_directory(directory / "sub");
    fs::create_directory_symlink(directory, directory / "sub/link");
    fs::current_path(directory);
    for (const auto* path : {"castra.toml", "./sub/../castra.toml", "sub/link/castra.toml"}) {
        const auto project = load_project(path);
        ASSERT_TRUE(project) << path;
        EXPECT_EQ(project->path, directory / "castra.toml") << path;
    }
}

TEST_F(LoadProject, SaysWhereItLookedAndWhatToDo) {
    fs::current_path(directory);
    const auto project = load_project("");
    ASSERT_FALSE(project);
    EXPECT_EQ(project.error().code, ErrorCode::config_not_found);
    EXPECT_EQ(to_string(project.error().errors.at(0)),
              "castra.toml: not found in " + directory.string() +
                  " nor in any directory above it (castra init writes one; or pass --config FILE)");
}

TEST_F(LoadProject, TellsAMissingFileFromABadOne) {
    const auto missing = load_project(directory / "none.toml");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::config_not_found);
    EXPECT_EQ(missing.error().errors.at(0).text, "no such file");

    const auto folder = load_project(directory);
    ASSERT_FALSE(folder);
    EXPECT_EQ(folder.error().code, ErrorCode::config_invalid);
    EXPECT_EQ(folder.error().errors.at(0).text, "is a directory");

    const auto device = load_project("/dev/zero");
    ASSERT_FALSE(device);
    EXPECT_EQ(device.error().errors.at(0).text, "is no regular file");

    fs::current_path(directory);
    write("bad.toml", "x = \n");
    const auto bad = load_project("bad.toml");
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().code, ErrorCode::config_invalid);
    EXPECT_EQ(bad.error().errors.at(0).file, "bad.toml") << "as it was typed";
    EXPECT_EQ(bad.error().errors.at(0).line, 1);
}

TEST_F(LoadProject, RefusesAFileThatIsTooLarge) {
    const auto project = load_project(write("castra.toml", std::string((1 << 20) + 1, '\n')));
    ASSERT_FALSE(project);
    EXPECT_EQ(project.error().errors.at(0).text, "is larger than 1 MiB");
}

} // namespace
} // namespace castra
