// SPDX-License-Identifier: Apache-2.0
// The log of one VM's bootstrap in one run: <run>.json says what happened, <run>.log holds what the steps printed. Both
// 0600 in the state's bootstrap/<vm>/; the steps mask secrets in what they capture, nothing here has any.
// Limits: the newest `runs_max` runs of a VM stay. A log that cannot be written costs the log, never the bootstrap.
#pragma once
#include "base/result.hpp"
#include "state/layout.hpp"

#include <cstdint>
#include <nlohmann/json.hpp>

namespace castra {

class RunLog {
public:
    static constexpr std::size_t runs_max = 20;

    RunLog(const Layout& layout, const std::string& vm, const std::string& run_id);
    const std::filesystem::path& output() const { return output_; }

    // Makes room and an empty output file. Errors: io.
    Result<> begin(nlohmann::json head);
    void step(const std::string& name, const std::string& status, std::int64_t duration_ms, const std::string& detail);
    // Replaces the file whole. Errors: io.
    Result<> end(const std::string& status, std::int64_t duration_ms, const nlohmann::json& error);

private:
    std::filesystem::path directory_, output_, file_;
    nlohmann::json log_;
};

} // namespace castra
