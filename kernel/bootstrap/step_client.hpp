// SPDX-License-Identifier: Apache-2.0
// A bootstrap step as the pipeline sees it, wherever its code runs. Implemented over a plugin by operations, by a fake
// in tests. Thread: the kernel's; the work is done elsewhere. One call at a time.
#pragma once
#include "base/result.hpp"
#include "base/units.hpp"
#include "castra/sdk/bootstrap_step.hpp"
#include "host/async.hpp"

namespace castra {

// How long a call may take, and what ends it early.
struct StepCall {
    Milliseconds deadline;
    Gate& cancel;
};

class StepClient {
public:
    virtual ~StepClient() = default;
    // Errors: plugin, timeout, cancelled.
    virtual Task<Result<sdk::StepPlan>> plan(sdk::StepPlanRequest request, StepCall call) = 0;
    virtual Task<Result<sdk::StepOutcome>> apply(sdk::StepRequest request, StepCall call) = 0;
    virtual Task<Result<sdk::StepOutcome>> verify(sdk::StepRequest request, StepCall call) = 0;
};

struct StepSpec {
    std::string name;
    Milliseconds timeout{600'000};
    std::shared_ptr<StepClient> client;
};

} // namespace castra
