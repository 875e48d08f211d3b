// SPDX-License-Identifier: Apache-2.0
// Whether a VM's guest runs now, as the VM's own process says, by the query its launcher planned: a process that lives
// may have stopped its guest (somebody paused it; the disk under it is full). Knows no protocol. Thread: the
// executor's.
#pragma once
#include "castra/sdk/launch_plan.hpp"
#include "host/host.hpp"

namespace castra {

struct GuestState {
    bool runs = true;
    std::string word; // the launcher's: "running", "paused", "io-error"
    std::string hint; // what to do about it; empty: nothing is known
};

// Errors: protocol (the launcher's expression is none, or nothing in the answer matches it).
Result<GuestState> guest_state_in(const std::string& answer, const sdk::StateQuery& query);

// `plan`: as carried out. Absent: its launcher planned no query. Errors: timeout, io, protocol.
Task<Result<std::optional<GuestState>>> guest_state(Host& host, const sdk::LaunchPlan& plan, Milliseconds deadline);

} // namespace castra
