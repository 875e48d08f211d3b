// SPDX-License-Identifier: Apache-2.0
// No broker. For embedders that must name a broker launcher, and for switching one off in a file that had one.
#include "castra/sdk/plugin.hpp"

namespace {

class NoBroker : public castra::sdk::BrokerLauncher {
public:
    castra::sdk::BrokerPlan plan(const castra::sdk::BrokerPlanRequest&) override { return {}; }
};

} // namespace

CASTRA_PLUGIN(NoBroker);
