// SPDX-License-Identifier: Apache-2.0
// A broker launcher as the kernel sees it: asked once a start for the plan of the broker process. A plugin answers in
// castra's own programs; an embedder may bring its own class. It starts nothing: the kernel opens the sockets, spawns
// the process and owns it.
// Thread: the kernel's; calls are short and pure. The words are castra/sdk/broker_launcher.hpp.
#pragma once
#include "base/result.hpp"
#include "castra/sdk/broker_launcher.hpp"

namespace castra {

class BrokerLauncher {
public:
    virtual ~BrokerLauncher() = default;
    virtual std::string id() const = 0;
    // `enabled` false in the plan: this project runs without a broker.
    virtual Result<sdk::BrokerPlan> plan(const sdk::BrokerPlanRequest& request) = 0;
};

} // namespace castra
