# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every event of an up and of a down: the next command tells the truth, the next up works, nothing leaks.
What is killed has gone a little further than the event that was read; that only moves the moment."""
import contextlib
import json
import os
import pathlib
import shutil
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

    def judge_one_process_each(self):
        """A process has no environment for a moment while it becomes another program, as the shell of these VMs does."""
        deadline = time.monotonic() + 10
        while {name: len(pids) for name, pids in self.vm_processes().items()} != {name: 1 for name in self.VMS}:
            self.assertLess(time.monotonic(), deadline, self.vm_processes())
            time.sleep(0.02)

    def judge_recovery(self):
        self.judge_truth()
        events = self.events(self.castra("up"))
        self.assertEqual({vm["final_state"] for vm in events[-1]["vms"]} - {"ready", "running"}, set())
        self.judge_one_process_each()
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

    def at_each_event(self, verb):
        """Starts a command again and again; yields it after 1, 2, 3 ... of its events, and these. Ends when it has no more."""
        self.fleet()
        for count in range(1, 100):
            if verb == "down":
                self.events(self.castra("up"))
            child = self.start(verb)
            lines = [child.stdout.readline() for _ in range(count)]
            if not lines[-1]:
                child.wait()
                self.castra("down")
                return
            yield child, lines

    def end_of(self, child):
        out = child.stdout.read()
        child.wait()
        child.stdout.close()
        return out

    def forget_journals(self):
        for path in self.home.rglob("journal/*.ndjson"):
            path.unlink()

    def settle(self):
        """A killed client cancels nothing: its run ends by itself."""
        deadline = time.monotonic() + 30
        while any('"last":true' not in path.read_text() for path in self.home.rglob("journal/*.ndjson")):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def walk(self, verb, whom):
        """How many events the command had, after each of which the client or the supervisor was killed."""
        count = 0
        for child, lines in self.at_each_event(verb):
            with self.subTest(event=len(lines)):
                victim = child.pid if whom == "client" else self.supervisor()
                if victim is not None:
                    with contextlib.suppress(ProcessLookupError): # it had just ended by itself
                        os.kill(victim, signal.SIGKILL)
                self.end_of(child)
                if whom == "client":
                    self.settle()
                self.judge_recovery()
                self.forget_journals()
            count = len(lines)
        return count

    def kill_at_every_event(self, verb, victims, look):
        """After each event of a command all that `victims` names is killed; `look` judges what the command then told, and
        recovery is judged. Returns how many were killed."""
        killed = 0
        for child, lines in self.at_each_event(verb):
            with self.subTest(event=len(lines)):
                for pid in victims():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        killed += 1
                events = self.judge("".join(lines) + self.end_of(child))  # whole and true, whatever came of it
                self.judge_truth()
                look(events)
                self.judge_recovery()
                self.forget_journals()
        return killed


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


class SupervisorWhileBooting(Walk):
    """VMs that never say ready, so that the kill falls between spawn and ready however quick the machine is."""

    def fleet(self):
        self.processes_toml(["/bin/sh", "-c", f"exec sleep 1000 # {self.dir}", str(self.dir)], count=len(self.VMS),
                            extra='ready = "notify"\n')
        self.config.write_text(self.config.read_text() + f"[lifecycle]\nboot_window = {len(self.VMS)}\n")

    def test_after_each_launch_the_records_know_the_processes(self):
        for index in (1, 2, 3):  # accepted, and two launches: more does not come
            with self.subTest(event=index):
                self.fleet()
                child = self.start("up")
                self.assertTrue([child.stdout.readline() for _ in range(index)][-1])
                self.kill(self.supervisor())
                self.end_of(child)
                self.judge_truth()
                if index == 3:
                    self.judge_one_process_each()
                    self.assertEqual(self.states(), {name: "running" for name in self.VMS})
                Walk.fleet(self)  # now they say ready
                self.castra("down")
                self.assertEqual(self.vm_processes(), {})
                self.judge_recovery()


class PluginHostDuringUp(Walk):
    """The launcher runs isolated; its process is killed at every event of an up."""

    def fleet(self):
        super().fleet()
        self.config.write_text(self.config.read_text() + '[plugins.process]\nisolation = "process"\n')

    def plugin_hosts(self):
        return [pid for pid, command in self.processes().items() if "castra-plugin-host" in command]

    def lift_quarantine(self, _):
        """As rebuilding the plugin would. The up failed, or did not need its launcher any more."""
        self.castra("down")
        for path in self.home.rglob("quarantine/*"):
            path.unlink()

    def test_at_every_event(self):
        self.assertGreater(self.kill_at_every_event("up", self.plugin_hosts, self.lift_quarantine), 2)


SLOW_TO_END = """
import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), os._exit(0)))
os.write(int(os.environ["CASTRA_NOTIFY_FD"]), b"READY\\n")
while True:
    signal.pause()
"""


class BrokerKilled(Walk):
    """The broker is killed at every event: VMs do not care, and it is there again or gone as it should be."""

    is_slow_to_end = False

    def fleet(self):
        super().fleet()
        if self.is_slow_to_end:
            self.processes_toml(["/usr/bin/python3", "-c", SLOW_TO_END, str(self.dir)], count=len(self.VMS),
                                extra='ready = "notify"\n')
        self.config.write_text(self.config.read_text() + '[broker]\nlauncher = "process"\n')

    def brokers(self):
        return [pid for pid, command in self.processes().items() if " broker --control-fd" in command]

    def judge_broker(self, events):
        # One that is killed before it has said ready fails an up, which then leaves nothing.
        stays = events[0]["operation"] == "up" and events[-1]["exit_code"] == 0
        self.assertEqual(set(self.states().values()), {"ready" if stays else "absent"})
        self.settle_broker(int(stays))

    def settle_broker(self, wanted):
        deadline = time.monotonic() + 20
        while len(self.brokers()) != wanted or self.status()["broker"]["reachable"] != (wanted == 1):
            self.assertLess(time.monotonic(), deadline, (wanted, self.brokers(), self.status()["broker"]))
            time.sleep(0.05)

    def test_during_up(self):
        self.assertGreater(self.kill_at_every_event("up", self.brokers, self.judge_broker), 4)

    def test_during_down(self):
        self.is_slow_to_end = True  # the broker goes when the VMs are gone, and shall be met at its work
        self.assertGreater(self.kill_at_every_event("down", self.brokers, self.judge_broker), 2)


class Reboot(Walk):
    """The machine goes down at any moment: every process is gone, another boot id, no runtime directory."""

    def reboot(self):
        while left := self.processes():  # again: one that was killed may have started another just before
            for pid in left:
                try:
                    self.kill(pid)
                except ProcessLookupError:
                    pass
        for path in self.home.rglob("record.json"):
            record = json.loads(path.read_text())
            path.write_text(json.dumps(dict(record, boot_id="the-boot-before"), indent=1))
        shutil.rmtree(self.home / "run", ignore_errors=True)
        for path in self.home.rglob("*"):
            if path.is_socket():
                path.unlink()

    def walk_reboots(self, verb):
        count = 0
        for child, lines in self.at_each_event(verb):
            with self.subTest(event=len(lines)):
                self.reboot()
                self.end_of(child)
                self.assertLessEqual(set(self.states().values()), {"failed", "absent"})
                self.judge_recovery()
                self.journals()  # sealed, all of them
                self.forget_journals()
            count = len(lines)
        return count

    def test_during_up(self):
        self.assertGreaterEqual(self.walk_reboots("up"), 6)

    def test_during_down(self):
        self.assertGreaterEqual(self.walk_reboots("down"), 16)

    def test_between(self):
        self.fleet()
        self.events(self.castra("up"))
        self.reboot()
        self.assertEqual(self.states(), {name: "failed" for name in self.VMS})
        self.assertIn("rebooted", self.status()["vms"][0]["why"])
        self.judge_recovery()


if __name__ == "__main__":
    unittest.main()
