// SPDX-License-Identifier: Apache-2.0
// Derive from BrokerLauncher, implement plan(), register with CASTRA_PLUGIN(YourClass). Like a VM launcher it answers
// with data; the kernel opens the sockets, starts the process and owns it.
#pragma once
#include "castra/sdk/launch_plan.hpp"

namespace castra::sdk {

// Owner: the kernel makes both directories (0700).
struct BrokerPaths {
    std::string state_dir, runtime_dir;
};
CASTRA_SDK_JSON(BrokerPaths, state_dir, runtime_dir)

struct BrokerPlanRequest {
    std::string project;
    BrokerPaths paths;
    std::uint16_t port = 0; // leased by the kernel; 0: the project wants no port
};
CASTRA_SDK_JSON(BrokerPlanRequest, project, paths, port)

// "{fd:NAME}" in argv and env is the number of an inherited descriptor: each of `sockets`, "notify" when readiness.kind
// is notify, and "control": a connected socket on which castra tells the broker its limits and the VMs, and the broker
// tells its decisions (docs/BROKER.md). A broker ends when the other side of control has gone.
struct BrokerPlan {
    bool enabled = false; // false: this project runs without a broker, and the rest is empty
    std::vector<std::string> argv;
    std::map<std::string, std::string> env; // added to a minimal environment (PATH, HOME, LANG=C)
    std::string working_dir;                // empty: state_dir
    std::vector<SocketPlan> sockets;        // as in LaunchPlan
    Readiness readiness;
};
CASTRA_SDK_JSON(BrokerPlan, enabled, argv, env, working_dir, sockets, readiness)

class BrokerLauncher {
public:
    virtual ~BrokerLauncher() = default;
    // Pure: same request, same plan.
    virtual BrokerPlan plan(const BrokerPlanRequest&) = 0;
};

} // namespace castra::sdk
