# SPDX-License-Identifier: Apache-2.0
"""Real virtual machines, under whatever accelerator really works. The image is castra image build tiny."""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import threading
import unittest

from guest import CACHE, SSH, Guest, boot_sector
from support import rest_of, types_of, until


class FourGuests(Guest):
    def test_four_guests_come_up_answer_over_ssh_and_go_down(self):
        self.guest(count=4)
        events = self.events(self.castra("up"))
        for i in range(4):
            self.assertEqual([t for t in types_of(events, f"g-{i}") if t != "message"], ["vm.launch", "vm.ready"])
        self.assertEqual([event["via"] for event in events if event["type"] == "vm.ready"], ["marker"] * 4)
        accelerator = {event["accelerator"] for event in events if event["type"] == "vm.launch"}
        warned = [event for event in events if event.get("code") == "accelerator_fallback"]
        self.assertEqual(len(warned), int(accelerator == {"tcg"}), "falling back is told once, with its reason")
        answers = [self.ssh(f"g-{i}", "hostname") for i in range(4)]
        self.assertEqual([answer.stdout.strip() for answer in answers], [f"g-{i}" for i in range(4)], answers)
        with self.subTest("a key opens one VM alone"):
            refused = self.ssh("g-1", "hostname", identity_of="g-0")
            self.assertEqual((refused.returncode, refused.stdout), (255, ""), refused.stderr)
            self.assertIn("Permission denied (publickey", refused.stderr)
        self.events(self.castra("down"))


class DiskGuest(Guest):
    def test_a_disk_is_an_overlay_and_the_power_button_works(self):
        base = CACHE / "images/tiny/disk.qcow2"
        before = hashlib.sha256(base.read_bytes()).hexdigest()
        self.guest(machine="q35", disk=True)
        events = self.events(self.castra("up"))
        self.assertEqual([t for t in types_of(events, "g-0") if t != "message"],
                         ["vm.overlay_prepared", "vm.launch", "vm.ready"])
        prepared = next(event for event in events if event["type"] == "vm.overlay_prepared")
        self.assertEqual(prepared["base_digest"], "sha256:" + before)
        self.assertEqual(self.ssh("g-0", "echo kept > /root/file && sync && cat /root/file").stdout, "kept\n")
        events = self.events(self.castra("down"))
        self.assertIn("vm.cooperative_succeeded", types_of(events, "g-0"))
        complete = next(event for event in events if event["type"] == "vm.shutdown_complete")
        self.assertEqual(complete["outcome"], "graceful")
        self.assertIn("vm.overlay_discarded", types_of(events, "g-0"))
        self.assertEqual(hashlib.sha256(base.read_bytes()).hexdigest(), before, "the base image is never written")

    def test_the_supervisor_is_killed_and_down_is_still_graceful(self):
        self.guest(machine="q35", disk=True)
        self.events(self.castra("up"))
        self.kill(self.supervisor())
        self.assertEqual(self.states(), {"g-0": "ready"})
        events = self.events(self.castra("down"))
        self.assertIn("vm.cooperative_succeeded", types_of(events, "g-0"))


class BootingGuest(Guest):
    def test_one_that_is_adopted_before_it_listens_heeds_its_power_button_when_it_does(self):
        self.guest(disk=True, extra=f"acpi = true\n{SSH}")
        child = self.start("up")
        until(child, "vm.launch")
        self.kill(self.supervisor())
        child.communicate(timeout=60)
        events = self.events(self.castra("down"))
        self.assertEqual([event["outcome"] for event in events if event["type"] == "vm.shutdown_complete"], ["graceful"])
        self.assertNotIn("vm.shutdown_escalated", types_of(events))
        self.assertEqual(self.processes(), {})


class FirmwareGuest(Guest):
    """A disk that firmware boots: no kernel of castra's, nothing of Linux in it."""

    def test_the_firmware_boots_a_disk_which_tells_that_it_is_ready(self):
        base = self.dir / "disk.raw"
        base.write_bytes(boot_sector("SECTOR-READY").ljust(1 << 20, b"\0"))
        self.write('[lifecycle]\ngraceful_shutdown_wait_secs = 1\nsigterm_wait_secs = 5\nready_wait_secs = 60\n'
                   '[[vms]]\nname = "g"\nbase_image = "disk.raw"\nmemory = "32 MiB"\nready_marker = "SECTOR-READY"\n'
                   '[vms.options]\naccelerator = "tcg"\n')
        events = self.events(self.castra("up"))
        self.assertEqual(types_of(events, "g-0"), ["vm.overlay_prepared", "vm.launch", "vm.ready"])
        launch, ready = events[-3:-1]
        self.assertEqual((launch["accelerator"], ready["via"]), ("tcg", "marker"))
        words = pathlib.Path(f"/proc/{launch['pid']}/cmdline").read_text().split("\0")
        self.assertEqual(words[words.index("-machine") + 1], "q35")
        self.assertNotIn("-kernel", words)
        self.assertEqual(self.states(), {"g-0": "ready"})
        events = self.events(self.castra("down"))
        self.assertEqual([event["method"] for event in events if event["type"] == "vm.cooperative_attempted"], ["acpi"])
        self.assertEqual([event["reason"] for event in events if event["type"] == "vm.cooperative_timed_out"], ["timeout_expired"])
        self.assertEqual([event["signal"] for event in events if event["type"] == "vm.shutdown_escalated"], ["SIGTERM"])
        self.assertIn("vm.overlay_discarded", types_of(events, "g-0"))
        self.assertEqual(self.states(), {"g-0": "absent"})


class InterruptedGuest(Guest):
    def test_sigint_while_it_boots_leaves_nothing_without_a_further_command(self):
        # It never says that it is ready: whenever the signal comes, it comes in the middle.
        self.guest(machine="q35", disk=True, append="castra.test=no-ready")
        child = self.start("up")
        lines = until(child, "vm.launch")
        events = [json.loads(line) for line in lines]
        self.assertEqual(types_of(events, "g-0")[-2:], ["vm.overlay_prepared", "vm.launch"])
        (record,) = self.home.rglob("record.json")
        plan = json.loads(record.read_text())["plan"]
        made = [record, *(pathlib.Path(one["path"]) for one in plan["sockets"] + plan["overlays"])]
        self.assertEqual([path for path in made if not path.exists()], [], "there is something to leave behind")
        self.assertIn(events[-1]["pid"], self.processes())
        child.send_signal(signal.SIGINT)
        events = self.judge(rest_of(child, lines), 130)
        self.assertEqual((child.returncode, events[-1]["outcome"]), (130, "cancelled"))
        self.assertNotIn("vm.ready", types_of(events))
        self.assertEqual(self.processes(), {})
        self.assertEqual(self.leftovers(), [])
        self.assertEqual([path for path in made if path.exists()], [])


class PausedGuest(Guest):
    def test_one_that_somebody_paused_goes_on_to_power_itself_down(self):
        self.guest(machine="q35", disk=True)
        self.events(self.castra("up"))
        self.assertNotIn("guest", self.status()["vms"][0])
        self.monitor("g-0", "stop")
        self.assertEqual(self.status()["vms"][0]["guest"], {"runs": False, "state": "paused"})
        told = next(event for event in self.events(self.castra("status")) if event.get("code") == "status")
        self.assertIn("stands still: paused", told["message"])
        self.assertIn("castra down g-0", told["remediation"])
        self.monitor("g-0", "cont")
        self.assertNotIn("guest", self.status()["vms"][0])
        self.monitor("g-0", "stop")
        events = self.events(self.castra("down"))
        self.assertIn("vm.cooperative_succeeded", types_of(events, "g-0"))
        complete = next(event for event in events if event["type"] == "vm.shutdown_complete")
        self.assertEqual(complete["outcome"], "graceful")


class Meanwhile(Guest):
    def test_a_crowd_at_its_control_socket_costs_it_a_moment_and_not_its_shutdown(self):
        self.guest(machine="q35", disk=True)
        self.events(self.castra("up"))
        record = json.loads(next(self.home.rglob("record.json")).read_text())
        path = next(one["path"] for one in record["plan"]["sockets"] if one["name"] == "qmp")
        crowd = []
        for _ in range(3):  # more than its backlog
            crowd.append(socket.socket(socket.AF_UNIX))
            crowd[-1].connect(path)
        threading.Timer(1, lambda: [client.close() for client in crowd]).start()
        self.assertIn("vm.cooperative_succeeded", types_of(self.events(self.castra("down")), "g-0"))

    def test_its_base_image_goes_and_its_configuration_is_the_same(self):
        base = self.dir / "disk.qcow2"
        shutil.copy(CACHE / "images/tiny/disk.qcow2", base)
        folder = CACHE / "images/tiny"
        image = json.loads((folder / "image.json").read_text())
        self.write(f'[[vms]]\nname = "g"\nbase_image = "disk.qcow2"\nready_marker = "{image["ready_marker"]}"\nmemory = "96 MiB"\n'
                   f'[vms.options]\nmachine = "q35"\n[vms.boot]\nkernel = "{folder}/vmlinux"\ninitrd = "{folder}/initrd"\n'
                   f'append = "{image["append"]}"\n')
        self.events(self.castra("up"))
        base.unlink()
        self.assertEqual(self.events(self.castra("up"))[-1]["message"], "nothing to do: all is up already")
        self.events(self.castra("down"))

    def test_status_says_that_its_qemu_is_stopped(self):
        self.guest(machine="q35", disk=True)
        pid = next(event["pid"] for event in self.events(self.castra("up")) if event["type"] == "vm.launch")
        os.kill(pid, signal.SIGSTOP)
        try:
            for _ in range(3):  # each leaves somebody at its socket
                told = next(event for event in self.events(self.castra("status", "--why")) if event.get("code") == "status")
                self.assertEqual(told["severity"], "warn")
                self.assertIn("its process is stopped", told["message"])
                self.assertIn(f"kill -CONT {pid}", told["remediation"])
        finally:
            os.kill(pid, signal.SIGCONT)
        self.events(self.castra("down"))


class ForeignFiles(Guest):
    def test_an_overlay_path_that_is_taken_keeps_its_file(self):
        mine = self.dir / "mine.qcow2"
        mine.write_text("precious")
        self.guest(machine="q35", disk=True)
        self.config.write_text(self.config.read_text().replace('image = "tiny"', f'image = "tiny"\noverlay = "{mine}"'))
        events = self.events(self.castra("up"), 4)
        self.assertIn("exists already", events[-1]["message"])
        self.castra("down")
        self.assertEqual(mine.read_text(), "precious")
        mine.unlink()


class BadGuests(Guest):
    def test_a_guest_that_never_says_ready(self):
        self.guest(append="castra.test=no-ready", lifecycle="[lifecycle]\nready_wait_secs = 15\n", extra="")
        events = self.events(self.castra("up"), 1)
        error = next(event for event in events if event["severity"] == "error")
        self.assertIn("not ready within 15000 ms", error["message"])
        self.assertTrue(error["remediation"])

    def test_a_guest_that_panics_has_a_capsule_with_its_last_words(self):
        self.guest(append="castra.test=panic", extra="")
        events = self.events(self.castra("up"), 1)
        exited = next(event for event in events if event["type"] == "vm.exited")
        self.assertFalse(exited["expected"])
        self.assertEqual(exited["capsule"]["phase"], "boot")

    def test_a_guest_that_ignores_its_power_button(self):
        self.guest(machine="q35", append="castra.test=ignore-acpi", extra="",
                   lifecycle="[lifecycle]\ngraceful_shutdown_wait_secs = 1\n")
        self.events(self.castra("up"))
        events = self.events(self.castra("down"))
        timed_out = next(event for event in events if event["type"] == "vm.cooperative_timed_out")
        self.assertEqual(timed_out["reason"], "timeout_expired")
        self.assertEqual([e["signal"] for e in events if e["type"] == "vm.shutdown_escalated"], ["SIGTERM"])

    def test_a_guest_that_floods_its_console_fills_no_disk(self):
        self.guest(append="castra.test=flood", extra="")
        self.events(self.castra("up"))
        self.assertEqual(self.states(), {"g-0": "ready"})
        self.events(self.castra("down"))
        written = sum(path.stat().st_size for path in self.home.rglob("serial.log*"))
        self.assertLessEqual(written, 2 * 4 * 1024 * 1024)


if __name__ == "__main__":
    unittest.main()
