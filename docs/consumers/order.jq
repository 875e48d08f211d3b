# SPDX-License-Identifier: Apache-2.0
# Checks the order of one run's events: the rules of docs/EVENTS.md that a stream alone can show (1 to 17 and 20).
#
#   jq -nRc -f order.jq run.ndjson...
#
# Prints {file, line, rule, text} for each finding and exits with 7; prints nothing and exits with 0 if all is in order. Each
# file is a stream of its own; one that may lack its last line feed is given alone, for jq glues it to the next.
# Written for jq 1.6, from the text of the rules and not from castra's code. JSON types, enums and required fields are the
# JSON Schema's part, bytes are the part of verify.py: a value of a wrong type is passed over here, not reported.
# A stream cannot show: 14 whether an event was durable before the deletion, 19 secrets, 20 what a plugin's kind may emit.

# One place on each line, so that a test can take them away one by one.
def bad(condition; $rule; text): if condition then .found += [{file, line, rule: $rule, text: text}] else . end;

def string: if type == "string" then . else "" end;
def number: if type == "number" then . else 0 end;
def list: if type == "array" then .[] else empty end;
def is(types): [types] as $types | .e.type | IN($types[]);
def is_error: .e.severity | IN("error", "blocker");

# ---- the run: rules 1 to 6 and 16 ----------------------------------------------------------------------------------

def place:
    is("command.accepted", "command.rejected") as $opens
    | bad(.phase == "start" and ($opens | not); "1"; "\(.e.type) comes before command.accepted or command.rejected")
    | bad(.phase == "open" and $opens; "1"; "\(.e.type) comes when the run has begun")
    | bad(.phase == "rejected" and .e.type != "summary"; "6"; "\(.e.type) follows command.rejected");

def numbering:
    bad(.e.seq != .seq + 1; "2"; "seq \(.e.seq) follows \(.seq)")
    | bad(.run_id != null and .e.run_id != .run_id; "2"; "run_id changes from \(.run_id) to \(.e.run_id)")
    | bad((.e.elapsed_us | number) < .elapsed_us; "2"; "elapsed_us decreases from \(.elapsed_us) to \(.e.elapsed_us)")
    | bad(.e.contract | string | startswith("1.") | not; "18"; "contract \(.e.contract) is of another major")
    | .seq = (.e.seq | number) | .run_id = .e.run_id | .elapsed_us = (.e.elapsed_us | number);

def cause:
    .e.cause_seq as $cause
    | if $cause | type != "number" then . else
        bad($cause >= .e.seq; "16"; "cause_seq \($cause) does not point back")
        | bad($cause < 1; "16"; "cause_seq \($cause) is no event of this run")
      end;

def count:
    .counts[.e.severity | string] += 1
    | if .first_error == null and is_error then .first_error = .e.seq else . end;

def summary_numbers:
    reduce ("progress", "info", "warn", "error", "blocker") as $severity (.;
        (.counts[$severity] // 0) as $true
        | .e.counts as $told
        | bad(($told | type) == "object" and $told[$severity + "_events"] != $true; "4"; "counts.\($severity)_events should be \($true)"))
    | bad(.e.events_emitted != .e.seq; "4"; "events_emitted \(.e.events_emitted) is not its own seq \(.e.seq)")
    | .e.first_error_seq as $told # it may pass over itself
    | bad($told != .first_error and ($told != null or .first_error != .e.seq); "4"; "first_error_seq should be \(.first_error)");

# Exit codes: docs/ERRORS.md.
def summary_outcome:
    ((.counts.error // 0) + (.counts.blocker // 0)) as $errors
    | .e.outcome as $outcome
    | {"0": "succeeded", "6": "partial", "9": "aborted", "130": "cancelled"}[.e.exit_code | tostring] as $named
    | bad($outcome != ($named // "failed"); "5"; "outcome \($outcome) disagrees with exit code \(.e.exit_code)")
    | bad($outcome == "succeeded" and $errors > 0; "5"; "outcome succeeded disagrees with \($errors) errors")
    | bad($outcome == "failed" and $errors == 0; "5"; "outcome failed without any error");

# ---- the promise: rule 7 -------------------------------------------------------------------------------------------

def new_vm: {process: "absent", shutdown: "none", bootstrap: "none", rank: -1, steps: []};

def promise:
    .expects = [.e.expects | list | select(type == "object")]
    | bad((.expects | unique | length) < (.expects | length); "7"; "expects names the same twice")
    | reduce (.e.running | list | .name? | string) as $name (.; .vms[$name] = (new_vm | .process = "ready"))
    | .broker.up = (.e.broker_running == true) | .broker.old = .broker.up;

# A broker's events do not name it: that it came up or went down, as often as it was restarted, is one conclusion, and each
# message broker_aborted whose path names it is another.
def kept_promise:
    [.e.vms | list | .vm?] as $ended
    | bad(($ended | unique | length) < ($ended | length); "7"; "a VM is concluded twice")
    | ([.expects[] | select(.kind == "vm").name] - $ended) as $missing
    | bad($missing != []; "7"; "no conclusion of \($missing | join(", "))")
    | [.expects[] | select(.kind == "broker").name] as $brokers
    | ((if .broker.starts > 0 or .broker.stops > 0 then 1 else 0 end)
       + ([.broker.aborted[] | select(IN($brokers[]))] | length)) as $conclusions
    | bad($conclusions < ($brokers | length); "7"; "no conclusion of the broker \($brokers | join(", "))")
    | bad($brokers != [] and $conclusions > ($brokers | length); "7"; "the broker \($brokers | join(", ")) is concluded twice");

# ---- a VM: rules 8 to 10 -------------------------------------------------------------------------------------------

def process:
    (.v.process != "absent") as $lives
    | bad(is("vm.overlay_prepared") and $lives; "8"; "an overlay is prepared while \(.e.vm) lives")
    | bad(is("vm.launch") and $lives; "8"; "\(.e.vm) is launched while it lives")
    | bad(is("vm.ready") and ($lives | not); "8"; "\(.e.vm) is ready before its launch")
    | bad(is("vm.ready") and .v.process == "ready"; "8"; "\(.e.vm) is ready twice")
    | bad(is("vm.exited") and ($lives | not); "8"; "\(.e.vm) ends and did not live")
    | bad(is("vm.exited") and .e.expected == false and .e.capsule == null; "9"; "\(.e.vm) ended unexpectedly, and there is no capsule")
    | bad(is("vm.shutdown_complete") and $lives; "9"; "the shutdown of \(.e.vm) is complete while it lives")
    | bad(is("vm.overlay_discarded") and $lives; "10"; "the overlay of \(.e.vm) is discarded while it lives")
    | .v.process = ({"vm.launch": "live", "vm.ready": "ready", "vm.exited": "absent"}[.e.type] // .v.process);

# Where a shutdown stands: none, requested, attempted (unavailable: attempted without a channel), succeeded or timed_out, term,
# kill, none. Several attempts may follow one another, each concluded.
def shutdown:
    .v.shutdown as $now
    | .e.signal as $signal
    | bad(is("vm.shutdown_requested") and $now != "none"; "9"; "\(.e.vm) is asked to stop again before the first shutdown is complete")
    | bad(is("vm.cooperative_attempted") and ($now | IN("requested", "timed_out") | not); "9"; "an attempt on \(.e.vm) after \($now)")
    | bad(is("vm.cooperative_succeeded") and ($now | IN("attempted", "unavailable") | not); "9"; "success on \(.e.vm) after \($now)")
    | bad(is("vm.cooperative_timed_out") and ($now | IN("attempted", "unavailable") | not); "9"; "a timeout on \(.e.vm) after \($now)")
    | bad(is("vm.shutdown_escalated") and $signal == "SIGTERM" and ($now | IN("timed_out", "unavailable") | not); "9"; "SIGTERM to \(.e.vm) after \($now)")
    | bad(is("vm.shutdown_escalated") and $signal == "SIGKILL" and $now != "term"; "9"; "SIGKILL to \(.e.vm) after \($now)")
    | bad(is("vm.shutdown_complete") and $now == "none"; "9"; "a shutdown of \(.e.vm) is complete that nobody requested")
    | bad(is("vm.shutdown_complete") and $now == "attempted"; "9"; "the shutdown of \(.e.vm) is complete before its attempt is concluded")
    | .v.shutdown = ({
          "vm.shutdown_requested": "requested",
          "vm.cooperative_attempted": (if .e.method == "unavailable" then "unavailable" else "attempted" end),
          "vm.cooperative_succeeded": "succeeded",
          "vm.cooperative_timed_out": "timed_out",
          "vm.shutdown_escalated": (if $signal == "SIGKILL" then "kill" else "term" end),
          "vm.shutdown_complete": "none"
      }[.e.type] // .v.shutdown);

# ---- bootstrap: rules 11 and 12 ------------------------------------------------------------------------------------

# In the order of bootstrap.planned.steps; some may be missing.
def bootstrap:
    (.v.bootstrap == "started") as $open
    | bad(is("bootstrap.started") and .v.process == "absent"; "11"; "the bootstrap of \(.e.vm) starts and it does not live")
    | bad(is("bootstrap.planned") and $open; "12"; "the bootstrap of \(.e.vm) is planned while it runs")
    | bad(is("bootstrap.started") and .v.bootstrap != "planned"; "12"; "the bootstrap of \(.e.vm) starts unplanned")
    | bad(is("bootstrap.step") and ($open | not); "12"; "a step of \(.e.vm) without a start")
    | bad(is("bootstrap.completed", "bootstrap.failed") and ($open | not); "12"; "\(.e.type) of \(.e.vm), and none is open")
    | if is("bootstrap.planned") and ($open | not) then .v.bootstrap = "planned" | .v.steps = [.e.steps | list] | .v.rank = -1 else . end
    | if is("bootstrap.step") then
        .e.step as $step
        | (.v.steps | index([$step])) as $rank
        | bad($open and $rank == null; "12"; "step \($step) of \(.e.vm) was not planned")
        | bad($rank != null and $rank == .v.rank; "12"; "step \($step) of \(.e.vm) comes twice")
        | bad($rank != null and $rank < .v.rank; "12"; "step \($step) of \(.e.vm) comes after \(.v.steps[.v.rank])")
        | if $rank != null then .v.rank = $rank else . end
      else . end
    | .v.bootstrap = ({"bootstrap.started": "started", "bootstrap.completed": "none", "bootstrap.failed": "none"}[.e.type]
                      // .v.bootstrap);

def of_a_vm(rules):
    if .e.vm | type != "string" then . else
      .e.vm as $name | .v = (.vms[$name] // new_vm) | rules | .vms[$name] = .v
    end;

# What was begun has to be concluded before a summary may say that all went well.
def nothing_open:
    ([.vms | to_entries[] | select(.value.shutdown != "none").key] | join(", ")) as $stopping
    | ([.vms | to_entries[] | select(.value.bootstrap == "started").key] | join(", ")) as $booting
    | bad(.e.outcome == "succeeded" and $stopping != ""; "9"; "the shutdown of \($stopping) never completes")
    | bad(.e.outcome == "succeeded" and $booting != ""; "12"; "the bootstrap of \($booting) is never concluded");

# ---- broker, cleanup, progress: rules 13 to 15 ---------------------------------------------------------------------

def broker:
    (.e.session | string) as $session
    | bad(is("broker.handshake") and (.broker.up | not); "13"; "a handshake, and no broker has started")
    | .broker.granted[$session] as $granted # null: not heard of; of a broker from before the run not every session was
    | bad(is("broker.session_closed") and $granted == null and (.broker.old | not); "13"; "session \($session) is closed and was not granted")
    | bad(is("broker.session_closed") and $granted == false; "13"; "session \($session) is closed and is not open")
    | if is("broker.started") then .broker.up = true | .broker.starts += 1 else . end
    | if is("broker.stopped") then .broker.up = false | .broker.stops += 1 else . end
    | if is("broker.handshake") then .broker.granted[$session] = ($granted == true or .e.session_outcome == "granted") else . end
    | if is("broker.session_closed") then .broker.granted[$session] = false else . end
    | if is("message") and .e.code == "broker_aborted" then .broker.aborted += [.e.path] else . end;

def cleanup:
    if is("cleanup.progress") and .e.dry_run == true then .dry = true else . end
    | bad(is("summary") and .dry and (.e.reclaimed_bytes | number) > 0; "14"; "a dry run reclaims \(.e.reclaimed_bytes) bytes");

# A series is a span; without one, what a source says of a type and a VM.
def progress:
    .e.progress as $now
    | if $now | type != "object" then . else
        ([.e.span // (.e | [.source, .type, .vm])] | tojson) as $series
        | .series[$series] as $before
        | bad($before != null and $now.current < $before.current; "15"; "progress falls from \($before.current) to \($now.current)")
        | bad($before != null and $now.unit != $before.unit; "15"; "the unit of progress changes from \($before.unit) to \($now.unit)")
        | bad(($now.current | number) < 0; "15"; "progress \($now.current) is negative")
        | bad($now.total != null and $now.current > $now.total; "15"; "progress \($now.current) is more than its total \($now.total)")
        | .series[$series] = $now
      end;

# ---- conclusions and plugins: rules 17 and 20 ----------------------------------------------------------------------

def conclusion:
    (is("command.rejected", "bootstrap.failed") or (is("summary") and .e.outcome == "failed")) as $failed
    | bad($failed and (is_error | not); "17"; "\(.e.type) is a failure and has severity \(.e.severity)")
    | bad($failed and .e.error == null; "17"; "\(.e.type) is a failure and has no error");

def plugin:
    (.e.source | string) as $source
    | (.e.type | string) as $type
    | ($source | startswith("plugin:")) as $is_plugin
    | bad($source != "" and ($is_plugin or ($source | IN("kernel", "broker")) | not); "20"; "source \($source) is neither kernel, broker nor a plugin")
    | bad($is_plugin and .e.severity == "blocker"; "20"; "\($source) emits severity blocker")
    | bad(($type | startswith("x.")) and ($is_plugin | not); "20"; "\($type) comes from \($source), which is no plugin")
    | bad(($type | startswith("x.")) and $is_plugin and ($type | startswith("x." + $source[7:] + ".") | not); "20"; "\($source) emits \($type), which is not its own");

# ---- the stream ----------------------------------------------------------------------------------------------------

def event:
    place | numbering | cause | count | conclusion | plugin | progress | broker | cleanup
    | of_a_vm(process | shutdown | bootstrap)
    | bad(.e.type != "summary" and .e.last == true; "3"; "last stands on \(.e.type)")
    | if .phase == "start" then .phase = (if is("command.rejected") then "rejected" else "open" end) else . end
    | if is("command.accepted") then promise
      elif is("summary") then
        bad(.e.last != true; "3"; "summary lacks last")
        | summary_numbers | summary_outcome | kept_promise | nothing_open | .phase = "sealed"
      else . end;

def line($raw):
    .found = [] | .line += 1
    | .e = ($raw | try fromjson catch null)
    | if .e | type != "object" then bad(true; "wire"; "the line is no JSON object")
      elif .phase != "sealed" then event
      else bad(is("summary"); "4"; "a second summary")
        | bad(is("summary") | not; "3"; "\(.e.type) follows summary")
      end;

def end_of_stream:
    .found = []
    | bad(.phase == "start"; "1"; "there is no event")
    | bad(.phase != "sealed"; "4"; "the stream ends without summary");

def fresh:
    {file: input_filename, line: 0, found: [], phase: "start", seq: 0, run_id: null, elapsed_us: 0, counts: {}, first_error: null,
     expects: [], vms: {}, series: {}, dry: false, broker: {up: false, old: false, starts: 0, stops: 0, granted: {}, aborted: []}};

# Every file is a stream of its own: where the name changes, one has ended.
foreach ((inputs | {raw: .}), {ended: true}) as $input (
    {stream: null, out: [], total: 0};
    (if $input.ended then .stream // fresh else .stream end) as $before
    | if $before != null and ($input.ended or $before.file != input_filename) then
        .out = ($before | end_of_stream).found | .stream = null
      else .out = [] end
    | if $input.ended then . else .stream = (.stream // fresh | line($input.raw)) | .out += .stream.found end
    | .total += (.out | length);
    .out[], if $input.ended and .total > 0 then "" | halt_error(7) else empty end)
