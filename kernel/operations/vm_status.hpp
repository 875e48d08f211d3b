// SPDX-License-Identifier: Apache-2.0
// One VM as it is right now: what its record says, what the machine answers when asked, and what follows from both.
// Writes nothing. judge() is pure: the same observation has the same verdict, and its reason in words.
#pragma once
#include "contract/event.hpp"
#include "host/host.hpp"
#include "lifecycle/vm_state.hpp"
#include "state/vm_record.hpp"

#include <castra/sdk/launch_plan.hpp>
#include <nlohmann/json.hpp>

namespace castra {

// One question to the machine and its answer, for people.
struct StatusProbe {
    std::string probe;  // record, boot, process, supervisor, control_socket, overlay
    std::string answer; // "process 4242 lives, started when its record says so"
};

// One event that led to this state, out of a journal.
struct StatusEvent {
    std::string run_id;
    std::int64_t seq = 0;
    std::string time, type, message;
};

// The way into a VM by SSH.
struct GuestSsh {
    std::string vm, user, address;
    int port = 0;
    std::string identity, known_hosts; // files
};

struct VmStatus {
    std::string name, state; // a VmState's name, or unknown
    std::string why;         // what this was concluded from
    std::int64_t pid = 0;    // 0: none
    std::uint64_t start_ticks = 0;
    std::string launcher, accelerator, incarnation;
    std::int64_t boot_ms = 0, up_ms = 0; // 0: not ready, not up
    std::vector<sdk::PortForward> ports; // of a VM that is up
    std::optional<GuestSsh> ssh;         // the same
    std::string serial_log;
    // Of this incarnation's last bootstrap; empty: there was none. bootstrap_step: the one that failed, if one did.
    std::string bootstrap; // done, failed, unfinished (under way, or cut off)
    std::string bootstrap_step;
    bool asks_state = false;               // its launcher planned a query for that
    std::string stands_still, stands_hint; // its guest does not run, though its process lives: the launcher's word
    // Its guest's session with the broker, asked of the broker that runs now; absent: none of this incarnation.
    std::optional<std::int64_t> handshake_age_ms;
    nlohmann::ordered_json subscribed = nlohmann::ordered_json::array();
    // With --why only.
    std::vector<StatusProbe> probes;
    std::vector<StatusEvent> events; // oldest first
    bool has_older_events = false;   // there were more than is told
};

// What a verdict rests on.
struct Observation {
    std::string phase;
    std::int64_t pid = 0;
    bool same_boot = true;
    bool process_lives = false;
    bool supervised = false;
    std::int64_t restart_in_ms = -1, restart_attempt = 0; // -1: none is due
};

struct Verdict {
    VmState state;
    std::string why;
};

Verdict judge(const Observation& seen);

// `boot_id`: the machine's, asked once for all VMs.
Observation observe(Host& host, const VmRecord& record, const std::string& boot_id, bool supervised);
// Nothing: it has no record. Thread: any, also several at once; see host.hpp.
std::optional<VmStatus> vm_status(Host& host, const Layout& layout, const std::string& name, const std::string& boot_id,
                                  bool supervised);
// Whose record cannot be read is told of by its directories: failed where nothing uses them, otherwise unknown, with
// who uses them. A look at all processes if there is such a VM.
void find_users(const Layout& layout, std::vector<VmStatus>& vms);

nlohmann::ordered_json to_json(const VmStatus& vm);
// The `message` events for people and consoles: the state, then with --why each probe and each event. `project`: in
// front of the name, where several projects are told of.
std::vector<contract::Draft> status_events(const VmStatus& vm, const std::string& project = {});

} // namespace castra
