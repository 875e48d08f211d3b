# SPDX-License-Identifier: Apache-2.0
"""Real commands against their frozen streams, goldens/<contract version>/. UPDATE=1 writes them anew and says so."""
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from goldens.golden import filled, normalised
from judges import CASTRA, HERE, castra_verify, integration, schema, verify

support = integration()
sys.path.append(str(HERE.parent / "integration"))
from bootstrap_support import Bootstrap  # noqa: E402: it stands in the other folder
sys.path.insert(0, str(HERE.parent / "broker"))
from broker_client import Broker  # noqa: E402
GOLDENS = HERE / "goldens"
UPDATE = os.environ.get("UPDATE") == "1"
READY = ["/bin/sh", "-c", "echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000"]
STUBBORN = ["/bin/sh", "-c", "trap '' TERM; echo READY >&$CASTRA_NOTIFY_FD; while true; do sleep 1; done"]
NAMES = ("up", "up-unchanged", "status", "down", "down-killed", "down-nothing", "rejected", "rejected-config", "failed", "cancelled",
         "supervise", "partial", "aborted", "clean", "clean-dry", "plan", "bootstrap", "bootstrap-noop", "bootstrap-failed",
         "broker-up", "broker-sessions", "broker-down")


def versions():
    return sorted(path for path in GOLDENS.iterdir() if path.is_dir() and path.name[0].isdigit())


def current():
    """The folder of the contract version that this castra speaks."""
    result = subprocess.run([CASTRA, "up", "--nope", "--events", "ndjson"], capture_output=True, text=True, check=False)
    return GOLDENS / json.loads(result.stdout.splitlines()[0])["contract"]


def sums(folder):
    """As sha256sum prints them."""
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(folder.glob("*.ndjson")))


def seals():
    return "".join(f"{hashlib.sha256((folder / 'SHA256SUMS').read_bytes()).hexdigest()}  {folder.name}/SHA256SUMS\n"
                   for folder in versions())


class Frozen(unittest.TestCase):
    """The files themselves, all versions: untouched, complete, and still a valid stream for today's readers."""

    @unittest.skipIf(UPDATE, "UPDATE=1")
    def test_nobody_has_touched_them(self):
        for folder in versions():
            self.assertEqual((folder / "SHA256SUMS").read_text(), sums(folder), f"a golden of {folder.name} was changed")
        self.assertEqual((GOLDENS / "SHA256SUMS").read_text(), seals(), "the sums of a version were changed")

    @unittest.skipIf(UPDATE, "UPDATE=1")
    def test_each_stands_in_the_newest_version(self):
        self.assertEqual({path.stem for path in current().glob("*.ndjson")}, set(NAMES))

    def test_todays_readers_accept_them(self):
        with tempfile.TemporaryDirectory() as folder:
            for golden in GOLDENS.glob("*/*.ndjson"):
                events = [filled(json.loads(line)) for line in golden.read_text().splitlines()]
                path = pathlib.Path(folder) / golden.name
                path.write_text("".join(json.dumps(event, separators=(",", ":")) + "\n" for event in events))
                with self.subTest(f"{golden.parent.name}/{golden.stem}"):
                    self.assertEqual(verify.judge(path, schema())["findings"], [])
                    self.assertEqual(castra_verify(path)["findings"], [])


class Golden:
    """Of a stream and its frozen form. One VM a golden, so that no two of them interleave."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = current()

    @classmethod
    def tearDownClass(cls):
        if UPDATE:
            (cls.folder / "SHA256SUMS").write_text(sums(cls.folder))
            (GOLDENS / "SHA256SUMS").write_text(seals())
            print(f"\nUPDATE=1: {len(list(cls.folder.glob('*.ndjson')))} GOLDENS OF {cls.folder.name} AND THEIR SUMS WERE WRITTEN ANEW. "
                  "git diff shows what the contract changed.", file=sys.stderr)

    def golden(self, name, out):
        self.judge(out)
        fresh = [normalised(json.loads(line)) for line in out.splitlines()]
        path = self.folder / f"{name}.ndjson"
        if UPDATE:
            self.folder.mkdir(exist_ok=True)
            path.write_text("".join(json.dumps(event, separators=(",", ":"), ensure_ascii=False) + "\n" for event in fresh))
            return
        frozen = [json.loads(line) for line in path.read_text().splitlines()]
        self.maxDiff = None
        self.assertEqual([event["type"] for event in fresh], [event["type"] for event in frozen])
        for mine, theirs in zip(fresh, frozen):
            self.assertEqual(mine, theirs, f"{name}: seq {theirs['seq']}: the contract changed, or the golden is stale (UPDATE=1)")


class Goldens(Golden, support.Project):
    def fleet(self, command, lifecycle=""):
        self.write(f'{lifecycle}[[vms]]\nname = "vm"\nlauncher = "process"\n[vms.options]\ncommand = {json.dumps(command)}\n'
                   'ready = "notify"\n')

    def test_up_status_down(self):
        self.fleet(READY)
        self.golden("up", self.castra("up").stdout)
        self.golden("up-unchanged", self.castra("up").stdout)
        self.golden("status", self.castra("status").stdout)
        self.golden("down", self.castra("down").stdout)
        self.golden("down-nothing", self.castra("down").stdout)

    def test_down_of_a_vm_that_does_not_listen(self):
        self.fleet(STUBBORN, "[lifecycle]\nsigterm_wait_secs = 0.2\n")
        self.castra("up")
        self.golden("down-killed", self.castra("down").stdout)

    def test_clean(self):
        self.fleet(["/bin/sh", "-c", "echo some output; " + READY[2]])
        self.castra("up")
        self.castra("down")
        self.golden("clean-dry", self.castra("clean", "--dry-run", "--only", "logs").stdout)
        self.golden("clean", self.castra("clean", "--only", "logs").stdout)

    def test_rejected(self):
        self.fleet(READY)
        self.golden("rejected", self.castra("up", "--nope").stdout)
        self.config.write_text("[project]\nname = 1\n")
        self.golden("rejected-config", self.castra("up").stdout)

    def test_failed(self):
        self.fleet(["/bin/sh", "-c", "echo dying; exit 3"])
        self.golden("failed", self.castra("up").stdout)

    def test_cancelled(self):
        self.fleet(["/bin/sleep", "1000"])
        child = self.start("up")
        lines = support.until(child, "vm.launch")
        child.send_signal(signal.SIGINT)
        self.golden("cancelled", support.rest_of(child, lines))

    def test_partial(self):
        # One boots at a time, so that the two do not interleave.
        vm = '[[vms]]\nname = "{}"\nlauncher = "process"\n[vms.options]\nready = "notify"\ncommand = {}\n'
        self.write("[lifecycle]\nboot_window = 1\n" + vm.format("good", json.dumps(READY))
                   + vm.format("bad", json.dumps(["/bin/sh", "-c", "exit 3"])))
        self.golden("partial", self.castra("up", "--keep-going").stdout)

    def test_sealed_by_another_process(self):
        self.fleet(["/bin/sleep", "1000"])
        child = self.start("up")
        lines = support.until(child, "vm.launch")
        os.kill(self.supervisor(), signal.SIGKILL)
        self.golden("aborted", support.rest_of(child, lines))

    def test_an_unexpected_end(self):
        self.fleet(READY)
        launched = next(event for event in self.events(self.castra("up")) if event["type"] == "vm.launch")
        os.kill(launched["pid"], signal.SIGKILL)
        self.golden("supervise", self.journal_of_supervise())

    def test_broker(self):
        self.write('[broker]\nlauncher = "process"\n[[vms]]\nname = "vm"\nlauncher = "process"\n'
                   '[vms.options]\ncommand = ["/bin/sleep", "1000"]\n')
        self.golden("broker-up", self.castra("up", "--broker-only").stdout)
        socket = str(next(self.home.glob("**/b")))
        with Broker(socket) as host:
            self.assertEqual(host.hello(role="host")["type"], "welcome")
        with Broker(socket) as liar:
            self.assertEqual(liar.hello(role="guest", vm="vm-0")["type"], "error")
        self.golden("broker-sessions", self.journal_of_supervise())
        self.golden("broker-down", self.castra("down").stdout)

    def journal_of_supervise(self):
        """The second run, which is the supervisor's own, when it has ended."""
        deadline = time.monotonic() + 20
        while True:
            journals = [path.read_text() for path in sorted(self.home.rglob("journal/*.ndjson"))]
            if len(journals) == 2 and '"last":true' in journals[1]:
                return journals[1]
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)


class BootstrapGoldens(Golden, Bootstrap):
    def test_bootstrap(self):
        """A payload, an environment and a verification, so that the plan has all its fields."""
        self.script("echo done\n")
        (self.scripts / "payload").mkdir()
        (self.scripts / "payload" / "file").write_text("content\n")
        self.project('payload = "bootstrap/payload"\nverify_command = "true"\nverify_path = "payload/file"\n',
                     env='TOKEN = "secret"\n', name="vm")
        self.metadata("handshake_timeout_secs = 7\n", 'options = ["Compression=no"]\n')
        self.golden("plan", self.castra("up", "--plan").stdout)
        self.golden("bootstrap", self.castra("up").stdout)
        self.golden("bootstrap-noop", self.castra("bootstrap").stdout)
        self.script("echo why; exit 3\n")
        self.golden("bootstrap-failed", self.castra("bootstrap").stdout)


if __name__ == "__main__":
    unittest.main()
