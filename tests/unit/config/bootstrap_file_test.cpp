// SPDX-License-Identifier: Apache-2.0
#include "config/bootstrap_file.hpp"

#include "config/known_keys.hpp"
#include "parsing.hpp"

#include <fstream>

namespace castra {
namespace {

BootstrapConfig laid_over(BootstrapConfig config, const std::string& text) {
    const auto read = lay_over(config, text, "/p/bootstrap/bootstrap.toml", {.home = "/home/user"});
    if (!read)
        for (const auto& error : read.error())
            ADD_FAILURE() << to_string(error);
    return config;
}

std::vector<std::string> complaints(const std::string& text) {
    BootstrapConfig config;
    std::vector<std::string> out;
    const auto read = lay_over(config, text, "/p/bootstrap/bootstrap.toml", {.home = "/home/user"});
    if (!read)
        for (const auto& error : read.error()) {
            EXPECT_FALSE(error.hint.empty()) << to_string(error);
            out.push_back(to_string(error));
        }
    return out;
}

TEST(BootstrapFile, WinsOverCastraToml) {
    BootstrapConfig before;
    before.remote_dir = "/var/tmp/of-the-fleet";
    before.verify_command = "true";
    before.env["BOTH"] = Secret("fleet");
    before.env["FLEET"] = Secret("fleet");
    const auto after = laid_over(before, R"(
handshake_identity = "web"
handshake_timeout_secs = 5
remote_dir = "/opt/app/x"
[env]
BOTH = "script"
[verify]
path = "ok"
[ssh]
user = "admin"
host = "10.0.0.1"
port = 2022
identity = "keys/id"
options = ["Compression=yes", "LogLevel ERROR"]
)");
    EXPECT_EQ(after.metadata, "/p/bootstrap/bootstrap.toml");
    EXPECT_EQ(after.handshake_identity, "web");
    EXPECT_EQ(after.handshake_timeout, Milliseconds(5000));
    EXPECT_EQ(after.remote_dir, "/opt/app/x");
    EXPECT_EQ(after.env.at("BOTH").reveal(), "script");
    EXPECT_EQ(after.env.at("FLEET").reveal(), "fleet");
    EXPECT_EQ(after.verify_command, "true") << "a key that it does not have stays";
    EXPECT_EQ(after.verify_path, "ok");
    EXPECT_EQ(after.ssh.user, "admin");
    EXPECT_EQ(after.ssh.port, 2022);
    EXPECT_EQ(after.ssh.identity, "/p/bootstrap/keys/id");
    EXPECT_EQ(after.ssh.options, (std::vector<std::string>{"Compression=yes", "LogLevel ERROR"}));
}

TEST(BootstrapFile, IsRefusedWithEveryMistake) {
    const std::vector<std::string> bad{"mode = \"skip\"",
                                       "remote_dir = \"/opt\"",
                                       "[ssh]\nuser = \"-oProxyCommand=x\"",
                                       "[ssh]\nport = 0",
                                       "[ssh]\noptions = [\"StrictHostKeyChecking=no\"]",
                                       "[ssh]\noptions = [\"stricthostkeychecking no\"]",
                                       "[ssh]\noptions = [\"UserKnownHostsFile=/dev/null\"]",
                                       "[ssh]\noptions = [\"ControlPath=/x\"]",
                                       "[ssh]\noptions = [\"-v\"]",
                                       "[ssh]\noptions = \"Compression=yes\"",
                                       "[verify]\ncmd = \"x\"",
                                       "[env]\nA = 1",
                                       "not toml"};
    for (const auto& text : bad)
        EXPECT_EQ(complaints(text).size(), 1U) << text;
    EXPECT_EQ(complaints("mode = 1\nremote_dir = \"/\"\n[ssh]\nport = 0").size(), 3U) << "all at once";
}

TEST(BootstrapFile, HasEveryKeyInItsPage) {
    std::ifstream file(CASTRA_SOURCE_DIR "/docs/BOOTSTRAP.md");
    const std::string page{std::istreambuf_iterator<char>(file), {}};
    for (const auto* table : {&known::bootstrap_file, &known::bootstrap_file_verify, &known::bootstrap_file_ssh})
        for (const auto key : table->keys) {
            const auto full = (table->path.empty() ? "" : std::string(table->path) + ".") + std::string(key);
            EXPECT_NE(page.find("`" + full + "`"), std::string::npos) << full;
        }
}

TEST(RemoteDir, IsNoDirectoryThatASystemNeeds) {
    for (const auto* path : {"/", "/opt", "/opt/", "/tmp", "/var/tmp", "/var/lib/", "/usr/local", "/etc/ssh",
                             "/proc/1/x", "/dev/shm/x", "/root", "/home", "/a/../b/c", "relative"})
        EXPECT_EQ(refused(with_vm("bootstrap.remote_dir = \"" + std::string(path) + "\"")).size(), 1U) << path;
    for (const auto* path :
         {"/opt/castra", "/var/tmp/castra", "/tmp/castra-bootstrap", "/home/user/x", "/usr/local/castra/x"})
        EXPECT_TRUE(refused(with_vm("bootstrap.remote_dir = \"" + std::string(path) + "\"")).empty()) << path;
}

TEST(BootstrapSteps, AreTheListOfTheFile) {
    const auto project = parsed(with_vm(R"(
[[vms.bootstrap.steps]]
name = "connect"
[[vms.bootstrap.steps]]
name = "license"
plugin = "step-mine"
config = { server = "a" }
timeout_secs = 2.5
)"));
    const auto& steps = project.vms.at(0).bootstrap.steps;
    ASSERT_EQ(steps.size(), 2U);
    EXPECT_EQ(steps[1].plugin, "step-mine");
    EXPECT_EQ(steps[1].config, (nlohmann::json{{"server", "a"}}));
    EXPECT_EQ(steps[1].timeout, Milliseconds(2500));
    EXPECT_EQ(refused(with_vm("bootstrap.steps = [{ name = \"a\" }, { name = \"a\" }]")).size(), 1U);
    EXPECT_EQ(refused(with_vm("bootstrap.steps = [{ plugin = \"a\" }]")).size(), 1U);
    EXPECT_EQ(refused(with_vm("bootstrap.steps = []")).size(), 1U);
    std::string many;
    for (int i = 0; i <= 32; ++i)
        many += (many.empty() ? "" : ", ") + std::string("{ name = \"s") + std::to_string(i) + "\" }";
    EXPECT_FALSE(refused(with_vm("bootstrap.steps = [" + many + "]")).empty());
}

} // namespace
} // namespace castra
