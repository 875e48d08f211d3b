# SPDX-License-Identifier: Apache-2.0
"""castra down against machines that do not want to go, and against numbers that are not what they were."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time
import unittest

from journals import NOTIFY, READY
from support import CASTRA, Project, types_of


class Machines(Project):
    """VMs of a fake QEMU: sockets, QMP and marker are real, the guest is not."""

    def machines(self, character, count=1, lifecycle="", extra=""):
        shutil.copy(pathlib.Path(__file__).parent / "fake_qemu.py", self.dir / "qemu")
        (self.dir / "qemu").chmod(0o755)
        (self.dir / "character").write_text(character)
        (self.dir / "kernel").write_bytes(b"x" * 512)
        self.write(f'[lifecycle]\ngraceful_shutdown_wait_secs = 1\nsigterm_wait_secs = 1\n{lifecycle}'
                   f'[[vms]]\nname = "m"\ncount = {count}\nmemory = "16 MiB"\nready_marker = "FAKE-READY"\nboot.kernel = "kernel"\n'
                   f'[vms.options]\nqemu_binary = "{self.dir}/qemu"\naccelerator = "tcg"\n{extra}')
        events = self.events(self.castra("up"))
        return {event["vm"]: event["pid"] for event in events if event["type"] == "vm.launch"}

    def stop(self, code=0):
        events = self.events(self.castra("down"), code)
        self.assertEqual(set(self.states().values()), {"absent"})
        self.assertEqual(self.processes(), {})
        return events

    def story(self, events, vm="m-0"):
        """What was done to one VM, in short."""
        told = []
        for event in events:
            if event.get("vm") != vm:
                continue
            told += {"vm.cooperative_attempted": [event.get("method")], "vm.cooperative_succeeded": ["went"],
                     "vm.cooperative_timed_out": [event.get("reason")], "vm.shutdown_escalated": [event.get("signal")],
                     "vm.shutdown_complete": [event.get("outcome")]}.get(event["type"], [])
        return told


class Hard(Machines):
    def test_one_that_obeys_needs_no_signal(self):
        self.machines("obey")
        self.assertEqual(self.story(self.stop()), ["acpi", "went", "graceful"])

    def test_one_that_ignores_its_power_button(self):
        self.machines("ignore")
        self.assertEqual(self.story(self.stop()), ["acpi", "timeout_expired", "SIGTERM", "forced"])

    def test_one_whose_qmp_is_silent(self):
        self.machines("hang")
        self.assertEqual(self.story(self.stop()), ["acpi", "channel_error", "SIGTERM", "forced"])

    def test_one_whose_qmp_refuses_everybody(self):
        self.machines("closed")
        self.assertEqual(self.story(self.stop()), ["acpi", "channel_error", "SIGTERM", "forced"])

    def test_one_whose_qmp_socket_is_gone(self):
        self.machines("obey")
        for path in self.home.rglob("qmp"):
            path.unlink()
        self.assertEqual(self.story(self.stop()), ["acpi", "channel_error", "SIGTERM", "forced"])

    def test_one_that_ignores_everything(self):
        self.machines("deaf")
        self.assertEqual(self.story(self.stop()), ["acpi", "timeout_expired", "SIGTERM", "SIGKILL", "forced"])

    def test_one_that_is_stopped_by_a_signal(self):
        pid = self.machines("obey")["m-0"]
        os.kill(pid, signal.SIGSTOP)
        self.assertEqual(self.story(self.stop()), ["acpi", "channel_error", "SIGTERM", "SIGKILL", "forced"])

    def test_an_adopted_one_whose_socket_is_somebody_elses(self):
        """After a crash of ours whoever answers on the socket must show the UUID; this one has another."""
        self.machines("obey")
        self.kill(self.supervisor())
        record = next(self.home.rglob("record.json"))
        said = json.loads(record.read_text())
        text = record.read_text().replace(said["uuid"], "00000000-0000-4000-8000-000000000000")
        record.write_text(text)
        self.assertEqual(self.story(self.stop()), ["acpi", "channel_error", "SIGTERM", "forced"])

    def test_many_cost_what_the_slowest_costs(self):
        self.machines("deaf", count=8)
        events = self.stop()
        done = [event["total_ms"] for event in events if event["type"] == "vm.shutdown_complete"]
        requested = [event["elapsed_us"] for event in events if event["type"] == "vm.shutdown_requested"]
        complete = [event["elapsed_us"] for event in events if event["type"] == "vm.shutdown_complete"]
        self.assertEqual(len(done), 8)
        whole_ms = (max(complete) - min(requested)) / 1000
        self.assertLess(whole_ms, 1.5 * max(done), "side by side, not one after the other")

    def test_its_last_words_are_in_the_capsule(self):
        pid = self.machines("obey")["m-0"]
        self.kill(pid)
        deadline = time.monotonic() + 60
        while len(list(self.home.rglob("journal/*.ndjson"))) < 2 or any(
                '"last":true' not in path.read_text() for path in self.home.rglob("journal/*.ndjson")):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        exited = next(event for event in self.journals()[-1] if event["type"] == "vm.exited")
        capsule = exited["capsule"]
        self.assertEqual((exited["signal"], capsule["phase"]), ("SIGKILL", "running"))
        self.assertIn("last words on stderr", capsule["serial_tail"], "the process's stderr")
        self.assertIn("FAKE-READY", capsule["serial_tail"], "and the guest's console")
        self.assertIn("castra up m-0", exited["remediation"])


class Identity(Project):
    """Whatever a record says: only the very process that castra started is signalled."""

    def forged(self, **fields):
        """A project whose one VM's record says `fields`; nothing of castra's runs."""
        self.processes_toml(READY, extra=NOTIFY)
        pid = next(e["pid"] for e in self.events(self.castra("up")) if e["type"] == "vm.launch")
        self.kill(self.supervisor())
        self.kill(pid)
        record = next(self.home.rglob("record.json"))
        record.write_text(json.dumps(dict(json.loads(record.read_text()), **fields), indent=1))

    def bystander(self, **more):
        child = subprocess.Popen(["/bin/sleep", "1000"], **more)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return child

    def ticks(self, pid):
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])

    def survives_down(self, child):
        self.assertEqual(self.states(), {"p-0": "failed"})
        events = self.events(self.castra("down"))
        self.assertNotIn("vm.shutdown_escalated", types_of(events))
        self.assertEqual(self.states(), {"p-0": "absent"})
        if child:
            self.assertIsNone(child.poll(), "it lives")

    def test_a_recycled_number(self):
        child = self.bystander()
        self.forged(pid=child.pid, start_ticks=self.ticks(child.pid) - 1)
        self.survives_down(child)

    def test_minus_one_and_zero_and_other_impossible_numbers(self):
        for pid in (-1, 0, -2, 4194305, 2 ** 31 - 1, 2 ** 32 + 7):
            with self.subTest(pid=pid):
                child = self.bystander(start_new_session=True)
                self.forged(pid=pid, start_ticks=1)
                self.survives_down(child)

    def test_a_zombie(self):
        child = subprocess.Popen(["/bin/sleep", "1000"])
        ticks = self.ticks(child.pid)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and not waited for
        self.forged(pid=child.pid, start_ticks=ticks)
        self.survives_down(None)
        child.wait()

    def test_another_users_process(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to have a process of another user")
        child = self.bystander(user=65534)
        self.forged(pid=child.pid, start_ticks=self.ticks(child.pid))
        self.survives_down(child)

    def test_a_record_of_an_earlier_boot(self):
        child = self.bystander()
        self.forged(pid=child.pid, start_ticks=self.ticks(child.pid), boot_id="an-earlier-boot")
        self.survives_down(child)


class Overlays(Machines):
    """A record that names somebody else's file as its overlay."""

    def test_down_leaves_what_castra_did_not_make(self):
        self.processes_toml(READY, extra=NOTIFY)
        self.events(self.castra("up"))
        self.kill(self.supervisor())
        precious = self.dir / "precious.qcow2"
        precious.write_text("yours")
        record = next(self.home.rglob("record.json"))
        record.write_text(json.dumps(dict(json.loads(record.read_text()), overlay=str(precious)), indent=1))
        events = self.events(self.castra("down"))
        self.assertEqual(precious.read_text(), "yours")
        self.assertIn("not_ours", [event.get("code") for event in events])
        self.assertNotIn("vm.overlay_discarded", types_of(events))

    def with_overlay(self):
        image = self.dir / "disk.raw"
        image.write_bytes(bytes(1 << 20))
        shutil.copy(pathlib.Path(__file__).parent / "fake_qemu.py", self.dir / "qemu")
        (self.dir / "qemu").chmod(0o755)
        (self.dir / "character").write_text("obey")
        self.write(f'[[vms]]\nname = "m"\nmemory = "16 MiB"\nready_marker = "FAKE-READY"\nbase_image = "disk.raw"\n'
                   f'overlay = "mine/own.qcow2"\n[vms.options]\nqemu_binary = "{self.dir}/qemu"\naccelerator = "tcg"\n')
        (self.dir / "mine").mkdir()
        return self.dir / "mine/own.qcow2"

    def test_one_that_castra_made_elsewhere_goes(self):
        overlay = self.with_overlay()
        self.events(self.castra("up"))
        self.assertTrue(overlay.exists())
        self.kill(self.supervisor())
        events = self.events(self.castra("down"))
        self.assertFalse(overlay.exists())
        self.assertIn("vm.overlay_discarded", types_of(events))
        self.assertEqual(list(self.home.rglob("overlay.json")), [])

    def test_one_that_clean_left_twice_is_still_known(self):
        overlay = self.with_overlay()
        self.events(self.castra("up"))
        self.kill(self.supervisor())
        for pid in self.processes():
            self.kill(pid)
        for _ in range(2): # the second finds no record any more
            events = self.events(self.castra("clean"))
            self.assertIn(str(overlay), next(event for event in events if event.get("code") == "not_ours")["message"])
            self.assertTrue(overlay.exists())
        self.events(self.castra("up"))
        self.events(self.castra("down"))
        self.assertFalse(overlay.exists())

    def test_one_that_took_its_place_stays(self):
        overlay = self.with_overlay()
        self.events(self.castra("up"))
        self.kill(self.supervisor())
        overlay.rename(self.dir / "kept.qcow2")
        overlay.write_text("yours")
        self.events(self.castra("down"))
        self.assertEqual(overlay.read_text(), "yours")


class Unlisted(Project):
    """The directory of the records cannot be read: nobody knows what runs, and nobody says that nothing does."""

    @staticmethod
    def lives(pid):
        try:
            return ") Z " not in pathlib.Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return False

    def test_no_command_takes_it_for_an_empty_one(self):
        self.processes_toml(["/bin/sleep", "1000"], count=2)
        pids = [event["pid"] for event in self.events(self.castra("up")) if event["type"] == "vm.launch"]
        self.kill(self.supervisor())
        (vms,) = self.home.rglob("vms")
        vms.rename(vms.with_name("kept"))
        vms.write_text("not a directory")
        for verb in ("down", "status", "up", "bootstrap"):
            events = self.events(self.castra(verb), 1)
            self.assertEqual((events[0]["type"], events[0]["code"]), ("command.rejected", "io"), verb)
            self.assertIn("list the VMs in", events[0]["detail"])
        self.assertTrue(all(self.lives(pid) for pid in pids))
        vms.unlink()
        vms.with_name("kept").rename(vms)
        self.events(self.castra("down"))
        self.assertFalse(any(self.lives(pid) for pid in pids))


class FullDisk(Machines):
    """The journal cannot take the announcement: the overlay stays until it can."""

    def setUp(self):
        super().setUp()
        if subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode:
            print("SKIPPED LOUDLY: no right to mount a tmpfs: nobody has tried a full disk", flush=True)
            self.skipTest("no right to mount a tmpfs")

    def test_an_overlay_that_could_not_be_announced_stays_with_its_record(self):
        journal, state = self.dir / "small", self.dir / "state"
        journal.mkdir()
        state.mkdir(mode=0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "none", str(journal)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(journal)])
        (state / "journal").symlink_to(journal)
        (self.dir / "disk.raw").write_bytes(bytes(1 << 20))
        shutil.copy(pathlib.Path(__file__).parent / "fake_qemu.py", self.dir / "qemu")
        (self.dir / "qemu").chmod(0o755)
        (self.dir / "character").write_text("obey")
        self.write(f'[[vms]]\nname = "m"\nmemory = "16 MiB"\nready_marker = "FAKE-READY"\nbase_image = "disk.raw"\n'
                   f'[vms.options]\nqemu_binary = "{self.dir}/qemu"\naccelerator = "tcg"\n',
                   header=f'[project]\nname = "t"\nstate_dir = "{state}"\n')
        self.events(self.castra("up"))
        overlay = next(state.rglob("overlay.qcow2"))
        room = os.statvfs(journal)
        (journal / "filler").write_bytes(b"x" * (room.f_bavail * room.f_bsize))
        events = self.judge(self.castra("down").stdout, 1)
        self.assertTrue(overlay.exists())
        self.assertTrue((overlay.parent / "record.json").exists())
        self.assertIn(str(overlay.parent), events[-1]["leftovers"])
        self.assertEqual({vm["state"] for vm in self.status()["vms"]}, {"failed"})
        self.assertEqual(self.processes(), {}, "the machine itself is gone")
        (journal / "filler").unlink()
        self.events(self.castra("down"))
        self.assertFalse(overlay.exists())


class Descriptors(Project):
    def test_more_vms_than_the_shell_allows_descriptors(self):
        self.processes_toml(["/bin/sh", "-c", f"ulimit -Sn > {self.dir}/$CASTRA_VM.limit; echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000"],
                            count=60, extra=NOTIFY)
        result = subprocess.run(["/bin/sh", "-c", f'ulimit -Sn 48; exec "$@"', "sh", *self.arguments("up")], env=self.env,
                                capture_output=True, text=True, timeout=200)
        self.events(result)
        self.assertEqual({path.read_text().strip() for path in self.dir.glob("*.limit")}, {"48"}, "theirs is as it was")
        self.events(self.castra("down"))


class Waits(Project):
    """How long each VM is waited for, as the events of its escalation tell."""
    STUBBORN = ["/bin/sh", "-c", "trap '' TERM; echo READY >&$CASTRA_NOTIFY_FD; while true; do sleep 1; done"]

    def fleet(self, lifecycle=""):
        vm = ('[[vms]]\nname = "{}"\nlauncher = "process"\n{}[vms.options]\nready = "notify"\ncommand = '
              + json.dumps(self.STUBBORN) + "\n")
        self.write(lifecycle + vm.format("own", "[vms.lifecycle]\nsigterm_wait_secs = 0.2\n") + vm.format("usual", ""))
        self.events(self.castra("up"))

    def waits(self, *words):
        events = self.events(self.castra("down", *words))
        self.assertEqual(self.processes(), {})
        return {event["vm"]: event["timeout_ms"] for event in events
                if event["type"] == "vm.shutdown_escalated" and event["signal"].upper() == "SIGTERM"}

    def test_a_vm_has_its_own_and_a_down_has_a_limit(self):
        self.fleet("[lifecycle]\nsigterm_wait_secs = 0.4\n")
        self.assertEqual(self.waits(), {"own-0": 200, "usual-0": 400})
        self.fleet("[lifecycle]\ndown_timeout_secs = 5\n")
        waits = self.waits()
        self.assertEqual(waits["own-0"], 200)
        self.assertTrue(200 < waits["usual-0"] <= 5000, waits)
        self.fleet("[lifecycle]\ndown_timeout_secs = 60\n")
        self.assertLessEqual(max(self.waits("--timeout", "0.1").values()), 100)


class Together(Project):
    """Several commands at once: serialised, or refused with who holds the lock."""

    def test_up_with_down(self):
        self.processes_toml(READY, count=4, extra=NOTIFY)
        for _ in range(3):
            self.events(self.castra("up"))
            both = [self.start("down"), self.start("up")]
            outs = [child.communicate(timeout=100)[0] for child in both]
            for child, out in zip(both, outs):
                self.assertIn(child.returncode, (0, 5))
                events = self.judge(out, child.returncode)
                if child.returncode == 5:
                    self.assertIn("busy with castra", events[0]["detail"])
                    self.assertIn("run ", events[0]["detail"])
            self.assertIn(0, [child.returncode for child in both])
            self.events(self.castra("down"))
            self.assertEqual(self.processes(), {})

    def test_status_in_a_loop_harms_nothing(self):
        self.processes_toml(READY, count=4, extra=NOTIFY)
        stop = threading.Event()
        seen, failures = set(), []

        def look():
            while not stop.is_set():
                result = subprocess.run([CASTRA, "status", "--config", str(self.config), "--json"], env=self.env,
                                        capture_output=True, text=True)
                if result.returncode:
                    failures.append(result.stderr)
                    return
                seen.update(vm["state"] for vm in json.loads(result.stdout)["vms"])
        watchers = [threading.Thread(target=look) for _ in range(2)]
        for watcher in watchers:
            watcher.start()
        for _ in range(3):
            self.events(self.castra("up"))
            self.events(self.castra("down"))
        stop.set()
        for watcher in watchers:
            watcher.join()
        self.assertEqual(failures, [])
        self.assertLessEqual(seen, {"absent", "preparing", "booting", "ready", "running", "stopping", "stopped", "failed"})

    def test_ten_projects_at_once(self):
        self.processes_toml(READY, count=2, extra=NOTIFY + "".join(
            f"[[vms.port_forwards]]\nhost = 0\nguest = {guest}\n" for guest in (80, 443)))
        text = self.config.read_text()
        configs = []
        for i in range(10):
            folder = self.dir / f"project-{i}"
            folder.mkdir()
            (folder / "castra.toml").write_text(text)
            configs.append(folder / "castra.toml")

        def all_at_once(verb):
            children = [subprocess.Popen([CASTRA, verb, "--config", str(config), "--events", "ndjson"], env=self.env,
                                         stdout=subprocess.PIPE, text=True) for config in configs]
            for child in children:
                out = child.communicate(timeout=200)[0]
                self.judge(out, 0)
        all_at_once("up")
        status = json.loads(subprocess.run([CASTRA, "status", "--all", "--json"], env=self.env, capture_output=True, check=True,
                                           text=True).stdout)
        self.assertEqual([vm["state"] for project in status["projects"] for vm in project["vms"]], ["ready"] * 20)
        ports = [(port["guest"], port["host"]) for project in status["projects"] for vm in project["vms"] for port in vm["ports"]]
        self.assertEqual(sorted(guest for guest, _ in ports), [80] * 20 + [443] * 20)
        self.assertEqual(len({host for _, host in ports} - {0}), 40, ports)
        all_at_once("down")
        self.assertEqual(self.processes(), {})


if __name__ == "__main__":
    unittest.main()
