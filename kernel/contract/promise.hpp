// SPDX-License-Identifier: Apache-2.0
// Rule 7: each entry of command.accepted.expects is concluded exactly once. A VM is concluded by its entry in
// summary.vms. A broker is concluded by running or stopping in this run (broker.started, broker.stopped, as often as it
// was restarted), or else by a message with code broker_aborted whose path names it.
#pragma once
#include "contract/event.hpp"
#include "contract/violation.hpp"

#include <set>

namespace castra::contract {

class Promise {
public:
    Check check(const Event& event) const;
    void commit(const Event& event);
    // VMs that were promised and that `summary` does not conclude: the owed entries, as aborted.
    std::vector<VmResult> owed(const Summary& summary, const std::string& reason) const;
    // Brokers that were promised and are not concluded yet.
    std::vector<std::string> owed_brokers() const;

private:
    std::set<std::string, std::less<>> vms_, brokers_;
    std::multiset<std::string, std::less<>> aborted_; // of brokers_
    bool broker_seen_ = false;                        // started or stopped
};

} // namespace castra::contract
