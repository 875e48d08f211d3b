// SPDX-License-Identifier: Apache-2.0
// Derive from BootstrapStep, register with CASTRA_PLUGIN(YourClass). plan() has no side effect; apply() does the work
// and may take long: it looks at its Call; verify() proves the result, after apply and when an earlier run left it:
// then failed means that apply is wanted again, and skipped that nothing can be said.
#pragma once
#include "castra/sdk/call.hpp"
#include "castra/sdk/json.hpp"
#include "castra/sdk/refusal.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace castra::sdk {

// How the guest is reached once it is ready.
struct SshTarget {
    std::string user, host;
    std::uint16_t port = 22;
    std::optional<std::string> identity;    // private key file
    std::vector<std::string> options;       // words for ssh's -o
    std::optional<std::string> known_hosts; // the project's own; has the guest's key when that was told beforehand
};
CASTRA_SDK_JSON(SshTarget, user, host, port, identity, options, known_hosts)

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
    std::optional<std::string> hash; // of everything that decides the outcome; equal hash: nothing to do; none: always
    Json details = Json::object();   // comes back in apply and verify
    std::vector<std::string> warnings;
};
CASTRA_SDK_JSON(StepPlan, action, reason, hash, details, warnings)

enum class StepStatus { success, skipped, failed };
CASTRA_SDK_ENUM(StepStatus, success, skipped, failed)

struct StepOutcome {
    StepStatus status = StepStatus::success;
    std::optional<std::string> detail;
    Json outputs = Json::object();    // later steps find it in their inputs, merged, as "guest"
    bool noop = false;                // it ran and found that nothing was to be done
    std::optional<RefusalText> error; // of status failed: cause and cure; `detail` may quote the last output
};
CASTRA_SDK_JSON(StepOutcome, status, detail, outputs, noop, error)

// inputs: {step, mode, script?, payload?, payload_bytes?, remote_dir, env_keys, verify {command?, path?}, base_hash,
// artifact_hash, content_hash, stamp}; in apply and verify also {env, output_path, run_id, handshake?, guest}.
struct StepPlanRequest {
    StepVm vm;
    Json inputs = Json::object();
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
