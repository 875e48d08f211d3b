# SPDX-License-Identifier: Apache-2.0
"""Small valid streams, written by hand from docs/EVENTS.md, for the cases of this folder to damage.

A stream is a list of events, each a dict. `sealed` numbers it and makes its summary true; `wire` is its bytes.
"""
import json

RUN = "01ARYZ6S410000000000000000"
BOOT = "01ARYZ6S41BOOT000000000000"
FAMILIES = {"vm": "vm.lifecycle", "x": "message"}
SEVERITIES = ("progress", "info", "warn", "error", "blocker")


ENVELOPE = ("type", "family", "contract", "run_id", "seq", "time", "elapsed_us", "severity", "message", "operation", "project",
            "source", "vm", "span", "cause_seq", "remediation", "error", "progress", "ext", "last", "synthetic")


def event(type_, *, message="", severity="info", source="kernel", **fields):
    return {"type": type_, "family": FAMILIES.get(type_.split(".")[0], type_.split(".")[0]), "contract": "1.0", "run_id": RUN,
            "seq": 0, "time": "", "elapsed_us": 0, "severity": severity, "message": message or type_, "operation": "up",
            "project": "t", "source": source, **fields}


def accepted(*expects, running=()):
    return event("command.accepted", tool_version="0.1.0", argv=["castra", "up"], config_path="/t/castra.toml",
                 config_digest="sha256:00", limits={"line_bytes_max": 65536, "queue_events_max": 1024, "boot_window": 2},
                 expects=[{"kind": "broker" if name == "broker" else "vm", "name": name} for name in expects],
                 running=[{"name": name, "incarnation": BOOT} for name in running])


def failure(code, title):
    return {"code": code, "title": title, "retryable": True}


def summary(outcome="succeeded", exit_code=0, vms=(), **fields):
    severity = {"succeeded": "info", "failed": "error"}.get(outcome, "warn")
    if outcome == "failed":
        fields.setdefault("error", failure("run_failed", "failed"))
    return event("summary", severity=severity, duration_ms=9, last=True, outcome=outcome, exit_code=exit_code, events_emitted=0,
                 counts={}, vms=[{"vm": name, "final_state": state, "outcome": how} for name, state, how in vms], coalesced=0,
                 sinks=[{"name": "client", "delivered": 0, "coalesced": 0, "detached": False}], leftovers=[], **fields)


def launch(vm):
    return event("vm.launch", vm=vm, pid=4711, accelerator="none", launcher="launcher-process", incarnation=BOOT)


def ready(vm):
    return event("vm.ready", vm=vm, via="notify", boot_ms=12)


def verified(vm):
    return event("vm.image_verified", vm=vm, base_image="tiny", base_digest="sha256:00", base_cached=True)


def overlay(vm):
    return event("vm.overlay_prepared", vm=vm, overlay_path=f"/t/{vm}/overlay.qcow2", base_image="tiny", base_cached=True)


def exited(vm, **fields):
    return event("vm.exited", vm=vm, expected=True, **(fields or {"exit_code": 0}))


def crashed(vm):
    return event("vm.exited", vm=vm, severity="error", error=failure("launch", f"{vm} ended"), exit_code=3, expected=False,
                 capsule={"phase": "boot", "serial_tail": "panic\n", "hint": ""})


def requested(vm):
    return event("vm.shutdown_requested", vm=vm)


def attempted(vm, method="acpi"):
    return event("vm.cooperative_attempted", vm=vm, method=method, timeout_ms=100)


def agreed(vm):
    return event("vm.cooperative_succeeded", vm=vm, elapsed_ms=40)


def timed_out(vm):
    return event("vm.cooperative_timed_out", vm=vm, severity="warn", waited_ms=100, reason="timeout_expired")


def escalated(vm, signal):
    return event("vm.shutdown_escalated", vm=vm, severity="warn", signal=signal, timeout_ms=100)


def complete(vm, outcome="graceful"):
    return event("vm.shutdown_complete", vm=vm, outcome=outcome, total_ms=140, changed=True)


def discarded(vm):
    return event("vm.overlay_discarded", vm=vm, overlay_path=f"/t/{vm}/overlay.qcow2", reclaimed_bytes=4096, reason="shutdown")


def removed(path, dry_run=False):
    return event("cleanup.progress", path=path, kind="record", bytes=4096, dry_run=dry_run)


def told(text, **fields):
    return event("message", message=text, text=text, **fields)


def copied(current, **fields):
    return told(f"{current} of 8", severity="progress", vm="web-0", progress={"current": current, "total": 8, "unit": "MiB"},
                **fields)


STEPS = ("wait-handshake", "connect", "transfer", "seed-database", "apply", "verify")


def planned(vm):
    return event("bootstrap.planned", vm=vm, mode="auto", action="would_run", reason="first", trigger="auto", steps=list(STEPS),
                 env_keys=[], warnings=[])


def started(vm):
    return event("bootstrap.started", vm=vm, base_hash="sha256:00", artifact_hash="sha256:01", trigger="auto")


def step(vm, name, status="success"):
    return event("bootstrap.step", vm=vm, step=name, status=status, duration_ms=3)


def completed(vm):
    return event("bootstrap.completed", vm=vm, status="success", duration_ms=20, log_path="/t/bootstrap.log")


def broken(vm):
    return event("bootstrap.failed", vm=vm, severity="error", duration_ms=20, error=failure("bootstrap", "apply failed"), step="apply",
                 log_path="/t/bootstrap.log")


def broker_started():
    return event("broker.started", pid=4712, port=7000, endpoint="127.0.0.1:7000")


def broker_stopped():
    return event("broker.stopped", changed=True)


def handshake(name, how="granted"):
    return event("broker.handshake", session=name, capabilities=["log"], session_kind="guest", session_outcome=how)


def closed(name):
    return event("broker.session_closed", session=name, session_kind="guest")


def sealed(events):
    """Numbers the events and makes the summary's numbers true."""
    counts, first_error = dict.fromkeys(SEVERITIES, 0), None
    for seq, one in enumerate(events, 1):
        one["seq"], one["elapsed_us"] = seq, seq * 1000
        one["time"] = f"2026-11-23T13:06:02.{seq:06}Z"
        counts[one["severity"]] += 1
        if one["severity"] in ("error", "blocker"):
            first_error = first_error or seq
        if one["type"] == "summary":
            one["events_emitted"] = seq
            one["counts"] = {f"{severity}_events": counts[severity] for severity in SEVERITIES}
            one.pop("first_error_seq", None)
            if first_error:
                one["first_error_seq"] = first_error
    return events


def line(one):
    return json.dumps(one, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def wire(events):
    return b"".join(map(line, events))


# ---- the streams -------------------------------------------------------------------------------------------------------

def up():
    return [accepted("web-0", "web-1"), copied(2), copied(8), verified("web-0"), overlay("web-0"), launch("web-0"), overlay("web-1"), launch("web-1"),
            ready("web-1"), ready("web-0"),
            summary(vms=[("web-0", "ready", "succeeded"), ("web-1", "ready", "succeeded")], reclaimed_bytes=0)]


def down():
    """One goes when asked, one must be killed, one cannot be asked, one is asked twice."""
    names = ("web-0", "web-1", "web-2", "web-3")
    return [accepted(*names, running=names),
            requested("web-0"), attempted("web-0"), requested("web-1"), attempted("web-1", "agent"), exited("web-0"), agreed("web-0"),
            complete("web-0"), discarded("web-0"), removed("/t/web-0/record.json"), timed_out("web-1"), escalated("web-1", "SIGTERM"),
            escalated("web-1", "SIGKILL"), exited("web-1", signal="SIGKILL"), complete("web-1", "forced"),
            requested("web-2"), attempted("web-2", "unavailable"), escalated("web-2", "SIGTERM"), exited("web-2", signal="SIGTERM"),
            complete("web-2", "forced"), requested("web-3"), attempted("web-3", "agent"), timed_out("web-3"), attempted("web-3"),
            exited("web-3"), agreed("web-3"), complete("web-3"),
            summary(vms=[(name, "absent", "succeeded") for name in names], reclaimed_bytes=8192)]


def restart():
    """A VM that died is started again: an incarnation after another."""
    return [accepted("web-0", running=["web-0"]), crashed("web-0"), overlay("web-0"), launch("web-0"), ready("web-0"),
            summary("failed", 1, vms=[("web-0", "ready", "failed")])]


def failed():
    return [accepted("web-0"), launch("web-0"), crashed("web-0"), removed("/t/web-0/record.json"),
            summary("failed", 1, vms=[("web-0", "absent", "failed")], reclaimed_bytes=4096)]


def partial():
    return [accepted("web-0", "web-1"), launch("web-0"), launch("web-1"), ready("web-0"), crashed("web-1"),
            summary("partial", 6, vms=[("web-0", "ready", "succeeded"), ("web-1", "failed", "failed")])]


def rejected():
    why = failure("usage", "the command was rejected")
    return [event("command.rejected", severity="error", remediation="see castra --help", error=why, detail="--nope", code="usage"),
            summary("failed", 2, error=why)]


def cancelled():
    return [accepted("web-0"), launch("web-0"), requested("web-0"), attempted("web-0"), timed_out("web-0"), escalated("web-0", "SIGTERM"),
            exited("web-0", signal="SIGTERM"), complete("web-0", "forced"),
            summary("cancelled", 130, vms=[("web-0", "absent", "cancelled")])]


def aborted():
    """What another process writes for a writer that died: a shutdown may be open."""
    return [accepted("web-0"), launch("web-0"), requested("web-0"),
            summary("aborted", 9, vms=[("web-0", "unknown", "aborted")], synthetic=True)]


def status():
    return [accepted(running=["web-0"]), told("web-0 is ready", vm="web-0", code="status"),
            summary(vms=[("web-0", "ready", "unchanged")])]


def clean_dry():
    return [accepted(), removed("/t/a", dry_run=True), removed("/t/b", dry_run=True), summary(reclaimed_bytes=0)]


def plugin():
    """A plugin tells something; another event of it was kept out."""
    return [accepted("web-0"), told("hello", source="plugin:reporter-x", ext={"colour": "red"}),
            told("an event of plugin:reporter-x was kept out", severity="warn", code="contract_violation", rule="20",
                 offending="{}", offender="plugin:reporter-x", cause_seq=2), launch("web-0"), ready("web-0"),
            summary(vms=[("web-0", "ready", "succeeded")])]


def own_type():
    return [accepted(), event("x.reporter-x.note", source="plugin:reporter-x", ext={"note": "hi"}), summary()]


def bootstrap():
    return [accepted("web-0", running=["web-0"]), planned("web-0"), started("web-0"), *(step("web-0", name) for name in STEPS),
            completed("web-0"), summary(vms=[("web-0", "ready", "succeeded")])]


def bootstrap_failed():
    return [accepted("web-0", running=["web-0"]), planned("web-0"), started("web-0"), step("web-0", "connect"),
            step("web-0", "apply", "failed"), broken("web-0"), summary("failed", 1, vms=[("web-0", "ready", "failed")])]


def broker_up():
    return [accepted("web-0", "broker", running=["web-0"]), broker_started(), handshake("s-1"),
            handshake("s-2", "denied"), closed("s-1"), summary(vms=[("web-0", "ready", "unchanged")])]


def broker_down():
    return [dict(accepted("broker"), broker_running=True), handshake("s-1"), closed("s-1"), broker_stopped(), summary()]


def broker_gone():
    return [accepted("broker"), told("the broker did not start", severity="warn", code="broker_aborted", path="broker"),
            summary("partial", 6)]


STREAMS = {make.__name__: make for make in (up, down, restart, failed, partial, rejected, cancelled, aborted, status, clean_dry, plugin,
                                            own_type, bootstrap, bootstrap_failed, broker_up, broker_down, broker_gone)}
