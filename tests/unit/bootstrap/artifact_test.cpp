// SPDX-License-Identifier: Apache-2.0
#include "bootstrap/artifact.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace castra {
namespace {

namespace fs = std::filesystem;

class ArtifactOfFiles : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "castra-artifact.XXXXXX").string();
        dir_ = ::mkdtemp(pattern.data());
        write("run.sh", "#!/bin/sh\n");
        fs::create_directories(dir_ / "payload/sub");
        write("payload/a", "one");
        write("payload/sub/b", "two");
        fs::create_symlink("../a", dir_ / "payload/sub/link");
        config_.script = dir_ / "run.sh";
        config_.payload = dir_ / "payload";
        config_.env["TOKEN"] = Secret("secret value");
    }
    void TearDown() override { fs::remove_all(dir_); }
    void write(const std::string& name, const std::string& text) { std::ofstream(dir_ / name) << text; }
    Artifact measured() const {
        const auto artifact = measure_artifact(config_);
        if (!artifact) ADD_FAILURE() << artifact.error().text;
        return artifact.value_or(Artifact());
    }
    std::string refusal() const {
        const auto artifact = measure_artifact(config_);
        EXPECT_FALSE(artifact);
        if (artifact) return {};
        EXPECT_EQ(artifact.error().code, ErrorCode::preflight);
        EXPECT_FALSE(artifact.error().hint.empty());
        return artifact.error().text;
    }
    fs::path dir_;
    BootstrapConfig config_;
};

TEST_F(ArtifactOfFiles, IsTheSameTwice) {
    EXPECT_EQ(measured().artifact_hash, measured().artifact_hash);
    EXPECT_EQ(measured().payload_bytes, 6);
    EXPECT_TRUE(measured().artifact_hash.starts_with("sha256:"));
    EXPECT_EQ(measured().artifact_hash.size(), 71U);
}

TEST_F(ArtifactOfFiles, DiffersWithEveryThingThatMakesADifference) {
    std::vector<std::string> seen{measured().artifact_hash};
    const auto expect_new = [&](const char* what) {
        const auto now = measured().artifact_hash;
        EXPECT_EQ(std::ranges::count(seen, now), 0) << what;
        seen.push_back(now);
    };
    write("run.sh", "#!/bin/sh\ntrue\n");
    expect_new("script");
    write("payload/a", "One");
    expect_new("content");
    fs::rename(dir_ / "payload/a", dir_ / "payload/c");
    expect_new("name");
    ::chmod((dir_ / "payload/c").c_str(), 0755);
    expect_new("mode");
    fs::remove(dir_ / "payload/sub/link");
    fs::create_symlink("../c", dir_ / "payload/sub/link");
    expect_new("link");
    fs::create_directory(dir_ / "payload/empty");
    expect_new("empty directory");
    config_.env["TOKEN"] = Secret("another value");
    expect_new("value");
    config_.env["MORE"] = Secret("");
    expect_new("variable");
    config_.payload.clear();
    expect_new("no payload");
}

TEST_F(ArtifactOfFiles, RefusesLinksThatLeadOut) {
    for (const auto* target : {"/etc/passwd", "../../outside", "sub/../../.."}) {
        fs::remove(dir_ / "payload/bad");
        fs::create_symlink(target, dir_ / "payload/bad");
        EXPECT_NE(refusal().find("leads out of the payload"), std::string::npos) << target;
    }
}

TEST_F(ArtifactOfFiles, RefusesWhatIsNoFile) {
    ::mkfifo((dir_ / "payload/fifo").c_str(), 0600);
    EXPECT_NE(refusal().find("neither a file nor a directory"), std::string::npos);
}

TEST_F(ArtifactOfFiles, RefusesWhatIsNotThere) {
    config_.script = dir_ / "none.sh";
    EXPECT_NE(refusal().find("does not exist"), std::string::npos);
    config_.script.clear();
    config_.payload = dir_ / "none";
    EXPECT_NE(refusal().find("No such file"), std::string::npos);
}

TEST_F(ArtifactOfFiles, RefusesAPayloadThatIsTooDeep) {
    auto deep = dir_ / "payload";
    for (int i = 0; i <= payload_depth_max; ++i)
        deep /= "d";
    fs::create_directories(deep);
    EXPECT_NE(refusal().find("too deep"), std::string::npos);
}

TEST(HashOf, TellsListsApart) {
    EXPECT_NE(hash_of({"a", "b"}), hash_of({"ab"}));
    EXPECT_NE(hash_of({"a", ""}), hash_of({"", "a"}));
    EXPECT_NE(hash_of({"1:a,"}), hash_of({"a"}));
}

} // namespace
} // namespace castra
