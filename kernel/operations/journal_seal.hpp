// SPDX-License-Identifier: Apache-2.0
// Concludes the journals of supervisors that died: each without a summary is cut behind its last good line (what is cut
// is kept in quarantine/<run_id>.torn) and gets the events that are owed, synthetic, outcome aborted. Afterwards it is
// a valid stream. What is found sealed is made read-only, so that the next start need not read it: one start, one read.
// Requires: the project's lock, and no run of ours under way: so whoever wrote these lives no more.
#pragma once
#include "host/clock.hpp"
#include "state/journal_store.hpp"
#include "state/layout.hpp"

namespace castra {

struct SealedRuns {
    std::vector<std::string> sealed; // run ids
    std::vector<Error> problems;     // journals that could not be sealed stay as they are; the next start tries again
};

SealedRuns seal_dead_runs(const Layout& layout, Clock& clock);

} // namespace castra
