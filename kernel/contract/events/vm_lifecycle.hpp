// SPDX-License-Identifier: Apache-2.0
// The family vm.lifecycle: the life of one virtual machine.
#pragma once
#include "contract/events/about.hpp"

namespace castra::contract {

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

} // namespace castra::contract
