// SPDX-License-Identifier: Apache-2.0
// The family broker: what lets guests and hosts find each other.
#pragma once
#include "contract/events/about.hpp"

namespace castra::contract {

struct BrokerStarted {
    static constexpr About about{
        "broker.started", Family::broker, Severity::info, {}, "The broker runs and takes connections."};
    std::int64_t pid = 0;
    std::int64_t port = 0;
    std::string endpoint;
    static void describe(auto&& visit) {
        using E = BrokerStarted;
        visit("pid", &E::pid, Note{"Process id on the host; 0 when it has no process of its own", {}, "4242"});
        visit("port", &E::port, Note{"TCP port; 0 when it has none", {}, "7070"});
        visit("endpoint", &E::endpoint, Note{"Where it listens", {}, "\"/run/broker.sock\""});
    }
};

struct BrokerStopped {
    static constexpr About about{"broker.stopped", Family::broker, Severity::info, {}, "The broker does not run."};
    bool changed = true;
    static void describe(auto&& visit) {
        visit("changed", &BrokerStopped::changed, Note{"False when it was down already", {}, "true"});
    }
};

struct BrokerHandshake {
    static constexpr About about{
        "broker.handshake", Family::broker, Severity::info, {}, "Somebody asked the broker for a session."};
    std::string session;
    std::vector<std::string> capabilities;
    SessionKind session_kind = SessionKind::guest;
    SessionOutcome session_outcome = SessionOutcome::granted;
    std::optional<std::string> reason, remote_addr;
    static void describe(auto&& visit) {
        using E = BrokerHandshake;
        visit("session", &E::session, Note{"Id of the session", {}, "\"01ARYZ6S410000000000000000\""});
        visit("capabilities", &E::capabilities, Note{"What the other side can do", {}, "[\"publish\"]"});
        visit("session_kind", &E::session_kind, Note{"Who it is", {}, "\"guest\""});
        visit("session_outcome", &E::session_outcome, Note{"What the broker decided", {}, "\"granted\""});
        visit("reason", &E::reason, Note{"Why not granted", {}, "\"secret of an earlier boot\""});
        visit("remote_addr", &E::remote_addr, Note{"From where", {}, "\"127.0.0.1:40000\""});
    }
};

struct BrokerSessionClosed {
    static constexpr About about{
        "broker.session_closed", Family::broker, Severity::info, {}, "A session that had been granted ended."};
    std::string session;
    SessionKind session_kind = SessionKind::guest;
    std::optional<std::string> reason, remote_addr;
    static void describe(auto&& visit) {
        using E = BrokerSessionClosed;
        visit("session", &E::session, Note{"Id of the session", {}, "\"01ARYZ6S410000000000000000\""});
        visit("session_kind", &E::session_kind, Note{"Who it was", {}, "\"guest\""});
        visit("reason", &E::reason, Note{"Why it ended", {}, "\"the guest went away\""});
        visit("remote_addr", &E::remote_addr, Note{"From where", {}, "\"127.0.0.1:40000\""});
    }
};

} // namespace castra::contract
