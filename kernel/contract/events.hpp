// SPDX-License-Identifier: Apache-2.0
// The event types of contract 1.0: each struct holds the fields beyond the envelope and describes them once.
// To add one: write the struct, list it in EventTypes below. Everything else follows.
#pragma once
#include "contract/envelope.hpp"

#include <tuple>

namespace castra::contract {

// What a type says about itself.
struct About {
    std::string_view type;
    Family family;
    Severity severity;     // when the emitter names none
    std::string_view also; // an optional field of the envelope that this type requires; "" none
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
    static constexpr About about{"command.accepted", Family::command, Severity::info, "",
                                 "The command is taken on. Always the first event, unless command.rejected is."};
    std::string tool_version;
    std::vector<std::string> argv;
    std::string config_path, config_digest;
    Limits limits;
    std::vector<Expectation> expects;
    std::vector<RunningVm> running;
    static void describe(auto&& visit) {
        using E = CommandAccepted;
        visit("tool_version", &E::tool_version, Note{"castra's version and commit", {}, "\"0.1.0+abc1234\""});
        visit("argv", &E::argv, Note{"The command line, redacted", {}, "[\"castra\",\"up\"]"});
        visit("config_path", &E::config_path,
              Note{"The TOML file; empty when none is involved", {}, "\"/p/castra.toml\""});
        visit("config_digest", &E::config_digest,
              Note{"sha256:hex of that file; empty when none", {}, "\"sha256:00\""});
        visit("limits", &E::limits, Note{"What this run is bounded by", {}, ""});
        visit("expects", &E::expects, Note{"What this run promises to conclude", {}, ""});
        visit("running", &E::running, Note{"VMs that already run when this run begins", {}, ""});
    }
};

struct CommandRejected {
    static constexpr About about{"command.rejected", Family::command, Severity::error, "",
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
    static constexpr About about{"message", Family::message, Severity::info, "", "Something to tell a person."};
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

struct VmOverlayPrepared {
    static constexpr About about{"vm.overlay_prepared", Family::vm_lifecycle, Severity::info, "vm",
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
    static constexpr About about{"vm.launch", Family::vm_lifecycle, Severity::info, "vm", "The VM's process runs."};
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
    static constexpr About about{"vm.ready", Family::vm_lifecycle, Severity::info, "vm",
                                 "The VM said that it is ready."};
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
        visit("serial_tail", &E::serial_tail, Note{"Last output of the guest or of its process", {}, "\"panic\""});
        visit("hint", &E::hint, Note{"What to try; may be empty", {}, "\"give it more memory\""});
    }
};

struct VmExited {
    static constexpr About about{"vm.exited", Family::vm_lifecycle, Severity::info, "vm", "The VM's process ended."};
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
    static constexpr About about{"vm.shutdown_requested", Family::vm_lifecycle, Severity::info, "vm",
                                 "The VM shall stop."};
    static void describe(auto&&) {}
};

struct VmCooperativeAttempted {
    static constexpr About about{"vm.cooperative_attempted", Family::vm_lifecycle, Severity::info, "vm",
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
    static constexpr About about{"vm.cooperative_succeeded", Family::vm_lifecycle, Severity::info, "vm",
                                 "The guest powered itself down."};
    std::int64_t elapsed_ms = 0;
    static void describe(auto&& visit) {
        visit("elapsed_ms", &VmCooperativeSucceeded::elapsed_ms, Note{"Since the attempt", Unit::milliseconds, "812"});
    }
};

struct VmCooperativeTimedOut {
    static constexpr About about{"vm.cooperative_timed_out", Family::vm_lifecycle, Severity::warn, "vm",
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
    static constexpr About about{"vm.shutdown_escalated", Family::vm_lifecycle, Severity::warn, "vm",
                                 "The VM's process was sent a signal."};
    EscalationSignal signal = EscalationSignal::sigterm;
    std::optional<std::int64_t> timeout_ms;
    static void describe(auto&& visit) {
        using E = VmShutdownEscalated;
        visit("signal", &E::signal, Note{"Which", {}, "\"SIGTERM\""});
        visit("timeout_ms", &E::timeout_ms, Note{"How long it may take", Unit::milliseconds, "10000"});
    }
};

struct VmShutdownComplete {
    static constexpr About about{"vm.shutdown_complete", Family::vm_lifecycle, Severity::info, "vm",
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
    static constexpr About about{"vm.overlay_discarded", Family::vm_lifecycle, Severity::info, "vm",
                                 "The VM's disk layer is given up. Durable before the file goes."};
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

// ---- cleanup -----------------------------------------------------------------------------------------------------

struct CleanupProgress {
    static constexpr About about{"cleanup.progress", Family::cleanup, Severity::info, "",
                                 "Something of castra's own is removed. Durable before it goes."};
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
    static void describe(auto&& visit) {
        using E = VmResult;
        visit("vm", &E::vm, Note{"The VM", {}, "\"web-0\""});
        visit("final_state", &E::final_state,
              Note{"Where it stands now",
                   {},
                   "\"ready\"",
                   {"absent", "preparing", "booting", "ready", "running", "stopping", "stopped", "failed", "unknown"}});
        visit("outcome", &E::outcome, Note{"What this run did to it", {}, "\"succeeded\""});
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
    static constexpr About about{"summary", Family::summary, Severity::info, "duration_ms",
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

// The registry's list: every type that contract 1.0 has so far.
using EventTypes =
    std::tuple<CommandAccepted, CommandRejected, Message, VmOverlayPrepared, VmLaunch, VmReady, VmExited,
               VmShutdownRequested, VmCooperativeAttempted, VmCooperativeSucceeded, VmCooperativeTimedOut,
               VmShutdownEscalated, VmShutdownComplete, VmOverlayDiscarded, CleanupProgress, Summary>;

} // namespace castra::contract
