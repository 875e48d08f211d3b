// SPDX-License-Identifier: Apache-2.0
// The order of the broker's events, rule 13: it is started (or declared as running) before any handshake, and a session
// that closes had been granted and had not closed yet.
#pragma once
#include "contract/event.hpp"
#include "contract/violation.hpp"

#include <map>
#include <set>

namespace castra::contract {

class BrokerOrder {
public:
    void declare_running() { runs_ = adopts_ = true; }
    Check check(const Event& event) const;
    void commit(const Event& event);

private:
    bool runs_ = false;
    bool adopts_ = false; // it ran before the run: sessions may close that were granted before
    std::map<std::string, std::int64_t, std::less<>> granted_; // session, seq
    std::set<std::string, std::less<>> closed_;                // adopted sessions that are gone
    std::int64_t seq_ = 0;
};

} // namespace castra::contract
