// SPDX-License-Identifier: Apache-2.0
// A router with peers that are strings: everything synchronous, time told by the test.
#pragma once
#include "broker/router.hpp"

#include <gtest/gtest.h>

namespace castra::broker {

class MemoryArchive final : public Archive {
public:
    void append(const std::string& topic, const std::string& from, std::string payload, Appended done) override {
        if (is_full) return done(fail(ErrorCode::io, "no space left"));
        auto& records = topics_[topic];
        records.push_back({static_cast<std::int64_t>(records.size()) + 1, from, std::move(payload)});
        done(records.back().seq);
    }
    void replay(const std::string& topic, std::int64_t after, Replayed done) override {
        Replay out;
        for (const auto& record : topics_[topic])
            if (record.seq > after && out.records.size() < 2) out.records.push_back(record); // small chunks
        out.last_seq = static_cast<std::int64_t>(topics_[topic].size());
        done(out);
    }
    std::vector<TopicFacts> topics() const override { return {}; }
    std::int64_t cursor(const std::string& reader, const std::string& topic) const override {
        const auto found = cursors.find(reader + " " + topic);
        return found == cursors.end() ? 0 : found->second;
    }
    void move_cursor(const std::string& reader, const std::string& topic, std::int64_t seq) override {
        cursors[reader + " " + topic] = seq;
    }
    std::map<std::string, std::int64_t> cursors;
    bool is_full = false;

private:
    std::map<std::string, std::vector<Record>> topics_;
};

struct Peer final : Outlet {
    Router::Id id = 0;
    std::vector<json> got;
    std::size_t stuck_bytes = 0; // as if it did not read
    bool is_slow = false, is_closed = false;
    void send(std::string_view body) override {
        got.push_back(json::parse(body));
        if (is_slow) stuck_bytes += body.size();
    }
    std::size_t queued_bytes() const override { return stuck_bytes; }
    void close_when_sent() override { is_closed = true; }
    json last() const { return got.empty() ? json() : got.back(); }
    std::vector<json> delivered(const std::string& topic = {}) const {
        std::vector<json> out;
        for (const auto& one : got)
            if (one["type"] == "deliver" && (topic.empty() || one["topic"] == topic)) out.push_back(one["payload"]);
        return out;
    }
};

class RouterTest : public ::testing::Test, protected Witness {
protected:
    void decided(const Decision& decision) override { decisions.push_back(decision); }
    void closed(const Closed& closed) override { ends.push_back(closed); }
    void ready(const std::string& vm, const std::string& incarnation, const json& facts) override {
        readies.push_back(vm + " " + incarnation + " " + facts.dump());
    }
    std::string new_session_id() override { return "session-" + std::to_string(++sessions_made); }

    void open(Peer& peer, Door door, const std::string& vm = {}) {
        const auto id = router.open(door, vm, peer, "", now);
        ASSERT_TRUE(id);
        peer.id = *id;
    }
    bool say(Peer& peer, const json& frame) { return router.frame(peer.id, frame.dump(), now); }
    bool hello(Peer& peer, const json& more) {
        json frame{{"type", "hello"}, {"version", 1}};
        frame.update(more);
        return say(peer, frame);
    }
    void host(Peer& peer) {
        open(peer, Door::host_socket);
        ASSERT_TRUE(hello(peer, {{"role", "host"}}));
    }
    void guest(Peer& peer, const std::string& vm) {
        router.attach({vm, "boot-1", "secret-of-" + vm});
        open(peer, Door::vm_channel, vm);
        ASSERT_TRUE(hello(peer, {{"role", "guest"}, {"capabilities", {"shutdown"}}}));
    }

    std::vector<Decision> decisions;
    std::vector<Closed> ends;
    std::vector<std::string> readies;
    int sessions_made = 0;
    std::int64_t now = 0;
    Settings settings{.sessions_max = 8, .queue_bytes_max = 1000};
    MemoryArchive archive;
    Router router{settings, archive, *this};
};

} // namespace castra::broker
