// SPDX-License-Identifier: Apache-2.0
// What is on disk about one VM: enough for a supervisor that knows nothing to find it again, judge whether it lives,
// and take it down. Written before the process exists, replaced when it does, removed when nothing is left.
#pragma once
#include "base/result.hpp"
#include "host/process.hpp"
#include "state/layout.hpp"

#include <nlohmann/json.hpp>

namespace castra {

struct VmRecord {
    std::string name, incarnation, uuid, launcher;
    std::string phase;   // preparing, launched, ready, adopted (lives, readiness unknown), stopping
    std::string boot_id; // of the machine: after its reboot no number here means anything
    std::int64_t pid = 0;
    std::uint64_t start_ticks = 0;
    std::string overlay;                                   // empty: none
    std::string ssh_key;                                   // private key file; empty: none
    std::int64_t launched_unix_us = 0, ready_unix_us = 0;  // 0: not yet
    std::int64_t restart_unix_us = 0, restart_attempt = 0; // of a failed VM: when it will be started again; 0: not
    nlohmann::json spec = nlohmann::json::object();        // sdk::VmSpec as launched
    nlohmann::json plan = nlohmann::json::object();        // sdk::LaunchPlan as carried out

    ProcessId process() const { return {static_cast<int>(pid), start_ticks}; }
};

// Whether a plan says how to ask its VM whether the guest runs.
bool has_state_query(const nlohmann::json& plan);

inline constexpr std::size_t vm_record_bytes_max = 1 << 20;

// Errors: io.
Result<> save_record(const Layout& layout, const VmRecord& record);
// Errors: not_found, io (unreadable or damaged, naming the file).
Result<VmRecord> load_record(const Layout& layout, const std::string& vm);
// Names of all VMs with a record, also one that cannot be read; sorted. Errors: io, nobody can say which there are.
Result<std::vector<std::string>> recorded_vms(const Layout& layout);
// The same and what is left of VMs without a record, for who looks into each anyway. Errors: as recorded_vms.
Result<std::vector<std::string>> vm_directories(const Layout& layout);

} // namespace castra
