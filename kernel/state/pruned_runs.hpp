// SPDX-License-Identifier: Apache-2.0
// The tombstones of journals that were pruned, journal/pruned.json: so that who asks for them is told of a gap instead
// of nothing. Shape: {"version":1,"through":RUN_ID,"runs":N,"events":N,"bytes":N,"latest":[{run_id, operation, outcome,
// began, events, bytes}]}. Replaced whole and synced before a journal goes.
// Limits: `latest` keeps the youngest tombstones_max; older ones live on in the totals and in `through`.
#pragma once
#include "state/journal_store.hpp"

namespace castra {

struct PrunedRun {
    std::string run_id, operation, outcome, began;
    std::int64_t events = 0, bytes = 0;
};

struct PrunedRuns {
    static constexpr std::size_t tombstones_max = 1000;

    std::string through; // the youngest run that was pruned; older ones without a file were pruned too, or never were
    std::int64_t runs = 0, events = 0, bytes = 0; // over all
    std::vector<PrunedRun> latest;                // oldest first

    void add(const RunDigest& run);
    const PrunedRun* find(const std::string& run_id) const;
    // True also for ids that never were: older than the tombstones nobody knows any more.
    bool covers(const std::string& run_id) const;
    bool forgot_some() const { return runs > static_cast<std::int64_t>(latest.size()); }
};

// No file: nothing was pruned. Errors: io (unreadable or damaged, naming the file).
Result<PrunedRuns> load_pruned(const std::filesystem::path& journal_dir);
Result<> save_pruned(const std::filesystem::path& journal_dir, const PrunedRuns& pruned);

} // namespace castra
