// SPDX-License-Identifier: Apache-2.0
// The event types of contract 1.0: each struct holds the fields beyond the envelope and describes them once.
// To add one: write the struct, list it in EventTypes below. Everything else follows.
#pragma once
#include "contract/envelope.hpp"

#include <tuple>

namespace castra::contract {

// Optional fields of the envelope that a type requires.
struct Also {
    std::array<std::string_view, 3> names{};
    std::size_t count = 0;
    constexpr Also() = default;
    constexpr Also(std::initializer_list<std::string_view> required) { // NOLINT(google-explicit-constructor)
        for (const auto name : required)
            names[count++] = name;
    }
    constexpr auto begin() const { return names.begin(); }
    constexpr auto end() const { return names.begin() + count; }
    constexpr bool empty() const { return count == 0; }
};

// What a type says about itself.
struct About {
    std::string_view type;
    Family family;
    Severity severity; // when the emitter names none
    Also also;
    std::string_view meaning;
    std::string_view since = "1.0";
};

// ---- command -----------------------------------------------------------------------------------------------------

struct Expectation {
    std::string kind, name;
    static void describe(auto&& visit) {
        visit("kind", &Expectation::kind, Note{"What will be concluded", {}, "\"vm\"", {"vm", "broker"}});
        visit("name", &Expectation::name, Note{"Which one", {}, "\"web-0\""});
    }
};

struct RunningVm {
    std::string name, incarnation;
    static void describe(auto&& visit) {
        visit("name", &RunningVm::name, Note{"A VM that runs", {}, "\"web-0\""});
        visit("incarnation", &RunningVm::incarnation, Note{"Its boot", {}, "\"01ARYZ6S410000000000000000\""});
    }
};

struct Limits {
    std::int64_t line_bytes_max = static_cast<std::int64_t>(contract::line_bytes_max);
    std::int64_t queue_events_max = 0;
    std::int64_t boot_window = 0;
    static void describe(auto&& visit) {
        visit("line_bytes_max", &Limits::line_bytes_max, Note{"Longest line of the stream", Unit::bytes, "65536"});
        visit("queue_events_max", &Limits::queue_events_max, Note{"Queue of each reporter", Unit::count, "1024"});
        visit("boot_window", &Limits::boot_window, Note{"VMs that boot at a time; 0: no VM boots", Unit::count, "2"});
    }
};

struct CommandAccepted {
    static constexpr About about{"command.accepted",
                                 Family::command,
                                 Severity::info,
                                 {},
                                 "The command is taken on. Always the first event, unless command.rejected is."};
    std::string tool_version;
    std::vector<std::string> argv;
    std::string config_path, config_digest;
    Limits limits;
    std::vector<Expectation> expects;
    std::vector<RunningVm> running;
    std::optional<bool> broker_running;
    static void describe(auto&& visit) {
        using E = CommandAccepted;
        visit("tool_version", &E::tool_version, Note{"castra's version and commit", {}, "\"0.1.0+abc1234\""});
        visit("argv", &E::argv, Note{"The command line", {}, "[\"castra\",\"up\"]", {}, "1.0", true});
        visit("config_path", &E::config_path,
              Note{"The TOML file; empty when none is involved", {}, "\"/p/castra.toml\""});
        visit("config_digest", &E::config_digest,
              Note{"sha256:hex of that file; empty when none", {}, "\"sha256:00\""});
        visit("limits", &E::limits, Note{"What this run is bounded by", {}, ""});
        visit("expects", &E::expects, Note{"What this run promises to conclude", {}, ""});
        visit("running", &E::running, Note{"VMs that already run when this run begins", {}, ""});
        visit("broker_running", &E::broker_running, Note{"True when the broker already runs", {}, "true"});
    }
};

struct CommandRejected {
    static constexpr About about{"command.rejected",
                                 Family::command,
                                 Severity::error,
                                 {"error"},
                                 "The command is refused; nothing was touched. Only summary follows."};
    std::string detail, code;
    static void describe(auto&& visit) {
        using E = CommandRejected;
        visit("detail", &E::detail,
              Note{"Everything that is wrong, one finding a line", {}, "\"castra.toml:3:1: ...\""});
        visit("code", &E::code,
              Note{"Why, for programs",
                   {},
                   "\"usage\"",
                   {"usage", "config_not_found", "config_invalid", "preflight", "busy", "not_found", "plugin", "io",
                    "protocol"}});
    }
};

// ---- message -----------------------------------------------------------------------------------------------------

struct Message {
    static constexpr About about{"message", Family::message, Severity::info, {}, "Something to tell a person."};
    std::string text;
    std::optional<std::string> code, path, help, rule;
    std::optional<std::int64_t> offending_seq;
    std::optional<std::string> offending, offender;
    static void describe(auto&& visit) {
        using E = Message;
        visit("text", &E::text, Note{"Same as message", {}, "\"falling back to TCG\""});
        visit("code", &E::code,
              Note{"Stable word for programs",
                   {},
                   "\"accelerator_fallback\"",
                   {"accelerator_fallback", "readiness_unknown", "contract_violation", "journal_failed",
                    "sink_detached", "unchanged", "adopted", "image_build", "status"}});
        visit("path", &E::path, Note{"File concerned", {}, "\"/p/castra.toml\""});
        visit("help", &E::help, Note{"Where to read more", {}, "\"docs/CONFIG.md\""});
        visit("rule", &E::rule, Note{"contract_violation: the rule that was broken", {}, "\"8\""});
        visit("offending_seq", &E::offending_seq,
              Note{"contract_violation: earlier event it clashes with", Unit::count, "4"});
        visit("offending", &E::offending, Note{"contract_violation: the refused event, clipped", {}, "\"{}\""});
        visit("offender", &E::offender, Note{"contract_violation: who emitted it", {}, "\"plugin:x\""});
    }
};

// ---- vm.lifecycle ------------------------------------------------------------------------------------------------

struct VmImageVerified {
    static constexpr About about{"vm.image_verified",
                                 Family::vm_lifecycle,
                                 Severity::info,
                                 {"vm"},
                                 "The base image exists, its format is known, and its digest is what was asked for."};
    std::string base_image, base_digest;
    bool base_cached = false;
    static void describe(auto&& visit) {
        using E = VmImageVerified;
        visit("base_image", &E::base_image, Note{"The image", {}, "\"/c/disk.qcow2\""});
        visit("base_digest", &E::base_digest, Note{"sha256:hex of its bytes", {}, "\"sha256:00\""});
        visit("base_cached", &E::base_cached,
              Note{"Whether the digest was known from an earlier run, the file being unchanged since", {}, "true"});
    }
};

struct VmOverlayPrepared {
    static constexpr About about{"vm.overlay_prepared",
                                 Family::vm_lifecycle,
                                 Severity::info,
                                 {"vm"},
                                 "The VM's own disk layer exists; the base image is not written."};
    std::string overlay_path, base_image;
    std::optional<std::string> base_digest;
    bool base_cached = false;
    static void describe(auto&& visit) {
        using E = VmOverlayPrepared;
        visit("overlay_path", &E::overlay_path, Note{"The overlay", {}, "\"/s/overlay.qcow2\""});
        visit("base_image", &E::base_image, Note{"What it lies on", {}, "\"/c/disk.qcow2\""});
        visit("base_digest", &E::base_digest, Note{"sha256:hex of the base, where known", {}, "\"sha256:00\""});
        visit("base_cached", &E::base_cached, Note{"Whether the base comes from the image store", {}, "true"});
    }
};

struct VmLaunch {
    static constexpr About about{"vm.launch", Family::vm_lifecycle, Severity::info, {"vm"}, "The VM's process runs."};
    std::int64_t pid = 0;
    std::string accelerator, launcher, incarnation;
    static void describe(auto&& visit) {
        using E = VmLaunch;
        visit("pid", &E::pid, Note{"Process id on the host", {}, "4242"});
        visit("accelerator", &E::accelerator, Note{"How the CPU is provided", {}, "\"tcg\"", {"kvm", "tcg", "none"}});
        visit("launcher", &E::launcher, Note{"Id of the launcher plugin", {}, "\"launcher-qemu\""});
        visit("incarnation", &E::incarnation, Note{"Id of this boot", {}, "\"01ARYZ6S410000000000000000\""});
    }
};

struct VmReady {
    static constexpr About about{
        "vm.ready", Family::vm_lifecycle, Severity::info, {"vm"}, "The VM said that it is ready."};
    std::string via;
    std::int64_t boot_ms = 0;
    static void describe(auto&& visit) {
        using E = VmReady;
        visit("via", &E::via,
              Note{"How it said so", {}, "\"marker\"", {"agent", "ssh", "marker", "notify", "started"}});
        visit("boot_ms", &E::boot_ms, Note{"From the launch", Unit::milliseconds, "940"});
    }
};

struct Capsule {
    std::string phase, serial_tail, hint;
    static void describe(auto&& visit) {
        using E = Capsule;
        visit("phase", &E::phase, Note{"When it happened", {}, "\"boot\"", {"launch", "boot", "running", "shutdown"}});
        visit("serial_tail", &E::serial_tail,
              Note{"Last output of the guest or of its process", {}, "\"panic\"", {}, "1.0", true});
        visit("hint", &E::hint, Note{"What to try; may be empty", {}, "\"give it more memory\""});
    }
};

struct VmExited {
    static constexpr About about{"vm.exited", Family::vm_lifecycle, Severity::info, {"vm"}, "The VM's process ended."};
    std::optional<std::int64_t> exit_code;
    std::optional<std::string> signal;
    bool expected = false;
    std::optional<Capsule> capsule;
    static void describe(auto&& visit) {
        using E = VmExited;
        visit("exit_code", &E::exit_code, Note{"Absent when a signal ended it or nobody could tell", {}, "0"});
        visit("signal", &E::signal, Note{"The signal that ended it", {}, "\"SIGKILL\""});
        visit("expected", &E::expected, Note{"Whether castra had asked for it", {}, "true"});
        visit("capsule", &E::capsule, Note{"Required when it was not expected", {}, ""});
    }
};

struct VmShutdownRequested {
    static constexpr About about{
        "vm.shutdown_requested", Family::vm_lifecycle, Severity::info, {"vm"}, "The VM shall stop."};
    static void describe(auto&&) {}
};

struct VmCooperativeAttempted {
    static constexpr About about{"vm.cooperative_attempted",
                                 Family::vm_lifecycle,
                                 Severity::info,
                                 {"vm"},
                                 "The guest is asked to power itself down."};
    std::string method;
    std::int64_t timeout_ms = 0;
    static void describe(auto&& visit) {
        using E = VmCooperativeAttempted;
        visit("method", &E::method, Note{"By which channel", {}, "\"acpi\"", {"acpi", "agent", "unavailable"}});
        visit("timeout_ms", &E::timeout_ms, Note{"How long it may take", Unit::milliseconds, "20000"});
    }
};

struct VmCooperativeSucceeded {
    static constexpr About about{
        "vm.cooperative_succeeded", Family::vm_lifecycle, Severity::info, {"vm"}, "The guest powered itself down."};
    std::int64_t elapsed_ms = 0;
    static void describe(auto&& visit) {
        visit("elapsed_ms", &VmCooperativeSucceeded::elapsed_ms, Note{"Since the attempt", Unit::milliseconds, "812"});
    }
};

struct VmCooperativeTimedOut {
    static constexpr About about{"vm.cooperative_timed_out",
                                 Family::vm_lifecycle,
                                 Severity::warn,
                                 {"vm"},
                                 "The guest did not power itself down."};
    std::int64_t waited_ms = 0;
    TimeoutReason reason = TimeoutReason::timeout_expired;
    std::optional<std::string> detail;
    static void describe(auto&& visit) {
        using E = VmCooperativeTimedOut;
        visit("waited_ms", &E::waited_ms, Note{"Since the attempt", Unit::milliseconds, "20000"});
        visit("reason", &E::reason, Note{"Why", {}, "\"timeout_expired\""});
        visit("detail", &E::detail, Note{"More, for people", {}, "\"connect: Connection refused\""});
    }
};

struct VmShutdownEscalated {
    static constexpr About about{
        "vm.shutdown_escalated", Family::vm_lifecycle, Severity::warn, {"vm"}, "The VM's process was sent a signal."};
    EscalationSignal signal = EscalationSignal::sigterm;
    std::optional<std::int64_t> timeout_ms;
    static void describe(auto&& visit) {
        using E = VmShutdownEscalated;
        visit("signal", &E::signal, Note{"Which", {}, "\"SIGTERM\""});
        visit("timeout_ms", &E::timeout_ms, Note{"How long it may take", Unit::milliseconds, "10000"});
    }
};

struct VmShutdownComplete {
    static constexpr About about{"vm.shutdown_complete",
                                 Family::vm_lifecycle,
                                 Severity::info,
                                 {"vm"},
                                 "The VM is down. Exactly one for each vm.shutdown_requested."};
    ShutdownOutcome outcome = ShutdownOutcome::graceful;
    std::int64_t total_ms = 0;
    bool changed = true;
    static void describe(auto&& visit) {
        using E = VmShutdownComplete;
        visit("outcome", &E::outcome, Note{"How", {}, "\"graceful\""});
        visit("total_ms", &E::total_ms, Note{"Since the request", Unit::milliseconds, "830"});
        visit("changed", &E::changed, Note{"False when it was down already", {}, "true"});
    }
};

struct VmOverlayDiscarded {
    static constexpr About about{"vm.overlay_discarded",
                                 Family::vm_lifecycle,
                                 Severity::info,
                                 {"vm"},
                                 "The VM's disk layer is given up. Durable before the file goes."};
    static constexpr std::string_view moment = "before it happens";
    std::string overlay_path;
    std::int64_t reclaimed_bytes = 0;
    DiscardReason reason = DiscardReason::shutdown;
    static void describe(auto&& visit) {
        using E = VmOverlayDiscarded;
        visit("overlay_path", &E::overlay_path, Note{"The overlay", {}, "\"/s/overlay.qcow2\""});
        visit("reclaimed_bytes", &E::reclaimed_bytes, Note{"Allocated on disk", Unit::bytes, "262144"});
        visit("reason", &E::reason, Note{"Why", {}, "\"shutdown\""});
    }
};

// ---- bootstrap ---------------------------------------------------------------------------------------------------

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

// ---- broker ------------------------------------------------------------------------------------------------------

struct BrokerStarted {
    static constexpr About about{
        "broker.started", Family::broker, Severity::info, {}, "The broker runs and takes connections."};
    std::int64_t pid = 0;
    std::int64_t port = 0;
    std::string endpoint;
    static void describe(auto&& visit) {
        using E = BrokerStarted;
        visit("pid", &E::pid, Note{"Process id on the host; 0 when it has no process of its own", {}, "4242"});
        visit("port", &E::port, Note{"TCP port; 0 when it has none", {}, "7070"});
        visit("endpoint", &E::endpoint, Note{"Where it listens", {}, "\"/run/broker.sock\""});
    }
};

struct BrokerStopped {
    static constexpr About about{"broker.stopped", Family::broker, Severity::info, {}, "The broker does not run."};
    bool changed = true;
    static void describe(auto&& visit) {
        visit("changed", &BrokerStopped::changed, Note{"False when it was down already", {}, "true"});
    }
};

struct BrokerHandshake {
    static constexpr About about{
        "broker.handshake", Family::broker, Severity::info, {}, "Somebody asked the broker for a session."};
    std::string session;
    std::vector<std::string> capabilities;
    SessionKind session_kind = SessionKind::guest;
    SessionOutcome session_outcome = SessionOutcome::granted;
    std::optional<std::string> reason, remote_addr;
    static void describe(auto&& visit) {
        using E = BrokerHandshake;
        visit("session", &E::session, Note{"Id of the session", {}, "\"01ARYZ6S410000000000000000\""});
        visit("capabilities", &E::capabilities, Note{"What the other side can do", {}, "[\"publish\"]"});
        visit("session_kind", &E::session_kind, Note{"Who it is", {}, "\"guest\""});
        visit("session_outcome", &E::session_outcome, Note{"What the broker decided", {}, "\"granted\""});
        visit("reason", &E::reason, Note{"Why not granted", {}, "\"secret of an earlier boot\""});
        visit("remote_addr", &E::remote_addr, Note{"From where", {}, "\"127.0.0.1:40000\""});
    }
};

struct BrokerSessionClosed {
    static constexpr About about{
        "broker.session_closed", Family::broker, Severity::info, {}, "A session that had been granted ended."};
    std::string session;
    SessionKind session_kind = SessionKind::guest;
    std::optional<std::string> reason, remote_addr;
    static void describe(auto&& visit) {
        using E = BrokerSessionClosed;
        visit("session", &E::session, Note{"Id of the session", {}, "\"01ARYZ6S410000000000000000\""});
        visit("session_kind", &E::session_kind, Note{"Who it was", {}, "\"guest\""});
        visit("reason", &E::reason, Note{"Why it ended", {}, "\"the guest went away\""});
        visit("remote_addr", &E::remote_addr, Note{"From where", {}, "\"127.0.0.1:40000\""});
    }
};

// ---- cleanup -----------------------------------------------------------------------------------------------------

struct CleanupProgress {
    static constexpr About about{"cleanup.progress",
                                 Family::cleanup,
                                 Severity::info,
                                 {},
                                 "Something of castra's own is removed. Durable before it goes."};
    static constexpr std::string_view moment = "before it happens";
    std::string path, kind;
    std::int64_t bytes = 0;
    bool dry_run = false;
    static void describe(auto&& visit) {
        using E = CleanupProgress;
        visit("path", &E::path, Note{"What", {}, "\"/s/vms/web-0\""});
        visit("kind", &E::kind,
              Note{"Its category",
                   {},
                   "\"overlay\"",
                   {"images", "logs", "handshakes", "overlay", "pid_file", "runtime", "record", "keys"}});
        visit("bytes", &E::bytes, Note{"Allocated on disk", Unit::bytes, "4096"});
        visit("dry_run", &E::dry_run, Note{"True: nothing is removed", {}, "false"});
    }
};

// ---- summary -----------------------------------------------------------------------------------------------------

// Not named like the severities: `error` and `progress` are objects elsewhere, and a name has one type everywhere.
struct Counts {
    std::int64_t progress_events = 0, info_events = 0, warn_events = 0, error_events = 0, blocker_events = 0;
    std::int64_t& of(Severity severity) {
        const std::array all{&progress_events, &info_events, &warn_events, &error_events, &blocker_events};
        return *all[static_cast<std::size_t>(severity)];
    }
    static void describe(auto&& visit) {
        visit("progress_events", &Counts::progress_events,
              Note{"Of this severity, this one included", Unit::count, "0"});
        visit("info_events", &Counts::info_events, Note{"Of this severity, this one included", Unit::count, "9"});
        visit("warn_events", &Counts::warn_events, Note{"Of this severity, this one included", Unit::count, "0"});
        visit("error_events", &Counts::error_events, Note{"Of this severity, this one included", Unit::count, "0"});
        visit("blocker_events", &Counts::blocker_events, Note{"Of this severity, this one included", Unit::count, "0"});
    }
};

struct VmResult {
    std::string vm, final_state;
    VmOutcome outcome = VmOutcome::succeeded;
    std::optional<std::string> reason = {};
    static void describe(auto&& visit) {
        using E = VmResult;
        visit("vm", &E::vm, Note{"The VM", {}, "\"web-0\""});
        visit("final_state", &E::final_state,
              Note{"Where it stands now",
                   {},
                   "\"ready\"",
                   {"absent", "preparing", "booting", "ready", "running", "stopping", "stopped", "failed", "unknown"}});
        visit("outcome", &E::outcome, Note{"What this run did to it", {}, "\"succeeded\""});
        visit("reason", &E::reason, Note{"Why it was not concluded otherwise", {}, "\"the run ended early\""});
    }
};

struct SinkResult {
    std::string name;
    std::int64_t delivered = 0, coalesced = 0;
    bool detached = false;
    static void describe(auto&& visit) {
        using E = SinkResult;
        visit("name", &E::name, Note{"A reporter", {}, "\"reporter-console\""});
        visit("delivered", &E::delivered, Note{"Events it has taken before this one", Unit::count, "11"});
        visit("coalesced", &E::coalesced, Note{"Progress events replaced by later ones", Unit::count, "0"});
        visit("detached", &E::detached, Note{"True when it was given up", {}, "false"});
    }
};

struct Summary {
    static constexpr About about{"summary",
                                 Family::summary,
                                 Severity::info,
                                 {"duration_ms"},
                                 "How the run ended. Always the last event, on every path."};
    Outcome outcome = Outcome::succeeded;
    std::int64_t exit_code = 0;
    std::int64_t events_emitted = 0;
    Counts counts;
    std::vector<VmResult> vms;
    std::optional<std::int64_t> reclaimed_bytes, first_error_seq;
    std::int64_t coalesced = 0;
    std::vector<SinkResult> sinks;
    std::vector<std::string> leftovers;
    static void describe(auto&& visit) {
        using E = Summary;
        visit("outcome", &E::outcome, Note{"How", {}, "\"succeeded\""});
        visit("exit_code", &E::exit_code, Note{"What the process exits with", {}, "0"});
        visit("events_emitted", &E::events_emitted, Note{"Equals seq", Unit::count, "12"});
        visit("counts", &E::counts, Note{"Events per severity; they add up to seq", {}, ""});
        visit("vms", &E::vms, Note{"One entry for each VM concerned", {}, ""});
        visit("reclaimed_bytes", &E::reclaimed_bytes, Note{"Disk given back", Unit::bytes, "262144"});
        visit("first_error_seq", &E::first_error_seq,
              Note{"First event of severity error or blocker", Unit::count, "7"});
        visit("coalesced", &E::coalesced, Note{"Over all sinks", Unit::count, "0"});
        visit("sinks", &E::sinks, Note{"One entry for each reporter", {}, ""});
        visit("leftovers", &E::leftovers, Note{"What could not be removed", {}, "[]"});
    }
};

// The registry's list: every type that contract 1.0 has.
using EventTypes =
    std::tuple<CommandAccepted, CommandRejected, Message, VmImageVerified, VmOverlayPrepared, VmLaunch, VmReady,
               VmExited, VmShutdownRequested, VmCooperativeAttempted, VmCooperativeSucceeded, VmCooperativeTimedOut,
               VmShutdownEscalated, VmShutdownComplete, VmOverlayDiscarded, BootstrapPlanned, BootstrapStarted,
               BootstrapStep, BootstrapCompleted, BootstrapFailed, BrokerStarted, BrokerStopped, BrokerHandshake,
               BrokerSessionClosed, CleanupProgress, Summary>;

} // namespace castra::contract
