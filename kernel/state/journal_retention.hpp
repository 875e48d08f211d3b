// SPDX-License-Identifier: Apache-2.0
// Which journals a project no longer keeps. Chooses and buries; whoever runs the operation announces each and removes
// it.
#pragma once
#include "state/pruned_runs.hpp"

namespace castra {

struct Retention {
    std::int64_t runs_max = 0, bytes_max = 0; // of one project, the current run included
};

// Oldest first, until what stays keeps both limits. Never `current`, never a run without an end.
std::vector<RunDigest> beyond_retention(const JournalStore& store, const Retention& retention,
                                        const std::string& current);

// Their tombstones are durable when this returns; the files still stand. Errors: io; then nothing may be removed.
Result<> bury(const JournalStore& store, const std::vector<RunDigest>& runs);

} // namespace castra
