// SPDX-License-Identifier: Apache-2.0
// Derive from BootstrapStep, register with CASTRA_PLUGIN(YourClass). plan() has no side effect; apply() does the work
// and may take long: it looks at its Call; verify() proves the result.
#pragma once
#include "castra/sdk/call.hpp"
#include "castra/sdk/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace castra::sdk {

// How the guest is reached once it is ready.
struct SshTarget {
    std::string user, host;
    std::uint16_t port = 22;
    std::optional<std::string> identity; // private key file
    std::vector<std::string> options;    // words for ssh's -o
};
CASTRA_SDK_JSON(SshTarget, user, host, port, identity, options)

struct StepVm {
    std::string name, project, uuid;
    std::string state_dir, runtime_dir;
    std::optional<SshTarget> ssh;
};
CASTRA_SDK_JSON(StepVm, name, project, uuid, state_dir, runtime_dir, ssh)

enum class StepAction { would_run, would_skip, error };
CASTRA_SDK_ENUM(StepAction, would_run, would_skip, error)

struct StepPlan {
    StepAction action = StepAction::would_run;
    std::string reason;
    std::optional<std::string> hash; // of everything that decides the outcome; equal hash: nothing to do
    Json details = Json::object();   // comes back in apply and verify
    std::vector<std::string> warnings;
};
CASTRA_SDK_JSON(StepPlan, action, reason, hash, details, warnings)

enum class StepStatus { success, skipped, failed };
CASTRA_SDK_ENUM(StepStatus, success, skipped, failed)

struct StepOutcome {
    StepStatus status = StepStatus::success;
    std::optional<std::string> detail;
};
CASTRA_SDK_JSON(StepOutcome, status, detail)

struct StepPlanRequest {
    StepVm vm;
    Json inputs = Json::object(); // what the bootstrap section of castra.toml and earlier steps hand over
};
CASTRA_SDK_JSON(StepPlanRequest, vm, inputs)

struct StepRequest {
    StepVm vm;
    Json inputs = Json::object();
    StepPlan plan; // what plan() answered
};
CASTRA_SDK_JSON(StepRequest, vm, inputs, plan)

class BootstrapStep {
public:
    virtual ~BootstrapStep() = default;
    virtual StepPlan plan(const StepPlanRequest& request, const Call& call) = 0;
    virtual StepOutcome apply(const StepRequest& request, const Call& call) = 0;
    virtual StepOutcome verify(const StepRequest&, const Call&) { return {StepStatus::skipped, std::nullopt}; }
};

} // namespace castra::sdk
