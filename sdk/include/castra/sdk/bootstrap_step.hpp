// SPDX-License-Identifier: Apache-2.0
// Derive from BootstrapStep, register with CASTRA_PLUGIN(YourClass). plan() has no side effect; apply() does the work
// and may take long: it looks at its Call; verify() proves the result, after apply and when an earlier run left it:
// then failed means that apply is wanted again, and skipped that nothing can be said.
#pragma once
#include "castra/sdk/call.hpp"
#include "castra/sdk/json.hpp"
#include "castra/sdk/refusal.hpp"

#include <cstdint>
#include <map>
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

struct StepVerify {
    std::optional<std::string> command, path; // path in the guest
};
CASTRA_SDK_JSON(StepVerify, command, path)

// What `inputs` of a request hold; take them with inputs.get<StepInputs>(), or the few that you need by name.
struct StepInputs {
    std::string step, mode;                    // mode: auto, always
    std::optional<std::string> script;         // file on the host
    std::optional<std::string> payload;        // folder on the host
    std::optional<std::int64_t> payload_bytes; // of its files
    std::string remote_dir;                    // in the guest
    std::vector<std::string> env_keys;
    StepVerify verify;
    std::int64_t connect_timeout_ms = 0;
    std::optional<std::int64_t> handshake_timeout_ms;
    std::optional<std::string> handshake_identity;
    // "sha256:..." of the base image; of script, payload and environment; of script and payload. The stamp stands for
    // all that decides what the bootstrap leads to: it is left in the guest once that is done.
    std::string base_hash, artifact_hash, content_hash, stamp;
};
CASTRA_SDK_JSON(StepInputs, step, mode, script, payload, payload_bytes, remote_dir, env_keys, verify,
                connect_timeout_ms, handshake_timeout_ms, handshake_identity, base_hash, artifact_hash, content_hash,
                stamp)

struct StepPlanRequest {
    StepVm vm;
    Json inputs = Json::object(); // StepInputs
};
CASTRA_SDK_JSON(StepPlanRequest, vm, inputs)

// What `inputs` hold besides in apply and verify.
struct StepRunInputs {
    std::map<std::string, std::string> env; // secrets
    std::string run_id;
    std::string output_path;       // file that takes what the guest says
    Json guest = Json::object();   // outputs of the steps before
    std::optional<Json> handshake; // {state: granted, none, or why it failed; session?, identity?, ...}
};
CASTRA_SDK_JSON(StepRunInputs, env, run_id, output_path, guest, handshake)

struct StepRequest {
    StepVm vm;
    Json inputs = Json::object(); // StepInputs, StepRunInputs
    StepPlan plan;                // what plan() answered
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
