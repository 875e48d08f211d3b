// SPDX-License-Identifier: Apache-2.0
// The verdict over two snapshots of the contract: from their differences the least version that the new one may have,
// and whether it has it. What it cannot know: whether other words have another meaning, and whether castra emits at
// another moment than the registry says; goldens and people look at those.
#pragma once
#include "contract/snapshot_compare.hpp"

namespace castra::contract {

struct SnapshotDiff {
    std::string old_version, new_version;
    std::vector<Difference> differences; // heaviest first
    std::vector<std::string> mistakes;
    std::vector<std::string> decisions; // security decisions that only the new one names: they lift `blocked` to minor
    Bump bump = Bump::none;             // the least
    std::string least_version;          // that satisfies it; empty when blocked
    bool is_satisfied = false;          // by new_version, and there are no mistakes
};

// Two that read_snapshot() has accepted.
SnapshotDiff diff_snapshots(const Json& from, const Json& to);

Json to_json(const SnapshotDiff& diff);
std::string to_text(const SnapshotDiff& diff); // for people, with its line feeds

} // namespace castra::contract
