# SPDX-License-Identifier: Apache-2.0
"""The walk of crash_test.py with a real guest in QEMU: its disk is an overlay, its port an automatic one, its key its own.
Behind each kill -9 status tells the truth, an up ends ready with one QEMU, and a down leaves nothing."""
import contextlib
import fcntl
import hashlib
import pathlib
import socket
import time
import unittest

from crash_test import Walk
from guest import CACHE, Guest, SSH
from support import types_of

BASE = CACHE / "images/tiny/disk.qcow2"


def base_image():
    about = BASE.stat()
    return about.st_size, about.st_mtime_ns, hashlib.sha256(BASE.read_bytes()).hexdigest()


def held_leases():
    """Inode and name of every leased port of this machine; see docs/decisions/0003."""
    rows = [line.split() for line in pathlib.Path("/proc/net/unix").read_text().splitlines()]
    return {row[6]: row[7] for row in rows if len(row) > 7 and row[7].startswith("@castra/port/")}


def descriptors_of(pid):
    """What the open ones are; QEMU opens and closes some at any time."""
    found = set()
    for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(str(descriptor.readlink()))
    return found


class GuestWalk(Walk, Guest):
    VMS = ["g-0"]
    options = ""

    def setUp(self):
        super().setUp()
        self.base = base_image()
        self.leases = set()  # of all its VMs so far

    def fleet(self):
        # The quickest machine, with a power button.
        self.guest(disk=True, memory="64 MiB", extra=f"acpi = true\n{self.options}{SSH}")

    def vm_processes(self):
        pids = sorted(pid for pid, command in self.processes().items() if " guest=t/g-0 " in command)
        return {"g-0": pids} if pids else {}

    def files(self):
        return sorted(str(path) for path in self.home.rglob("*") if path.parent.name != "journal")

    def events_of(self, verb):
        events = super().events_of(verb)
        self.files_after_down = self.files()
        return events

    def eventually(self, what):
        deadline = time.monotonic() + 60
        while not what():
            self.assertLess(time.monotonic(), deadline, self.processes())
            time.sleep(0.02)

    def answers(self):
        """Asked again and again, for a connection from before the guest has its network takes its time."""
        where = self.status()["vms"][0]["ssh"]
        with contextlib.suppress(OSError), socket.create_connection((where["address"], where["port"]), timeout=0.5) as there:
            return there.recv(4) == b"SSH-"
        return False

    def judge_ssh(self):
        self.eventually(self.answers)
        answer = self.ssh("g-0", "hostname")
        self.assertEqual((answer.returncode, answer.stdout), (0, "g-0\n"), answer.stderr)

    def judge_truth(self):
        """And nothing else goes on."""
        super().judge_truth()
        self.eventually(lambda: set(self.processes()) - {self.supervisor()} == set(self.vm_processes().get("g-0", [])))

    def judge_next_up(self):
        """Ready, with one QEMU, which holds the lease of its port and no other."""
        events = self.events(self.castra("up"))
        if self.states() == {"g-0": "running"}:  # it was booting, nobody saw it get ready, and that is said
            self.assertIn("readiness_unseen", [event.get("code") for event in events])
            self.judge_ssh()  # from here on it heeds its power button
            self.events(self.castra("down"))
            self.events(self.castra("up"))
        (vm,) = self.status()["vms"]
        self.assertEqual((vm["state"], self.vm_processes()), ("ready", {"g-0": [vm["pid"]]}))
        descriptors = descriptors_of(vm["pid"])
        leases = {inode: name for inode, name in held_leases().items() if f"socket:[{inode}]" in descriptors}
        self.assertEqual(list(leases.values()), [f"@castra/port/tcp/{vm['ports'][0]['host']}/127.0.0.1"])
        self.leases.update(leases)

    def judge_nothing_left(self):
        self.eventually(lambda: not self.processes())
        self.assertEqual((self.leftovers(), self.files()), ([], self.files_after_down))
        self.assertEqual(self.leases & set(held_leases()), set())
        for path in self.home.rglob("*.lock"):
            with path.open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.assertEqual(base_image(), self.base)

    def judge_recovery(self):
        self.judge_truth()
        self.judge_next_up()
        super().judge_recovery()
        self.judge_nothing_left()


class SupervisorDuringUp(GuestWalk):
    def judge_next_up(self):
        super().judge_next_up()
        self.judge_ssh()

    def test_at_every_event(self):
        killed, aborted = self.walk("up", "supervisor")
        self.assertGreaterEqual(killed, 5)
        self.assertGreater(aborted, 0)


class SupervisorDuringDown(GuestWalk):
    def test_at_every_event(self):
        killed, aborted = self.walk("down", "supervisor")
        self.assertGreaterEqual(killed, 9)
        self.assertGreater(aborted, 0)


class ClientDuringUp(GuestWalk):
    def test_at_every_event(self):
        self.assertGreaterEqual(self.walk("up", "client")[0], 5)


class ClientDuringDown(GuestWalk):
    """That down ends by itself; the next up is the one before the next kill."""

    def before(self, verb):
        self.judge_next_up()
        self.forget_journals()

    def judge_recovery(self):
        self.judge_truth()
        self.assertEqual(self.states(), {"g-0": "absent"})
        self.judge_nothing_left()
        self.journals()

    def test_at_every_event(self):
        self.assertGreaterEqual(self.walk("down", "client")[0], 9)


# In place of qemu-img: it makes the overlay, and kills the supervisor where the order beside it says, once.
QEMU_IMG = """#!/bin/sh
order=$(cat "$0.order") && rm "$0.order"
[ "$order" != before ] || kill -9 $PPID
case $order in half|behind) ;; *) exec qemu-img "$@" ;; esac
qemu-img "$@"
for overlay; do :; done
[ "$order" != half ] || truncate -s 512 "$overlay"
kill -9 $PPID
"""


class SupervisorAtTheOverlay(GuestWalk):
    """Killed by qemu-img itself, and when the overlay is announced: there is one, and no QEMU yet."""

    def setUp(self):
        super().setUp()
        program = self.dir / "qemu-img"
        program.write_text(QEMU_IMG)
        program.chmod(0o755)
        self.order_of_img = self.dir / "qemu-img.order"
        self.options = f'qemu_img = "{program}"\n'

    def judge_between(self, result, is_overlay=None):
        """`is_overlay`: by its size; None where there may be none. Returns whether the kill was told."""
        journals = self.own_journals()
        was_quick = result.returncode == 0 and len(journals) == 1  # killed before it had a journal: the run of another supervisor
        told = not was_quick and self.judge_told(result, journals[0].read_text().count("\n"))
        if told:
            self.judge_truth()
            self.assertEqual((self.states(), self.vm_processes()), ({"g-0": "failed"}, {}))
            overlays = [path.stat().st_size for path in self.home.rglob("*.qcow2")]
            self.assertTrue(is_overlay is None or [is_overlay(size) for size in overlays] == [True], overlays)
        self.judge_recovery()
        self.forget_journals()
        return told

    def test_before_it_half_of_it_and_behind_it(self):
        self.events_of("up")
        told = 0
        for order, is_overlay in (("before", None), ("half", lambda size: size == 512), ("behind", lambda size: size > 512)):
            with self.subTest(order):
                self.order_of_img.write_text(order)
                told += self.judge_between(self.castra("up"), is_overlay)
                self.assertFalse(self.order_of_img.exists())
        self.assertGreater(told, 0)

    def test_between_its_event_and_the_launch(self):
        line = types_of(self.events_of("up")).index("vm.overlay_prepared") + 1
        self.assertTrue(self.judge_between(self.kill_at(line, "supervisor", "up")[0], lambda size: size > 512))


if __name__ == "__main__":
    unittest.main()
