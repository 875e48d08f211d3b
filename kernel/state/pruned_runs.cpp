// SPDX-License-Identifier: Apache-2.0
#include "state/pruned_runs.hpp"

#include "host/files.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace castra {
namespace {

constexpr std::size_t list_bytes_max = 1 << 20;

std::filesystem::path file_in(const std::filesystem::path& journal_dir) {
    return journal_dir / "pruned.json";
}

} // namespace

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(PrunedRun, run_id, operation, outcome, began, events, bytes)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(PrunedRuns, through, runs, events, bytes, latest)

void PrunedRuns::add(const RunDigest& run) {
    const auto at = std::ranges::lower_bound(latest, run.file.run_id, {}, &PrunedRun::run_id);
    if (at != latest.end() && at->run_id == run.file.run_id) return; // told before, and then castra was killed
    latest.insert(at, {run.file.run_id, run.operation, run.outcome, run.began, run.events, run.file.bytes});
    ++runs;
    events += run.events;
    bytes += run.file.bytes;
    through = std::max(through, run.file.run_id);
    if (latest.size() > tombstones_max) latest.erase(latest.begin());
}

const PrunedRun* PrunedRuns::find(const std::string& run_id) const {
    const auto at = std::ranges::lower_bound(latest, run_id, {}, &PrunedRun::run_id);
    return at != latest.end() && at->run_id == run_id ? &*at : nullptr;
}

bool PrunedRuns::covers(const std::string& run_id) const {
    if (find(run_id)) return true;
    return forgot_some() && !latest.empty() && run_id < latest.front().run_id;
}

Result<PrunedRuns> load_pruned(const std::filesystem::path& journal_dir) {
    const auto path = file_in(journal_dir);
    const auto text = files::read(path, list_bytes_max);
    if (!text && text.error().code == ErrorCode::not_found) return PrunedRuns();
    if (!text) return Failure(text.error());
    try {
        auto pruned = nlohmann::json::parse(*text).get<PrunedRuns>();
        std::ranges::sort(pruned.latest, {}, &PrunedRun::run_id);
        return pruned;
    } catch (const nlohmann::json::exception& error) {
        return fail(ErrorCode::io, path.string() + " is damaged: " + error.what(),
                    "remove it: then nobody is told any more which journals were pruned");
    }
}

Result<> save_pruned(const std::filesystem::path& journal_dir, const PrunedRuns& pruned) {
    nlohmann::json json = pruned;
    json["version"] = 1;
    return files::replace(file_in(journal_dir), json.dump(1));
}

} // namespace castra
