# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every event of an up and of a down: the next command tells the truth, the next up works, nothing leaks.
Each kill falls when that very line is written, see kills.py. Of a supervisor that is the line of its journal: what it does may be
a few events ahead of that."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import unittest

from kills import Kills
from support import CASTRA, types_of

WITH_PROCESS = {"booting", "ready", "running", "stopping"}
PLUGIN_HOST = "castra-plugin-host"
BROKER = " broker --control-fd"


def two_free_ports():
    """Two in a row, of those that neither castra nor the kernel gives to anybody by itself."""
    for port in range(30000 + os.getpid() % 1000 * 2, 32700, 2):
        try:
            with socket.create_server(("127.0.0.1", port)), socket.create_server(("127.0.0.1", port + 1)):
                return port
        except OSError:
            continue
    raise AssertionError("no two free ports in a row")


class Walk(Kills):
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
        self.journals()  # sealed, all of them, that of the killed run as well

    def events_of(self, verb):
        """The undisturbed command: it has a kill for each of them."""
        self.fleet()
        self.before(verb)
        events = self.events(self.castra(verb))
        self.events(self.castra("down"))
        self.forget_journals()
        return events

    def before(self, verb):
        if verb == "down":
            self.events(self.castra("up"))
            self.forget_journals()

    def settle(self):
        """A killed client cancels nothing: its run ends by itself."""
        deadline = time.monotonic() + 30
        while any('"last":true' not in path.read_text() for path in self.own_journals()):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def walk(self, verb, whom):
        """Kills the client or the supervisor at each event of a command. Returns how many that were, and how many commands told
        that they were aborted."""
        killed = aborted = 0
        for line in range(1, len(self.events_of(verb)) + 1):
            with self.subTest(line=line):
                self.before(verb)
                result, pids = self.kill_at(line, whom, verb)
                killed += len(pids)
                if whom == "client":
                    self.judge_of_killed_client(result, line)
                    self.settle()
                else:
                    aborted += self.judge_told(result, line)
                self.judge_recovery()
                self.forget_journals()
        return killed, aborted

    def kill_at_every_event(self, verb, whom, look):
        """At each event of a command the children of the supervisor that `whom` describes are killed; `look` judges what the
        command then told, and recovery is judged. Returns how many were killed at each, and the undisturbed command's events."""
        killed = []
        undisturbed = self.events_of(verb)
        for line in range(1, len(undisturbed) + 1):
            with self.subTest(line=line):
                self.before(verb)
                result, pids = self.kill_at(line, whom, verb)
                killed.append(len(pids))
                events = self.judge(result.stdout, result.returncode)  # whole and true, whatever came of it
                self.judge_truth()
                look(events)
                self.judge_recovery()
                self.forget_journals()
        return killed, undisturbed


class SupervisorDuringUp(Walk):
    """The VMs have ports, whose leases must end with them and not before."""

    def fleet(self):
        super().fleet()
        if not hasattr(self, "port"):
            self.port = two_free_ports()
        forward = f"[[vms.port_forwards]]\nhost = {self.port}\nguest = 80\n"
        self.config.write_text(self.config.read_text() + forward)
        self.other = self.dir / "other/castra.toml"
        self.other.parent.mkdir(exist_ok=True)
        self.other.write_text('[project]\nname = "other"\n[[vms]]\nname = "o"\nlauncher = "process"\ncount = 2\n' +
                              f'[vms.options]\ncommand = ["/bin/sh", "-c", "exec sleep 1000 # {self.dir}"]\n' + forward)

    def of_another_project(self, verb):
        return subprocess.run([CASTRA, verb, "--config", str(self.other), "--events", "ndjson"], env=self.env, capture_output=True,
                              text=True, timeout=120)

    def judge_recovery(self):
        if set(self.states().values()) & WITH_PROCESS:
            self.assertRegex(self.judge(self.of_another_project("up").stdout, 4)[0]["detail"], f"{self.port}|{self.port + 1}")
        super().judge_recovery()
        self.events(self.of_another_project("up"))
        self.events(self.of_another_project("down"))

    def test_at_every_event(self):
        killed, aborted = self.walk("up", "supervisor")
        self.assertGreaterEqual(killed, 6)
        self.assertGreater(aborted, 0)


class SupervisorDuringDown(Walk):
    def test_at_every_event(self):
        killed, aborted = self.walk("down", "supervisor")
        self.assertGreaterEqual(killed, 16)
        self.assertGreater(aborted, 0)


class AfterAKilledDown(Walk):
    """What was asked to go goes, and nobody calls that unexpected."""

    def fleet(self, sigterm_wait_secs=0.2):
        """They need SIGKILL, so that they live while their castra is gone."""
        self.processes_toml(["/bin/sh", "-c", f"trap '' TERM; echo READY >&$CASTRA_NOTIFY_FD; while :; do sleep 1000; done # {self.dir}"],
                            count=len(self.VMS), extra='ready = "notify"\n')
        self.config.write_text(self.config.read_text() + f"[lifecycle]\nsigterm_wait_secs = {sigterm_wait_secs}\n")

    def killed_at_its_work(self, *vms):
        """While it waits for them to end, and the client has been told so: one that was told nothing asks another supervisor."""
        self.fleet(sigterm_wait_secs=60)
        self.events(self.castra("up"))
        child = self.start("down", *vms)
        lines = []
        while not lines or json.loads(lines[-1])["type"] != "vm.shutdown_escalated":
            lines.append(child.stdout.readline())
            self.assertTrue(lines[-1], lines)
        self.kill(self.supervisor())
        told, _ = child.communicate(timeout=60)
        events = self.judge("".join(lines) + told, 9)
        self.assertEqual((events[-1]["outcome"], child.returncode), ("aborted", 9))
        self.fleet()

    def test_the_next_up_takes_it_down_first(self):
        self.killed_at_its_work("p-0")
        before = {vm["name"]: (vm["state"], vm["pid"]) for vm in self.status()["vms"]}
        self.assertEqual((before["p-0"][0], before["p-1"][0]), ("stopping", "ready"))
        events = self.events(self.castra("up"))
        self.assertIn("stop_unfinished", [event.get("code") for event in events])
        of_it = [event["type"] for event in events if event.get("vm") == "p-0"]
        self.assertLess(of_it.index("vm.shutdown_complete"), of_it.index("vm.launch"))
        self.assertNotIn("vm.launch", [event["type"] for event in events if event.get("vm") == "p-1"])
        self.assertEqual({vm["final_state"] for vm in events[-1]["vms"]}, {"ready"}, "p-1, which is adopted, too")
        after = {vm["name"]: vm["pid"] for vm in self.status()["vms"]}
        self.assertEqual(after["p-1"], before["p-1"][1])
        self.assertNotEqual(after["p-0"], before["p-0"][1])

    def test_its_end_is_expected_whoever_sees_it(self):
        self.killed_at_its_work("p-0")
        pid = next(vm["pid"] for vm in self.status()["vms"] if vm["name"] == "p-0")
        self.events(self.castra("up", "p-1"))  # a supervisor again, which has adopted both
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while not (found := [path for path in self.home.rglob("journal/*.ndjson")
                             if '"operation":"supervise"' in path.read_text() and '"last":true' in path.read_text()]):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        events = self.judge(found[0].read_text())
        self.assertEqual([event["expected"] for event in events if event["type"] == "vm.exited"], [True])
        self.assertEqual(events[-1]["outcome"], "succeeded")


class ClientDuringUp(Walk):
    def test_at_every_event(self):
        self.assertGreaterEqual(self.walk("up", "client")[0], 6)


class ClientDuringDown(Walk):
    def test_at_every_event(self):
        self.assertGreaterEqual(self.walk("down", "client")[0], 16)


class WithoutAKill(Walk):
    """Judges the judge: what was never killed must not pass."""

    def test_behind_the_last_event(self):
        for whom in ("client", "supervisor", PLUGIN_HOST):
            line = len(self.events_of("up")) + 1
            with self.assertRaisesRegex(AssertionError, "not carried out"):
                self.kill_at(line, whom, "up")
            self.order.unlink()
            self.events(self.castra("down"))


class SupervisorWhileBooting(Walk):
    """VMs that never say ready, so that the kill falls between spawn and ready however quick the machine is."""

    def fleet(self):
        self.processes_toml(["/bin/sh", "-c", f"exec sleep 1000 # {self.dir}", str(self.dir)], count=len(self.VMS),
                            extra='ready = "notify"\n')
        self.config.write_text(self.config.read_text() + f"[lifecycle]\nboot_window = {len(self.VMS)}\n")

    def end_of(self, child):
        out = child.stdout.read()
        child.wait()
        child.stdout.close()
        return out

    def test_after_each_launch_the_records_know_the_processes(self):
        for index in (1, 2, 3):  # accepted, and two launches: more does not come
            with self.subTest(event=index):
                self.fleet()
                child = self.start("up")
                lines = [child.stdout.readline() for _ in range(index)]
                self.assertTrue(lines[-1])
                self.kill(self.supervisor())
                events = self.judge("".join(lines) + self.end_of(child), 9)
                self.assertEqual((events[-1]["outcome"], child.returncode), ("aborted", 9))
                self.judge_truth()
                if index == 3:
                    self.judge_one_process_each()
                    self.assertEqual(self.states(), {name: "running" for name in self.VMS})
                Walk.fleet(self)  # now they say ready
                self.castra("down")
                self.assertEqual(self.vm_processes(), {})
                self.judge_recovery()


class PluginHostKilled(Walk):
    """The launcher runs isolated; its process, which is there from the preflight to the summary, is killed at every event."""

    def fleet(self):
        super().fleet()
        self.config.write_text(self.config.read_text() + '[plugins.process]\nisolation = "process"\n')

    def lift_quarantine(self, _):
        """As rebuilding the plugin would. The up failed, or did not need its launcher any more."""
        self.castra("down")
        for path in self.home.rglob("quarantine/*"):
            path.unlink()

    def down_is_done(self, events):
        """A VM is ended without its launcher if need be."""
        self.assertEqual(events[-1]["exit_code"], 0)
        self.assertEqual(self.states(), {name: "absent" for name in self.VMS})
        self.lift_quarantine(events)

    def test_during_up(self):
        killed, undisturbed = self.kill_at_every_event("up", PLUGIN_HOST, self.lift_quarantine)
        self.assertEqual(killed, [1] * len(undisturbed))

    def test_during_down(self):
        killed, undisturbed = self.kill_at_every_event("down", PLUGIN_HOST, self.down_is_done)
        self.assertEqual(killed, [1] * len(undisturbed))


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
        return [pid for pid, command in self.processes().items() if BROKER in command]

    def before(self, verb):
        super().before(verb)
        if verb == "down":
            self.settle_broker(1)

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
        killed, undisturbed = self.kill_at_every_event("up", BROKER, self.judge_broker)
        self.assertEqual(killed, [1] * len(undisturbed))

    def test_during_down(self):
        self.is_slow_to_end = True  # the broker goes when the VMs are gone, and shall be met at its work
        killed, undisturbed = self.kill_at_every_event("down", BROKER, self.judge_broker)
        last = max(line for line, kind in enumerate(types_of(undisturbed), 1) if kind == "vm.exited")
        self.assertEqual(killed[:last], [1] * last)


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

    def until_killed(self, child):
        deadline = time.monotonic() + 30
        while not self.is_killed():
            self.assertTrue(child.poll() is None or self.is_killed(), "the command ended and nobody was killed")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.001)

    def walk_reboots(self, verb):
        """At each event the supervisor is killed, and all else behind it."""
        count = 0
        for line in range(1, len(self.events_of(verb)) + 1):
            with self.subTest(line=line):
                self.before(verb)
                self.order.write_text(f"{line} supervisor\n")
                child = self.start(verb)
                self.until_killed(child)
                self.reboot()
                child.communicate()
                count += len(self.killed("supervisor", "a reboot"))
                self.assertLessEqual(set(self.states().values()), {"failed", "absent"})
                self.judge_recovery()
                self.forget_journals()
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
