// SPDX-License-Identifier: Apache-2.0
#include "router_fixture.hpp"

namespace castra::broker {
namespace {

using Payloads = std::vector<json>;

class RouterDelivery : public RouterTest {
protected:
    void SetUp() override {
        host(mine);
        guest(web, "web-0");
        guest(db, "db-0");
        for (auto* peer : {&mine, &web, &db})
            for (const auto* topic : {"news", "durable/news", "durable/vm/*"})
                say(*peer, {{"type", "subscribe"}, {"topic", topic}});
    }
    void publish(Peer& from, const std::string& topic, const json& payload, const std::string& to = {}) {
        json frame{{"type", "publish"}, {"id", 9}, {"topic", topic}, {"payload", payload}};
        if (!to.empty()) frame["to"] = to;
        say(from, frame);
    }
    std::string error_of(const Peer& peer) {
        for (auto one = peer.got.rbegin(); one != peer.got.rend(); ++one)
            if ((*one)["type"] == "error") return (*one)["code"].get<std::string>();
        return {};
    }
    Peer mine, web, db;
};

TEST_F(RouterDelivery, GoesToWhomItIsMeantFor) {
    publish(mine, "news", 1);
    publish(mine, "news", 2, "vm:web-0");
    publish(web, "news", 3);
    publish(mine, "news", 4, "vm:eb-0");
    EXPECT_EQ(mine.delivered(), (Payloads{1, 3}));
    EXPECT_EQ(web.delivered(), (Payloads{1, 2}));
    EXPECT_EQ(db.delivered(), (Payloads{1}));
    EXPECT_EQ(web.got.back(), (json{{"type", "ack"}, {"id", 9}}));
}

TEST_F(RouterDelivery, SaysTrulyWhoItIsFrom) {
    publish(web, "news", 1);
    EXPECT_EQ(mine.last()["from"], "vm:web-0");
}

TEST_F(RouterDelivery, BetweenGuestsIsRefused) {
    for (const auto* to : {"all", "vm:db-0"}) {
        publish(web, "news", 1, to);
        EXPECT_EQ(web.last()["code"], "not_allowed");
    }
    EXPECT_TRUE(db.delivered().empty());
}

TEST_F(RouterDelivery, EndsWithUnsubscribe) {
    say(web, {{"type", "unsubscribe"}, {"topic", "news"}});
    publish(mine, "news", 1);
    EXPECT_TRUE(web.delivered().empty());
    EXPECT_EQ(db.delivered(), (Payloads{1}));
}

TEST_F(RouterDelivery, OfDurableTopicsHasNumbersAndAnAckThatSaysTheOne) {
    publish(mine, "durable/news", "a");
    publish(mine, "durable/news", "b");
    EXPECT_EQ(db.last()["seq"], 2);
    const auto ack = std::ranges::find(mine.got, json{{"type", "ack"}, {"id", 9}, {"seq", 2}});
    EXPECT_NE(ack, mine.got.end());
}

TEST_F(RouterDelivery, IsReplayedFromACursor) {
    for (int i = 1; i <= 5; ++i)
        publish(mine, "durable/news", i);
    publish(mine, "durable/news", 6, "vm:db-0");
    Peer late;
    host(late);
    say(late, {{"type", "subscribe"}, {"topic", "durable/news"}, {"after", 2}});
    EXPECT_EQ(late.delivered(), (Payloads{3, 4, 5})); // not what was meant for db-0
    publish(mine, "durable/news", 7);
    EXPECT_EQ(late.delivered(), (Payloads{3, 4, 5, 7}));
}

TEST_F(RouterDelivery, GoesOnWhereAReaderStopped) {
    for (int i = 1; i <= 4; ++i)
        publish(mine, "durable/news", i);
    {
        Peer reader;
        host(reader);
        say(reader, {{"type", "subscribe"}, {"topic", "durable/news"}, {"cursor", "me"}});
        EXPECT_EQ(reader.delivered().size(), 4U);
        say(reader, {{"type", "ack"}, {"topic", "durable/news"}, {"seq", 3}});
        say(reader, {{"type", "ack"}, {"topic", "durable/news"}, {"seq", 99}}); // never delivered: not believed
        router.gone(reader.id, "gone");
    }
    Peer again;
    host(again);
    say(again, {{"type", "subscribe"}, {"topic", "durable/news"}, {"cursor", "me"}});
    EXPECT_EQ(again.delivered(), (Payloads{4}));
    say(web, {{"type", "subscribe"}, {"topic", "durable/news"}, {"cursor", "me"}}); // another's name is its own
    EXPECT_EQ(web.delivered("durable/news").size(), 8U);
}

TEST_F(RouterDelivery, ThatCannotBeKeptIsNotAcknowledged) {
    archive.is_full = true;
    publish(mine, "durable/news", 1);
    EXPECT_EQ(mine.last()["code"], "not_kept");
    EXPECT_TRUE(web.delivered().empty());
}

TEST_F(RouterDelivery, OfGuestsIsKeptBelowTheirOwnName) {
    publish(web, "durable/news", 1);
    EXPECT_EQ(error_of(web), "not_allowed");
    publish(web, "durable/vm/db-0/log", 1);
    EXPECT_TRUE(mine.delivered().empty());
    publish(web, "durable/vm/web-0/log", 1);
    EXPECT_EQ(mine.delivered(), (Payloads{1}));
    for (std::size_t i = 1; i < limits::topics_of_guest_max; ++i)
        publish(web, "durable/vm/web-0/log" + std::to_string(i), 1);
    EXPECT_EQ(mine.delivered().size(), limits::topics_of_guest_max);
    publish(web, "durable/vm/web-0/one-more", 1);
    EXPECT_EQ(web.last()["code"], "not_allowed");
}

TEST_F(RouterDelivery, LetsGoOfASlowReaderOfLiveTopicsOnly) {
    web.is_slow = true;
    for (int i = 0; i < 100; ++i)
        publish(mine, "news", std::string(50, 'x'));
    EXPECT_TRUE(web.is_closed);
    EXPECT_NE(ends.back().reason.find("1000 bytes wait"), std::string::npos);
    EXPECT_EQ(db.delivered().size(), 100U);
    EXPECT_LE(web.stuck_bytes, 1000U + 200U);
}

TEST_F(RouterDelivery, SendsASlowReaderOfADurableTopicToTheDisk) {
    web.is_slow = true;
    for (int i = 0; i < 100; ++i)
        publish(mine, "durable/news", i);
    EXPECT_FALSE(web.is_closed);
    EXPECT_LE(web.stuck_bytes, 1000U);
    const auto before = web.delivered().size();
    EXPECT_LT(before, 100U);
    while (web.delivered().size() < 100U) { // it reads
        web.stuck_bytes = 0;
        const auto had = web.delivered().size();
        router.drained(web.id);
        ASSERT_GT(web.delivered().size(), had);
    }
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(web.delivered()[static_cast<std::size_t>(i)], i);
}

TEST_F(RouterDelivery, HoldsTheLimitOfSubscriptions) {
    for (std::size_t i = web.got.size(), n = 3; n < limits::subscriptions_max; ++n, ++i)
        say(web, {{"type", "subscribe"}, {"topic", "t" + std::to_string(n)}});
    EXPECT_EQ(web.last()["type"], "ack");
    say(web, {{"type", "subscribe"}, {"topic", "one-more"}});
    EXPECT_EQ(web.last()["code"], "not_allowed");
}

TEST_F(RouterDelivery, NeverMakesAFrameThatIsTooLong) {
    std::string numbers = "[1e9"; // three bytes here, fourteen when written out
    while (numbers.size() < 60000)
        numbers += ",9e9";
    const auto body = R"({"type":"publish","topic":"news","payload":)" + numbers + "]}";
    router.frame(mine.id, body, now);
    EXPECT_EQ(mine.last()["code"], "too_long");
    EXPECT_TRUE(web.delivered().empty());
}

TEST_F(RouterDelivery, OnlyTheHostMayAskForTheState) {
    say(web, {{"type", "status"}});
    EXPECT_EQ(web.last()["code"], "not_allowed");
    say(mine, {{"type", "status"}});
    EXPECT_EQ(mine.last()["sessions"].size(), 3U);
}

TEST_F(RouterDelivery, TellsAsManyFramesAsAListNeeds) {
    std::vector<Peer> crowd(700);
    Peer looks;
    Router many(Settings(), archive, *this);
    for (auto& peer : crowd) {
        const auto id = many.open(Door::host_socket, "", peer, "", now);
        ASSERT_TRUE(id && many.frame(*id, R"({"type":"hello","version":1,"role":"host"})", now));
    }
    const auto id = many.open(Door::host_socket, "", looks, "", now);
    ASSERT_TRUE(id && many.frame(*id, R"({"type":"status"})", now));
    ASSERT_GT(looks.got.size(), 1U);
    std::set<std::string> names;
    for (const auto& part : looks.got) {
        EXPECT_EQ(part["type"], "status");
        EXPECT_LE(part.dump().size(), limits::frame_bytes_max);
        EXPECT_EQ(part.contains("more"), &part != &looks.got.back());
        for (const auto& session : part["sessions"])
            names.insert(session["session"]);
    }
    EXPECT_EQ(names.size(), crowd.size());
}

TEST_F(RouterDelivery, LetsGoOfWhoAsksAndReadsNoAnswer) {
    mine.is_slow = true;
    mine.stuck_bytes = static_cast<std::size_t>(settings.queue_bytes_max) + 1;
    EXPECT_FALSE(say(mine, {{"type", "status"}}));
    EXPECT_EQ(mine.last()["code"], "too_slow");
    EXPECT_TRUE(mine.is_closed);
}

} // namespace
} // namespace castra::broker
