// SPDX-License-Identifier: Apache-2.0
// What castra remembers about the bootstrap of a VM's present incarnation: what it was made from, and how far it got.
// The guest is asked as well before anything is left out because of it. Goes with the VM's record.
#pragma once
#include "base/result.hpp"
#include "bootstrap/artifact.hpp"
#include "state/layout.hpp"

#include <nlohmann/json.hpp>
#include <optional>

namespace castra {

struct StepRecord {
    std::string name, hash; // hash empty: a step that always runs
    bool is_done = false;
};

struct BootstrapRecord {
    std::string incarnation, run_id, stamp;
    std::string script_hash, payload_hash, env_hash;
    bool is_complete = false;
    std::vector<StepRecord> steps; // in their order, as far as they went
};

// A missing or damaged record, or one of another incarnation, is none: then everything runs.
std::optional<BootstrapRecord> load_bootstrap_record(const Layout& layout, const std::string& vm,
                                                     const std::string& incarnation);
// Errors: io.
Result<> save_bootstrap_record(const Layout& layout, const std::string& vm, const BootstrapRecord& record);

} // namespace castra
