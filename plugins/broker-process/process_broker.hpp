// SPDX-License-Identifier: Apache-2.0
// The broker as a process of its own, `castra broker`. Which castra is told in the config and never guessed: inside an
// embedder "this executable" would be somebody else's program.
#pragma once
#include "castra/sdk/broker_launcher.hpp"

namespace castra::broker_process {

class ProcessBroker : public sdk::BrokerLauncher {
public:
    // Throws sdk::Refusal when `cli` is missing or no absolute path.
    explicit ProcessBroker(const sdk::Json& config);
    sdk::BrokerPlan plan(const sdk::BrokerPlanRequest& request) override;

private:
    std::string cli_;
};

} // namespace castra::broker_process
