# SPDX-License-Identifier: Apache-2.0
"""An additive minor, exercised: a contract 1.1 (next_minor.cpp) with a new type, new fields and a new open value. A real
stream of 1.0 becomes one of 1.1; readers of 1.0, frozen as they are, still read it and conclude the same."""
import json
import os
import pathlib
import sys

import jsonschema

from contract import CASTRA, HERE, contract, run
from judges import integration

sys.path.insert(0, str(HERE / "goldens"))
import golden  # noqa: E402

NEXT = os.environ["CASTRA_NEXT_MINOR"]
READER = os.environ["CASTRA_READER"]


def to_next(events):
    """The same run as a castra of 1.1 would tell it: every new thing is used."""
    out = []
    for event in events:
        event = json.loads(json.dumps(event))
        if event["type"] == "command.accepted":
            event["limits"]["retries_max"] = 3
        if event["type"] == "vm.launch":
            event.update(numa_node=0, accelerator="hvf")
        out.append(event)
        if event["type"] == "vm.ready":
            out.append({**{key: event[key] for key in ("contract", "run_id", "time", "elapsed_us", "operation", "project",
                                                       "source", "vm")},
                        "type": "vm.paused", "family": "vm.lifecycle", "severity": "info", "seq": 0,
                        "message": event["vm"] + " stands still", "reason": "snapshot"})
    for seq, event in enumerate(out, 1):
        event.update(seq=seq, contract="1.1")
    out[-1]["events_emitted"] = len(out)
    out[-1]["counts"]["info_events"] += len(out) - len(events)
    return out


def lines(events):
    return "".join(json.dumps(event) + "\n" for event in events)


class NextMinorTest(integration().Project):
    def setUp(self):
        super().setUp()
        self.next = json.loads(run(NEXT, "schema").stdout)
        self.known = json.dumps([each["type"] for each in
                                 json.loads((HERE / "snapshots" / "1.0.json").read_text())["types"]])

    def streams(self):
        """Real ones: up and down of two processes, a command that is refused, and every golden of 1.0."""
        self.processes_toml(["/bin/sh", "-c", "echo READY=1; exec sleep 60"], count=2)
        yield self.events(self.castra("up"))
        yield self.events(self.castra("down"))
        yield self.events(self.castra("up", "nobody"), 2)
        for path in sorted((HERE / "goldens" / "1.0").glob("*.ndjson")):
            yield [golden.filled(json.loads(line)) for line in path.read_text().splitlines()]

    def cxx(self, text):
        answer = run(READER, stdin=text)
        return answer.returncode, json.loads(answer.stdout) if answer.stdout else answer.stderr

    def jq(self, text):
        path = pathlib.Path(self.dir / "stream.ndjson")
        path.write_text(text)
        answer = run("jq", "-c", "-n", "--argjson", "known", self.known, "-f", HERE / "reader_1_0" / "reader.jq", path)
        return answer.returncode, json.loads(answer.stdout) if answer.stdout else answer.stderr

    def test_frozen_readers_conclude_the_same_from_the_next_minor(self):
        open_schema = jsonschema.Draft202012Validator(json.loads((HERE / "snapshots" / "1.0.schema.json").read_text()))
        closed = jsonschema.Draft202012Validator(json.loads(contract("schema", "--closed")))
        next_closed = jsonschema.Draft202012Validator(self.next)
        told = []
        for events in self.streams():
            later = to_next(events)
            self.assertEqual([problem.message for event in later for problem in next_closed.iter_errors(event)], [])
            self.assertEqual([problem.message for event in later for problem in open_schema.iter_errors(event)], [])
            before, after = self.cxx(lines(events)), self.cxx(lines(later))
            self.assertEqual((before[0], after[0]), (0, 0), (before, after))
            self.assertEqual(before[1]["vms"], after[1]["vms"])
            self.assertEqual(before[1]["end"], after[1]["end"])
            self.assertEqual(before[1]["shown"], [])
            paused = [f"info: {event['vm']} stands still" for event in events if event["type"] == "vm.ready"]
            self.assertEqual(after[1]["shown"], paused, "what is new was shown to a person")
            told += paused
            self.assertEqual(self.jq(lines(events)), before)
            self.assertEqual(self.jq(lines(later)), after)
            if len(later) > len(events): # what is new is really new
                self.assertTrue(any(not closed.is_valid(event) for event in later))
        self.assertGreater(len(told), 2)

    def test_the_differ_calls_it_a_minor_and_every_part_by_its_row(self):
        path = self.dir / "next.json"
        path.write_text(run(NEXT, "snapshot").stdout)
        answer = run(CASTRA, "contract", "diff", HERE / "snapshots" / "1.0.json", path, "--json")
        found = json.loads(answer.stdout)
        self.assertEqual((answer.returncode, found["bump"], found["mistakes"]), (0, "minor", []), answer.stdout)
        self.assertEqual(sorted((each["row"], each["where"]) for each in found["differences"]),
                         [("add_open_value", "vm.launch.accelerator"), ("add_optional_field", "vm.launch.numa_node"),
                          ("add_required_field", "command.accepted.limits.retries_max"), ("add_type", "vm.paused")])
        for product, word in (("docs", "### `vm.paused`"), ("typescript", "numa_node?: number;")):
            self.assertIn(word, run(NEXT, product).stdout)

    def test_frozen_readers_refuse_what_breaks_the_contract(self):
        events = next(self.streams())
        launch = next(event for event in events if event["type"] == "vm.launch")
        for change, code in (({"contract": "2.0"}, 3), ({"pid": "4"}, 4), ({"severity": "fatal"}, 4)):
            damaged = [dict(event, **change) if event is launch else event for event in events]
            self.assertEqual(self.cxx(lines(damaged))[0], code, change)
        self.assertEqual(self.cxx(lines(events[:-1]))[0], 5)
        self.assertNotEqual(self.jq(lines([dict(event, contract="2.0") for event in events]))[0], 0)
