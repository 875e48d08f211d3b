// SPDX-License-Identifier: Apache-2.0
// A launcher as the kernel sees it: typed questions, typed answers, whoever gives them.
// Thread: the kernel's; calls are short and pure.
#pragma once
#include "base/result.hpp"
#include "castra/sdk/launch_plan.hpp"

namespace castra {

class LauncherClient {
public:
    virtual ~LauncherClient() = default;
    virtual std::string id() const = 0;
    virtual Result<sdk::Requirements> requirements(const sdk::VmSpec& vm) = 0;
    virtual Result<sdk::LaunchPlan> plan(const sdk::PlanRequest& request) = 0;
    virtual Result<sdk::ExitExplanation> explain_exit(const sdk::ExitReport& report) = 0;
};

} // namespace castra
