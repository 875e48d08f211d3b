// SPDX-License-Identifier: Apache-2.0
// Any bytes from a guest and from the host, in any pieces: frames, messages, sessions, topics. What the broker sends is
// always a frame, and its books always add up.
#include "broker/router.hpp"

#include <cstdlib>

using namespace castra;
using namespace castra::broker;

namespace {

class Memory final : public Archive {
public:
    void append(const std::string& topic, const std::string& from, std::string payload, Appended done) override {
        auto& records = topics_[topic];
        records.push_back({static_cast<std::int64_t>(records.size()) + 1, from, std::move(payload)});
        done(records.back().seq);
    }
    void replay(const std::string& topic, std::int64_t after, Replayed done) override {
        Replay out;
        for (const auto& record : topics_[topic])
            if (record.seq > after && out.records.size() < 4) out.records.push_back(record);
        out.last_seq = static_cast<std::int64_t>(topics_[topic].size());
        done(out);
    }
    std::vector<TopicFacts> topics() const override { return {}; }
    std::int64_t cursor(const std::string&, const std::string&) const override { return 0; }
    void move_cursor(const std::string&, const std::string&, std::int64_t) override {}

private:
    std::map<std::string, std::vector<Record>> topics_;
};

struct Silent final : Witness {
    void decided(const Decision& decision) override { granted += decision.outcome == Decision::Outcome::granted; }
    void closed(const Closed&) override { ++ended; }
    void ready(const std::string&, const std::string&, const json&) override {}
    std::string new_session_id() override { return "s" + std::to_string(++made); }
    std::size_t granted = 0, ended = 0, made = 0;
};

struct Sent final : Outlet {
    void send(std::string_view body) override {
        if (body.size() > limits::frame_bytes_max || !json::accept(body)) std::abort();
        queued += body.size();
    }
    std::size_t queued_bytes() const override { return queued; }
    void close_when_sent() override { is_closed = true; }
    std::size_t queued = 0;
    bool is_closed = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    Memory archive;
    Silent witness;
    Router router({.queue_bytes_max = 4096}, archive, witness);
    router.attach({"web-0", "boot", "secret"});
    struct One {
        Sent outlet;
        FrameReader reader;
        std::optional<Router::Id> id;
    };
    One peers[3];
    peers[0].id = router.open(Door::host_socket, "", peers[0].outlet, "", 0);
    peers[1].id = router.open(Door::vm_channel, "web-0", peers[1].outlet, "", 0);
    peers[2].id = router.open(Door::tcp, "", peers[2].outlet, "127.0.0.1:1", 0);
    peers[1].reader = FrameReader("castra-sync X");
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    std::int64_t now = 0;
    while (rest.size() > 2) { // who, how many bytes, the bytes
        const auto who = static_cast<unsigned char>(rest[0]);
        const auto count = std::min<std::size_t>(static_cast<unsigned char>(rest[1]) + 1U, rest.size() - 2);
        auto& peer = peers[who % 3U];
        const auto bytes = rest.substr(2, count);
        rest.remove_prefix(2 + count);
        now += who;
        if (peer.outlet.is_closed) continue;
        const auto fed =
            peer.reader.feed(bytes, [&](std::string_view body) { return router.frame(*peer.id, body, now); });
        if (!fed && !peer.outlet.is_closed) router.violated(*peer.id, fed.error().text);
        if (who > 200) peer.outlet.queued = 0, router.drained(*peer.id);
        if (who > 250) router.tick(now);
        if (peer.reader.pending_bytes() > limits::frame_bytes_max + 4) std::abort();
        if (router.sessions() != witness.granted - witness.ended) std::abort();
    }
    return 0;
}
