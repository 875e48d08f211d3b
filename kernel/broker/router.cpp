// SPDX-License-Identifier: Apache-2.0
// Router: connections, hellos, ends. What sessions say to each other is in router_topics.cpp.
#include "broker/router.hpp"

#include <algorithm>

namespace castra::broker {
namespace {

// Takes as long for a wrong secret as for a right one.
bool same_secret(const std::string& a, const std::string& b) {
    if (a.size() != b.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        difference |= static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
    return difference == 0;
}

} // namespace

Router::Router(Settings settings, Archive& archive, Witness& witness)
    : settings_(settings), archive_(archive), witness_(witness) {
    for (const auto& facts : archive_.topics()) // durable/vm/NAME/...
        if (facts.topic.starts_with("durable/vm/")) {
            const auto vm = facts.topic.substr(11, facts.topic.find('/', 11) - 11);
            topics_of_vm_[vm].insert(facts.topic);
        }
}

void Router::attach(Guest guest) {
    const auto known = guests_.find(guest.vm);
    if (known != guests_.end() && known->second.incarnation == guest.incarnation) return;
    detach(guest.vm);
    guests_[guest.vm] = std::move(guest);
}

void Router::detach(const std::string& vm) {
    const auto known = guests_.find(vm);
    if (known == guests_.end()) return;
    old_secrets_.push_back(known->second.secret);
    if (old_secrets_.size() > limits::old_secrets_max) old_secrets_.pop_front();
    guests_.erase(known);
    std::vector<Id> theirs;
    for (const auto& [id, session] : connections_)
        if (!session.is_host && session.vm == vm) theirs.push_back(id);
    for (const auto id : theirs)
        end(id, "detached", "the VM has ended");
}

bool Router::ask_shutdown(const std::string& vm) {
    bool asked = false;
    for (auto& [id, session] : connections_) {
        if (session.name.empty() || session.is_host || session.vm != vm) continue;
        if (std::ranges::find(session.capabilities, "shutdown") == session.capabilities.end()) continue;
        session.outlet->send(R"({"type":"shutdown"})");
        asked = true;
    }
    return asked;
}

std::optional<Router::Id> Router::open(Door door, std::string vm, Outlet& outlet, std::string remote_addr,
                                       std::int64_t now_ms) {
    auto& strangers = strangers_[door];
    if (door != Door::vm_channel && strangers >= limits::strangers_max) return std::nullopt;
    ++strangers;
    Session session;
    session.door = door;
    session.vm = std::move(vm);
    session.outlet = &outlet;
    session.remote_addr = std::move(remote_addr);
    session.opened_ms = session.heard_ms = now_ms;
    connections_.emplace(++last_id_, std::move(session));
    return last_id_;
}

bool Router::frame(Id id, std::string_view body, std::int64_t now_ms) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return false;
    auto& session = found->second;
    auto message = decode(body);
    if (!message) {
        end(id, "protocol", message.error().text);
        return false;
    }
    session.heard_ms = now_ms;
    // Who asks and asks and reads no answer.
    if (session.outlet->queued_bytes() > static_cast<std::size_t>(settings_.queue_bytes_max)) {
        end(id, "too_slow", "more than " + std::to_string(settings_.queue_bytes_max) + " bytes wait for it");
        return false;
    }
    if (session.name.empty()) return hello(id, session, *message, now_ms);
    const bool goes_on = request(id, session, std::move(*message), now_ms);
    for (const auto slow : std::exchange(doomed_, {}))
        end(slow, "too_slow", "more than " + std::to_string(settings_.queue_bytes_max) + " bytes wait for it");
    return goes_on && connections_.contains(id);
}

bool Router::hello(Id id, Session& session, const Message& message, std::int64_t now_ms) {
    if (message.type == Message::Type::status && session.door == Door::host_socket) {
        tell_list(session, "status", "sessions", session_list(now_ms));
        return true;
    }
    if (message.type != Message::Type::hello) {
        end(id, "protocol", "a session begins with a hello");
        return false;
    }
    session.capabilities = message.capabilities;
    session.is_host = session.door == Door::host_socket;
    auto why = refusal(session, message);
    if (!why && comes_too_often(session))
        why = "more than " + std::to_string(limits::hellos_per_second_max) + " sessions within a second";
    if (why) {
        if (session.vm.empty()) session.vm = message.vm; // whom it claimed to be, for the event
        end(id, "denied", *why);
        return false;
    }
    welcome(id, session, message, now_ms);
    return true;
}

// Each session is told twice, so a guest that only comes and goes would fill the journal.
bool Router::comes_too_often(const Session& session) {
    return !session.is_host && ++hellos_[session.vm] > limits::hellos_per_second_max;
}

// Why not; on the way, over TCP, who it is.
std::optional<std::string> Router::refusal(Session& session, const Message& message) const {
    if (message.version != protocol_version)
        return "protocol version " + std::to_string(message.version) + ", and this broker speaks " +
               std::to_string(protocol_version);
    if (message.is_host && session.door != Door::host_socket)
        return "the host's role is given on the host's own socket only";
    if (!message.is_host && session.door == Door::host_socket) return "a guest does not come through the host's socket";
    if (sessions_ >= static_cast<std::size_t>(settings_.sessions_max))
        return "there are " + std::to_string(settings_.sessions_max) + " sessions already";
    if (session.is_host) return std::nullopt;
    if (session.door == Door::vm_channel) {
        if (!message.vm.empty() && message.vm != session.vm)
            return "it claims to be " + message.vm + " on the channel of " + session.vm;
        if (!guests_.contains(session.vm)) return "the VM has ended";
        return std::nullopt;
    }
    if (message.secret.empty()) return "no secret";
    for (const auto& [vm, guest] : guests_) {
        if (guest.secret.empty() || !same_secret(guest.secret, message.secret)) continue;
        if (!message.vm.empty() && message.vm != vm)
            return "it claims to be " + message.vm + " with the secret of " + vm;
        session.vm = vm;
        return std::nullopt;
    }
    for (const auto& old : old_secrets_)
        if (same_secret(old, message.secret)) return "the secret of an earlier boot";
    return "an unknown secret";
}

void Router::welcome(Id id, Session& session, const Message& message, std::int64_t now_ms) {
    // One guest session a VM: a newer one takes over, so a half-open predecessor holds nothing.
    std::vector<Id> before;
    if (!session.is_host) {
        session.incarnation = guests_.at(session.vm).incarnation;
        for (const auto& [other, held] : connections_)
            if (other != id && !held.name.empty() && !held.is_host && held.vm == session.vm) before.push_back(other);
    }
    for (const auto other : before)
        end(other, "replaced", "a newer session of the same VM");
    --strangers_[session.door];
    ++sessions_;
    session.name = witness_.new_session_id();
    session.welcomed_ms = now_ms;
    Decision decision{Decision::Outcome::granted, session.name,    session.vm,          session.incarnation, "",
                      session.remote_addr,        session.is_host, message.capabilities};
    witness_.decided(decision);
    session.outlet->send(welcome_body(session.name, session.vm, session.incarnation));
}

void Router::violated(Id id, const std::string& why) {
    if (connections_.contains(id)) end(id, "protocol", why);
}

void Router::gone(Id id, const std::string& why) {
    if (connections_.contains(id)) forget(id, why);
}

void Router::tick(std::int64_t now_ms) {
    hellos_.clear();
    std::vector<Id> silent;
    std::vector<Id> late;
    for (const auto& [id, session] : connections_) {
        if (!session.name.empty() && now_ms - session.heard_ms > limits::silence_ms_max) silent.push_back(id);
        // A VM's own channel may stay quiet for as long as its guest boots; nobody else can be there.
        if (session.name.empty() && session.door != Door::vm_channel &&
            now_ms - session.opened_ms > limits::handshake_ms_max)
            late.push_back(id);
    }
    for (const auto id : silent)
        end(id, "timeout", "silent for more than " + std::to_string(limits::silence_ms_max) + " ms");
    for (const auto id : late)
        end(id, "timeout", "no hello within " + std::to_string(limits::handshake_ms_max) + " ms");
}

void Router::end(Id id, std::string_view code, const std::string& why) {
    auto& session = connections_.at(id);
    auto* outlet = session.outlet;
    outlet->send(error_body(0, code, why, true));
    if (session.name.empty()) {
        Decision decision;
        decision.outcome = code == "timeout" ? Decision::Outcome::timeout : Decision::Outcome::denied;
        decision.vm = session.vm;
        decision.reason = why;
        decision.remote_addr = session.remote_addr;
        decision.is_host = session.door == Door::host_socket;
        decision.capabilities = session.capabilities;
        decision.session = witness_.new_session_id();
        witness_.decided(decision);
    }
    forget(id, why);
    outlet->close_when_sent();
}

void Router::forget(Id id, const std::string& why) {
    const auto found = connections_.find(id);
    const auto session = std::move(found->second);
    connections_.erase(found);
    unindex(id, session);
    if (session.name.empty()) {
        --strangers_[session.door];
        return;
    }
    --sessions_;
    witness_.closed({session.name, session.vm, why, session.remote_addr, session.is_host});
}

void Router::unindex(Id id, const Session& session) {
    for (const auto& [key, subscription] : session.subscriptions) {
        if (const auto at = exact_.find(key); at != exact_.end()) {
            at->second.erase(id);
            if (at->second.empty()) exact_.erase(at);
        }
        if (const auto at = patterns_.find(key); at != patterns_.end()) {
            at->second.erase(id);
            if (at->second.empty()) patterns_.erase(at);
        }
    }
}

void Router::tell_list(const Session& session, std::string_view type, std::string_view list, const json& items) {
    for (const auto& body : list_bodies(type, list, items))
        session.outlet->send(body);
}

json Router::session_list(std::int64_t now_ms) const {
    json sessions = json::array();
    for (const auto& [id, session] : connections_) {
        if (session.name.empty()) continue;
        json topics = json::array();
        for (const auto& [key, subscription] : session.subscriptions)
            topics.push_back(key);
        json one{{"session", session.name},
                 {"kind", session.is_host ? "host" : "guest"},
                 {"handshake_age_ms", now_ms - session.welcomed_ms},
                 {"heard_age_ms", now_ms - session.heard_ms},
                 {"subscribed", topics}};
        if (!session.vm.empty()) one.update({{"vm", session.vm}, {"incarnation", session.incarnation}});
        sessions.push_back(std::move(one));
    }
    return sessions;
}

} // namespace castra::broker
