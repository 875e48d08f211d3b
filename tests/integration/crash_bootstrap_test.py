# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every event of a bootstrap: status tells the truth, the next bootstrap brings the guest to where it should be,
no ssh, no job in the guest and no temporary file stays. The "guest" is an SSH server; see bootstrap_support.py."""
import os
import signal
import time
import unittest

from bootstrap_support import Bootstrap, one, steps_of


class BootstrapWalk(Bootstrap):
    def setUp(self):
        super().setUp()
        self.script("echo once >>ran; echo done\n")
        payload = self.scripts / "payload"
        payload.mkdir()
        (payload / "file").write_text("content\n")
        self.project('payload = "bootstrap/payload"\nverify_path = "payload/file"\n')
        self.events(self.castra("up"))  # and its host key is known from here on
        self.vm = next(vm["pid"] for vm in self.status()["vms"])
        self.files = self.files_there()

    def files_there(self):
        """What castra has on disk, but for what grows by a run as it should."""
        grown = ("journal", "logs", "bootstrap")
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*")
                      if path.is_file() and not any(word in str(path.relative_to(self.home)) for word in grown))

    def connections(self):
        return {pid: command for pid, command in self.processes().items() if command.startswith("ssh ") or "/ssh " in command}

    def settle(self, what):
        deadline = time.monotonic() + 30
        while not what():
            self.assertLess(time.monotonic(), deadline, self.processes())
            time.sleep(0.05)

    def victim(self, whom, child):
        if whom == "client":
            return [child.pid]
        if whom == "supervisor":
            return [self.supervisor()]
        return list(self.connections())  # ssh itself

    def walk(self, whom):
        index = 1
        while True:
            with self.subTest(event=index):
                child = self.start("bootstrap", "--bootstrap", "always")
                for _ in range(index):
                    if not child.stdout.readline():
                        child.wait()
                        again = self.events(self.castra("bootstrap"))
                        self.assertEqual(one(again, "bootstrap.completed")["status"], "noop", steps_of(again))
                        return index - 1
                for pid in self.victim(whom, child):
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except (ProcessLookupError, TypeError):
                        pass  # it had just ended
                child.stdout.read()
                child.wait()
                child.stdout.close()
                # A killed client cancels nothing: its run ends by itself.
                if whom == "client":
                    self.settle(lambda: all('"last":true' in path.read_text() for path in self.home.rglob("journal/*.ndjson")))
                vm = self.status()["vms"][0]
                self.assertEqual((vm["state"], vm["pid"]), ("ready", self.vm), "the VM has not noticed")
                events = self.events(self.castra("bootstrap"))
                self.assertIn(one(events, "bootstrap.completed")["status"], ("success", "noop"))
                self.assertEqual((self.remote / "payload/file").read_text(), "content\n")
                for path in self.home.rglob("journal/*.ndjson"):
                    self.judge(path.read_text())  # sealed where it had to be
                    path.unlink()
                self.settle(lambda: not self.connections())
                self.assertEqual(self.files_there(), self.files)
            index += 1


class SupervisorKilled(BootstrapWalk):
    def test_at_every_event(self):
        self.assertGreaterEqual(self.walk("supervisor"), 8)


class ClientKilled(BootstrapWalk):
    def test_at_every_event(self):
        self.assertGreaterEqual(self.walk("client"), 8)


class SshKilled(BootstrapWalk):
    def test_at_every_event(self):
        self.assertGreaterEqual(self.walk("ssh"), 8)


if __name__ == "__main__":
    unittest.main()
