// SPDX-License-Identifier: Apache-2.0
#include "state/journal_retention.hpp"

namespace castra {

std::vector<RunDigest> beyond_retention(const JournalStore& store, const Retention& retention,
                                        const std::string& current) {
    auto kept = store.runs();
    auto runs = static_cast<std::int64_t>(kept.size());
    std::int64_t bytes = 0;
    for (const auto& file : kept)
        bytes += file.bytes;
    std::vector<RunDigest> victims;
    for (; !kept.empty() && (runs > retention.runs_max || bytes > retention.bytes_max); kept.pop_back()) {
        if (kept.back().run_id == current) continue;
        auto digest = digest_of(kept.back());
        if (!digest.is_sealed()) continue;
        --runs;
        bytes -= kept.back().bytes;
        victims.push_back(std::move(digest));
    }
    return victims;
}

Result<> bury(const JournalStore& store, const std::vector<RunDigest>& runs) {
    if (runs.empty()) return {};
    auto pruned = load_pruned(store.directory());
    if (!pruned) return Failure(pruned.error());
    for (const auto& run : runs)
        pruned->add(run);
    return save_pruned(store.directory(), *pruned);
}

} // namespace castra
