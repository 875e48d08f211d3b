// SPDX-License-Identifier: Apache-2.0
#include "bootstrap/run_log.hpp"

#include "host/files.hpp"

#include <algorithm>
#include <vector>

namespace castra {
namespace {

// The newest stay: run ids sort by time. Half of a file is of a castra that was killed, for nobody else writes now.
void make_room(const std::filesystem::path& directory, std::size_t runs_max) {
    std::vector<std::filesystem::path> logs;
    std::error_code error;
    for (auto at = std::filesystem::directory_iterator(directory, error); !error && at != std::filesystem::end(at);
         at.increment(error)) {
        if (at->path().extension() == ".json") logs.push_back(at->path());
        if (at->path().extension() == ".tmp") (void)files::remove(at->path());
    }
    std::ranges::sort(logs);
    for (std::size_t i = 0; i + runs_max <= logs.size(); ++i) {
        (void)files::remove(logs[i]);
        (void)files::remove(std::filesystem::path(logs[i]).replace_extension(".log"));
    }
}

} // namespace

RunLog::RunLog(const Layout& layout, const std::string& vm, const std::string& run_id)
    : directory_(layout.bootstrap_log_dir(vm)), output_(directory_ / (run_id + ".log")),
      file_(directory_ / (run_id + ".json")) {}

Result<> RunLog::begin(nlohmann::json head) {
    CASTRA_CHECK(files::make_directories(directory_));
    make_room(directory_, runs_max);
    log_ = std::move(head);
    log_["log"] = "castra.bootstrap_log/1";
    log_["output_path"] = output_.string();
    log_["status"] = "under way";
    log_["steps"] = nlohmann::json::array();
    CASTRA_CHECK(files::replace(output_, "", false));
    return files::replace(file_, log_.dump(1) + "\n", false);
}

void RunLog::step(const std::string& name, const std::string& status, std::int64_t duration_ms,
                  const std::string& detail) {
    log_["steps"].push_back({{"step", name}, {"status", status}, {"duration_ms", duration_ms}, {"detail", detail}});
}

Result<> RunLog::end(const std::string& status, std::int64_t duration_ms, const nlohmann::json& error) {
    log_["status"] = status;
    log_["duration_ms"] = duration_ms;
    if (!error.is_null()) log_["error"] = error;
    return files::replace(file_, log_.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n", false);
}

} // namespace castra
