// SPDX-License-Identifier: Apache-2.0
// Router: publish, subscribe, deliver, acknowledge.
#include "broker/router.hpp"

#include <algorithm>

namespace castra::broker {
namespace {

constexpr std::size_t payload_bytes_max = limits::frame_bytes_max - 512; // what is delivered around it fits too

} // namespace

bool Router::request(Id id, Session& session, Message message, std::int64_t now_ms) {
    using Type = Message::Type;
    switch (message.type) {
    case Type::hello:
        end(id, "protocol", "a second hello");
        return false;
    case Type::heartbeat:
        session.outlet->send(R"({"type":"heartbeat"})");
        return true;
    case Type::publish:
        publish(id, session, std::move(message));
        return true;
    case Type::subscribe:
        subscribe(id, session, message);
        return true;
    case Type::unsubscribe: {
        Session only;
        only.subscriptions[message.topic] = {};
        unindex(id, only);
        session.subscriptions.erase(message.topic);
        session.outlet->send(ack_body(message.id));
        return true;
    }
    case Type::ack:
        acknowledge(session, message);
        return true;
    case Type::ready:
        if (session.is_host) {
            session.outlet->send(error_body(message.id, "not_allowed", "only a guest becomes ready", false));
            return true;
        }
        if (!std::exchange(session.is_ready, true)) witness_.ready(session.vm, session.incarnation, message.payload);
        session.outlet->send(ack_body(message.id));
        return true;
    case Type::status:
    case Type::topics:
        break;
    }
    if (!session.is_host) {
        session.outlet->send(error_body(message.id, "not_allowed", "only the host may ask this", false));
        return true;
    }
    if (message.type == Type::status) {
        tell_list(session, "status", "sessions", session_list(now_ms));
        return true;
    }
    auto topics = json::array();
    for (const auto& facts : archive_.topics())
        topics.push_back({{"topic", facts.topic},
                          {"first_seq", facts.first_seq},
                          {"last_seq", facts.last_seq},
                          {"bytes", facts.bytes}});
    tell_list(session, "topics", "topics", topics);
    return true;
}

std::optional<std::string> Router::publish_refusal(const Session& session, const Message& message) const {
    if (session.publishes_open >= limits::publishes_open_max)
        return std::to_string(limits::publishes_open_max) + " publishes wait for their ack already";
    if (session.is_host) return std::nullopt;
    if (message.to != "" && message.to != "host") return "a guest may publish to the host only";
    if (!is_durable(message.topic)) return std::nullopt;
    const auto own = "durable/vm/" + session.vm + "/";
    if (!message.topic.starts_with(own)) return "durable topics of a guest begin with " + own;
    const auto made = topics_of_vm_.find(session.vm);
    if (made != topics_of_vm_.end() && !made->second.contains(message.topic) &&
        made->second.size() >= limits::topics_of_guest_max)
        return "a guest may have " + std::to_string(limits::topics_of_guest_max) + " durable topics";
    return std::nullopt;
}

void Router::publish(Id id, Session& session, Message message) {
    if (const auto why = publish_refusal(session, message)) {
        session.outlet->send(error_body(message.id, "not_allowed", *why, false));
        return;
    }
    auto payload = message.payload.dump(-1, ' ', false, json::error_handler_t::replace);
    if (payload.size() > payload_bytes_max) {
        session.outlet->send(error_body(message.id, "too_long",
                                        "the payload has " + std::to_string(payload.size()) + " bytes, and at most " +
                                            std::to_string(payload_bytes_max) + " are allowed",
                                        false));
        return;
    }
    const auto from = session.is_host ? std::string("host") : "vm:" + session.vm;
    const auto to = message.to.empty() ? (session.is_host ? "all" : "host") : message.to;
    if (!is_durable(message.topic)) {
        deliver(message.topic, from, to, 0, payload);
        session.outlet->send(ack_body(message.id));
        return;
    }
    if (!session.is_host) topics_of_vm_[session.vm].insert(message.topic);
    ++session.publishes_open;
    archive_.append(
        message.topic, from + ">" + to, payload,
        [this, id, request = message.id, topic = message.topic, from, to, payload](const Result<std::int64_t>& seq) {
            const auto found = connections_.find(id); // it may be gone by now
            if (found != connections_.end()) {
                --found->second.publishes_open;
                found->second.outlet->send(seq ? ack_body(request, *seq)
                                               : error_body(request, "not_kept", seq.error().text, false));
            }
            if (seq) deliver(topic, from, to, *seq, payload);
            for (const auto slow : std::exchange(doomed_, {}))
                end(slow, "too_slow", "more than " + std::to_string(settings_.queue_bytes_max) + " bytes wait for it");
        });
}

bool Router::is_meant(const Session& session, const std::string& to) const {
    if (to == "all") return true;
    if (to == "host") return session.is_host;
    return !session.is_host && to.size() == session.vm.size() + 3 && to.ends_with(session.vm);
}

void Router::deliver(const std::string& topic, const std::string& from, const std::string& to, std::int64_t seq,
                     const std::string& payload) {
    std::string body; // made once, when somebody listens
    const auto hand_out = [&](const std::string& key, const std::set<Id>& listeners) {
        for (const auto id : listeners) {
            auto& session = connections_.at(id);
            if (!is_meant(session, to)) continue;
            if (body.empty()) body = deliver_body(topic, from, seq, payload);
            deliver_to(id, session, key, topic, seq, body);
        }
    };
    if (const auto at = exact_.find(topic); at != exact_.end()) hand_out(topic, at->second);
    for (const auto& [pattern, listeners] : patterns_)
        if (topic_matches(pattern, topic)) hand_out(pattern, listeners);
}

// A live topic's slow reader is let go; a durable one's is sent to read from disk and loses nothing.
void Router::deliver_to(Id id, Session& session, const std::string& key, const std::string& topic, std::int64_t seq,
                        const std::string& body) {
    auto& subscription = session.subscriptions.at(key);
    if (subscription.catches_up) return;
    const bool is_full =
        session.outlet->queued_bytes() + body.size() > static_cast<std::size_t>(settings_.queue_bytes_max);
    if (is_full && seq > 0 && key == topic) {
        subscription.catches_up = true; // drained() goes on
        return;
    }
    if (is_full) {
        if (std::ranges::find(doomed_, id) == doomed_.end()) doomed_.push_back(id);
        return;
    }
    if (seq > 0 && key == topic) {
        if (seq <= subscription.sent) return;
        subscription.sent = seq;
    }
    session.outlet->send(body);
}

void Router::subscribe(Id id, Session& session, const Message& message) {
    const bool is_pattern = message.topic.ends_with('*');
    if (!session.subscriptions.contains(message.topic) && session.subscriptions.size() >= limits::subscriptions_max) {
        session.outlet->send(
            error_body(message.id, "not_allowed",
                       "a session may have " + std::to_string(limits::subscriptions_max) + " subscriptions", false));
        return;
    }
    const bool wants_past = message.after || !message.cursor.empty();
    if (wants_past && (is_pattern || !is_durable(message.topic))) {
        session.outlet->send(
            error_body(message.id, "not_kept", "only a single topic below durable/ can be read from a cursor", false));
        return;
    }
    auto& subscription = session.subscriptions[message.topic];
    (is_pattern ? patterns_[message.topic] : exact_[message.topic]).insert(id);
    subscription = {};
    subscription.is_durable = is_durable(message.topic);
    // The same name means another reader for each VM, and for the host.
    if (!message.cursor.empty()) subscription.cursor = (session.is_host ? "host" : session.vm) + ":" + message.cursor;
    session.outlet->send(ack_body(message.id));
    if (!wants_past) return;
    subscription.sent = message.after ? *message.after : archive_.cursor(subscription.cursor, message.topic);
    subscription.catches_up = true;
    follow(id, session, message.topic, message.topic);
}

void Router::follow(Id id, Session& session, const std::string& key, const std::string& topic) {
    auto& subscription = session.subscriptions.at(key);
    if (subscription.is_reading) return;
    subscription.is_reading = true;
    archive_.replay(topic, subscription.sent, [this, id, key, topic](const Result<Replay>& replay) {
        if (replay)
            replayed(id, key, topic, *replay);
        else if (connections_.contains(id))
            end(id, "not_kept", replay.error().text);
    });
}

void Router::replayed(Id id, const std::string& key, const std::string& topic, const Replay& replay) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    auto& session = found->second;
    const auto at = session.subscriptions.find(key);
    if (at == session.subscriptions.end()) return;
    auto& subscription = at->second;
    subscription.is_reading = false;
    subscription.sent = std::min(subscription.sent, replay.last_seq); // a cursor from before the topic was removed
    for (const auto& record : replay.records) {
        if (record.seq <= subscription.sent) continue;
        subscription.sent = record.seq;
        const auto arrow = record.from.find('>');
        const auto from = record.from.substr(0, arrow);
        const auto to = arrow == std::string::npos ? "all" : record.from.substr(arrow + 1);
        if (is_meant(session, to)) session.outlet->send(deliver_body(topic, from, record.seq, record.payload));
    }
    // Answers come in order: what is appended later is told later, so from the topic's end on it can come live.
    if (subscription.sent >= replay.last_seq || replay.records.empty())
        subscription.catches_up = false;
    else
        drained(id);
}

void Router::drained(Id id) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    auto& session = found->second;
    if (session.outlet->queued_bytes() * 2 > static_cast<std::size_t>(settings_.queue_bytes_max)) return;
    for (auto& [key, subscription] : session.subscriptions)
        if (subscription.catches_up) follow(id, session, key, key);
}

void Router::acknowledge(Session& session, const Message& message) {
    const auto found = session.subscriptions.find(message.topic);
    if (found == session.subscriptions.end() || found->second.cursor.empty()) return;
    if (message.seq <= found->second.sent) archive_.move_cursor(found->second.cursor, message.topic, message.seq);
}

} // namespace castra::broker
