// SPDX-License-Identifier: Apache-2.0
#include "config/limits.hpp"
#include "parsing.hpp"

namespace castra {
namespace {

using namespace std::chrono_literals;

TEST(ProjectConfig, HasADefaultForEverythingThatNeedsNotBeSaid) {
    const auto project = parsed(with_vm(""));
    EXPECT_EQ(project.version, "0.2.0");
    EXPECT_EQ(project.name, "p");
    EXPECT_EQ(project.state_dir, "");
    EXPECT_EQ(project.broker.port, 0);
    EXPECT_EQ(project.lifecycle.graceful_shutdown_wait, 20s);
    EXPECT_EQ(project.lifecycle.sigterm_wait, 10s);
    EXPECT_EQ(project.lifecycle.sigkill_wait, 5s);
    EXPECT_EQ(project.lifecycle.ready_wait, 120s);
    EXPECT_EQ(project.lifecycle.boot_window, 0);
    EXPECT_EQ(project.bootstrap.mode, "auto");
    EXPECT_EQ(project.bootstrap.handshake_timeout, std::nullopt);
    EXPECT_EQ(project.bootstrap.remote_dir, "/tmp/castra-bootstrap");
    EXPECT_TRUE(project.plugins.empty());
    EXPECT_TRUE(project.reporters.empty());
    ASSERT_EQ(project.vms.size(), 1U);
    const auto& vm = project.vms[0];
    EXPECT_EQ(vm.launcher, "qemu");
    EXPECT_EQ(vm.cpus, 1);
    EXPECT_EQ(vm.memory.mebibytes(), 512U);
    EXPECT_EQ(vm.launcher_options, nlohmann::json::object());
    EXPECT_TRUE(vm.port_forwards.empty());
}

TEST(ProjectConfig, KnowsWhereItCameFrom) {
    const auto text = with_vm("");
    const auto project = parsed(text);
    EXPECT_EQ(project.path, "/p/castra.toml");
    EXPECT_EQ(project.directory, "/p");
    EXPECT_EQ(project.text, text);
    EXPECT_EQ(project.vms[0].line, 3);
    EXPECT_EQ(project.vms[0].column, 1);
}

TEST(ProjectConfig, ReadsEveryTable) {
    const auto project = parsed(R"(version = "0.2.0"
[project]
name = "demo"
state_dir = "state/"
[broker]
port = 7070
[lifecycle]
graceful_shutdown_wait_secs = 1
sigterm_wait_secs = 0
sigkill_wait_secs = 1.5
ready_wait_secs = 86400
boot_window = 4
[plugins]
search = ["plugins", "/opt/plugins"]
[plugins.zeta]
path = "~/zeta.so"
sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
isolation = "in-process"
config = { level = 3, names = ["a", "b"], deep = { x = 1.5, on = true } }
[plugins.alpha]
isolation = "process"
[[reporters]]
plugin = "reporter-hello"
config.greeting = "hi"
[[reporters]]
plugin = "reporter-console"
[[vms]]
name = "web"
image = "tiny"
)");
    EXPECT_EQ(project.name, "demo");
    EXPECT_EQ(project.state_dir, "/p/state");
    EXPECT_EQ(project.broker.port, 7070);
    EXPECT_EQ(project.lifecycle.graceful_shutdown_wait, 1s);
    EXPECT_EQ(project.lifecycle.sigterm_wait, 0s);
    EXPECT_EQ(project.lifecycle.sigkill_wait, 1500ms);
    EXPECT_EQ(project.lifecycle.ready_wait, 24h);
    EXPECT_EQ(project.lifecycle.boot_window, 4);
    EXPECT_EQ(project.plugin_search, (std::vector<std::string>{"/p/plugins", "/opt/plugins"}));
    ASSERT_EQ(project.plugins.size(), 2U);
    const auto& zeta = project.plugins[0]; // in the order of the file
    EXPECT_EQ(zeta.name, "zeta");
    EXPECT_EQ(zeta.path, "/home/user/zeta.so");
    EXPECT_EQ(zeta.sha256.substr(0, 4), "0123");
    EXPECT_EQ(zeta.isolation, "in-process");
    EXPECT_EQ(zeta.config,
              nlohmann::json::parse(R"({"level": 3, "names": ["a", "b"], "deep": {"x": 1.5, "on": true}})"));
    EXPECT_EQ(zeta.line, 15);
    EXPECT_EQ(project.plugins[1].name, "alpha");
    EXPECT_EQ(project.plugins[1].config, nlohmann::json::object());
    ASSERT_EQ(project.reporters.size(), 2U);
    EXPECT_EQ(project.reporters[0].plugin, "reporter-hello");
    EXPECT_EQ(project.reporters[0].config.dump(), R"({"greeting":"hi"})");
    EXPECT_EQ(project.reporters[1].line, 25);
}

TEST(ProjectConfig, ReadsSecrets) {
    const auto project = parsed(
        "[project]\nname = 'd'\n[[secrets]]\nname = 'token'\nfile = 'a/token'\nplugins = ['reporter-nats', 'mine']\n"
        "[[vms]]\nname = 'web'\nimage = 'tiny'\n");
    ASSERT_EQ(project.secrets.size(), 1U);
    EXPECT_EQ(project.secrets[0].name, "token");
    EXPECT_EQ(project.secrets[0].file, "/p/a/token");
    EXPECT_EQ(project.secrets[0].plugins, (std::vector<std::string>{"reporter-nats", "mine"}));
    EXPECT_EQ(project.secrets[0].line, 3);
}

TEST(ProjectConfig, RefusesSecretsThatNobodyCouldAskFor) {
    const auto with = [](const std::string& more) {
        return refused(
            "[project]\nname = 'd'\n[[vms]]\nname = 'web'\nimage = 'tiny'\n[[secrets]]\nname = 's'\nfile = 'f'\n" +
            more);
    };
    const auto first = [&](const std::string& more) {
        const auto errors = with(more);
        return errors.size() == 1 ? errors[0] : std::to_string(errors.size()) + " errors";
    };
    EXPECT_NE(first("").find("6:1: secrets[0].plugins: is required"), std::string::npos) << first("");
    EXPECT_NE(first("plugins = []\n").find("has no entry (write [\"a-name\"])"), std::string::npos);
    EXPECT_NE(first("plugins = 'p'\n").find("wants an array of strings"), std::string::npos);
    EXPECT_NE(first("plugins = ['A B']\n").find("9:12: secrets[0].plugins[0]: \"A B\" is no name"), std::string::npos);
    EXPECT_NE(first("plugins = [1]\n").find("wants a string, found the integer 1"), std::string::npos);
    std::string many = "plugins = [";
    for (int i = 0; i < 17; ++i)
        many += "'p',";
    EXPECT_NE(first(many + "]\n").find("17 entries, at most 16 are allowed"), std::string::npos);
    EXPECT_NE(
        first("plugins = ['p']\n[[secrets]]\nname = 's'\nfile = 'g'\nplugins = ['p']\n").find("there is a secret"),
        std::string::npos);
}

TEST(ProjectConfig, ReadsEveryKeyOfAVm) {
    const auto project = parsed(R"(
[project]
name = "demo"
[[vms]]
name = "web"
description = "a web server"
launcher = "qemu"
base_image = "images/../web.qcow2"
overlay = "/disks/web.qcow2"
cpus = 512
memory = 2048
ready_marker = "ready"
[vms.boot]
kernel = "vmlinuz"
initrd = "~/initrd"
append = "console=ttyS0"
[vms.bootstrap]
mode = "Force"
script = "run.sh"
payload = "payload/"
handshake_timeout_secs = 30
remote_dir = "/var/tmp/x"
verify_command = '''
test -f a &&
test -f b'''
verify_path = "state/done"
env = { A = "1", B = "two\nlines" }
[vms.options]
display = "none"
[vms.options.cpu]
model = "host"
)");
    ASSERT_EQ(project.vms.size(), 1U);
    const auto& vm = project.vms[0];
    EXPECT_EQ(vm.name, "web-0");
    EXPECT_EQ(vm.group, "web");
    EXPECT_EQ(vm.description, "a web server");
    EXPECT_EQ(vm.base_image, "/p/web.qcow2");
    EXPECT_EQ(vm.overlay, "/disks/web.qcow2");
    EXPECT_EQ(vm.cpus, 512);
    EXPECT_EQ(to_string(vm.memory), "2 GiB");
    EXPECT_EQ(vm.ready_marker, "ready");
    EXPECT_EQ(vm.boot.kernel, "/p/vmlinuz");
    EXPECT_EQ(vm.boot.initrd, "/home/user/initrd");
    EXPECT_EQ(vm.boot.append, "console=ttyS0");
    EXPECT_EQ(vm.bootstrap.mode, "always");
    EXPECT_EQ(vm.bootstrap.script, "/p/run.sh");
    EXPECT_EQ(vm.bootstrap.payload, "/p/payload");
    EXPECT_EQ(vm.bootstrap.handshake_timeout, 30s);
    EXPECT_EQ(vm.bootstrap.remote_dir, "/var/tmp/x");
    EXPECT_EQ(vm.bootstrap.verify_command, "test -f a &&\ntest -f b");
    EXPECT_EQ(vm.bootstrap.verify_path, "state/done");
    EXPECT_EQ(vm.bootstrap.env.at("B").reveal(), "two\nlines");
    EXPECT_EQ(vm.launcher_options.dump(), R"({"cpu":{"model":"host"},"display":"none"})");
}

TEST(ProjectConfig, LetsAVmOverrideTheBootstrapOfTheProject) {
    const auto project = parsed(R"(
[project]
name = "demo"
[bootstrap]
mode = "always"
handshake_timeout_secs = 120
remote_dir = "/opt/bootstrap"
env = { SHARED = "true", FOO = "top" }
[[vms]]
name = "plain"
image = "tiny"
[[vms]]
name = "own"
image = "tiny"
[vms.bootstrap]
mode = "skip"
handshake_timeout_secs = 15
env = { LOCAL = "yes", FOO = "vm" }
)");
    ASSERT_EQ(project.vms.size(), 2U);
    EXPECT_EQ(project.vms[0].bootstrap.mode, "always");
    EXPECT_EQ(project.vms[0].bootstrap.handshake_timeout, 120s);
    EXPECT_EQ(project.vms[0].bootstrap.env.at("FOO").reveal(), "top");
    const auto& own = project.vms[1].bootstrap;
    EXPECT_EQ(own.mode, "skip");
    EXPECT_EQ(own.handshake_timeout, 15s);
    EXPECT_EQ(own.remote_dir, "/opt/bootstrap");
    std::map<std::string, std::string> revealed;
    for (const auto& [name, value] : own.env)
        revealed[name] = value.reveal();
    EXPECT_EQ(revealed, (std::map<std::string, std::string>{{"FOO", "vm"}, {"LOCAL", "yes"}, {"SHARED", "true"}}));
}

TEST(ProjectConfig, UnderstandsTheWordsOfThePrototypeForModes) {
    const std::pair<const char*, const char*> words[] = {
        {"auto", "auto"}, {"Automatic", "auto"}, {"enabled", "auto"}, {"skip", "skip"},
        {"OFF", "skip"},  {"disabled", "skip"},  {"force", "always"}, {"always", "always"}};
    for (const auto& [word, mode] : words)
        EXPECT_EQ(parsed(with_vm("bootstrap.mode = \"" + std::string(word) + "\"")).vms[0].bootstrap.mode, mode);
}

TEST(ProjectConfig, ResolvesPathsAgainstTheFile) {
    const std::pair<const char*, const char*> paths[] = {
        {"a", "/p/a"},           {"./a//b/", "/p/a/b"}, {"../a", "/a"}, {"/x/./y/../z", "/x/z"},
        {"~/a", "/home/user/a"}, {"~", "/home/user"},   {".", "/p"},    {"../../../..", "/"},
        {"./~a", "/p/~a"}};
    for (const auto& [written, meant] : paths)
        EXPECT_EQ(parsed(with_vm("overlay = \"" + std::string(written) + "\"")).vms[0].overlay, meant) << written;
}

TEST(ProjectConfig, ReadsTheFirstVersionOfThePrototypeWithoutExpansion) {
    const auto project = parsed(R"(version = "0.1.0"
[project]
name = "demo"
state_dir = ".castra"
[[vms]]
name = "devbox"
base_image = "images/devbox.qcow2"
overlay = ".castra/devbox-overlay.qcow2"
cpus = 2
memory = "2048 MiB"
[[vms.port_forwards]]
host = 2222
guest = 22
protocol = "TCP"
)");
    ASSERT_EQ(project.vms.size(), 1U);
    EXPECT_EQ(project.vms[0].name, "devbox");
    EXPECT_EQ(project.vms[0].group, "devbox");
    EXPECT_EQ(project.vms[0].overlay, "/p/.castra/devbox-overlay.qcow2");
    EXPECT_EQ(project.vms[0].port_forwards[0].protocol, "tcp");
}

TEST(ProjectConfig, TellsAllErrorsAtOnceInTheOrderOfLines) {
    const auto errors = refused(R"(version = "9"
[project]
nmae = "demo"
[[vms]]
name = "web"
image = "tiny"
cpus = 0
memory = true
[[vms.port_forwards]]
host = 70000
[[vms]]
name = "web"
image = "tiny"
)");
    EXPECT_EQ(
        errors,
        (std::vector<std::string>{
            R"(1:11: version: "9" is not one of its values (write one of "0.1.0", "0.2.0"))",
            R"(2:1: project.name: is required (write a name such as name = "my-project"))",
            R"(3:1: project.nmae: unknown key in [project] (did you mean "name"?))",
            R"(7:8: vms[0].cpus: 0 is out of range (write a whole number from 1 to 512))",
            R"(8:10: vms[0].memory: wants a size, found the boolean true (write a size from "16 MiB" to "16 TiB", such as "2 GiB"))",
            R"(9:1: vms[0].port_forwards[0].guest: is required (write the port inside the VM, such as guest = 22))",
            R"(10:8: vms[0].port_forwards[0].host: 70000 is out of range (write a whole number from 0 to 65535))",
            R"(12:8: vms[1].name: "web" is already the name of the VM in line 4 (names are unique; for like VMs write count = 2))"}));
}

TEST(ProjectConfig, CountsTheErrorsBeyondFifty) {
    std::string text = with_vm("");
    for (int i = 0; i < 60; ++i)
        text += "qqqqq" + std::to_string(i) + " = 1\n";
    const auto project = parse(text);
    ASSERT_FALSE(project);
    ASSERT_EQ(project.error().size(), limits::errors_max + 1);
    EXPECT_EQ(to_string(project.error().back()), "/p/castra.toml: and 10 more errors (mend these first)");
}

TEST(ConfigError, ReadsAsOneLine) {
    ConfigError error{
        "castra.toml", 12, 5, "vms[0].memory", "\"2 GX\" has an unknown unit", "write a size such as \"2 GiB\""};
    EXPECT_EQ(to_string(error), "castra.toml:12:5: vms[0].memory: \"2 GX\" has an unknown unit "
                                "(write a size such as \"2 GiB\")");
    EXPECT_EQ(to_string(ConfigError{"castra.toml", 0, 0, "", "no such file", ""}), "castra.toml: no such file");
}

} // namespace
} // namespace castra
