// SPDX-License-Identifier: Apache-2.0
// The part of rule 14 that a stream shows: a dry run reclaims nothing, and a run is dry or it is not. (That an event is
// durable before its deletion is the bus's to keep.)
#pragma once
#include "contract/event.hpp"
#include "contract/violation.hpp"

namespace castra::contract {

class CleanupOrder {
public:
    Check check(const Event& event) const;
    void commit(const Event& event);

private:
    std::int64_t dry_seq_ = 0, wet_seq_ = 0; // first of each; 0: none
};

} // namespace castra::contract
