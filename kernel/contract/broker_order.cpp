// SPDX-License-Identifier: Apache-2.0
#include "contract/broker_order.hpp"

namespace castra::contract {

Check BrokerOrder::check(const Event& event) const {
    if (event.is<BrokerStarted>() && runs_) return violation(13, "the broker is started twice", seq_);
    if (const auto* asked = event.as<BrokerHandshake>()) {
        if (!runs_) return violation(13, "a handshake without a broker that was started", seq_);
        const auto known = granted_.find(asked->session);
        if (known != granted_.end())
            return violation(13, "session " + asked->session + " is open already", known->second);
    }
    const auto* closed = event.as<BrokerSessionClosed>();
    if (closed && !granted_.contains(closed->session) && (!adopts_ || closed_.contains(closed->session)))
        return violation(13, "session " + closed->session + " closes and had not been granted", seq_);
    return {};
}

void BrokerOrder::commit(const Event& event) {
    seq_ = event.envelope.seq;
    if (event.is<BrokerStarted>()) runs_ = true;
    if (event.is<BrokerStopped>()) runs_ = false;
    if (const auto* asked = event.as<BrokerHandshake>(); asked && asked->session_outcome == SessionOutcome::granted)
        granted_.emplace(asked->session, seq_);
    if (const auto* closed = event.as<BrokerSessionClosed>())
        if (granted_.erase(closed->session) == 0 || adopts_) closed_.insert(closed->session);
}

} // namespace castra::contract
