// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/host_key.hpp"

#include <gtest/gtest.h>

namespace castra {
namespace {

std::string marker(const std::string& key) {
    return R"(CASTRA-READY {"hostname":"web","ssh_host_key":")" + key + "\"}";
}

TEST(HostKey, IsWhatTheGuestToldWithItsMarker) {
    EXPECT_EQ(host_key_in(marker("ssh-ed25519 AAAAC3Nz+/=")), "ssh-ed25519 AAAAC3Nz+/=");
}

TEST(HostKey, IsNoneWhenTheMarkerTellsNothingThatIsAKey) {
    for (const auto& line :
         {std::string("CASTRA-READY"), std::string("CASTRA-READY {"), std::string("{\"ssh_host_key\": 7}"), marker(""),
          marker("ssh-ed25519"), marker("ssh-ed25519 AAAA comment"), marker("ssh-ed25519 AA\\nevil ssh-rsa BB"),
          marker("* ssh-ed25519 AAAA"), marker("ssh-ed25519 " + std::string(3000, 'A'))})
        EXPECT_FALSE(host_key_in(line)) << line;
}

TEST(KnownHosts, HasALineForEachForwardToTheSshServer) {
    EXPECT_EQ(known_hosts_lines("ssh-ed25519 AA", {{"127.0.0.1", 2222, 22, "tcp"},
                                                   {"127.0.0.1", 8080, 80, "tcp"},
                                                   {"0.0.0.0", 22, 22, "tcp"},
                                                   {"127.0.0.1", 2223, 22, "udp"}}),
              "[127.0.0.1]:2222 ssh-ed25519 AA\n127.0.0.1 ssh-ed25519 AA\n");
}

} // namespace
} // namespace castra
