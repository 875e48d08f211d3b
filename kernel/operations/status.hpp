// SPDX-License-Identifier: Apache-2.0
// What is true about a project right now, from its records and from asking the machine; works with and without a
// supervisor, and writes nothing.
#pragma once
#include "contract/event.hpp"
#include "host/host.hpp"
#include "operations/project.hpp"

#include <nlohmann/json.hpp>

namespace castra {

struct VmStatus {
    std::string name, state; // a VmState's name, or unknown
    std::string why;         // what this was concluded from
    std::int64_t pid = 0;    // 0: none
    std::string launcher, accelerator, incarnation;
    std::int64_t boot_ms = 0, up_ms = 0;                            // 0: not ready, not up
    nlohmann::ordered_json ports = nlohmann::ordered_json::array(); // {address, host, guest, protocol}
    nlohmann::ordered_json ssh; // {user, address, port, identity, known_hosts}; null: none
    std::string serial_log;
    // Its guest's session with the broker, asked of the broker that runs now; absent: none of this incarnation.
    std::optional<std::int64_t> handshake_age_ms;
    nlohmann::ordered_json subscribed = nlohmann::ordered_json::array();
};

// Answered by the broker itself within a moment, so nothing of an earlier boot counts.
struct BrokerStatus {
    bool is_wanted = false;    // castra.toml names a launcher
    bool is_reachable = false; // it answered
    std::int64_t sessions = 0;
    std::optional<std::int64_t> last_handshake_age_ms; // of guests
};

struct ProjectStatus {
    std::string project, config_path, state_dir;
    bool supervised = false; // a supervisor answers
    BrokerStatus broker;
    std::vector<VmStatus> vms;
};

// `config` null: the file is not readable as one; what is recorded is told nevertheless.
Task<ProjectStatus> project_status(Host& host, const Layout& layout, const ProjectConfig* config,
                                   std::string config_path);
nlohmann::ordered_json to_json(const ProjectStatus& status);
// One `message` event for people and consoles.
contract::Draft status_event(const VmStatus& vm);
// The same for the broker; only when there is one or should be.
std::optional<contract::Draft> broker_event(const ProjectStatus& status);
std::string count_of(const ProjectStatus& status); // "2 of 3 VMs are up"

} // namespace castra
