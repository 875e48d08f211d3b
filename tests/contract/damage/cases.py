# SPDX-License-Identifier: Apache-2.0
"""The damaged streams. A case takes a valid stream of streams.py, breaks one thing, and names the rules that must be found broken.

    @damage("up", "8")          the stream, then every rule that the judge must name, and no other
    def ready_before_launch(events): ...

It returns bytes, or events (None: those it was given). `sealed` makes all numbers true again, so that one thing alone is wrong.
"wire" stands for the bytes (the wire format of docs/EVENTS.md), the numbers for the rules of order and shape there.
"""
import json
from types import SimpleNamespace

from damage import streams
from damage.streams import line, sealed, wire

CASES = []


def damage(stream, *rules):
    def add(mutate):
        CASES.append(SimpleNamespace(name=mutate.__name__, stream=stream, rules=set(rules), mutate=mutate))
        return mutate
    return add


def data_of(case):
    events = sealed(streams.STREAMS[case.stream]())
    result = case.mutate(events)
    return result if isinstance(result, bytes) else wire(events if result is None else result)


def at(events, type_, vm=None, nth=0):
    """The index of an event."""
    return [i for i, one in enumerate(events) if one["type"] == type_ and vm in (None, one.get("vm"))][nth]


def one(events, type_, vm=None, nth=0):
    return events[at(events, type_, vm, nth)]


def without(events, *indices):
    return sealed([event for i, event in enumerate(events) if i not in indices])


def inserted(events, index, *new):
    return sealed(events[:index] + list(new) + events[index:])


def swapped(events, i, j):
    events[i], events[j] = events[j], events[i]
    return sealed(events)


def lines(events):
    return [line(event) for event in events]


# ---- bytes -------------------------------------------------------------------------------------------------------------

@damage("up", "wire", "4")
def torn_last_line(events):
    return wire(events)[:-40]


@damage("up", "wire")
def no_final_line_feed(events):
    return wire(events)[:-1]


@damage("up", "wire", "2", "4")
def torn_in_the_middle(events):
    whole = lines(events)
    return b"".join(whole[:3]) + whole[3][:30] + b"\n" + b"".join(whole[4:])




@damage("up", "wire")
def byte_order_mark(events):
    return b"\xef\xbb\xbf" + wire(events)


@damage("up", "wire")
def crlf_line_ends(events):
    return wire(events).replace(b"\n", b"\r\n")


@damage("up", "wire", "1", "2", "4")
def nul_byte_after_an_event(events):
    return wire(events).replace(b"}\n", b"}\0\n", 1)


@damage("up", "wire")
def escaped_nul(events):
    events[1]["text"] = "a\0b"


@damage("up", "wire")
def ansi_sequence(events):
    events[1]["message"] = "\x1b[31mred\x1b[0m"


@damage("up", "wire")
def ansi_sequence_in_an_array(events):
    events[0]["argv"] = ["castra", "\x1b[2J"]


@damage("up", "wire")
def message_of_two_lines(events):
    events[1]["message"] = "one\ntwo"


@damage("up", "wire")
def delete_character(events):
    events[1]["text"] = "a\x7fb"


@damage("up", "wire")
def latin_1(events):
    events[1]["message"] = "Gr\u00f6\u00dfe"
    return wire(events).replace("Gr\u00f6\u00dfe".encode(), "Gr\u00f6\u00dfe".encode("latin-1"))


@damage("up", "wire", "2", "4")
def half_a_surrogate_pair(events):
    events[1]["message"] = "SURROGATE"
    return wire(events).replace(b"SURROGATE", b"\\ud800")


@damage("up", "wire")
def overlong_utf8(events):
    events[1]["message"] = "OVERLONG"
    return wire(events).replace(b"OVERLONG", b"\xc0\xaf")


@damage("up", "wire")
def duplicate_key(events):
    return wire(events).replace(b'"seq":2,', b'"seq":2,"seq":2,', 1)


@damage("up", "wire")
def duplicate_key_inside(events):
    return wire(events).replace(b'"boot_window":2', b'"boot_window":2,"boot_window":2', 1)


@damage("up", "wire")
def duplicate_key_spelled_otherwise(events):
    return wire(events).replace(b'"seq":2,', b'"seq":2,"s\\u0065q":2,', 1)


@damage("up", "wire")
def integer_beyond_2_to_the_53(events):
    one(events, "vm.launch")["pid"] = 2**53


@damage("up", "wire")
def integer_of_forty_digits(events):
    one(events, "vm.launch")["pid"] = 10**40


@damage("up", "wire")
def integer_written_as_fraction(events):
    return wire(events).replace(b'"pid":4711', b'"pid":4711.0', 1)


@damage("up", "wire")
def integer_with_an_exponent(events):
    return wire(events).replace(b'"pid":4711', b'"pid":4711e0', 1)


@damage("up", "wire")
def not_a_number(events):
    return wire(events).replace(b'"pid":4711', b'"pid":NaN', 1)


@damage("up", "wire")
def null_value(events):
    events[1]["remediation"] = None


@damage("plugin", "wire")
def null_in_ext(events):
    events[1]["ext"] = {"deep": [{"null": None}]}


@damage("up", "wire")
def text_before_the_stream(events):
    return b"castra 0.1.0\n" + wire(events)


@damage("up", "wire")
def text_inside(events):
    return b"".join(lines(events)[:4]) + b"warning: something\n" + b"".join(lines(events)[4:])


@damage("up", "wire")
def empty_line(events):
    return wire(events).replace(b"}\n", b"}\n\n", 1)


@damage("up", "wire")
def line_of_65537_bytes(events):
    events[1]["text"] += "x" * (65537 - len(line(events[1])))


@damage("up", "wire")
def array_instead_of_object(events):
    return b"".join(lines(events)[:4]) + b"[1,2]\n" + b"".join(lines(events)[4:])


@damage("up", "wire", "1", "2", "4")
def two_events_on_a_line(events):
    return wire(events).replace(b"}\n", b"}", 1)


@damage("up", "wire", "2", "4")
def event_over_several_lines(events):
    return wire(events).replace(line(events[1]), json.dumps(events[1], indent=1).encode() + b"\n")


@damage("up", "wire", "2", "4")
def trailing_comma(events):
    return wire(events).replace(line(events[1]), line(events[1])[:-2] + b",}\n")


@damage("up", "wire", "2", "4")
def single_quotes(events):
    return wire(events).replace(line(events[1]), line(events[1]).replace(b'"', b"'"))


@damage("up", "1", "4")
def nothing_at_all(events):
    return b""


# ---- shape: 18 ---------------------------------------------------------------------------------------------------------

@damage("up", "18")
def wrong_closed_enum(events):
    one(events, "summary")["vms"][0]["outcome"] = "fine"


@damage("up", "18")
def wrong_family(events):
    one(events, "vm.launch")["family"] = "command"


@damage("up", "18")
def unknown_family(events):
    one(events, "vm.launch")["family"] = "vm"


@damage("up", "18")
def unknown_type(events):
    one(events, "message")["type"] = "vm.lunch"


@damage("up", "18")
def missing_field(events):
    del one(events, "vm.launch")["pid"]


@damage("up", "18")
def missing_envelope_field(events):
    del one(events, "vm.launch")["source"]


@damage("up", "18")
def missing_vm(events):
    del one(events, "vm.overlay_prepared", "web-1")["vm"]


@damage("rejected", "18")
def missing_member_of_error(events):
    del events[0]["error"]["retryable"]


@damage("up", "18")
def unregistered_field(events):
    one(events, "vm.launch")["colour"] = "red"


@damage("up", "18")
def unregistered_member(events):
    events[0]["limits"]["colour"] = 3


@damage("up", "18")
def field_of_another_type(events):
    one(events, "vm.launch")["boot_ms"] = 3


@damage("up", "18")
def number_as_text(events):
    one(events, "vm.launch")["pid"] = "4711"


@damage("up", "18")
def text_as_number(events):
    one(events, "message")["text"] = 3


@damage("up", "18")
def boolean_as_number(events):
    one(events, "vm.overlay_prepared")["base_cached"] = 1


@damage("up", "18")
def array_as_text(events):
    events[0]["argv"] = "castra up"


@damage("up", "18")
def wrong_entry_of_array(events):
    events[0]["argv"] = ["castra", 3]


@damage("up", "18")
def time_without_fraction(events):
    one(events, "vm.launch")["time"] = "2026-11-23T13:06:02Z"


@damage("up", "18")
def time_of_another_zone(events):
    one(events, "vm.launch")["time"] = "2026-11-23T13:06:02.000001+01:00"


@damage("up", "18")
def negative_duration(events):
    one(events, "summary")["duration_ms"] = -1


@damage("up", "18")
def another_major(events):
    for event in events:
        event["contract"] = "2.0"


@damage("up", "18", "4")
def wrong_severity(events):
    one(events, "vm.launch")["severity"] = "debug"


# ---- the run: 1 to 6, 16 -----------------------------------------------------------------------------------------------

@damage("up", "1")
def no_opening(events):
    # What was promised is gone with it; nothing else may be found.
    return without(events, 0)


@damage("up", "1")
def accepted_twice(events):
    return inserted(events, 4, streams.accepted("web-0", "web-1"))


@damage("up", "1", "5")
def accepted_then_rejected(events):
    return inserted(events, 1, streams.rejected()[0])


@damage("up", "2")
def seq_gap(events):
    for event in events[6:]:
        event["seq"] += 1
    events[-1]["events_emitted"] += 1


@damage("up", "2")
def seq_repeated(events):
    for event in events[5:]:
        event["seq"] -= 1
    events[-1]["events_emitted"] -= 1


@damage("up", "2")
def seq_from_zero(events):
    for event in events:
        event["seq"] -= 1
    events[-1]["events_emitted"] -= 1


@damage("up", "2", "4", "8")
def line_lost(events):
    del events[5]


@damage("up", "2", "8")
def lines_swapped(events):
    launch, ready = at(events, "vm.launch", "web-0"), at(events, "vm.ready", "web-0")
    events[launch], events[ready] = events[ready], events[launch]


@damage("up", "2")
def run_id_changes(events):
    events[4]["run_id"] = "01ARYZ6S420000000000000000"


@damage("up", "2")
def elapsed_decreases(events):
    events[4]["elapsed_us"] = 1


@damage("up", "3")
def event_after_the_end(events):
    late = streams.told("late")
    late.update(seq=len(events) + 1, time=events[-1]["time"], elapsed_us=events[-1]["elapsed_us"])
    return events + [late]


@damage("up", "3", "4")
def another_run_behind_it(events):
    other = sealed(streams.status())
    for event in other:
        event["run_id"] = "01ARYZ6S420000000000000000"
    return events + other


@damage("up", "3")
def last_on_another_event(events):
    events[4]["last"] = True


@damage("up", "3")
def summary_without_last(events):
    del events[-1]["last"]


@damage("up", "3")
def summary_with_last_false(events):
    events[-1]["last"] = False


@damage("up", "4")
def double_end(events):
    again = dict(events[-1], seq=len(events) + 1, events_emitted=len(events) + 1)
    again["counts"] = dict(again["counts"], info_events=again["counts"]["info_events"] + 1)
    return events + [again]


@damage("up", "4")
def missing_summary(events):
    return events[:-1]


@damage("up", "4")
def wrong_count(events):
    events[-1]["counts"]["info_events"] += 1


@damage("up", "4")
def counts_add_up_and_are_wrong(events):
    events[-1]["counts"]["info_events"] -= 1
    events[-1]["counts"]["warn_events"] += 1


@damage("up", "4")
def wrong_events_emitted(events):
    events[-1]["events_emitted"] -= 1


@damage("failed", "4")
def wrong_first_error(events):
    events[-1]["first_error_seq"] = 2


@damage("up", "5")
def succeeded_with_exit_code_1(events):
    events[-1]["exit_code"] = 1


@damage("failed", "5")
def failed_with_exit_code_0(events):
    events[-1]["exit_code"] = 0


@damage("cancelled", "5")
def cancelled_with_exit_code_1(events):
    events[-1]["exit_code"] = 1


@damage("failed", "5")
def succeeded_after_an_error(events):
    events[-1].update(outcome="succeeded", exit_code=0, severity="info")
    del events[-1]["error"]
    return sealed(events)


@damage("cancelled", "5", "17")
def failed_without_any_error(events):
    events[-1].update(outcome="failed", exit_code=1)
    events[-1]["error"] = streams.failure("run_failed", "failed")


@damage("rejected", "6")
def work_after_a_rejection(events):
    return inserted(events, 1, streams.told("and yet"))


@damage("rejected", "6")
def accepted_after_a_rejection(events):
    return inserted(events, 1, streams.accepted())


@damage("plugin", "16")
def cause_in_the_future(events):
    events[2]["cause_seq"] = 5


@damage("plugin", "16")
def its_own_cause(events):
    events[2]["cause_seq"] = 3


@damage("plugin", "16")
def cause_zero(events):
    events[2]["cause_seq"] = 0


# ---- the promise: 7 ----------------------------------------------------------------------------------------------------

@damage("up", "7")
def vm_never_concluded(events):
    del events[-1]["vms"][1]


@damage("up", "7")
def vm_concluded_twice(events):
    events[-1]["vms"].append(dict(events[-1]["vms"][0]))


@damage("up", "7")
def vm_concluded_twice_in_two_ways(events):
    events[-1]["vms"].append(dict(events[-1]["vms"][0], outcome="failed"))


@damage("aborted", "7")
def sealed_without_its_vms(events):
    events[-1]["vms"] = []


@damage("up", "7")
def promised_twice(events):
    events[0]["expects"].append(events[0]["expects"][0])


@damage("broker_up", "7", "13")
def broker_never_concluded(events):
    return without(events, 1)


@damage("broker_up", "7")
def broker_promised_and_silent(events):
    return without(events, 1, 2, 3, 4)


@damage("broker_up", "7")
def broker_started_and_aborted(events):
    return inserted(events, 5, streams.told("gone", severity="warn", code="broker_aborted", path="broker"))


@damage("broker_gone", "7")
def another_broker_aborted(events):
    events[1]["path"] = "another"


# ---- a VM: 8 to 10 -----------------------------------------------------------------------------------------------------

@damage("up", "8")
def ready_before_launch(events):
    return swapped(events, at(events, "vm.launch", "web-0"), at(events, "vm.ready", "web-0"))


@damage("up", "8")
def never_launched(events):
    return without(events, at(events, "vm.launch", "web-0"))


@damage("up", "8")
def two_launches(events):
    return inserted(events, at(events, "vm.ready", "web-0"), streams.launch("web-0"))


@damage("down", "8")
def launch_of_a_running_vm(events):
    return inserted(events, 1, streams.launch("web-0"))


@damage("up", "8")
def ready_twice(events):
    return inserted(events, at(events, "summary"), streams.ready("web-0"))


@damage("status", "8")
def ready_of_a_running_vm(events):
    return inserted(events, 1, streams.ready("web-0"))


@damage("partial", "8")
def ready_after_exit(events):
    return inserted(events, 5, streams.ready("web-1"))


@damage("partial", "8")
def exit_twice(events):
    return inserted(events, 5, streams.crashed("web-1"))


@damage("up", "8")
def overlay_under_a_live_vm(events):
    return swapped(events, at(events, "vm.launch", "web-0"), at(events, "vm.overlay_prepared", "web-0"))


@damage("failed", "9")
def unexpected_exit_without_capsule(events):
    del one(events, "vm.exited")["capsule"]


@damage("down", "9")
def kill_before_term(events):
    first = at(events, "vm.shutdown_escalated", "web-1")
    return swapped(events, first, first + 1)


@damage("down", "9")
def kill_without_term(events):
    return without(events, at(events, "vm.shutdown_escalated", "web-1"))


@damage("down", "9")
def escalation_without_timeout(events):
    return without(events, at(events, "vm.cooperative_timed_out", "web-1"))


@damage("down", "9")
def escalation_without_attempt(events):
    return without(events, at(events, "vm.cooperative_attempted", "web-1"), at(events, "vm.cooperative_timed_out", "web-1"))


@damage("down", "9")
def escalation_after_success(events):
    return inserted(events, at(events, "vm.shutdown_complete", "web-0"), streams.escalated("web-0", "SIGTERM"))


@damage("down", "9")
def attempt_without_request(events):
    return without(events, at(events, "vm.shutdown_requested", "web-0"))


@damage("down", "9")
def attempts_that_overlap(events):
    return without(events, at(events, "vm.cooperative_timed_out", "web-3"))


@damage("down", "9")
def success_without_attempt(events):
    return without(events, at(events, "vm.cooperative_attempted", "web-0"))


@damage("down", "9")
def success_and_timeout(events):
    return inserted(events, at(events, "vm.shutdown_complete", "web-0"), streams.timed_out("web-0"))


@damage("down", "9")
def timeout_and_success(events):
    return inserted(events, at(events, "vm.cooperative_timed_out", "web-1") + 1, streams.agreed("web-1"))


@damage("down", "9")
def requested_twice(events):
    return inserted(events, at(events, "vm.cooperative_attempted", "web-0"), streams.requested("web-0"))


@damage("down", "9")
def completed_twice(events):
    return inserted(events, at(events, "vm.overlay_discarded", "web-0"), streams.complete("web-0"))


@damage("down", "9")
def complete_without_request(events):
    return without(events, *(i for i, event in enumerate(events) if event.get("vm") == "web-0"
                             and event["type"] in ("vm.shutdown_requested", "vm.cooperative_attempted", "vm.cooperative_succeeded")))


@damage("down", "9")
def complete_with_an_open_attempt(events):
    return without(events, at(events, "vm.cooperative_succeeded", "web-0"))


@damage("down", "9", "10")
def complete_while_it_lives(events):
    return without(events, at(events, "vm.exited", "web-0"))


@damage("down", "9")
def complete_before_the_exit(events):
    return swapped(events, at(events, "vm.exited", "web-1"), at(events, "vm.shutdown_complete", "web-1"))


@damage("down", "9")
def shutdown_never_completes(events):
    return without(events, at(events, "vm.shutdown_complete", "web-1"))


@damage("down", "10")
def overlay_discarded_while_it_lives(events):
    return inserted(without(events, at(events, "vm.overlay_discarded", "web-0")), 1, streams.discarded("web-0"))


# ---- bootstrap, broker, cleanup, progress: 11 to 15 -----------------------------------------------------------------------

@damage("bootstrap", "11")
def bootstrap_of_a_vm_that_does_not_live(events):
    events[0]["running"] = []


@damage("bootstrap", "12")
def bootstrap_unplanned(events):
    return without(events, at(events, "bootstrap.planned"))


@damage("bootstrap", "12")
def bootstrap_unplanned_without_steps(events):
    return without(events, *(i for i, event in enumerate(events) if event["type"] in ("bootstrap.planned", "bootstrap.step")))


@damage("bootstrap", "12")
def bootstrap_planned_while_it_runs(events):
    return inserted(events, 9, streams.planned("web-0"))


@damage("bootstrap", "12")
def bootstrap_step_before_start(events):
    return swapped(events, at(events, "bootstrap.started"), at(events, "bootstrap.step"))


@damage("bootstrap", "12")
def bootstrap_steps_in_another_order(events):
    return swapped(events, at(events, "bootstrap.step", nth=1), at(events, "bootstrap.step", nth=2))


@damage("bootstrap", "12")
def bootstrap_step_undeclared(events):
    one(events, "bootstrap.step")["step"] = "surprise"


@damage("bootstrap", "12")
def bootstrap_step_twice(events):
    return inserted(events, 7, streams.step("web-0", "seed-database"))


@damage("bootstrap", "12")
def bootstrap_completed_twice(events):
    return inserted(events, at(events, "bootstrap.completed"), streams.completed("web-0"))


@damage("bootstrap_failed", "12")
def bootstrap_completed_and_failed(events):
    return inserted(events, at(events, "bootstrap.failed"), streams.completed("web-0"))


@damage("bootstrap", "12")
def bootstrap_never_concluded(events):
    return without(events, at(events, "bootstrap.completed"))


@damage("broker_up", "13")
def handshake_before_broker_started(events):
    return swapped(events, 1, 2)


@damage("broker_up", "13")
def handshake_after_broker_stopped(events):
    return inserted(events, 2, streams.broker_stopped())


@damage("broker_up", "13")
def session_closed_that_was_denied(events):
    one(events, "broker.session_closed")["session"] = "s-2"


@damage("broker_up", "13")
def session_closed_that_nobody_opened(events):
    one(events, "broker.session_closed")["session"] = "s-3"


@damage("broker_up", "13")
def session_closed_twice(events):
    return inserted(events, 5, streams.closed("s-1"))


@damage("broker_down", "13")
def session_of_an_old_broker_closed_twice(events):
    return inserted(events, 2, streams.closed("s-2"), streams.closed("s-2"))


@damage("clean_dry", "14")
def dry_run_reclaims(events):
    events[-1]["reclaimed_bytes"] = 4096


@damage("up", "15")
def progress_decreases(events):
    events[2]["progress"]["current"] = 1


@damage("up", "15")
def progress_below_zero(events):
    events[1]["progress"]["current"] = -1


@damage("up", "15")
def progress_beyond_its_total(events):
    events[2]["progress"]["current"] = 9


@damage("up", "15")
def progress_of_another_unit(events):
    events[2]["progress"]["unit"] = "bytes"


@damage("up", "15")
def progress_of_a_span_decreases(events):
    return inserted(events, 3, streams.copied(5, span="s"), streams.copied(4, span="s"))


# ---- conclusions and plugins: 17, 20 --------------------------------------------------------------------------------------

@damage("failed", "17")
def failed_summary_without_error(events):
    del events[-1]["error"]


@damage("failed", "17")
def failed_summary_of_severity_warn(events):
    events[-1]["severity"] = "warn"
    return sealed(events)


@damage("rejected", "17")
def rejection_of_severity_info(events):
    events[0]["severity"] = "info"
    return sealed(events)


@damage("rejected", "17", "18")
def rejection_without_error(events):
    del events[0]["error"]


@damage("bootstrap_failed", "17", "18")
def failed_bootstrap_without_error(events):
    del one(events, "bootstrap.failed")["error"]


@damage("plugin", "20")
def plugin_emits_a_blocker(events):
    events[1]["severity"] = "blocker"
    events[-1].update(outcome="failed", exit_code=1, severity="error", error=streams.failure("run_failed", "failed"))
    return sealed(events)


@damage("up", "20")
def source_that_nobody_is(events):
    events[4]["source"] = "hypervisor"


@damage("own_type", "20")
def plugin_emits_a_type_of_another(events):
    events[1]["type"] = "x.reporter-y.note"


@damage("own_type", "20")
def kernel_emits_a_type_of_a_plugin(events):
    events[1]["source"] = "kernel"


@damage("own_type", "18")
def plugin_field_outside_ext(events):
    events[1]["note"] = "hi"
