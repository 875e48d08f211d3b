# SPDX-License-Identifier: Apache-2.0
"""castra clean: what goes, what stays, and that nothing outside ever does."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

from support import CASTRA, Project, rest_of, types_of, until

READY = ["/bin/sh", "-c", "echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000"]
NOTIFY = 'ready = "notify"\n'


def blocks(path):
    return os.lstat(path).st_blocks * 512


class Cleaning(Project):
    def fleet(self, count=2):
        """A fleet that has come up; returns the process of each VM."""
        self.processes_toml(READY, count=count, extra=NOTIFY)
        return {event["vm"]: event["pid"] for event in self.events(self.castra("up")) if event["type"] == "vm.launch"}

    def crash(self, pids):
        """Everything of castra dies without a word: supervisor and VMs."""
        supervisor = self.supervisor()
        for pid in [supervisor, *pids.values()]:  # one that is about to end has no environment to be found by
            self.kill(pid)
        deadline = time.monotonic() + 20
        while self.processes():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def state_dir(self):
        return pathlib.Path(self.status()["state_dir"])

    def vm_dir(self, vm="p-0"):
        return self.state_dir() / "vms" / vm

    def removed(self, events):
        return {event["path"]: event for event in events if event["type"] == "cleanup.progress"}

    def everything(self):
        return sorted((str(p), p.lstat().st_mtime_ns, p.lstat().st_size) for p in self.home.rglob("*"))


class Clean(Cleaning):
    def test_after_a_crash_everything_goes_and_the_bytes_are_those_on_disk(self):
        self.crash(self.fleet())
        vm = self.vm_dir()
        with open(vm / "overlay.qcow2", "wb") as overlay:  # sparse: 1 GiB long, a few blocks on disk
            overlay.write(b"x" * 65536)
            overlay.truncate(1 << 30)
        allocated = blocks(vm / "overlay.qcow2")
        self.assertLess(allocated, 1 << 20)
        events = self.events(self.castra("clean"))
        removed = self.removed(events)
        self.assertEqual(removed[str(vm / "overlay.qcow2")]["bytes"], allocated)
        self.assertEqual(removed[str(vm / "overlay.qcow2")]["kind"], "overlay")
        self.assertIn(str(vm / "record.json"), removed)
        self.assertEqual(events[-1]["reclaimed_bytes"], sum(event["bytes"] for event in removed.values()))
        self.assertEqual({vm["vm"]: vm["final_state"] for vm in events[-1]["vms"]}, {"p-0": "absent", "p-1": "absent"})
        self.assertEqual(sorted(p.name for p in vm.parent.parent.iterdir()),
                         ["journal", "operation.lock", "project.json", "start.lock", "supervisor.lock"])
        self.assertEqual(len(self.journals()), 1, "only the journal of the cleaning itself")
        self.assertEqual(list((self.home / "run").iterdir()), [])
        self.events(self.castra("up"))

    def test_a_dry_run_says_the_same_and_does_nothing(self):
        self.crash(self.fleet())
        before = self.everything()
        dry = self.events(self.castra("clean", "--dry-run"))
        self.assertEqual(self.everything(), before)
        self.assertEqual(dry[-1]["reclaimed_bytes"], 0)
        self.assertTrue(all(event["dry_run"] for event in self.removed(dry).values()))
        real = self.events(self.castra("clean"))
        self.assertEqual({path: event["bytes"] for path, event in self.removed(dry).items()},
                         {path: event["bytes"] for path, event in self.removed(real).items()})
        self.assertGreater(real[-1]["reclaimed_bytes"], 0)

    def test_vms_that_live_are_spared(self):
        for supervised in (True, False):
            with self.subTest(supervised=supervised):
                pids = self.fleet()
                if not supervised:
                    os.kill(self.supervisor(), signal.SIGKILL)
                events = self.events(self.castra("clean"))
                self.assertEqual([e["vm"] for e in events if e.get("code") == "protected"], ["p-0", "p-1"])
                self.assertEqual([p for p in self.removed(events) if "/vms/" in p], [])
                self.assertEqual(self.states(), {"p-0": "ready", "p-1": "ready"})
                for pid in pids.values():
                    os.kill(pid, 0)
                self.events(self.castra("down"))

    def test_of_a_mixed_fleet_only_the_dead_goes_and_the_supervisor_does_not_mind(self):
        pids = self.fleet()
        os.kill(pids["p-0"], signal.SIGKILL)
        deadline = time.monotonic() + 20
        while self.states()["p-0"] != "failed":
            self.assertLess(time.monotonic(), deadline)
        time.sleep(0.2)
        events = self.events(self.castra("clean"))
        self.assertEqual({vm["vm"]: vm["outcome"] for vm in events[-1]["vms"]}, {"p-0": "succeeded", "p-1": "unchanged"})
        self.assertEqual(self.states(), {"p-0": "absent", "p-1": "ready"})
        self.events(self.castra("up"))
        self.assertEqual(self.states(), {"p-0": "ready", "p-1": "ready"})

    def test_by_category_and_by_vm(self):
        self.crash(self.fleet())
        events = self.events(self.castra("clean", "p-0", "--only", "record,logs"))
        self.assertEqual({event["kind"] for event in self.removed(events).values()}, {"record", "logs"})
        self.assertEqual({event["vm"] for event in self.removed(events).values()}, {"p-0"})
        self.assertEqual(self.states(), {"p-0": "absent", "p-1": "failed"})
        self.events(self.castra("clean", "--only", "nonsense"), 2)

    def test_of_a_vm_whose_record_stays_the_summary_says_what_status_says(self):
        pids = self.fleet()
        os.kill(pids["p-0"], signal.SIGKILL)
        deadline = time.monotonic() + 20
        while self.states()["p-0"] != "failed":
            self.assertLess(time.monotonic(), deadline)
        for kind in ("logs", "runtime,keys", "overlay"):
            (self.vm_dir() / "process.log").write_text("x")
            (self.vm_dir() / "broker.json").write_text("x")
            (self.vm_dir() / "overlay.qcow2").write_text("x")
            for dry in (["--dry-run"], []):
                with self.subTest(kind=kind, dry=dry):
                    events = self.events(self.castra("clean", "--only", kind, *dry))
                    said = {vm["vm"]: (vm["final_state"], vm["outcome"]) for vm in events[-1]["vms"]}
                    self.assertEqual(said["p-0"], ("failed", "succeeded"))
                    self.assertEqual(self.states()["p-0"], "failed")
        events = self.events(self.castra("clean", "--dry-run"))
        self.assertEqual({vm["vm"]: vm["final_state"] for vm in events[-1]["vms"]}["p-0"], "absent")

    def test_while_an_up_is_under_way_it_is_refused(self):
        self.processes_toml(["/bin/sleep", "1000"], extra=NOTIFY)
        child = self.start("up")
        lines = until(child, "vm.launch")
        refused = self.events(self.castra("clean"), 5)
        self.assertIn("castra up", refused[0]["detail"])
        child.send_signal(signal.SIGINT)
        self.judge(rest_of(child, lines), 130)

    def test_nothing_to_clean_makes_nothing(self):
        self.processes_toml(READY)
        self.assertEqual(self.events(self.castra("clean"))[-1]["message"], "nothing to clean")
        self.events(self.castra("clean", "--all"))
        self.assertFalse(self.home.exists())


class BrokenStates(Cleaning):
    def test_without_its_castra_toml_a_project_can_be_taken_down_and_cleaned(self):
        self.fleet()
        text = self.config.read_text()
        self.config.unlink()
        self.events(self.castra("down"))
        self.assertEqual(self.processes(), {})
        self.events(self.castra("clean"))
        self.events(self.castra("clean", "--all"))
        self.assertEqual(list((self.home / "projects").iterdir()), [], "a project that is gone goes altogether")
        self.config.write_text(text)

    def test_a_state_dir_of_its_own_is_found_when_the_file_is_broken(self):
        own = self.dir / "own"
        self.processes_toml(READY, extra=NOTIFY)
        good = self.config.read_text().replace('name = "t"\n', f'name = "t"\nstate_dir = "{own}"\n', 1)
        self.config.write_text(good)
        (own / "vms" / "mine").mkdir(parents=True)
        (own / "vms" / "mine" / "thesis.txt").write_text("precious")
        (own / "notes.txt").write_text("precious")
        self.events(self.castra("up"))
        self.config.write_text("no [toml")
        os.kill(self.supervisor(), signal.SIGKILL)
        self.events(self.castra("down"))
        self.assertEqual(self.processes(), {})
        self.events(self.castra("clean", "--all"))
        self.assertFalse((own / "vms" / "p-0").exists())
        self.assertEqual((own / "vms" / "mine" / "thesis.txt").read_text(), "precious", "castra did not make that file")
        self.assertEqual((own / "notes.txt").read_text(), "precious")
        self.config.write_text(good)

    def test_a_damaged_record_spares_what_lives_and_clears_what_is_dead(self):
        pids = self.fleet()
        os.kill(self.supervisor(), signal.SIGKILL)
        records = [self.vm_dir(vm) / "record.json" for vm in ("p-0", "p-1")]
        os.kill(pids["p-1"], signal.SIGKILL)
        good = records[0].read_text()
        for record in records:
            record.write_text("{")
        deadline = time.monotonic() + 20
        while pids["p-1"] in self.processes():
            self.assertLess(time.monotonic(), deadline)
        events = self.events(self.castra("clean"))
        spared = next(event for event in events if event.get("code") == "protected")
        self.assertEqual(spared["vm"], "p-0")
        self.assertIn(f"process {pids['p-0']} uses", spared["message"])
        self.assertFalse(records[1].exists())
        self.assertTrue(records[0].exists())
        records[0].write_text(good)

    def test_a_record_that_cannot_be_read_stays_while_it_may_tell_of_files(self):
        self.crash(self.fleet())
        record, planned = (self.vm_dir("p-0") / name for name in ("record.json", "seed.json"))
        planned.write_text("{}")
        good = json.loads(record.read_text())
        good["plan"]["files"] = [{"path": str(planned), "content": "{}"}]
        record.write_text("{")
        events = self.judge(self.castra("clean").stdout, 6)
        self.assertTrue(record.exists() and planned.exists())
        self.assertFalse(self.vm_dir("p-1").exists())
        self.assertEqual(events[-1]["outcome"], "partial")
        self.assertEqual(events[-1]["leftovers"], [str(planned)])
        record.write_text(json.dumps(good))
        self.events(self.castra("clean"))
        self.assertFalse(self.vm_dir("p-0").exists())

    def test_half_of_a_file_beside_the_journals_goes_unless_somebody_writes_it(self):
        pids = self.fleet()
        half = next(self.home.glob("projects/*/journal")) / "pruned.json.tmp"
        half.write_text("{")
        self.events(self.castra("clean"))
        self.assertTrue(half.exists(), "a supervisor lives")
        self.crash(pids)
        self.events(self.castra("clean"))
        self.assertFalse(half.exists())

    def test_one_broken_project_harms_no_other(self):
        self.crash(self.fleet())
        other = self.home / "projects" / "other-0123456789ab"
        (other / "vms" / "x").mkdir(parents=True)
        (other / "project.json").write_text("]")
        (other / "vms" / "x" / "record.json").write_text("[")
        (self.home / "projects" / "stray").symlink_to(self.dir)
        events = self.events(self.castra("clean", "--all"))
        self.assertIn("register_damaged", [event.get("code") for event in events])
        self.assertFalse((other / "vms").exists())
        self.assertEqual(self.leftovers(), [])

    def test_a_directory_where_castra_makes_a_file_is_named_and_stays(self):
        for name in ("record.json", "process.log", "bootstrap.json", "record.json.tmp"):
            with self.subTest(name):
                self.crash(self.fleet(1))
                planted = self.vm_dir() / name
                planted.unlink(missing_ok=True)
                planted.mkdir()
                events = self.events(self.castra("clean"), 6)
                self.assertEqual(events[-1]["leftovers"], [str(planted)])
                self.assertEqual([(vm["final_state"], vm["outcome"]) for vm in events[-1]["vms"]],
                                 [(self.states()["p-0"], "failed")])
                planted.rmdir()
                self.events(self.castra("clean"))
                self.assertEqual(self.states(), {"p-0": "absent"})

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to make a file that cannot be removed")
    def test_a_vm_of_which_something_stays_is_not_said_to_be_absent(self):
        self.crash(self.fleet(1))
        overlay = self.vm_dir() / "overlay.qcow2"
        overlay.write_bytes(b"x" * 9000)
        if subprocess.run(["chattr", "+i", str(overlay)], capture_output=True).returncode:
            self.skipTest("this file system has no immutable files")
        try:
            events = self.events(self.castra("clean"), 6)
            state = self.states()["p-0"]
        finally:
            subprocess.run(["chattr", "-i", str(overlay)], check=True)
        self.assertEqual([(vm["final_state"], vm["outcome"]) for vm in events[-1]["vms"]], [(state, "failed")])
        self.events(self.castra("clean"))

    def test_a_state_dir_that_is_a_link_is_where_it_leads(self):
        (self.home / "big").mkdir(parents=True)
        (self.dir / "link").symlink_to(self.home / "big")
        self.processes_toml(READY, extra=NOTIFY)
        self.config.write_text(self.config.read_text().replace('name = "t"\n', f'name = "t"\nstate_dir = "{self.dir}/link/in/it"\n', 1))
        pids = {event["vm"]: event["pid"] for event in self.events(self.castra("up")) if event["type"] == "vm.launch"}
        self.assertEqual(self.state_dir(), self.home / "big/in/it")
        self.crash(pids)
        events = self.events(self.castra("clean"))
        self.assertIn(str(self.vm_dir() / "record.json"), self.removed(events))
        self.assertEqual(self.states(), {"p-0": "absent"})

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to become somebody for whom a mode means something")
    def test_what_cannot_be_removed_was_announced_is_named_and_stops_nothing(self):
        self.crash(self.fleet())
        vms = [self.vm_dir("p-0"), self.vm_dir("p-1")]
        state = vms[0].parent.parent
        (vms[0] / "ssh").mkdir()
        for path in [self.dir, *self.dir.rglob("*")]:
            os.chown(path, 65534, 65534)
        (vms[0] / "ssh").chmod(0)      # cannot be looked into
        vms[1].chmod(0o500)            # nothing can be removed from it
        result = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                                 *self.arguments("clean")], env=self.env, capture_output=True, text=True)
        events = self.events(result, 6)
        self.assertEqual(events[-1]["outcome"], "partial")
        removed = self.removed(events)
        self.assertIn(str(vms[1] / "process.log"), removed, "announced, although it could not be removed")
        self.assertTrue((vms[1] / "process.log").exists())
        self.assertIn(str(vms[1] / "process.log"), events[-1]["leftovers"])
        for vm in vms:
            self.assertTrue((vm / "record.json").exists(), "it tells the next command of the rest")
        self.assertIn(str(vms[0] / "ssh"), events[-1]["leftovers"])
        gone = [event["bytes"] for path, event in removed.items() if not pathlib.Path(path).exists()]
        self.assertEqual(events[-1]["reclaimed_bytes"], sum(gone))
        self.assertFalse((state / "supervisor.log").exists())
        for vm in vms:
            shutil.rmtree(vm)


class Hostile(Cleaning):
    def setUp(self):
        super().setUp()
        self.outside = self.dir / "outside"
        (self.outside / "p-0").mkdir(parents=True)
        for name in ("overlay.qcow2", "serial.log", "id_ed25519", "01ARYZ6S410000000000000000.ndjson", "record.json",
                     "p-0/record.json", "p-0/serial.log"):
            (self.outside / name).write_text("precious")

    def judge_precious(self):
        found = {str(p.relative_to(self.outside)): p.read_text() for p in self.outside.rglob("*") if p.is_file()}
        self.assertEqual(len(found), 7)
        self.assertEqual(set(found.values()), {"precious"})

    def test_links_planted_in_the_state_are_never_followed(self):
        self.crash(self.fleet())
        state, vm = self.state_dir(), self.vm_dir()
        for name in ("overlay.qcow2", "serial.log", "ssh"):
            (vm / name).symlink_to(self.outside / name if name != "ssh" else self.outside)
        shutil.rmtree(self.vm_dir("p-1"))
        self.vm_dir("p-1").symlink_to(self.outside / "p-0")
        shutil.rmtree(state / "journal")
        (state / "quarantine").symlink_to(self.outside)
        events = self.events(self.castra("clean"), 6)
        self.judge_precious()
        self.assertIn(str(self.vm_dir("p-1")), events[-1]["leftovers"])
        self.assertIn(str(state / "quarantine"), events[-1]["leftovers"])
        self.assertFalse(vm.exists(), "links of castra's own names go themselves")
        self.assertTrue(all(p.startswith(str(self.home)) for p in self.removed(events)))
        self.vm_dir("p-1").unlink()

    def test_a_whole_directory_that_is_a_link_is_left_alone(self):
        self.crash(self.fleet())
        vms = self.state_dir() / "vms"
        shutil.rmtree(vms)
        vms.symlink_to(self.outside)
        self.events(self.castra("clean"), 6)
        self.judge_precious()
        vms.unlink()

    def test_what_a_record_names_is_no_path_to_remove(self):
        self.crash(self.fleet(1))
        record = json.loads((self.vm_dir() / "record.json").read_text())
        record["overlay"] = str(self.outside / "overlay.qcow2")
        record["ssh_key"] = str(self.outside / "id_ed25519")
        record["plan"]["files"] = [{"path": str(self.outside / "serial.log"), "content_base64": ""},
                                   {"path": str(self.vm_dir()) + "/../../../../../outside/serial.log", "content_base64": ""}]
        record["plan"]["sockets"] = [{"name": "x", "path": str(self.outside / "record.json"), "log": ""}]
        (self.vm_dir() / "record.json").write_text(json.dumps(record))
        events = self.events(self.castra("clean"))
        self.judge_precious()
        self.assertIn(str(self.outside / "overlay.qcow2"),
                      next(event for event in events if event.get("code") == "not_ours")["message"])

    def test_a_register_that_names_another_place_is_not_believed(self):
        self.crash(self.fleet(1))
        card = self.state_dir() / "project.json"
        (self.outside / "vms" / "p-0").mkdir(parents=True)
        shutil.copy(self.outside / "record.json", self.outside / "vms/p-0/record.json")
        card.write_text(json.dumps(dict(json.loads(card.read_text()), state_dir=str(self.outside))))
        self.events(self.castra("clean", "--all"))
        self.assertTrue((self.outside / "vms/p-0/record.json").exists())
        shutil.rmtree(self.outside / "vms")
        self.judge_precious()

    def test_another_project_is_not_touched(self):
        self.fleet(1)
        other = self.dir / "other"
        other.mkdir()
        (other / "castra.toml").write_text(self.config.read_text())
        self.judge(subprocess.run([CASTRA, "up", "--config", str(other / "castra.toml"), "--events", "ndjson"], env=self.env,
                                  capture_output=True, text=True, timeout=60).stdout, 0)
        mine = self.state_dir()
        events = self.events(self.castra("clean"))
        self.assertTrue(all(path.startswith(str(mine)) for path in self.removed(events)))
        self.events(self.castra("down"))
        self.assertEqual(len(self.processes()), 2, "the other supervisor and its VM")
        subprocess.run([CASTRA, "down", "--config", str(other / "castra.toml"), "--events", "none"], env=self.env, timeout=60)


class Images(Cleaning):
    def setUp(self):
        super().setUp()
        self.cache = self.dir / "cache"
        self.env = dict(self.env, XDG_CACHE_HOME=str(self.cache))
        for name in ("used", "unused"):
            (self.cache / "castra/images" / name).mkdir(parents=True)
            (self.cache / "castra/images" / name / "disk").write_bytes(b"x" * 8192)

    def test_images_go_only_when_named_and_never_under_a_vm(self):
        store = self.cache / "castra/images"
        self.processes_toml(["/bin/sh", "-c", f"exec 9<{store}/used/disk; echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000"],
                            extra=NOTIFY)
        self.events(self.castra("up"))
        self.events(self.castra("clean", "--all"))
        self.assertTrue((store / "unused").exists())
        events = self.events(self.castra("clean", "--only", "images"))
        self.assertEqual(list(self.removed(events)), [str(store / "unused")])
        self.assertEqual([p.name for p in store.iterdir()], ["used"])
        self.assertEqual(self.states(), {"p-0": "ready"})


if __name__ == "__main__":
    unittest.main()
