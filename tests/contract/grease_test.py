# SPDX-License-Identifier: Apache-2.0
"""Grease: a stream with fields and types that no contract has. Readers of the open contract pass over them and conclude what they
would have; readers that refuse what they do not know find out here. castra's own readers are judged by it too."""
import json
import os
import pathlib
import subprocess

import jsonschema

from contract import CASTRA, HERE, contract, run
from judges import castra_verify, integration

READER = os.environ["CASTRA_READER"]


def objects(value):
    """Every object that the contract describes, as deep as it goes; `ext` and the grease itself are free."""
    if isinstance(value, dict):
        yield value
    for name, member in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if name not in ("ext", "grease"):
            yield from objects(member)


class GreaseTest(integration().Project):
    def greased(self, verb, *rest, code=0, env=None):
        answer = self.castra(verb, *rest, env=env)
        self.assertEqual(answer.returncode, code, answer.stdout + answer.stderr)
        return [json.loads(line) for line in answer.stdout.splitlines()]

    def setUp(self):
        super().setUp()
        self.processes_toml(["/bin/sh", "-c", "echo READY=1; exec sleep 60"], count=3)

    def test_every_object_has_a_field_more_and_types_that_no_reader_knows_pass_by(self):
        up = self.greased("up", "--grease")
        for event in up:
            self.assertTrue(all("grease" in part for part in objects(event)), event)
        self.assertGreater(len(list(objects(up[0]))), 3) # also inside: limits, expects
        self.assertGreater(len({type(event["grease"]) for event in up}), 3)
        unknown = [event for event in up if event["type"].startswith("x.grease.")]
        self.assertGreater(len(unknown), 1)
        self.assertEqual([event["seq"] for event in up], list(range(1, len(up) + 1)))
        self.assertEqual(sum(up[-1]["counts"][name] for name in up[-1]["counts"] if name != "grease"), len(up))
        self.assertNotIn("contract_violation", [event.get("code") for event in up])
        for events in (up, self.greased("status", "--grease"), self.greased("down", "--grease"),
                       self.greased("up", "nobody", "--grease", code=2)):
            self.judge_greased(events)

    def judge_greased(self, events):
        of = {form: jsonschema.Draft202012Validator(json.loads(contract("schema", *([form] if form else []))))
              for form in ("", "--closed")}
        for event in events:
            self.assertEqual([problem.message for problem in of[""].iter_errors(event)], [])
            self.assertFalse(of["--closed"].is_valid(event), "a strict reader must not pass by")
        text = "".join(json.dumps(event) + "\n" for event in events)
        answer = run(READER, stdin=text)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        path = pathlib.Path(self.dir / "stream.ndjson")
        path.write_text(text)
        known = json.dumps([each["type"] for each in json.loads((HERE / "snapshots" / "1.0.json").read_text())["types"]])
        by_jq = run("jq", "-c", "-n", "--argjson", "known", known, "-f", HERE / "reader_1_0" / "reader.jq", path)
        self.assertEqual((by_jq.returncode, json.loads(by_jq.stdout)), (0, json.loads(answer.stdout)))
        verdict = castra_verify(path) # strict: it judges producers
        self.assertIn(18, {int(finding["rule"]) for finding in verdict["findings"]})
        self.assertNotIn("without a summary", json.dumps(verdict), "there is one, whatever else is wrong with it")

    def test_castra_reads_its_own_greased_journals(self):
        plain = dict(self.env)
        self.env["CASTRA_GREASE"] = "1" # as a consumer's CI would say it
        up = self.greased("up")
        self.assertTrue(all("grease" in event for event in up))
        run_id = up[0]["run_id"]
        self.env = plain
        self.assertEqual(set(self.states().values()), {"ready"})
        for words in (("events", "--run", run_id, "--format", "cloudevents"), ("events", "--run", run_id, "--format", "otlp"),
                      ("events", "--run", run_id, "--format", "human"), ("events", "runs", "--json"),
                      ("replay", run_id, "--reporter", "console"), ("report", run_id, "--output", str(self.dir / "report.html"))):
            answer = subprocess.run([CASTRA, *words, "--config", str(self.config)], env=self.env, capture_output=True, text=True,
                                    timeout=60)
            self.assertEqual(answer.returncode, 0, (words, answer.stderr))
            self.assertTrue(answer.stdout or (self.dir / "report.html").exists(), words)
        self.kill(self.supervisor()) # what it leaves is sealed by who comes next
        down = self.events(self.castra("down"))
        self.assertEqual({vm["outcome"] for vm in down[-1]["vms"]}, {"succeeded"})

    def test_no_grease_unless_asked(self):
        self.assertFalse(any("grease" in json.dumps(event) for event in self.events(self.castra("up"))))
