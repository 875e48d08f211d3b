// SPDX-License-Identifier: Apache-2.0
// At each limit it is accepted, one past it refused.
#include "parsing.hpp"

namespace castra {
namespace {

void expect_edge(const std::string& inside, const std::string& outside) {
    EXPECT_EQ(refused(inside), std::vector<std::string>{}) << inside.substr(0, 300);
    EXPECT_EQ(refused(outside).size(), 1U) << outside.substr(0, 300);
}

void expect_vm_edge(const std::string& inside, const std::string& outside) {
    expect_edge(with_vm(inside), with_vm(outside));
}

std::string repeated(int times, const std::string& text) {
    std::string out;
    for (int i = 0; i < times; ++i)
        out += text;
    return out;
}

// "A0 = 'x'", "A1 = 'x'", ...
std::string numbered(int times, const std::string& before, const std::string& after) {
    std::string out;
    for (int i = 0; i < times; ++i)
        out += before + std::to_string(i) + after;
    return out;
}

TEST(Limits, OfNumbers) {
    expect_vm_edge("cpus = 1", "cpus = 0");
    expect_vm_edge("cpus = 512", "cpus = 513");
    expect_vm_edge("memory = \"16 MiB\"", "memory = \"15.9 MiB\"");
    expect_vm_edge("memory = \"16 TiB\"", "memory = \"16385 GiB\"");
    expect_vm_edge("memory = 16", "memory = 15");
    expect_vm_edge("count = 1", "count = 0");
    expect_vm_edge("count = 1000", "count = 1001");
    expect_vm_edge("port_forwards = [{ guest = 1 }]", "port_forwards = [{ guest = 0 }]");
    expect_vm_edge("port_forwards = [{ guest = 65535 }]", "port_forwards = [{ guest = 65536 }]");
    expect_vm_edge("port_forwards = [{ guest = 1, host = 65535 }]", "port_forwards = [{ guest = 1, host = 65536 }]");
    expect_vm_edge("port_forwards = [{ guest = 1, host = 0 }]", "port_forwards = [{ guest = 1, host = -1 }]");
    expect_vm_edge("[broker]\nport = 65535", "[broker]\nport = 65536");
    expect_vm_edge("[broker]\nsessions_max = 1", "[broker]\nsessions_max = 0");
    expect_vm_edge("[broker]\nsessions_max = 10000", "[broker]\nsessions_max = 10001");
    expect_vm_edge("[broker]\nframes_per_second_max = 1", "[broker]\nframes_per_second_max = 0");
    expect_vm_edge("[broker]\nframes_per_second_max = 1000000", "[broker]\nframes_per_second_max = 1000001");
    expect_vm_edge("[broker]\nqueue_bytes_max = 131072", "[broker]\nqueue_bytes_max = 131071");
    expect_vm_edge("[broker]\nqueue_bytes_max = 67108864", "[broker]\nqueue_bytes_max = 67108865");
    expect_vm_edge("[broker]\ntopic_bytes_max = 262144", "[broker]\ntopic_bytes_max = 262143");
    expect_vm_edge("[broker]\ntopic_bytes_max = 1073741824", "[broker]\ntopic_bytes_max = 1073741825");
    expect_vm_edge("[broker]\ntopics_max = 0", "[broker]\ntopics_max = -1");
    expect_vm_edge("[broker]\ntopics_max = 4096", "[broker]\ntopics_max = 4097");
    expect_vm_edge("[lifecycle]\nboot_window = 1000", "[lifecycle]\nboot_window = 1001");
    expect_vm_edge("[journal]\nruns_max = 1", "[journal]\nruns_max = 0");
    expect_vm_edge("[journal]\nruns_max = 100000", "[journal]\nruns_max = 100001");
    expect_vm_edge("[journal]\nbytes_max = 1048576", "[journal]\nbytes_max = 1048575");
    expect_vm_edge("[journal]\nbytes_max = 1099511627776", "[journal]\nbytes_max = 1099511627777");
    expect_vm_edge("[lifecycle]\nboot_window = 0", "[lifecycle]\nboot_window = -1");
}

TEST(Limits, OfSeconds) {
    for (const std::string key :
         {"graceful_shutdown_wait_secs", "sigterm_wait_secs", "ready_wait_secs", "down_timeout_secs"})
        expect_vm_edge("[lifecycle]\n" + key + " = 0", "[lifecycle]\n" + key + " = -1");
    for (const std::string key : {"graceful_shutdown_wait_secs", "sigterm_wait_secs", "ready_wait_secs",
                                  "sigkill_wait_secs", "down_timeout_secs"})
        expect_vm_edge("[lifecycle]\n" + key + " = 86400", "[lifecycle]\n" + key + " = 86400.001");
    expect_vm_edge("[lifecycle]\nsigkill_wait_secs = 1", "[lifecycle]\nsigkill_wait_secs = 0");
    expect_vm_edge("lifecycle.sigkill_wait_secs = 1", "lifecycle.sigkill_wait_secs = 0");
    expect_vm_edge("lifecycle.graceful_shutdown_wait_secs = 0", "lifecycle.graceful_shutdown_wait_secs = -1");
    expect_vm_edge("lifecycle.sigterm_wait_secs = 86400", "lifecycle.sigterm_wait_secs = 86401");
    expect_vm_edge("bootstrap.handshake_timeout_secs = 1", "bootstrap.handshake_timeout_secs = 0");
    expect_vm_edge("bootstrap.handshake_timeout_secs = 86400", "bootstrap.handshake_timeout_secs = 86401");
    expect_vm_edge("[lifecycle]\nready_wait_secs = 1e0", "[lifecycle]\nready_wait_secs = nan");
    expect_vm_edge("[lifecycle]\nready_wait_secs = 1.0", "[lifecycle]\nready_wait_secs = inf");
}

TEST(Limits, OfVmsAreCountedAfterExpansion) {
    const std::string more = "\n[[vms]]\nname = \"db\"\nimage = \"b\"\ncount = ";
    expect_vm_edge("count = 999" + more + "1", "count = 999" + more + "2");
    EXPECT_EQ(refused(with_vm("count = 999" + more + "2")),
              std::vector<std::string>{"3:1: vms: 1001 VMs, at most 1000 are allowed (lower count)"});
}

TEST(Limits, OfForwardsOfOneVm) {
    const std::string forward = "[[vms.port_forwards]]\nguest = 1\n";
    expect_vm_edge(repeated(256, forward), repeated(257, forward));
    expect_vm_edge("port_forwards = [{ guest = 1, count = 256 }]", "port_forwards = [{ guest = 1, count = 257 }]");
    expect_vm_edge("port_forwards = [{ guest = 1, count = 200 }, { guest = 1, count = 56 }]",
                   "port_forwards = [{ guest = 1, count = 200 }, { guest = 1, count = 57 }]");
}

TEST(Limits, OfNamesHoldAfterExpansion) {
    const auto project = [](std::size_t letters) {
        return "[project]\nname = \"p\"\n[[vms]]\nimage = \"b\"\nname = \"" + std::string(letters, 'a') + "\"\n";
    };
    expect_edge(project(61), project(62));
    expect_edge("version = \"0.1.0\"\n" + project(63), "version = \"0.1.0\"\n" + project(64));
    expect_edge(project(60) + "count = 100", project(60) + "count = 1000");
}

TEST(Limits, OfText) {
    const auto text = [](const std::string& key, std::size_t bytes) {
        return key + " = \"" + std::string(bytes, 'a') + "\"";
    };
    expect_vm_edge(text("description", 4096), text("description", 4097));
    expect_vm_edge(text("overlay", 4096), text("overlay", 4097));
    expect_vm_edge(text("bootstrap.verify_command", 65536), text("bootstrap.verify_command", 65537));
    expect_vm_edge(text("bootstrap.env.A", 65536), text("bootstrap.env.A", 65537));
    expect_vm_edge(text("options.a", 65536), text("options.a", 65537));
    expect_vm_edge("[vms.bootstrap.env]\n" + std::string(256, 'A') + " = ''",
                   "[vms.bootstrap.env]\n" + std::string(257, 'A') + " = ''");
}

TEST(Limits, OfEnvironmentCountThoseOfTheProjectToo) {
    expect_vm_edge("[vms.bootstrap.env]\n" + numbered(256, "A", " = ''\n"),
                   "[vms.bootstrap.env]\n" + numbered(257, "A", " = ''\n"));
    const std::string project = "[bootstrap]\nenv = { Z = '' }\n";
    expect_edge(project + with_vm("[vms.bootstrap.env]\n" + numbered(255, "A", " = ''\n")),
                project + with_vm("[vms.bootstrap.env]\n" + numbered(256, "A", " = ''\n")));
}

TEST(Limits, OfPluginsAndReporters) {
    expect_vm_edge(numbered(64, "[plugins.p", "]\n"), numbered(65, "[plugins.p", "]\n"));
    expect_vm_edge("[plugins]\nsearch = [" + repeated(16, "'a',") + "]\n" + numbered(64, "[plugins.p", "]\n"),
                   "[plugins]\nsearch = [" + repeated(17, "'a',") + "]\n");
    const auto secrets = [](int count) {
        std::string text;
        for (int i = 0; i < count; ++i)
            text += "[[secrets]]\nname = 's" + std::to_string(i) + "'\nfile = 'f'\nplugins = ['p']\n";
        return text;
    };
    expect_vm_edge(secrets(64), secrets(65));
    expect_vm_edge(repeated(16, "[[reporters]]\nplugin = 'a'\n"), repeated(17, "[[reporters]]\nplugin = 'a'\n"));
}

TEST(Limits, OfNestingInFreeTables) {
    const auto nested = [](int depth) { return "options.a = " + repeated(depth, "[") + repeated(depth, "]"); };
    expect_vm_edge(nested(15), nested(16)); // options itself is the first of 16
    expect_vm_edge("[plugins.a]\nconfig" + repeated(16, ".x") + " = 1",
                   "[plugins.a]\nconfig" + repeated(17, ".x") + " = 1");
}

TEST(Limits, OfKeysKeepTheParserFromOverflowingTheStack) {
    expect_edge(with_vm("options.a = \"" + std::string(4000, '.') + "\" # " + std::string(4000, '.')),
                repeated(33, "a.") + "a = 1");
    const auto deep = repeated(300000, "a.") + "a";
    for (const auto& text : {deep + " = 1", "[" + deep + "]", "[[" + deep + "]]", "x = { " + deep + " = 1 }",
                             "x = [{ y = \"\"\"a\"\"\"\", " + deep + " = 1 }]", "x = 'a' # b\n" + deep + " = 1",
                             "x = \"\\\"\"\n" + deep + " = 1", "x = '''\n\\'''\n" + deep + " = 1"}) {
        const auto errors = refused(text);
        ASSERT_EQ(errors.size(), 1U);
        EXPECT_NE(errors[0].find("a key has more than 32 parts (write shorter keys)"), std::string::npos) << errors[0];
    }
}

TEST(Limits, OfTheFile) {
    auto text = with_vm("");
    text.resize(1 << 20, '\n');
    expect_edge(text, text + "\n");
}

} // namespace
} // namespace castra
