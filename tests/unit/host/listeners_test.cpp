// SPDX-License-Identifier: Apache-2.0
#include "host/listeners.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace castra {
namespace {

constexpr const char* tcp =
    R"(  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0100007F:1F91 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 2 1
   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3 1
   3: nonsense
)";
constexpr const char* udp = "  sl  local_address rem_address   st\n   0: 0100007F:14E9 00000000:0000 07 0:0\n";

TEST(Listeners, AreThoseThatTheKernelNames) {
    const auto listeners = Listeners::parse(tcp, udp);
    EXPECT_TRUE(listeners.has("127.0.0.1", 8080, "tcp"));
    EXPECT_FALSE(listeners.has("127.0.0.1", 8081, "tcp")) << "a connection";
    EXPECT_FALSE(listeners.has("127.0.0.2", 8080, "tcp"));
    EXPECT_FALSE(listeners.has("127.0.0.1", 8080, "udp"));
    EXPECT_TRUE(listeners.has("127.0.0.1", 22, "tcp")) << "0.0.0.0 is every address";
    EXPECT_TRUE(listeners.has("127.0.0.1", 5353, "udp"));
    EXPECT_FALSE(Listeners::parse("", "").has("127.0.0.1", 22, "tcp"));
}

TEST(Listeners, SeeARealOneComeAndGo) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
    const int port = ntohs(address.sin_port);
    EXPECT_FALSE(Listeners::now().has("127.0.0.1", port, "tcp")) << "bound, not listening";
    ASSERT_EQ(::listen(fd, 1), 0);
    EXPECT_TRUE(Listeners::now().has("127.0.0.1", port, "tcp"));
    ::close(fd);
    EXPECT_FALSE(Listeners::now().has("127.0.0.1", port, "tcp"));
}

} // namespace
} // namespace castra
