// SPDX-License-Identifier: Apache-2.0
// The family bootstrap: the steps that set up a machine that runs.
#pragma once
#include "contract/events/about.hpp"

namespace castra::contract {

struct SshTarget {
    std::string user, host;
    std::int64_t port = 22;
    std::optional<std::string> identity;
    std::vector<std::string> options;
    static void describe(auto&& visit) {
        visit("user", &SshTarget::user, Note{"Who logs in", {}, "\"root\""});
        visit("host", &SshTarget::host, Note{"Address on the host's side", {}, "\"127.0.0.1\""});
        visit("port", &SshTarget::port, Note{"TCP port", Unit::none, "22022"});
        visit("identity", &SshTarget::identity, Note{"Path of the private key", {}, "\"/s/id_ed25519\""});
        visit("options", &SshTarget::options, Note{"Further options of the ssh client", {}, "[]"});
    }
};

struct VerifyPlan {
    std::optional<std::string> command, path;
    bool path_is_relative = false;
    static void describe(auto&& visit) {
        visit("command", &VerifyPlan::command, Note{"Command that must succeed in the guest", {}, "\"test -e /ok\""});
        visit("path", &VerifyPlan::path, Note{"File that must exist in the guest", {}, "\"ok\""});
        visit("path_is_relative", &VerifyPlan::path_is_relative, Note{"Whether path starts at remote_dir", {}, "true"});
    }
};

struct BootstrapPlanned {
    static constexpr About about{"bootstrap.planned",
                                 Family::bootstrap,
                                 Severity::info,
                                 {"vm"},
                                 "What bootstrap is going to do to a VM, or would do."};
    BootstrapMode mode = BootstrapMode::automatic;
    PlannedAction action = PlannedAction::would_run;
    std::string reason;
    std::optional<BootstrapTrigger> trigger;
    std::vector<std::string> steps;
    std::optional<std::string> script_path, payload_path;
    std::optional<std::int64_t> payload_bytes, handshake_timeout_secs;
    std::optional<std::string> remote_dir;
    std::optional<SshTarget> ssh;
    std::vector<std::string> env_keys;
    std::optional<VerifyPlan> verify;
    std::optional<std::string> artifact_hash, metadata_path;
    std::vector<std::string> warnings;
    static void describe(auto&& visit) {
        using E = BootstrapPlanned;
        visit("mode", &E::mode, Note{"The mode in force", {}, "\"auto\""});
        visit("action", &E::action, Note{"What follows from it", {}, "\"would_run\""});
        visit("reason", &E::reason, Note{"Why, for people", {}, "\"the artifact changed\""});
        visit("trigger", &E::trigger, Note{"What makes it run; absent when it does not", {}, "\"auto\""});
        visit("steps", &E::steps, Note{"The steps in their order", {}, "[\"connect\",\"apply\"]"});
        visit("script_path", &E::script_path, Note{"The script on the host", {}, "\"/p/bootstrap/run.sh\""});
        visit("payload_path", &E::payload_path, Note{"The folder that is sent along", {}, "\"/p/bootstrap/payload\""});
        visit("payload_bytes", &E::payload_bytes, Note{"Size of its files", Unit::bytes, "4096"});
        visit("handshake_timeout_secs", &E::handshake_timeout_secs,
              Note{"How long the guest may take to say hello", Unit::seconds, "60"});
        visit("remote_dir", &E::remote_dir, Note{"Where it goes in the guest", {}, "\"/opt/castra/base\""});
        visit("ssh", &E::ssh, Note{"How the guest is reached", {}, ""});
        visit("env_keys", &E::env_keys, Note{"Names of the variables; their values are secret", {}, "[\"TOKEN\"]"});
        visit("verify", &E::verify, Note{"How success is checked", {}, ""});
        visit("artifact_hash", &E::artifact_hash, Note{"sha256:hex of script, payload and env", {}, "\"sha256:00\""});
        visit("metadata_path", &E::metadata_path, Note{"The bootstrap.toml in force", {}, "\"/p/bootstrap.toml\""});
        visit("warnings", &E::warnings, Note{"What deserves a look, for people", {}, "[]"});
    }
};

struct BootstrapStarted {
    static constexpr About about{
        "bootstrap.started", Family::bootstrap, Severity::info, {"vm"}, "Bootstrap of a VM begins."};
    std::string base_hash, artifact_hash;
    BootstrapTrigger trigger = BootstrapTrigger::automatic;
    static void describe(auto&& visit) {
        using E = BootstrapStarted;
        visit("base_hash", &E::base_hash, Note{"sha256:hex that stands for the base image", {}, "\"sha256:00\""});
        visit("artifact_hash", &E::artifact_hash, Note{"sha256:hex of script, payload and env", {}, "\"sha256:00\""});
        visit("trigger", &E::trigger, Note{"What makes it run", {}, "\"auto\""});
    }
};

struct BootstrapStep {
    static constexpr About about{
        "bootstrap.step", Family::bootstrap, Severity::info, {"vm", "duration_ms"}, "One step of a bootstrap ended."};
    std::string step;
    StepStatus status = StepStatus::success;
    std::optional<std::string> detail;
    static void describe(auto&& visit) {
        using E = BootstrapStep;
        visit("step", &E::step,
              Note{"Which", {}, "\"connect\"", {"wait-handshake", "connect", "transfer", "apply", "verify"}});
        visit("status", &E::status, Note{"How it ended", {}, "\"success\""});
        visit("detail", &E::detail, Note{"More, for people", {}, "\"connected after 2 tries\""});
    }
};

struct BootstrapCompleted {
    static constexpr About about{"bootstrap.completed",
                                 Family::bootstrap,
                                 Severity::info,
                                 {"vm", "duration_ms"},
                                 "Bootstrap of a VM succeeded, or had nothing to do."};
    BootstrapStatus status = BootstrapStatus::success;
    std::optional<std::string> stamp;
    std::string log_path;
    static void describe(auto&& visit) {
        using E = BootstrapCompleted;
        visit("status", &E::status, Note{"Whether it changed anything", {}, "\"success\""});
        visit("stamp", &E::stamp, Note{"What the guest remembers it by", {}, "\"sha256:00\""});
        visit("log_path", &E::log_path, Note{"Output of the steps", {}, "\"/s/bootstrap/web-0.log\""});
    }
};

struct BootstrapFailed {
    static constexpr About about{"bootstrap.failed",
                                 Family::bootstrap,
                                 Severity::error,
                                 {"vm", "duration_ms", "error"},
                                 "Bootstrap of a VM failed; the VM stands."};
    std::string step, log_path;
    static void describe(auto&& visit) {
        using E = BootstrapFailed;
        visit("step", &E::step,
              Note{"Where", {}, "\"apply\"", {"wait-handshake", "connect", "transfer", "apply", "verify"}});
        visit("log_path", &E::log_path, Note{"Output of the steps", {}, "\"/s/bootstrap/web-0.log\""});
    }
};

} // namespace castra::contract
