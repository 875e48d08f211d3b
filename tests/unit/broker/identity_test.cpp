// SPDX-License-Identifier: Apache-2.0
// Who somebody is follows from where it came in, never from what it says.
#include "router_fixture.hpp"

namespace castra::broker {
namespace {

class RouterIdentity : public RouterTest {
protected:
    std::string refusal(Door door, const std::string& vm, const json& said) {
        Peer peer;
        open(peer, door, vm);
        EXPECT_FALSE(hello(peer, said)) << said;
        EXPECT_TRUE(peer.is_closed);
        EXPECT_EQ(decisions.back().outcome, Decision::Outcome::denied);
        EXPECT_EQ(peer.last()["type"], "error");
        return decisions.back().reason;
    }
};

TEST_F(RouterIdentity, IsGivenByTheChannel) {
    Peer peer;
    guest(peer, "web-0");
    EXPECT_EQ(peer.last()["type"], "welcome");
    EXPECT_EQ(peer.last()["vm"], "web-0");
    EXPECT_EQ(decisions.back().vm, "web-0");
    EXPECT_EQ(decisions.back().incarnation, "boot-1");
    EXPECT_EQ(decisions.back().outcome, Decision::Outcome::granted);
}

TEST_F(RouterIdentity, CannotBeClaimed) {
    router.attach({"web-0", "boot-1", "right"});
    router.attach({"web-1", "boot-1", "other"});
    EXPECT_EQ(refusal(Door::vm_channel, "web-0", {{"role", "guest"}, {"vm", "web-1"}}),
              "it claims to be web-1 on the channel of web-0");
    EXPECT_EQ(refusal(Door::tcp, "", {{"role", "guest"}, {"vm", "web-1"}, {"secret", "right"}}),
              "it claims to be web-1 with the secret of web-0");
    EXPECT_EQ(refusal(Door::tcp, "", {{"role", "guest"}, {"vm", "web-0"}}), "no secret");
    EXPECT_EQ(refusal(Door::tcp, "", {{"role", "guest"}, {"vm", "web-0"}, {"secret", "wrong"}}), "an unknown secret");
    for (const auto door : {Door::tcp, Door::vm_channel})
        EXPECT_EQ(refusal(door, door == Door::tcp ? "" : "web-0", {{"role", "host"}, {"secret", "right"}}),
                  "the host's role is given on the host's own socket only");
    EXPECT_EQ(refusal(Door::host_socket, "", {{"role", "guest"}, {"secret", "right"}}),
              "a guest does not come through the host's socket");
    EXPECT_EQ(refusal(Door::tcp, "", {{"version", 2}, {"role", "guest"}, {"secret", "right"}}),
              "protocol version 2, and this broker speaks 1");
}

TEST_F(RouterIdentity, OfAnEarlierBootIsRefused) {
    router.attach({"web-0", "boot-1", "old"});
    Peer first;
    open(first, Door::tcp);
    ASSERT_TRUE(hello(first, {{"role", "guest"}, {"secret", "old"}}));
    router.attach({"web-0", "boot-2", "new"});
    EXPECT_TRUE(first.is_closed);
    EXPECT_EQ(ends.back().reason, "the VM has ended");
    EXPECT_EQ(refusal(Door::tcp, "", {{"role", "guest"}, {"secret", "old"}}), "the secret of an earlier boot");
    Peer second;
    open(second, Door::tcp);
    EXPECT_TRUE(hello(second, {{"role", "guest"}, {"secret", "new"}}));
    EXPECT_EQ(decisions.back().incarnation, "boot-2");
}

TEST_F(RouterIdentity, OfAVmIsHeldByOneSession) {
    Peer half_open;
    guest(half_open, "web-0");
    Peer again;
    open(again, Door::vm_channel, "web-0");
    ASSERT_TRUE(hello(again, {{"role", "guest"}}));
    EXPECT_TRUE(half_open.is_closed);
    EXPECT_EQ(router.sessions(), 1U);
}

TEST_F(RouterIdentity, IsNeededBeforeAnythingElse) {
    Peer peer;
    open(peer, Door::tcp);
    EXPECT_FALSE(say(peer, {{"type", "publish"}, {"topic", "a"}}));
    EXPECT_EQ(decisions.back().reason, "a session begins with a hello");
}

TEST_F(RouterIdentity, IsNotNeededByAHostThatOnlyLooks) {
    Peer mine, other;
    open(mine, Door::host_socket);
    EXPECT_TRUE(say(mine, {{"type", "status"}}));
    EXPECT_EQ(mine.last()["type"], "status");
    EXPECT_TRUE(decisions.empty());
    open(other, Door::tcp);
    EXPECT_FALSE(say(other, {{"type", "status"}}));
}

TEST_F(RouterIdentity, ThatDoesNotComeInTimeIsATimeout) {
    Peer slow;
    open(slow, Door::tcp);
    now = limits::handshake_ms_max;
    router.tick(now);
    EXPECT_FALSE(slow.is_closed);
    router.tick(now + 1);
    EXPECT_TRUE(slow.is_closed);
    EXPECT_EQ(decisions.back().outcome, Decision::Outcome::timeout);
}

TEST_F(RouterIdentity, OfStrangersIsWaitedForByOnlySoMany) {
    std::vector<Peer> crowd(limits::strangers_max + 1);
    for (std::size_t i = 0; i < limits::strangers_max; ++i)
        open(crowd[i], Door::tcp);
    EXPECT_FALSE(router.open(Door::tcp, "", crowd.back(), "", now));
    Peer own;
    guest(own, "web-0"); // a VM's channel and the host are not kept out by them
    Peer mine;
    host(mine);
    EXPECT_EQ(router.sessions(), 2U);
}

TEST_F(RouterIdentity, IsGivenToSessionsUpToTheLimit) {
    std::vector<Peer> many(static_cast<std::size_t>(settings.sessions_max));
    for (auto& peer : many)
        host(peer);
    EXPECT_EQ(refusal(Door::host_socket, "", {{"role", "host"}}), "there are 8 sessions already");
}

TEST_F(RouterIdentity, IsNotGivenToAGuestThatOnlyComesAndGoes) {
    std::vector<Peer> again(limits::hellos_per_second_max);
    for (auto& peer : again)
        guest(peer, "web-0");
    EXPECT_EQ(refusal(Door::vm_channel, "web-0", {{"role", "guest"}}), "more than 10 sessions within a second");
    Peer other;
    guest(other, "web-1");
    router.tick(now);
    Peer later;
    guest(later, "web-0");
    EXPECT_EQ(router.sessions(), 2U);
}

TEST_F(RouterIdentity, SilentSessionsEnd) {
    Peer peer;
    guest(peer, "web-0");
    now = limits::silence_ms_max;
    say(peer, {{"type", "heartbeat"}});
    EXPECT_EQ(peer.last()["type"], "heartbeat");
    router.tick(now + limits::silence_ms_max);
    EXPECT_FALSE(peer.is_closed);
    router.tick(now + limits::silence_ms_max + 1);
    EXPECT_TRUE(peer.is_closed);
    EXPECT_EQ(ends.size(), 1U);
}

TEST_F(RouterIdentity, ReadinessIsTheGuestsToTell) {
    Peer peer;
    guest(peer, "web-0");
    say(peer, {{"type", "ready"}, {"id", 4}, {"facts", {{"a", 1}}}});
    EXPECT_EQ(readies, std::vector<std::string>{"web-0 boot-1 {\"a\":1}"});
    EXPECT_EQ(peer.last(), (json{{"type", "ack"}, {"id", 4}}));
    Peer mine;
    host(mine);
    say(mine, {{"type", "ready"}});
    EXPECT_EQ(mine.last()["code"], "not_allowed");
    EXPECT_EQ(readies.size(), 1U);
}

TEST_F(RouterIdentity, ShutdownIsAskedOfThoseWhoCan) {
    EXPECT_FALSE(router.ask_shutdown("web-0"));
    Peer able;
    guest(able, "web-0");
    EXPECT_TRUE(router.ask_shutdown("web-0"));
    EXPECT_EQ(able.last()["type"], "shutdown");
    router.attach({"web-1", "boot-1", "x"});
    Peer unable;
    open(unable, Door::vm_channel, "web-1");
    ASSERT_TRUE(hello(unable, {{"role", "guest"}}));
    EXPECT_FALSE(router.ask_shutdown("web-1"));
}

} // namespace
} // namespace castra::broker
