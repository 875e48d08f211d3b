// SPDX-License-Identifier: Apache-2.0
// Rule 7: each entry of command.accepted.expects is concluded exactly once. A VM is concluded by its entry in
// summary.vms; a broker by broker.started, broker.stopped or a message with code broker_aborted.
#pragma once
#include "contract/event.hpp"
#include "contract/violation.hpp"

#include <set>

namespace castra::contract {

class Promise {
public:
    Check check(const Event& event) const;
    void commit(const Event& event);
    bool owes_broker() const { return expects_broker_ && !broker_concluded_; }
    // VMs that were promised and that `summary` does not conclude: the owed entries, as aborted.
    std::vector<VmResult> owed(const Summary& summary, const std::string& reason) const;

private:
    std::set<std::string, std::less<>> vms_;
    bool expects_broker_ = false, broker_concluded_ = false;
};

} // namespace castra::contract
