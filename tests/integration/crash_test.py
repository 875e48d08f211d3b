# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every event of an up and of a down: the next command tells the truth, the next up works, nothing leaks.
What is killed has gone a little further than the event that was read; that only moves the moment."""
import os
import pathlib
import signal
import time
import unittest

from support import Project, types_of

WITH_PROCESS = {"booting", "ready", "running", "stopping"}


class Walk(Project):
    VMS = ["p-0", "p-1"]

    def fleet(self):
        # The directory in the command line lets processes() find it, whoever its parent is by then.
        self.processes_toml(["/bin/sh", "-c", f"echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000 # {self.dir}", str(self.dir)],
                            count=len(self.VMS), extra='ready = "notify"\n')

    def vm_processes(self):
        """VM to its live processes, from the machine itself."""
        found = {}
        for proc in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                environ = (proc / "environ").read_bytes().split(b"\0")
                is_ours = str(self.home).encode() in bytes(str((proc / "cwd").resolve()), "utf-8")
                state = (proc / "stat").read_text().rsplit(")", 1)[1].split()[0]
            except (OSError, IndexError):
                continue
            for variable in environ:
                if is_ours and state not in "ZX" and variable.startswith(b"CASTRA_VM="):
                    found.setdefault(variable.split(b"=")[1].decode(), []).append(int(proc.name))
        return found

    def judge_truth(self):
        """status against the machine. A process that is just ending gets a moment."""
        deadline = time.monotonic() + 10
        while True:
            status = {vm["name"]: vm for vm in self.status()["vms"]}
            real = self.vm_processes()
            wrong = [name for name in self.VMS
                     if (status[name]["state"] in WITH_PROCESS) != (name in real)
                     or (name in real and real[name] != [status[name].get("pid")])]
            if not wrong:
                return
            self.assertLess(time.monotonic(), deadline, f"{wrong}: {status} but {real}")
            time.sleep(0.02)

    def judge_recovery(self):
        self.judge_truth()
        events = self.events(self.castra("up"))
        self.assertEqual({vm["final_state"] for vm in events[-1]["vms"]} - {"ready", "running"}, set())
        real = self.vm_processes()
        self.assertEqual({name: len(pids) for name, pids in real.items()}, {name: 1 for name in self.VMS})
        self.judge_truth()
        self.events(self.castra("down"))
        self.judge_truth()
        self.assertEqual(self.vm_processes(), {})
        self.assertEqual(self.leftovers(), [])
        deadline = time.monotonic() + 10
        while self.processes():
            self.assertLess(time.monotonic(), deadline, self.processes())
            time.sleep(0.02)
        self.judge_journals()

    def judge_journals(self):
        """Each is a valid run, or the valid beginning of one whose supervisor was killed."""
        for path in self.home.rglob("journal/*.ndjson"):
            text = path.read_text()
            if '"last":true' in text:
                self.judge(text)
            else:
                self.assertTrue(text == "" or text.startswith("{"), path)

    def run_and_kill(self, verb, index, whom):
        """Starts a command, reads `index` events, kills. True when there were so many."""
        child = self.start(verb)
        for _ in range(index):
            if not child.stdout.readline():
                child.wait()
                return False
        victim = child.pid if whom == "client" else self.supervisor()
        if victim is not None:
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it had just ended by itself
        child.stdout.read()
        child.wait()
        child.stdout.close()
        return True

    def settle(self):
        """A killed client cancels nothing: its run ends by itself."""
        deadline = time.monotonic() + 30
        while any('"last":true' not in path.read_text() for path in self.home.rglob("journal/*.ndjson")):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def walk(self, verb, whom):
        self.fleet()
        index = 1
        while True:
            with self.subTest(event=index):
                if verb == "down":
                    self.events(self.castra("up"))
                if not self.run_and_kill(verb, index, whom):
                    break
                if whom == "client":
                    self.settle()
                self.judge_recovery()
                for path in self.home.rglob("journal/*.ndjson"):
                    path.unlink()
            index += 1
        self.castra("down")
        return index - 1


class SupervisorDuringUp(Walk):
    def test_at_every_event(self):
        self.assertGreaterEqual(self.walk("up", "supervisor"), 6)


class SupervisorDuringDown(Walk):
    def test_at_every_event(self):
        self.assertGreaterEqual(self.walk("down", "supervisor"), 16)


class ClientDuringUp(Walk):
    def test_at_every_event(self):
        self.assertGreaterEqual(self.walk("up", "client"), 6)


class ClientDuringDown(Walk):
    def test_at_every_event(self):
        self.assertGreaterEqual(self.walk("down", "client"), 16)


if __name__ == "__main__":
    unittest.main()
