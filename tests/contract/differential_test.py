# SPDX-License-Identifier: Apache-2.0
"""Two judges of a stream: the independent one of docs/consumers and `castra events verify`. They must agree."""
import functools
import json
import operator
import os
import pathlib
import random
import re
import signal
import subprocess
import unittest

from damage import cases, streams
from judges import CASTRA, CONSUMERS, Judged, integration, schema

support = integration()
ORDER = (CONSUMERS / "order.jq").read_text()


def wrong_values():
    """(name, events) for every field that the good streams have, members of objects included."""
    seen = set()

    def places(value, path=()):
        for key in value if isinstance(value, dict) else range(min(len(value), 1)):
            yield (*path, key)
            if isinstance(value[key], (dict, list)):
                yield from places(value[key], (*path, key))

    def variants(value):
        yield "missing", None
        yield "another-type", {str: 3, int: "3", bool: 1, dict: [], list: {}}[type(value)]
        if isinstance(value, str):
            yield "another-value", "another"
        if type(value) is int:
            yield "negative", -1
            yield "huge", 2**53

    for make in streams.STREAMS.values():
        for i, event in enumerate(streams.sealed(make())):
            for path in places(event):
                word = event["type"] if path[0] not in streams.ENVELOPE else "event"
                name = ".".join(map(str, (word, *path)))
                if name in seen:
                    continue
                seen.add(name)
                for what, value in variants(functools.reduce(operator.getitem, path, event)):
                    events = streams.sealed(make())
                    parent = functools.reduce(operator.getitem, path[:-1], events[i])
                    if value is None:
                        del parent[path[-1]]
                    else:
                        parent[path[-1]] = value
                    yield f"{name}-{what}", events


class Independent(Judged):
    """The independent judge alone."""

    def test_good_streams_are_valid(self):
        for name, verdict in self.verdicts({name: streams.wire(streams.sealed(make())) for name, make in streams.STREAMS.items()}).items():
            with self.subTest(name):
                self.assertEqual(verdict["findings"], [])

    def test_every_damage_is_found_and_nothing_else(self):
        self.assertGreaterEqual(len(cases.CASES), 36)
        verdicts = self.verdicts({case.name: cases.data_of(case) for case in cases.CASES})
        for case in cases.CASES:
            with self.subTest(case.name):
                found = verdicts[case.name]["findings"]
                self.assertEqual({one["rule"] for one in found}, case.rules, found[:3])
                if "wire" in case.rules:
                    self.assertIn("bytes", {one["tool"] for one in found})

    def test_every_rule_has_a_damage(self):
        rules = set().union(*(case.rules for case in cases.CASES))
        self.assertEqual(rules, {"wire", *map(str, range(1, 19)), "20"})  # 19: a stream does not show what is secret

    def test_the_command_answers_as_documented(self):
        good = self.file("good", streams.wire(streams.sealed(streams.up())))
        bad = self.file("bad", good.read_bytes() + b"text\n")
        command = ["/usr/bin/python3", str(CONSUMERS / "verify.py")]
        for path, code, words in ((good, 0, "11 lines, valid"), (bad, 7, "line 12: rule wire: "), (self.folder / "none", 10, "")):
            result = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
            self.assertEqual(result.returncode, code, result.stderr)
            self.assertIn(words, result.stdout)
        piped = subprocess.run([*command, "-", "--json"], input=bad.read_bytes(), capture_output=True, check=False)
        self.assertIn(b'"ok": false, "lines": 12', piped.stdout)


    def test_the_recipes_run(self):
        """Every command of a sh block in docs/consumers/README.md, on a valid stream."""
        text = (CONSUMERS / "README.md").read_text()
        commands = [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines()]
        self.assertGreater(len(commands), 10)
        self.file("run", streams.wire(streams.sealed(streams.up())))
        (self.folder / "schema.json").write_text(json.dumps(schema()))
        for name in ("order.jq", "ajv.cjs", "verify.py"):
            (self.folder / name).symlink_to(CONSUMERS / name)
        env = dict(os.environ, PATH=f"{self.folder}:{pathlib.Path(CASTRA).parent}:{os.environ['PATH']}")
        for command in commands:
            if "node " in command and not pathlib.Path("/usr/share/nodejs/ajv").is_dir():
                continue
            with self.subTest(command):
                result = subprocess.run(command, shell=True, cwd=self.folder, env=env, capture_output=True, text=True, check=False)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                quiet = any(word in command for word in ("order.jq", "ajv.cjs", "schema7", "vm.exited", "warn\""))
                self.assertEqual(result.stdout == "", quiet, result.stdout)


class OrderScript(Judged):
    """order.jq itself."""

    def test_each_of_its_checks_is_needed_by_a_damage(self):
        """Takes each check away, one at a time: some damage must then pass unseen."""
        damaged = {case.name: cases.data_of(case) for case in cases.CASES}
        calls = [match.start() for match in re.finditer(r"\bbad\(", ORDER)][1:]  # the first is its definition
        head = ORDER.index("def string:")
        self.assertGreater(len(calls), 50)
        script = self.folder / "less.jq"
        for call in calls:
            line = ORDER[ORDER.rindex("\n", 0, call):ORDER.index("\n", call)].strip()
            rule = re.search(r'; "(\w+)"; "', line).group(1)
            # Those without a last line feed cost a jq each, and nothing but the last checks needs them.
            concerned = [case.name for case in cases.CASES if rule in case.rules
                         and (damaged[case.name].endswith(b"\n") or damaged[case.name] == b"")]
            less = ORDER[:call] + "skip(" + ORDER[call + len("bad("):]
            script.write_text(less[:head] + "def skip(condition; $rule; text): .;\n" + less[head:])
            found = self.orders({name: damaged[name] for name in concerned}, script)
            with self.subTest(line):
                self.assertTrue(any(rule not in {one["rule"] for one in found[name]} for name in concerned), "no damage needs it")

    def test_nonsense_never_makes_it_fail(self):
        """Values of wrong types everywhere: it may find nothing, but it must come to its end."""
        seed = int(os.environ.get("SEED", "7"))
        dice = random.Random(seed)
        wrong = ([], {}, [[]], [None], {"a": []}, None, True, -1, 1.5, 10**30, "", "x", [1, "a", {}], [{"name": {}, "kind": []}],
                 [{"name": {}, "kind": "vm"}], [{"name": [], "kind": "broker"}], [{"vm": {}}])
        nonsense = {}
        for round_ in range(400):
            events = streams.sealed(streams.STREAMS[dice.choice(list(streams.STREAMS))]())
            for _ in range(dice.randint(1, 6)):
                event = dice.choice(events)
                event[dice.choice(list(event))] = dice.choice(wrong)
            nonsense[f"seed-{seed}-{round_}"] = streams.wire(events)
        found = self.orders(nonsense)
        self.assertTrue(any(found.values()))


class Agreement(Judged):
    """Both judges, the same streams."""

    def test_on_good_streams(self):
        for name, verdict in self.agree({name: streams.wire(streams.sealed(make())) for name, make in streams.STREAMS.items()}).items():
            with self.subTest(name):
                self.assertEqual(verdict["findings"], [])

    def test_on_damaged_streams(self):
        for name, verdict in self.agree({case.name: cases.data_of(case) for case in cases.CASES}).items():
            with self.subTest(name):
                self.assertFalse(verdict["ok"])

    def test_on_streams_that_lost_or_swapped_an_event(self):
        """All numbers are made true again, so that only the rules of order can tell. Some of these streams are valid."""
        named = {}
        for name, make in streams.STREAMS.items():
            for i in range(len(make())):
                events = make()
                del events[i]
                named[f"{name}-lost-{i}"] = streams.wire(streams.sealed(events))
                events = make()
                events[i:i + 2] = reversed(events[i:i + 2])
                named[f"{name}-swapped-{i}"] = streams.wire(streams.sealed(events))
        self.agree(named)


    def test_on_wrong_values(self):
        """Each field of each type, once: missing, of another type, of another value, out of range."""
        self.agree({name: streams.wire(events) for name, events in wrong_values()})


class RealStreams(Judged, support.Project):
    """What castra really writes is valid for both."""
    READY = ["/bin/sh", "-c", "echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000"]
    NOTIFY = 'ready = "notify"\n'

    def setUp(self):
        support.Project.setUp(self)
        Judged.setUp(self)

    def good(self, out, outcome):
        verdict = self.agree({"real": out.encode()})["real"]
        self.assertEqual(verdict["findings"], [], out)
        self.assertIn(f'"outcome":"{outcome}"', out.splitlines()[-1])

    def test_up_status_down(self):
        self.processes_toml(self.READY, count=3, extra=self.NOTIFY)
        for verb in ("status", "up", "up", "status", "down", "down"):
            self.good(self.castra(verb).stdout, "succeeded")
        for journal in self.home.rglob("journal/*.ndjson"):
            self.good(journal.read_text(), "succeeded")

    def test_rejected(self):
        self.processes_toml(self.READY)
        self.good(self.castra("up", "--nope").stdout, "failed")
        self.good(self.castra("up", "nobody").stdout, "failed")
        self.config.write_text("[project\n")
        self.good(self.castra("up").stdout, "failed")

    def test_failed_and_partial(self):
        self.processes_toml(self.READY, name="good", extra=self.NOTIFY)
        good = self.config.read_text()
        self.processes_toml(["/bin/sh", "-c", "echo dying; exit 3"], name="bad", extra=self.NOTIFY)
        self.config.write_text(good + self.config.read_text().split("\n\n")[-1].replace('[project]\nname = "t"\n', ""))
        self.good(self.castra("up").stdout, "failed")
        self.good(self.castra("up", "--keep-going").stdout, "partial")

    def test_cancelled(self):
        self.processes_toml(["/bin/sleep", "1000"], extra=self.NOTIFY)
        child = self.start("up")
        lines = support.until(child, "vm.launch")
        child.send_signal(signal.SIGINT)
        self.good(support.rest_of(child, lines), "cancelled")

    def test_killed_because_it_does_not_listen(self):
        stubborn = ["/bin/sh", "-c", "trap '' TERM; echo READY >&$CASTRA_NOTIFY_FD; while true; do sleep 1; done"]
        self.write('[lifecycle]\nsigterm_wait_secs = 0.2\n[[vms]]\nname = "p"\nlauncher = "process"\n[vms.options]\n' + self.NOTIFY
                   + f"command = {support.json.dumps(stubborn)}\n")
        self.good(self.castra("up").stdout, "succeeded")
        out = self.castra("down").stdout
        self.assertIn("SIGKILL", out)
        self.good(out, "succeeded")

    def test_taken_over_after_the_supervisor_was_killed(self):
        self.processes_toml(self.READY, count=2, extra=self.NOTIFY)
        self.castra("up")
        os.kill(self.supervisor(), signal.SIGKILL)
        self.good(self.castra("down").stdout, "succeeded")

    def test_sealed_by_another_process(self):
        self.processes_toml(["/bin/sleep", "1000"], extra=self.NOTIFY)
        child = self.start("up")
        lines = support.until(child, "vm.launch")
        os.kill(self.supervisor(), signal.SIGKILL)
        out = support.rest_of(child, lines)
        self.castra("down")
        self.good(out, "aborted")


if __name__ == "__main__":
    unittest.main()
