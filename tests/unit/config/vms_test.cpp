// SPDX-License-Identifier: Apache-2.0
#include "parsing.hpp"

namespace castra {
namespace {

std::vector<std::string> names(const ProjectConfig& project) {
    std::vector<std::string> out;
    for (const auto& vm : project.vms)
        out.push_back(vm.name);
    return out;
}

TEST(Expansion, NumbersInstancesEvenASingleOne) {
    const auto project = parsed(R"(
[project]
name = "p"
[[vms]]
name = "devbox"
image = "tiny"
[[vms]]
name = "web"
image = "tiny"
count = 3
)");
    EXPECT_EQ(names(project), (std::vector<std::string>{"devbox-0", "web-0", "web-1", "web-2"}));
    EXPECT_EQ(project.vms[3].group, "web");
    EXPECT_EQ(project.vms[3].line, 7);
}

TEST(Expansion, GivesEachInstanceItsOverlay) {
    const auto project = parsed(with_vm("count = 3\noverlay = \"a.d/web.qcow2\""));
    EXPECT_EQ(project.vms[0].overlay, "/p/a.d/web.qcow2");
    EXPECT_EQ(project.vms[1].overlay, "/p/a.d/web-1.qcow2");
    EXPECT_EQ(project.vms[2].overlay, "/p/a.d/web-2.qcow2");
    EXPECT_EQ(parsed(with_vm("count = 2")).vms[1].overlay, "");
}

TEST(Expansion, LetsAnInstanceDiffer) {
    const auto project = parsed(R"(
[project]
name = "p"
[[vms]]
name = "api"
description = "one of many"
base_image = "images/api.qcow2"
overlay = "api.qcow2"
count = 3
options = { display = "none", rng = true }
bootstrap.env = { A = "1", B = "2" }
[vms.boot]
kernel = "vmlinuz"
append = "quiet"
[[vms.port_forwards]]
host = 8080
guest = 80
[[vms.instances]]
id = "api-1"
image = "special"
overlay = "custom.qcow2"
cpus = 4
memory = "4 GiB"
boot.append = "debug"
options.display = "gtk"
bootstrap = { mode = "always", env = { B = "3" } }
ready_marker = "up"
[[vms.instances.port_forwards]]
host = 9000
guest = 90
[[vms.instances]]
name = "2"
port_forwards = []
)");
    ASSERT_EQ(project.vms.size(), 3U);
    const auto& plain = project.vms[0];
    EXPECT_EQ(plain.cpus, 1);
    EXPECT_EQ(plain.port_forwards[0].host, 8080);
    const auto& own = project.vms[1];
    EXPECT_EQ(own.name, "api-1");
    EXPECT_EQ(own.description, "one of many");
    EXPECT_EQ(own.image, "special");
    EXPECT_EQ(own.base_image, "") << "the image replaces it";
    EXPECT_EQ(own.overlay, "/p/custom.qcow2");
    EXPECT_EQ(own.cpus, 4);
    EXPECT_EQ(to_string(own.memory), "4 GiB");
    EXPECT_EQ(own.boot.kernel, "/p/vmlinuz");
    EXPECT_EQ(own.boot.append, "debug");
    EXPECT_EQ(own.launcher_options.dump(), R"({"display":"gtk","rng":true})");
    EXPECT_EQ(own.bootstrap.mode, "always");
    EXPECT_EQ(own.bootstrap.env.at("A").reveal(), "1");
    EXPECT_EQ(own.bootstrap.env.at("B").reveal(), "3");
    EXPECT_EQ(own.ready_marker, "up");
    ASSERT_EQ(own.port_forwards.size(), 1U);
    EXPECT_EQ(own.port_forwards[0].host, 9000) << "as it stands, not moved";
    const auto& last = project.vms[2];
    EXPECT_TRUE(last.port_forwards.empty());
    EXPECT_EQ(last.overlay, "/p/api-2.qcow2");
    EXPECT_EQ(last.bootstrap.env.at("B").reveal(), "2");
}

TEST(Expansion, AcceptsInstancesThatEachBringTheirDisk) {
    const auto project = parsed(R"(
[project]
name = "p"
[[vms]]
name = "a"
count = 2
instances = [{ id = 0, image = "x" }, { id = 1, base_image = "y" }]
)");
    EXPECT_EQ(project.vms[0].image, "x");
    EXPECT_EQ(project.vms[1].base_image, "/p/y");
}

TEST(Expansion, NeedsADiskOnlyForQemu) {
    EXPECT_EQ(parsed("[project]\nname = \"p\"\n[[vms]]\nname = \"a\"\nlauncher = \"process\"").vms.size(), 1U);
    EXPECT_EQ(parsed("[project]\nname = \"p\"\n[[vms]]\nname = \"a\"\nboot.kernel = \"k\"").vms.size(), 1U);
}

TEST(PortForwards, MoveByTheirCountFromInstanceToInstance) {
    const auto project = parsed(with_vm("count = 3\nport_forwards = [{ host = 8000, guest = 80, count = 2 }, "
                                        "{ guest = 22 }, { host = 53, guest = 53, protocol = \"udp\" }]"));
    std::vector<std::string> seen;
    for (const auto& vm : project.vms)
        for (const auto& forward : vm.port_forwards)
            seen.push_back(vm.name + " " + std::to_string(forward.host) + ">" + std::to_string(forward.guest));
    EXPECT_EQ(seen, (std::vector<std::string>{"web-0 8000>80", "web-0 8001>81", "web-0 0>22", "web-0 53>53",
                                              "web-1 8002>80", "web-1 8003>81", "web-1 0>22", "web-1 54>53",
                                              "web-2 8004>80", "web-2 8005>81", "web-2 0>22", "web-2 55>53"}));
    EXPECT_EQ(project.vms[0].port_forwards[0].address, "127.0.0.1");
    EXPECT_EQ(project.vms[0].port_forwards[0].line, 7);
}

TEST(PortForwards, CollideAcrossVmsAndBothLinesAreNamed) {
    EXPECT_EQ(refused(with_vm("[[vms.port_forwards]]\nhost = 80\nguest = 1\n"
                              "[[vms]]\nname = \"db\"\nimage = \"b\"\n[[vms.port_forwards]]\nhost = 80\nguest = 2\n")),
              std::vector<std::string>{
                  "12:1: vms.db-0.port_forwards: host port 127.0.0.1:80/tcp (line 12) is already wanted by web-0 "
                  "(line 6) (change one of them, or write host = 0 for an automatic port)"});
}

TEST(PortForwards, CollideOncePerPairOfEntriesHoweverManyInstances) {
    EXPECT_EQ(
        refused(with_vm("count = 100\nport_forwards = [{ host = 8000, guest = 1 },\n{ host = 8001, guest = 2 }]")),
        std::vector<std::string>{
            "7:18: vms.web-1.port_forwards: host port 127.0.0.1:8001/tcp (line 7) is already wanted by web-0 "
            "(line 8) (change one of them, or write host = 0 for an automatic port)"});
}

// What two forwards want, and whether both can have it.
TEST(PortForwards, CollideOnlyOnOneAddressPortAndProtocol) {
    const auto collide = [](const std::string& a, const std::string& b) {
        return !refused(with_vm("port_forwards = [{ guest = 1, " + a + " },{ guest = 2, " + b + " }]")).empty();
    };
    EXPECT_TRUE(collide("host = 80", "host = 80"));
    EXPECT_FALSE(collide("host = 80", "host = 81"));
    EXPECT_FALSE(collide("host = 80", "host = 80, protocol = \"udp\""));
    EXPECT_FALSE(collide("host = 80", "host = 80, address = \"127.0.0.2\""));
    EXPECT_TRUE(collide("host = 80", "host = 80, address = \"0.0.0.0\""));
    EXPECT_TRUE(collide("host = 80, address = \"0.0.0.0\"", "host = 80, address = \"10.0.0.1\""));
    EXPECT_TRUE(collide("host = 80, address = \"0.0.0.0\"", "host = 80, address = \"0.0.0.0\""));
    EXPECT_FALSE(collide("host = 0", "host = 0"));
    EXPECT_TRUE(collide("host = 80, count = 5", "host = 84"));
}

TEST(PortForwards, CollideWithTheBroker) {
    EXPECT_EQ(
        refused("broker.port = 7070\n" + with_vm("port_forwards = [{ host = 7070, guest = 1 }]")),
        std::vector<std::string>{
            "7:18: vms.web-0.port_forwards: host port 127.0.0.1:7070/tcp (line 7) is already wanted by the broker "
            "(line 1) (change one of them, or write host = 0 for an automatic port)"});
}

TEST(PortForwards, MayNotRunPastTheLastPort) {
    EXPECT_EQ(refused(with_vm("count = 3\nport_forwards = [{ host = 65530, guest = 1, count = 2 }]")).size(), 0U);
    EXPECT_EQ(
        refused(with_vm("count = 4\nport_forwards = [{ host = 65530, guest = 1, count = 2 }]")),
        std::vector<std::string>{"7:18: vms[0].port_forwards[0]: its last host port, for instance 3, would be 65537 "
                                 "(ports end at 65535: lower host or count, or write host = 0 for automatic ports)"});
    EXPECT_EQ(refused(with_vm("port_forwards = [{ guest = 65535, count = 2 }]")),
              std::vector<std::string>{"6:18: vms[0].port_forwards[0]: its last guest port would be 65536 "
                                       "(ports end at 65535: lower guest or count)"});
}

TEST(PortForwards, TakeOnlyIpv4Addresses) {
    const auto takes = [](const std::string& address) {
        return refused(with_vm("port_forwards = [{ guest = 1, address = \"" + address + "\" }]")).empty();
    };
    for (const auto* address : {"0.0.0.0", "127.0.0.1", "255.255.255.255", "10.0.2.15"})
        EXPECT_TRUE(takes(address));
    for (const auto* address : {"", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1..2.3", "1.2.3.4 ", "::1",
                                "1.2.3.-4", "1.2.3.4.", "0x7f.0.0.1"})
        EXPECT_FALSE(takes(address)) << address;
}

} // namespace
} // namespace castra
