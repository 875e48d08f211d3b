// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/port_query.hpp"

#include <gtest/gtest.h>

namespace castra {
namespace {

// As launcher-qemu plans it, and as QEMU 7.2 answers: a line of JSON, its line ends escaped.
constexpr const char* row = R"((TCP|UDP)\[HOST_FORWARD\]\s+\d+\s+(\*|[0-9.]+)\s+(\d+)\s+[0-9.]+\s+(\d+))";
constexpr const char* hostfwd_answer =
    R"({"return": "Hub -1 (net0):\r\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n  TCP[ESTABLISHED]   33       127.0.0.1 40000       10.0.2.15    22     0     0\r\n  TCP[HOST_FORWARD]  12       127.0.0.1 25581       10.0.2.15    22     0     0\r\n  UDP[HOST_FORWARD]  13               *  5353       10.0.2.15    53     0     0\r\n"})";

TEST(PortQuery, NamesTheForwardsOfTheAnswerAndNothingElse) {
    const auto ports = ports_in(hostfwd_answer, row);
    ASSERT_TRUE(ports);
    ASSERT_EQ(ports->size(), 2U) << "a connection is no forward";
    EXPECT_EQ(ports->at(0).address, "127.0.0.1");
    EXPECT_EQ(ports->at(0).host, 25581);
    EXPECT_EQ(ports->at(0).guest, 22);
    EXPECT_EQ(ports->at(0).protocol, "tcp");
    EXPECT_EQ(ports->at(1).address, "0.0.0.0");
    EXPECT_EQ(ports->at(1).protocol, "udp");
}

TEST(PortQuery, LeavesOutWhatIsNoPort) {
    EXPECT_TRUE(ports_in("", row)->empty());
    EXPECT_TRUE(ports_in("TCP[HOST_FORWARD]  12  127.0.0.1 99999  10.0.2.15  22", row)->empty());
    EXPECT_TRUE(ports_in("TCP[HOST_FORWARD]  12  127.0.0.1 0  10.0.2.15  22", row)->empty());
}

TEST(PortQuery, RefusesAnExpressionThatIsNone) {
    EXPECT_EQ(ports_in(hostfwd_answer, "(").error().code, ErrorCode::protocol);
    EXPECT_EQ(ports_in(hostfwd_answer, "(TCP)").error().code, ErrorCode::protocol);
}

TEST(PortQuery, KeepsALimit) {
    std::string many;
    for (int i = 0; i < 5000; ++i)
        many += "TCP[HOST_FORWARD]  12  127.0.0.1 80  10.0.2.15  22\\r\\n";
    EXPECT_EQ(ports_in(many, row)->size(), live_ports_max);
}

} // namespace
} // namespace castra
