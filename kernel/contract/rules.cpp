// SPDX-License-Identifier: Apache-2.0
#include "contract/rules.hpp"

namespace castra::contract {
namespace {

constexpr std::array<Rule, 20> table{{
    {1, "run", "opened", "`command.accepted` or `command.rejected` comes first, and only once.",
     "opener-first opener-once"},
    {2, "run", "numbered", "`seq` grows by one, `run_id` stays the same, `elapsed_us` never decreases.",
     "seq-gapless run-id-constant elapsed-monotonic"},
    {3, "run", "sealed", "Nothing comes after `summary`; `last` is true exactly there.",
     "nothing-after-summary last-on-summary last-nowhere-else"},
    {4, "run", "counted", "There is exactly one `summary`, and its `counts` and `events_emitted` are true.",
     "summary-once counts-true events-emitted-true"},
    {5, "run", "agreed",
     "`outcome` agrees with `exit_code` and with the severities: `succeeded` has code 0 and no error, `failed` has an "
     "error.",
     "succeeded-iff-zero succeeded-without-error failed-with-error"},
    {6, "run", "refused", "After `command.rejected` comes only `summary`.", "only-summary-after-rejected"},
    {7, "promise", "kept",
     "Each entry of `expects` is concluded exactly once: a VM by its entry in `vms` of `summary`, the broker by "
     "`broker.started`, `broker.stopped` or a `message` with code `broker_aborted`; what will not come is concluded as "
     "aborted, with a reason.",
     "expected-concluded concluded-once aborted-with-reason"},
    {8, "vm", "alive",
     "`vm.overlay_prepared` and `vm.launch` come only while the VM does not live, `vm.ready` once after `vm.launch`, "
     "`vm.exited` only of a VM that lives; a VM in `running` of `command.accepted` counts as ready.",
     "overlay-before-launch launch-before-ready ready-once one-incarnation exit-of-the-living"},
    {9, "vm", "stopped in order",
     "`vm.shutdown_requested`, then `vm.cooperative_attempted`, concluded by `vm.cooperative_succeeded` or "
     "`vm.cooperative_timed_out`, also several times; SIGTERM only after the latter or when no channel was there, "
     "SIGKILL only after SIGTERM; `vm.shutdown_complete` once, when the process is gone, and before a `summary` that "
     "succeeded.",
     "request-first attempt-concluded term-after-timeout kill-after-term complete-once complete-when-gone "
     "complete-before-success"},
    {10, "vm", "discarded when dead", "`vm.overlay_discarded` comes only while the VM does not live.",
     "no-discard-of-the-living"},
    {11, "bootstrap", "launched before bootstrapped",
     "No `bootstrap.started` before the VM is launched in this run or declared as running.", "launched-before-started"},
    {12, "bootstrap", "bootstrapped in order",
     "`bootstrap.planned`, `bootstrap.started`, the steps in the declared order, then `bootstrap.completed` or "
     "`bootstrap.failed`; after a step that failed only the latter; concluded before a `summary` that succeeded.",
     "planned-first started-before-steps steps-in-order concluded-once failed-after-failed-step "
     "concluded-before-success"},
    {13, "broker", "opened before used",
     "`broker.started` comes before any handshake, unless the broker ran before; a session that is closed had been "
     "granted, and is closed once.",
     "started-before-handshake closed-was-granted closed-once"},
    {14, "cleanup", "told before done",
     "The event is durable before the deletion; with `dry_run` nothing is reclaimed, and a run is dry or it is not.",
     "durable-before-deletion dry-run-reclaims-nothing dry-or-not"},
    {15, "progress", "forward",
     "Within a span, or where there is none for one type on one VM, `progress.current` never decreases and does not "
     "pass `total`, and `unit` stays the same.",
     "current-monotonic current-within-total unit-constant"},
    {16, "cause", "caused before", "`cause_seq` names an earlier event of the same run.",
     "cause-earlier cause-same-run"},
    {17, "cause", "failures explained",
     "A conclusion that failed has severity `error` or `blocker`, and an `error`; an unexpected `vm.exited` has a "
     "`capsule`.",
     "failed-is-error failed-has-error unexpected-exit-has-capsule"},
    {18, "shape", "well formed",
     "The type is registered and in its family; required fields are there; JSON types, enums, sizes and the integer "
     "range fit; no null, no control character, no field that is not registered.",
     "type-registered family-fits required-present json-types-fit enums-fit integers-safe no-null "
     "no-control-characters no-unregistered-field line-fits"},
    {19, "shape", "no secrets", "No registered secret appears in any value.", "no-secret-in-values"},
    {20, "source", "plugins in their place",
     "A plugin emits `x.<plugin>.<name>` with fields of its own only in `ext`, or `message`, with a severity of at "
     "most `error`; nobody speaks under another's name.",
     "plugin-types-only plugin-fields-in-ext plugin-severity-capped own-name-only"},
}};

constexpr std::array<ReaderDuty, 8> duties{{
    {"ignore-unknown-fields", "Ignore fields that you do not know."},
    {"act-on-family", "For a type that you do not know show `message`, and act on `family` and `severity`."},
    {"refuse-other-major", "Refuse another major of `contract`. A higher minor is fine."},
    {"never-parse-text", "Never parse `message`, `text`, `detail`, `hint`, `title` or `remediation`."},
    {"accept-open-values",
     "*closed*: no other value comes within this major. *open*: accept values that are not listed. Treat an "
     "`exit_code` that you do not know as a failure."},
    {"end-at-summary", "The run has ended at `summary` (`last` is true). Whether it went well is `outcome` and "
                       "`exit_code` there. A stream "
                       "that stops without it was cut off: its writer died, or you were detached for being too slow."},
    {"expect-coalescing",
     "A hole in `seq` means that progress events were coalesced for you. The journal has them all. A program "
     "that reads a command's stdout is never sent holes."},
    {"accept-older-minors",
     "In a journal of an older minor, fields whose *since* is later are absent, also required ones."},
}};

} // namespace

std::span<const Rule, 20> rules() {
    return table;
}

const Rule* find_rule(int number) {
    return number >= 1 && number <= static_cast<int>(table.size()) ? &table[static_cast<std::size_t>(number - 1)]
                                                                   : nullptr;
}

std::span<const ReaderDuty> reader_duties() {
    return duties;
}

std::span<const std::string_view> security_decisions() {
    return {}; // none so far
}

} // namespace castra::contract
