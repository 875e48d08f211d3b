// SPDX-License-Identifier: Apache-2.0
// Who may say what to whom: sessions, subscriptions, delivery. Pure: no sockets, no clock (time is told), no files but
// through Archive. A connection becomes a session by its hello; what it is follows from where it came in, never from
// what it says: a VM's own channel, the host's socket, or TCP with the secret of a living incarnation.
// Limits: broker/limits.hpp. Thread: the broker's.
#pragma once
#include "broker/archive.hpp"
#include "broker/frame.hpp"
#include "broker/message.hpp"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>

namespace castra::broker {

enum class Door { host_socket, vm_channel, tcp };

// The way back to one connection. send() queues one frame; the rest is the server's.
class Outlet {
public:
    virtual ~Outlet() = default;
    virtual void send(std::string_view body) = 0;
    virtual std::size_t queued_bytes() const = 0;
    virtual void close_when_sent() = 0; // the router has forgotten it by then
};

// A VM as the supervisor told it.
struct Guest {
    std::string vm, incarnation, secret;
};

struct Decision {
    enum class Outcome { granted, denied, timeout };
    Outcome outcome = Outcome::denied;
    std::string session, vm, incarnation, reason, remote_addr;
    bool is_host = false;
    std::vector<std::string> capabilities;
};
struct Closed {
    std::string session, vm, reason, remote_addr;
    bool is_host = false;
};

// Told synchronously; must not call back into the router.
class Witness {
public:
    virtual ~Witness() = default;
    virtual void decided(const Decision& decision) = 0;
    virtual void closed(const Closed& closed) = 0;
    virtual void ready(const std::string& vm, const std::string& incarnation, const json& facts) = 0;
    virtual std::string new_session_id() = 0;
};

class Router {
public:
    using Id = std::uint64_t;
    Router(Settings settings, Archive& archive, Witness& witness);

    void attach(Guest guest);                 // replaces what was known of this VM; its secret becomes old
    void detach(const std::string& vm);       // its sessions end
    bool ask_shutdown(const std::string& vm); // false: no session that can
    // `vm`: of a vm_channel. The greeting is the caller's to send. nullopt: too many strangers; close it.
    std::optional<Id> open(Door door, std::string vm, Outlet& outlet, std::string remote_addr, std::int64_t now_ms);
    // One frame of a connection. False: the connection is over (its outlet was told to close).
    bool frame(Id id, std::string_view body, std::int64_t now_ms);
    // What it sent is no frame.
    void violated(Id id, const std::string& why);
    // The other side has gone. Nothing is sent to it any more.
    void gone(Id id, const std::string& why);
    // After a write: a reader that was sent to disk may go on.
    void drained(Id id);
    // Ends what is silent for too long. Call about once a second.
    void tick(std::int64_t now_ms);

    std::size_t sessions() const { return sessions_; }
    json session_list(std::int64_t now_ms) const; // those that are open, as `status` tells them

private:
    struct Subscription {
        std::string cursor; // name of the reader that the broker remembers; empty: none
        bool is_durable = false;
        bool catches_up = false; // what is new comes from the archive, not from here
        bool is_reading = false; // a replay is under way
        std::int64_t sent = 0;   // last seq that was delivered
    };
    struct Session {
        Door door = Door::tcp;
        std::string vm, incarnation, name, remote_addr; // name: the id that events carry; empty: a stranger
        Outlet* outlet = nullptr;
        bool is_host = false;
        bool is_ready = false; // it said so: told once
        std::int64_t opened_ms = 0, heard_ms = 0, welcomed_ms = 0;
        std::vector<std::string> capabilities;
        std::map<std::string, Subscription> subscriptions; // by topic or pattern
        std::size_t publishes_open = 0;
    };

    bool hello(Id id, Session& session, const Message& message, std::int64_t now_ms);
    std::optional<std::string> refusal(Session& session, const Message& message) const;
    bool comes_too_often(const Session& session);
    void welcome(Id id, Session& session, const Message& message, std::int64_t now_ms);
    bool request(Id id, Session& session, Message message, std::int64_t now_ms);
    void publish(Id id, Session& session, Message message);
    std::optional<std::string> publish_refusal(const Session& session, const Message& message) const;
    void subscribe(Id id, Session& session, const Message& message);
    void follow(Id id, Session& session, const std::string& key, const std::string& topic);
    void replayed(Id id, const std::string& key, const std::string& topic, const Replay& replay);
    void acknowledge(Session& session, const Message& message);
    void deliver(const std::string& topic, const std::string& from, const std::string& to, std::int64_t seq,
                 const std::string& payload);
    void deliver_to(Id id, Session& session, const std::string& key, const std::string& topic, std::int64_t seq,
                    const std::string& body);
    bool is_meant(const Session& session, const std::string& to) const;
    static void tell_list(const Session& session, std::string_view type, std::string_view list, const json& items);
    void end(Id id, std::string_view code, const std::string& why); // says it, closes it, forgets it
    void forget(Id id, const std::string& why);
    void unindex(Id id, const Session& session);

    Settings settings_;
    Archive& archive_;
    Witness& witness_;
    std::unordered_map<Id, Session> connections_;
    std::unordered_map<std::string, std::set<Id>> exact_; // topic to who listens
    std::map<std::string, std::set<Id>> patterns_;
    std::map<std::string, Guest> guests_;
    std::deque<std::string> old_secrets_;
    std::map<std::string, std::set<std::string>> topics_of_vm_; // durable ones that it made
    std::map<std::string, std::size_t> hellos_;                 // of VMs, since the last tick
    std::size_t sessions_ = 0;
    std::map<Door, std::size_t> strangers_;
    std::vector<Id> doomed_; // slow readers, ended after the delivery that found them
    Id last_id_ = 0;
};

} // namespace castra::broker
