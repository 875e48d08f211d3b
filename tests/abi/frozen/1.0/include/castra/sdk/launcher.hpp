// SPDX-License-Identifier: Apache-2.0
// Derive from Launcher, implement plan(), register with CASTRA_PLUGIN(YourClass). See plugins/launcher-process.
#pragma once
#include "castra/sdk/launch_plan.hpp"

namespace castra::sdk {

class Launcher {
public:
    virtual ~Launcher() = default;
    // Pure: what this machine must have, and which experiments must be made before a plan.
    virtual Requirements requirements(const RequirementsRequest&) { return {}; }
    // Pure: same request, same plan. Errors: throw castra::sdk::Refusal with a cure.
    virtual LaunchPlan plan(const PlanRequest&) = 0;
    // After an unexpected exit: what a person should try.
    virtual ExitExplanation explain_exit(const ExitReport&) { return {}; }
};

} // namespace castra::sdk
