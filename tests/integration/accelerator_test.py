# SPDX-License-Identifier: Apache-2.0
"""KVM is proved before it is used: castra up with a fake QEMU whose probe works, fails or hangs. The launcher asks nobody
but that probe, so whether this machine has a KVM, a broken one or none makes no difference here."""
import json
import os
import pathlib
import shutil
import signal
import time
import unittest

from support import Project, rest_of, types_of

PROBE_SECS = 3  # how long it has: "It has 3 s", says the launcher's README
SLACK_SECS = 7  # for a busy machine
PROVED = "67"  # the exit code of a probe whose guest reported
BROKEN = "KVM internal error. Suberror: 1"
NO_KVM = ("Could not access KVM kernel module: No such file or directory\n"
          "qemu-system-x86_64: failed to initialize kvm: No such file or directory")


class Machines(Project):
    """VMs of the first qemu-system-x86_64 in PATH, which is a fake, and a cache that nobody else reads or writes."""

    def setUp(self):
        super().setUp()
        self.bin = self.dir / "bin"
        self.bin.mkdir()
        self.qemu = self.bin / "qemu-system-x86_64"
        shutil.copy(pathlib.Path(__file__).parent / "fake_qemu.py", self.qemu)
        self.qemu.chmod(0o755)
        (self.bin / "character").write_text("obey")
        (self.dir / "kernel").write_bytes(b"x" * 512)
        self.env.update(XDG_CACHE_HOME=str(self.dir / "cache"), PATH=f"{self.bin}:{os.environ['PATH']}")

    def machines(self, probe, count=1, options=""):
        """A project of VMs whose probe ends as told: see fake_qemu.py."""
        (self.bin / "probe").write_text(probe)
        self.write(f'[[vms]]\nname = "m"\ncount = {count}\nmemory = "16 MiB"\nready_marker = "FAKE-READY"\nboot.kernel = "kernel"\n'
                   f'[vms.options]\n{options}')

    def calls(self):
        """Number and arguments of every QEMU that was started; probes and VMs apart."""
        file = self.bin / "calls"
        calls = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        probes = [call for call in calls if any(word.startswith("isa-debug-exit") for word in call[1])]
        return probes, [call for call in calls if call not in probes]

    def probes(self):
        probes, _ = self.calls()
        for _, words in probes:
            self.assertEqual(words[words.index("-accel") + 1], "kvm")
        return len(probes)

    def verdicts(self):
        return [json.loads(path.read_text())["ok"] for path in self.dir.glob("cache/castra/probes/*.json")]

    def up(self, accelerator, *names):
        """Comes up with this accelerator, and nothing but VMs and their supervisor lives afterwards. Returns the warnings."""
        events = self.events(self.castra("up", *names))
        launched = [event for event in events if event["type"] == "vm.launch"]
        self.assertEqual({event["accelerator"] for event in launched}, {accelerator})
        self.assertEqual(types_of(events).count("vm.ready"), len(launched))
        used = {pid: words[words.index("-accel") + 1] for pid, words in self.calls()[1]}
        for event in launched:
            self.assertEqual(used[event["pid"]].split(",")[0], accelerator, "what QEMU was told")
        vms = {vm["pid"] for vm in self.status()["vms"] if vm["state"] == "ready"}
        self.assertEqual(set(self.processes()), vms | {self.supervisor()})
        return [event for event in events if event["severity"] in ("warn", "error")]

    def falls_back(self, *names):
        """Comes up with TCG and says so once; returns that warning."""
        warnings = self.up("tcg", *names)
        self.assertEqual([(warning["type"], warning.get("code"), warning["severity"]) for warning in warnings],
                         [("message", "accelerator_fallback", "warn")])
        self.assertIn("KVM was tried and does not work, so emulation (TCG) is used", warnings[0]["message"])
        self.assertIn('accelerator = "tcg"', warnings[0]["remediation"])
        return warnings[0]

    def down(self):
        self.events(self.castra("down"))
        self.assertEqual(self.processes(), {}, "the supervisor is gone, and what it remembered")

    def hanging_up(self, options=""):
        """castra up whose probe hangs by now."""
        self.machines("hang", count=2, options=options)
        child = self.start("up")
        deadline = time.monotonic() + 20
        while not self.probes():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        return child


class Fallback(Machines):
    def test_a_probe_that_hangs_costs_its_deadline_once(self):
        self.machines("hang", count=2)
        began = time.monotonic()
        warning = self.falls_back()
        self.assertLess(time.monotonic() - began, PROBE_SECS + SLACK_SECS)
        self.assertIn(f"run qemu-system-x86_64: no end within {PROBE_SECS}000 ms; it was killed", warning["message"])
        self.assertEqual((self.probes(), self.verdicts()), (1, [False]), "two VMs, one experiment")

    def ends_badly(self, end, last_words, told):
        self.machines(f"{end}\n{last_words}")
        warning = self.falls_back()
        self.assertTrue(warning["message"].endswith(f": {told}"), warning["message"])
        self.assertEqual(self.probes(), 1)
        return warning["remediation"]

    def test_a_probe_that_ends_with_an_error(self):
        cure = self.ends_badly(1, NO_KVM, "exit code 1: " + NO_KVM.replace("\n", "; "))
        self.assertIn("this machine has no /dev/kvm", cure)

    def test_a_probe_that_may_not_open_kvm(self):
        denied = "Could not access KVM kernel module: Permission denied"
        self.assertIn("group kvm", self.ends_badly(1, denied, f"exit code 1: {denied}"))

    def test_a_probe_whose_qemu_exits_with_134(self):
        cure = self.ends_badly(134, BROKEN, f"exit code 134: {BROKEN}")
        self.assertIn("does not run guests", cure)

    def test_a_probe_whose_qemu_aborts(self):
        self.ends_badly("abort", BROKEN, f"SIGABRT: {BROKEN}")

    def test_a_probe_that_ends_well_before_its_guest_reported(self):
        self.ends_badly(0, "", "exit code 0")


class Proved(Machines):
    def test_kvm_is_used_without_a_word(self):
        self.machines(PROVED, count=2)
        self.assertEqual(self.up("kvm"), [])
        self.assertEqual((self.probes(), self.verdicts()), (1, [True]))

    def test_who_wants_tcg_is_neither_probed_nor_warned(self):
        self.machines(PROVED, options='accelerator = "tcg"\n')
        self.assertEqual(self.up("tcg"), [])
        self.assertEqual((self.probes(), self.verdicts()), (0, []))


class Remembered(Machines):
    """What a second probe would say is always the opposite: so it shows who was believed."""

    def would_now(self, end):
        (self.bin / "probe").write_text(end)

    def test_a_success_after_down(self):
        self.machines(PROVED)
        self.up("kvm")
        self.down()
        self.would_now("1")
        self.assertEqual(self.up("kvm"), [])
        self.assertEqual(self.probes(), 1)

    def test_a_failure_after_down_with_its_reason(self):
        self.machines(f"134\n{BROKEN}")
        before = self.falls_back()
        self.down()
        self.would_now(PROVED)
        self.assertEqual(self.falls_back()["message"], before["message"])
        self.assertEqual(self.probes(), 1)

    def test_by_the_successor_of_a_supervisor_that_was_killed(self):
        self.machines(f"134\n{BROKEN}", count=2)
        before = self.falls_back("m-0")
        self.kill(self.supervisor())
        self.would_now(PROVED)
        self.assertEqual(self.falls_back("m-1")["message"], before["message"])
        self.assertEqual(self.probes(), 1)

    def test_by_a_supervisor_that_lives_without_the_cache(self):
        self.machines(PROVED, count=2)
        self.up("kvm", "m-0")
        shutil.rmtree(self.dir / "cache")
        self.would_now("1")
        self.assertEqual(self.up("kvm", "m-1"), [])
        self.assertEqual(self.probes(), 1)

    def test_not_of_a_qemu_that_was_changed(self):
        self.machines(PROVED, count=3)
        self.up("kvm", "m-0")
        was = self.qemu.stat()
        os.utime(self.qemu, ns=(was.st_atime_ns, was.st_mtime_ns + 10**9))
        self.would_now("1")
        self.falls_back("m-1")
        self.assertEqual(self.probes(), 2, "another time")
        self.down()
        with open(self.qemu, "a") as file:
            file.write("# longer\n")
        os.utime(self.qemu, ns=(was.st_atime_ns, was.st_mtime_ns))
        self.falls_back("m-2")  # the first one's time again, which had proved it
        self.assertEqual(self.probes(), 3, "another size")


class Interrupted(Machines):
    def interrupt(self, options):
        child = self.hanging_up(options)
        began = time.monotonic()
        child.send_signal(signal.SIGINT)
        events = self.judge(rest_of(child, []), 130)
        self.assertLess(time.monotonic() - began, PROBE_SECS / 2)
        self.assertNotIn("accelerator_fallback", [event.get("code") for event in events])
        self.assertEqual(self.verdicts(), [], "broken off is no verdict")
        self.assertEqual((child.returncode, events[-1]["outcome"]), (130, "cancelled"))
        self.assertEqual({(vm["final_state"], vm["outcome"]) for vm in events[-1]["vms"]}, {("absent", "cancelled")})
        self.assertEqual(self.calls()[1], [], "no VM was started")
        self.assertEqual(self.processes(), {})

    def test_sigint_while_the_probe_hangs(self):
        self.interrupt("")

    def test_sigint_while_a_probe_hangs_that_must_succeed(self):
        self.interrupt('accelerator = "kvm"\n')

    def test_the_supervisor_is_killed_while_the_probe_hangs(self):
        child = self.hanging_up()
        self.kill(self.supervisor())
        self.judge(rest_of(child, []), 9)
        self.assertEqual(self.processes(), {}, "the probe ended with it")
        self.assertEqual(self.verdicts(), [], "and proved nothing")
        (self.bin / "probe").write_text(PROVED)
        self.assertEqual(self.up("kvm"), [])


if __name__ == "__main__":
    unittest.main()
