// SPDX-License-Identifier: Apache-2.0
// The broker of a project as it is right now, and what it says of the guests' sessions. The broker itself answers,
// within a moment or not at all, so nothing of an earlier boot counts. Writes nothing.
#pragma once
#include "config/project_config.hpp"
#include "operations/vm_status.hpp"

#include <optional>

namespace castra {

struct BrokerStatus {
    bool is_wanted = false;    // castra.toml names a launcher
    bool is_reachable = false; // it answered
    std::int64_t sessions = 0;
    std::optional<std::int64_t> last_handshake_age_ms; // of guests
};

// Asks it, and adds to `vms` what it says of theirs. `config` null: unknown what is wanted.
Task<BrokerStatus> broker_status(Host& host, Layout layout, const ProjectConfig* config, std::vector<VmStatus>& vms);

nlohmann::ordered_json to_json(const BrokerStatus& broker);
// One `message` event for people and consoles; only when there is a broker or should be one.
std::optional<contract::Draft> broker_event(const BrokerStatus& broker, const std::vector<VmStatus>& vms);

} // namespace castra
