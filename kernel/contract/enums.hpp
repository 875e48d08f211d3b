// SPDX-License-Identifier: Apache-2.0
// The closed enums of contract 1.0 with their wire strings. Adding a value here is a major version.
#pragma once
#include "contract/describe.hpp"

namespace castra::contract {

// What a person owes the event. progress: work in flight, the only one that may be coalesced. info: a change worth
// knowing. warn: recoverable, wants attention. error: work is blocked. blocker: needs a person now.
enum class Severity { progress, info, warn, error, blocker };
template <>
struct EnumText<Severity> {
    static constexpr std::string_view name = "severity";
    static constexpr std::array<std::string_view, 5> values{"progress", "info", "warn", "error", "blocker"};
};

enum class Family { command, message, vm_lifecycle, bootstrap, broker, cleanup, summary };
template <>
struct EnumText<Family> {
    static constexpr std::string_view name = "family";
    static constexpr std::array<std::string_view, 7> values{"command", "message", "vm.lifecycle", "bootstrap",
                                                            "broker",  "cleanup", "summary"};
};

// How a run ended. partial: something stands that was wanted, something does not. aborted: sealed by a later process.
enum class Outcome { succeeded, failed, partial, cancelled, aborted };
template <>
struct EnumText<Outcome> {
    static constexpr std::string_view name = "outcome";
    static constexpr std::array<std::string_view, 5> values{"succeeded", "failed", "partial", "cancelled", "aborted"};
};

enum class ShutdownOutcome { graceful, forced };
template <>
struct EnumText<ShutdownOutcome> {
    static constexpr std::string_view name = "shutdown_outcome";
    static constexpr std::array<std::string_view, 2> values{"graceful", "forced"};
};

enum class TimeoutReason { timeout_expired, channel_unavailable, channel_error };
template <>
struct EnumText<TimeoutReason> {
    static constexpr std::string_view name = "timeout_reason";
    static constexpr std::array<std::string_view, 3> values{"timeout_expired", "channel_unavailable", "channel_error"};
};

enum class EscalationSignal { sigterm, sigkill };
template <>
struct EnumText<EscalationSignal> {
    static constexpr std::string_view name = "escalation_signal";
    static constexpr std::array<std::string_view, 2> values{"SIGTERM", "SIGKILL"};
};

enum class DiscardReason { shutdown, orphan };
template <>
struct EnumText<DiscardReason> {
    static constexpr std::string_view name = "discard_reason";
    static constexpr std::array<std::string_view, 2> values{"shutdown", "orphan"};
};

enum class VmOutcome { succeeded, unchanged, failed, cancelled, aborted };
template <>
struct EnumText<VmOutcome> {
    static constexpr std::string_view name = "vm_outcome";
    static constexpr std::array<std::string_view, 5> values{"succeeded", "unchanged", "failed", "cancelled", "aborted"};
};

enum class BootstrapMode { automatic, always, skip };
template <>
struct EnumText<BootstrapMode> {
    static constexpr std::string_view name = "bootstrap_mode";
    static constexpr std::array<std::string_view, 3> values{"auto", "always", "skip"};
};

enum class PlannedAction { would_run, would_skip, error };
template <>
struct EnumText<PlannedAction> {
    static constexpr std::string_view name = "planned_action";
    static constexpr std::array<std::string_view, 3> values{"would_run", "would_skip", "error"};
};

enum class BootstrapTrigger { automatic, always };
template <>
struct EnumText<BootstrapTrigger> {
    static constexpr std::string_view name = "bootstrap_trigger";
    static constexpr std::array<std::string_view, 2> values{"auto", "always"};
};

enum class StepStatus { success, skipped, failed };
template <>
struct EnumText<StepStatus> {
    static constexpr std::string_view name = "step_status";
    static constexpr std::array<std::string_view, 3> values{"success", "skipped", "failed"};
};

enum class BootstrapStatus { success, noop };
template <>
struct EnumText<BootstrapStatus> {
    static constexpr std::string_view name = "bootstrap_status";
    static constexpr std::array<std::string_view, 2> values{"success", "noop"};
};

enum class SessionKind { guest, host };
template <>
struct EnumText<SessionKind> {
    static constexpr std::string_view name = "session_kind";
    static constexpr std::array<std::string_view, 2> values{"guest", "host"};
};

enum class SessionOutcome { granted, denied, timeout };
template <>
struct EnumText<SessionOutcome> {
    static constexpr std::string_view name = "session_outcome";
    static constexpr std::array<std::string_view, 3> values{"granted", "denied", "timeout"};
};

} // namespace castra::contract
