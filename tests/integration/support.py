# SPDX-License-Identifier: Apache-2.0
"""A castra project of its own in a temporary home, and the judges of what it prints."""
import contextlib
import json
import select
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

import jsonschema

CASTRA = os.environ["CASTRA"]
PLUGINS = pathlib.Path(os.environ["CASTRA_PLUGINS"])


def schema():
    text = subprocess.run([CASTRA, "contract", "schema", "--closed"], check=True, capture_output=True).stdout
    loaded = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(loaded)
    return jsonschema.Draft202012Validator(loaded)


class Project(unittest.TestCase):
    """Each test has a project, `self.dir`, and leaves nothing behind: that is checked after every test."""

    @classmethod
    def setUpClass(cls):
        cls.validator = schema()

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="castra-test."))
        self.home = self.dir / "home"
        self.config = self.dir / "castra.toml"
        self.env = dict(os.environ, CASTRA_HOME=str(self.home))
        self.children = []

    def tearDown(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            if not child.stdout.closed:
                child.communicate()
        if self.config.exists() and self.home.exists():
            self.castra("down", events=False)
        left = self.processes()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        leftovers = self.leftovers()
        shutil.rmtree(self.dir, ignore_errors=True)
        self.assertEqual(left, {}, "processes left behind")
        self.assertEqual(leftovers, [], "files left behind")

    # -- running castra ------------------------------------------------------------------------------------------

    def write(self, text, header='[project]\nname = "t"\n'):
        self.config.write_text(header + text)

    def processes_toml(self, command, count=1, name="p", extra=""):
        """A fleet of ordinary processes."""
        self.write(f'[[vms]]\nname = "{name}"\nlauncher = "process"\ncount = {count}\n[vms.options]\n'
                   f"command = {json.dumps(command)}\n{extra}")

    def arguments(self, verb, *rest, events=True):
        return [CASTRA, verb, "--config", str(self.config), *(["--events", "ndjson"] if events else ["--events", "none"]), *rest]

    def castra(self, verb, *rest, events=True, env=None, timeout=120):
        return subprocess.run(self.arguments(verb, *rest, events=events), env=env or self.env, capture_output=True,
                              text=True, timeout=timeout)

    def start(self, verb, *rest):
        child = subprocess.Popen(self.arguments(verb, *rest), env=self.env, stdout=subprocess.PIPE, text=True)
        self.children.append(child)
        return child

    def events(self, result, code=0):
        """The stream of a finished command, judged: valid, ordered, complete. Returns its events."""
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return self.judge(result.stdout, code)

    def judge(self, text, code=None):
        self.assertTrue(text.endswith("\n"), "the last line is whole")
        events = [json.loads(line) for line in text.splitlines()]
        for event in events:
            problems = [problem.message for problem in self.validator.iter_errors(event)]
            self.assertEqual(problems, [], json.dumps(event))
        self.assertIn(events[0]["type"], ("command.accepted", "command.rejected"))
        self.assertEqual([event["seq"] for event in events], list(range(1, len(events) + 1)))
        self.assertEqual(len({event["run_id"] for event in events}), 1)
        last = events[-1]
        self.assertEqual((last["type"], last.get("last")), ("summary", True))
        self.assertEqual([event["type"] for event in events].count("summary"), 1)
        for name, count in last["counts"].items():
            severity = name.removesuffix("_events")
            self.assertEqual(count, sum(event["severity"] == severity for event in events), severity)
        if code is not None:
            self.assertEqual(last["exit_code"], code)
        self.assertNotIn("contract_violation", [event.get("code") for event in events])
        return events

    def status(self):
        return json.loads(subprocess.run([CASTRA, "status", "--config", str(self.config), "--json"], env=self.env,
                                         check=True, capture_output=True).stdout)

    def states(self):
        return {vm["name"]: vm["state"] for vm in self.status()["vms"]}

    # -- looking at what is there --------------------------------------------------------------------------------

    def processes(self):
        """Live processes that carry this test's directory in their environment or command line."""
        found = {}
        for proc in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if proc.name == str(os.getpid()) or " Z " in (proc / "stat").read_text().rsplit(")", 1)[1][:3]:
                    continue
                words = (proc / "environ").read_bytes() + (proc / "cmdline").read_bytes()
                if str(self.dir).encode() in words:
                    found[int(proc.name)] = (proc / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:200]
            except (OSError, IndexError):
                continue
        return found

    def command_lines(self):
        """The words of each of them that has not ended meanwhile."""
        lines = []
        for pid in self.processes():
            with contextlib.suppress(OSError):
                lines.append(pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0"))
        return lines

    def supervisor(self):
        for pid, command in self.processes().items():
            if "supervise" in command:
                return pid
        return None

    @staticmethod
    def kill(pid):
        """SIGKILL, and gone when this returns: a signal is delivered some time after kill() said yes."""
        fd = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)
        gone = select.select([fd], [], [], 10)[0]
        os.close(fd)
        if not gone:
            raise AssertionError(f"process {pid} survives SIGKILL")

    def leftovers(self):
        if not self.home.exists():
            return []
        return [str(path) for path in self.home.rglob("*")
                if path.suffix in (".qcow2", ".tmp") or path.name in ("record.json", "id_ed25519") or path.is_socket()]

    def journals(self):
        return [self.judge(path.read_text()) for path in sorted(self.home.rglob("journal/*.ndjson"))]


def types_of(events, vm=None):
    return [event["type"] for event in events if vm is None or event.get("vm") == vm]


def until(child, event_type):
    """Reads a child's events up to the first of a type; returns what was read."""
    lines = []
    for line in child.stdout:
        lines.append(line)
        if json.loads(line)["type"] == event_type:
            break
    return lines


def rest_of(child, lines):
    # Not communicate(): with a timeout it reads past what the iteration has buffered. A hang is ctest's to end.
    out = child.stdout.read()
    child.wait()
    return "".join(lines) + out
