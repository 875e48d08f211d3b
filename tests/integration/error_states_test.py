# SPDX-License-Identifier: Apache-2.0
"""Every error state accepts `down` and `clean`. Each is produced for real, once to be taken down and then cleaned, once to be
cleaned at once; then nothing is left but what docs/ERRORS.md says, and both commands find nothing to do."""
import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import time
import unittest

from clean_test import NOTIFY, READY, Cleaning
from support import rest_of, until

KEPT = {"journal", "operation.lock", "project.json", "start.lock", "supervisor.lock"}
FAILS = ["/bin/sh", "-c", "echo last words >&2; exit 3"]
NEVER_READY = ["/bin/sleep", "1000"]
STUBBORN = ["/bin/sh", "-c", "trap '' TERM; " + READY[2]]
BROKER = '[broker]\nlauncher = "process"\n'
RESTART = 'restart = "on_failure"\nrestart_backoff_secs = {}\nrestarts_max = 1\n'


def vm(name, command=READY, extra=""):
    return (f'[[vms]]\nname = "{name}"\nlauncher = "process"\n{extra}[vms.options]\n{NOTIFY}'
            f"command = {json.dumps(command)}\n")


class States(Cleaning):
    """Each when_*() produces one and returns the VMs that live in it, each with its process. down_when_*() and clean_when_*()
    are for that way only."""

    LIFECYCLE = "[lifecycle]\ngraceful_shutdown_wait_secs = 0.2\nsigterm_wait_secs = 0.3\nready_wait_secs = {}\n"

    def up(self, text, code=0, *rest, ready_wait=20):
        self.write(self.LIFECYCLE.format(ready_wait) + text)
        events = self.events(self.castra("up", *rest), code)
        return {event["vm"]: event["pid"] for event in events if event["type"] == "vm.launch"}

    def two(self):
        return self.up(vm("p") + vm("q"))

    def interrupted(self, how, plugins=""):
        """An up in the middle of its boots, and what was done to it then. Returns its VMs' processes."""
        os.mkfifo(self.dir / "go")
        self.write(plugins + self.LIFECYCLE.format(20) + vm("booting", ["/bin/sh", "-c", f"read go <{self.dir}/go; {READY[2]}"]))
        child = self.start("up")
        lines = until(child, "vm.launch")
        how(child)
        return {"booting-0": json.loads(lines[-1])["pid"]}, rest_of(child, lines)

    def wait_for(self, condition):
        deadline = time.monotonic() + 20
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def end(self, *pids):
        for pid in pids:
            self.kill(pid)

    def sealed(self, count):
        """So many runs, each with its end: what the supervisor does by itself is one, too."""
        self.wait_for(lambda: len([path for path in self.home.rglob("journal/*.ndjson")
                                   if '"last":true' in path.read_text()]) >= count)

    def orphaned(self):
        """Two VMs that run, and nobody who watches them."""
        pids = self.two()
        self.end(self.supervisor())
        return pids

    def crashed(self):
        """The same, dead."""
        self.end(*self.orphaned().values())

    def machine(self):
        """One VM with a disk layer and sockets, which nobody watches."""
        shutil.copy(pathlib.Path(__file__).parent / "fake_qemu.py", self.dir / "qemu")
        (self.dir / "qemu").chmod(0o755)
        (self.dir / "character").write_text("hang")
        (self.dir / "disk.raw").write_bytes(bytes(1 << 20))
        pids = self.up(f'[[vms]]\nname = "m"\nmemory = "16 MiB"\nready_marker = "FAKE-READY"\nbase_image = "disk.raw"\n'
                       f'[vms.options]\nqemu_binary = "{self.dir}/qemu"\naccelerator = "tcg"\n')
        self.end(self.supervisor())
        self.assertTrue((self.state() / "vms/m-0/overlay.qcow2").exists())
        return pids

    def is_free(self, lock):
        with open(lock) as file, contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return True

    def settle(self, *verbs):
        """An operation whose client is gone goes on: these are refused until it ends."""
        for verb in verbs:
            self.assertIn("(run ", self.events(self.castra(verb), 5)[0]["detail"])
        if (self.dir / "go").exists():
            (self.dir / "go").write_text("on\n")
        self.wait_for(lambda: self.is_free(self.state() / "operation.lock"))

    def state(self):
        (project,) = (self.home / "projects").iterdir()
        return project

    # -- VMs that fail -------------------------------------------------------------------------------------------

    def when_ended_before_ready(self):
        self.up(vm("p", FAILS), 1)
        return {}

    def when_never_ready(self):
        self.up(vm("p", NEVER_READY), 1, ready_wait=0.1)
        return {}

    def when_refused_by_preflight(self):
        self.up(vm("p", ["castra-no-such-program"]), 4)
        return {}

    def when_some_failed(self):
        pids = self.up(vm("p") + vm("q", FAILS), 6, "--keep-going")
        return {"p-0": pids["p-0"]}

    def when_the_only_one_ended(self):
        (pid,) = self.up(vm("p")).values()
        self.end(pid)
        self.wait_for(lambda: not self.processes())
        self.assertEqual(self.states(), {"p-0": "failed"})
        return {}

    def when_one_of_two_ended(self):
        pids = self.two()
        self.end(pids.pop("p-0"))
        self.sealed(2)
        self.assertEqual(self.states(), {"p-0": "failed", "q-0": "ready"})
        return pids

    def down_when_it_waits_for_its_restart(self):
        (pid,) = self.up(vm("p", extra=RESTART.format(60))).values()
        self.end(pid)
        self.sealed(2)
        self.assertIn("restart 1 follows", self.status()["vms"][0]["why"])
        return {}

    def when_restarted_too_often(self):
        once = ["/bin/sh", "-c", f"test -e {self.dir}/once && exit 4; touch {self.dir}/once; " + READY[2]]
        (pid,) = self.up(vm("p", once, RESTART.format(0))).values()
        self.end(pid)
        self.wait_for(lambda: not self.processes())
        return {}

    def when_stopped_by_a_signal(self):
        pids = self.two()
        os.kill(pids["p-0"], signal.SIGSTOP)
        return pids

    def when_replacement_failed(self):
        self.up(vm("p"))
        self.up(vm("p", FAILS), 1, "--replace")
        return {}

    def when_replacement_refused(self):
        pids = self.up(vm("p"))
        self.up(vm("p", extra="cpus = 2\n"), 3)
        return pids

    def when_cancelled(self):
        _, out = self.interrupted(lambda child: child.send_signal(signal.SIGINT))
        self.judge(out, 130)
        return {}

    # -- castra that is killed -----------------------------------------------------------------------------------

    def when_supervisor_killed(self):
        return self.orphaned()

    def when_all_killed(self):
        self.crashed()
        return {}

    def when_supervisor_killed_during_up(self):
        pids, out = self.interrupted(lambda _: self.end(self.supervisor()))
        self.judge(out, 9)
        return pids

    def when_all_killed_during_up(self):
        self.end(*self.when_supervisor_killed_during_up().values())
        return {}

    def when_client_killed(self):
        pids, _ = self.interrupted(lambda child: child.kill())
        self.settle("down", "clean")
        self.assertEqual(self.states(), {"booting-0": "ready"})
        return pids

    def during_down(self, how):
        pids = self.up(vm("p", STUBBORN))
        child = self.start("down")
        lines = until(child, "vm.shutdown_escalated")
        how(child)
        rest_of(child, lines)
        return pids

    def when_supervisor_killed_during_down(self):
        return self.during_down(lambda _: self.end(self.supervisor()))

    def when_client_killed_during_down(self):
        self.during_down(lambda child: child.kill())
        self.settle("clean")
        self.assertEqual(self.states(), {"p-0": "absent"})
        return {}

    def when_foreground_killed(self):
        self.write(self.LIFECYCLE.format(20) + vm("p"))
        child = self.start("up", "--foreground")
        pid = json.loads(next(line for line in until(child, "vm.ready") if '"vm.launch"' in line))["pid"]
        self.end(child.pid)
        return {"p-0": pid}

    def when_machine_orphaned(self):
        return self.machine()

    def when_machine_killed(self):
        self.end(*self.machine().values())
        return {}

    def when_image_and_emulator_gone(self):
        pids = self.machine()
        (self.dir / "disk.raw").unlink()
        (self.dir / "qemu").unlink()
        return pids

    def when_control_sockets_gone(self):
        pids = self.machine()
        for path in self.home.rglob("qmp"):
            path.unlink()
        return pids

    def when_rebooted(self):
        self.crashed()
        for record in self.home.rglob("record.json"):
            record.write_text(json.dumps(dict(json.loads(record.read_text()), boot_id="the-boot-before")))
        shutil.rmtree(self.home / "run")
        return {}

    def when_broker_killed(self):
        pids = self.up(BROKER + vm("p"))
        broker = next(pid for pid, command in self.processes().items() if " broker " in command)
        self.end(broker)
        self.wait_for(lambda: self.status()["broker"]["reachable"])  # the next one
        return pids

    def when_broker_orphaned(self):
        pids = self.up(BROKER + vm("p"))
        self.end(self.supervisor())
        return pids

    def when_broker_alone_orphaned(self):
        self.up(BROKER + vm("p"), 0, "--broker-only")
        self.end(self.supervisor())
        return {}

    # -- castra.toml that is another -----------------------------------------------------------------------------

    def when_toml_gone(self):
        pids = self.two()
        self.config.unlink()
        return pids

    def when_toml_gone_and_supervisor_killed(self):
        pids = self.orphaned()
        self.config.unlink()
        return pids

    def when_toml_broken(self):
        pids = self.two()
        self.config.write_text("no [toml")
        return pids

    def when_toml_broken_and_all_killed(self):
        self.crashed()
        self.config.write_text("no [toml")
        return {}

    def when_toml_a_directory(self):
        pids = self.orphaned()
        self.config.unlink()
        self.config.mkdir()
        return pids

    def when_vm_no_longer_in_toml(self):
        pids = self.two()
        self.write(self.LIFECYCLE.format(20) + vm("q"))
        return pids

    def when_no_vm_of_these_in_toml_and_supervisor_killed(self):
        pids = self.orphaned()
        self.write(self.LIFECYCLE.format(20) + vm("other"))
        return pids

    def when_project_renamed(self):
        pids = self.orphaned()
        self.config.write_text(self.config.read_text().replace('"t"', '"another"'))
        return pids

    def when_other_launcher_in_toml(self):
        pids = self.orphaned()
        self.config.write_text(self.config.read_text().replace('launcher = "process"', 'launcher = "no-such"'))
        return pids

    def when_launcher_gone(self):
        plugin = self.dir / "mine.so"
        shutil.copy(pathlib.Path(os.environ["CASTRA_PLUGINS"]) / "launcher-process.so", plugin)
        pids = self.up(f'[plugins.process]\npath = "{plugin}"\n' + vm("p") + vm("q"))
        self.end(self.supervisor())
        plugin.unlink()
        return pids

    def when_launcher_in_quarantine(self):
        """It was killed in its process, and is not asked again."""
        def kill_launcher(_):
            self.end(*[pid for pid, command in self.processes().items() if "castra-plugin-host" in command])
            (self.dir / "go").write_text("on\n")
        pids, out = self.interrupted(kill_launcher, '[plugins.process]\nisolation = "process"\n')
        self.assertIn("plugin_fault", [event.get("code") for event in self.judge(out, 0)])
        self.assertEqual(len(list(self.home.rglob("quarantine/*"))), 1)
        return pids

    def when_reporter_and_secret_gone(self):
        pids = self.orphaned()
        with self.config.open("a") as file:
            file.write('[[reporters]]\nplugin = "no-such"\n'
                       '[[secrets]]\nname = "s"\nfile = "no-such"\nplugins = ["reporter-nats"]\n')
        return pids

    # -- state that is damaged -----------------------------------------------------------------------------------

    def damaged(self, damage):
        """Records of VMs that are dead."""
        self.crashed()
        record = self.state() / "vms/p-0/record.json"
        record.write_text(damage(record.read_text()))
        return {}

    def when_record_garbage(self):
        return self.damaged(lambda _: "\0\xff garbage")

    def when_record_of_another_shape(self):
        return self.damaged(lambda _: '{"vm": []}')

    def when_record_empty(self):
        return self.damaged(lambda _: "")

    def when_record_truncated(self):
        return self.damaged(lambda text: text[:100])

    def when_record_damaged_while_supervised(self):
        pids = self.two()
        (self.state() / "vms/p-0/record.json").write_text("{")
        return pids

    def when_record_gone(self):
        self.crashed()
        (self.state() / "vms/p-0/record.json").unlink()
        return {}

    def when_record_gone_while_supervised(self):
        pids = self.two()
        (self.state() / "vms/p-0/record.json").unlink()
        return pids

    def when_all_records_gone(self):
        self.crashed()
        for record in self.home.rglob("record.json"):
            record.unlink()
        return {}

    def when_half_of_a_record(self):
        self.crashed()
        record = self.state() / "vms/p-0/record.json"
        record.rename(record.with_name("record.json.tmp"))
        return {}

    def when_journal_gone(self):
        self.crashed()
        shutil.rmtree(self.state() / "journal")
        return {}

    def when_journal_gone_while_supervised(self):
        pids = self.two()
        shutil.rmtree(self.state() / "journal")
        return pids

    def when_journal_torn(self):
        self.when_all_killed_during_up()
        (journal,) = self.home.rglob("journal/*.ndjson")
        journal.write_text(journal.read_text()[:-20])
        return {}

    def when_journal_garbage(self):
        self.crashed()
        (journal,) = self.home.rglob("journal/*.ndjson")
        journal.chmod(0o600)
        journal.write_text("\0garbage\n" * 3)
        return {}

    def when_runtime_directory_gone(self):
        pids = self.orphaned()
        shutil.rmtree(self.home / "run")
        return pids

    def when_runtime_directory_gone_while_supervised(self):
        """As a logout takes it along."""
        pids = self.two()
        shutil.rmtree(self.home / "run")
        return pids

    def when_supervisor_log_a_directory(self):
        self.crashed()
        (self.state() / "supervisor.log").unlink(missing_ok=True)
        (self.state() / "supervisor.log").mkdir()
        return {}

    def down_when_vms_directory_gone_while_supervised(self):
        pids = self.two()
        shutil.rmtree(self.state() / "vms")
        return pids

    def when_a_bootstrap_was_recorded(self):
        self.crashed()
        (self.state() / "vms/p-0/bootstrap.json").write_text("{}")
        return {}

    def when_a_bootstrap_was_recorded_and_the_record_is_garbage(self):
        living = self.when_record_garbage()
        (self.state() / "vms/p-0/bootstrap.json").write_text("{}")
        return living

    def when_locks_gone(self):
        pids = self.orphaned()
        for lock in self.home.rglob("*.lock"):
            lock.unlink()
        return pids

    def when_locks_gone_while_supervised(self):
        pids = self.two()
        for lock in self.home.rglob("*.lock"):
            lock.unlink()
        return pids

    def when_register_gone(self):
        pids = self.orphaned()
        (self.state() / "project.json").unlink()
        return pids

    def when_register_garbage(self):
        pids = self.orphaned()
        (self.state() / "project.json").write_text("]")
        return pids

    def when_register_gone_and_toml_broken(self):
        pids = self.orphaned()
        (self.state() / "project.json").unlink()
        self.config.write_text("no [toml")
        return pids

    # -- what is judged ------------------------------------------------------------------------------------------

    def judge_living(self, pids):
        """Not by processes(): one that becomes another program has no environment for a moment."""
        stats = {name: pathlib.Path(f"/proc/{pid}/stat") for name, pid in pids.items()}
        self.assertEqual([name for name, stat in stats.items() if not stat.exists() or ") Z " in stat.read_text()], [])

    def judge_clean(self):
        """Of each project stay the journal of the cleaning, its card, and locks that nobody holds."""
        for project in (self.home / "projects").glob("*"):
            self.assertLessEqual({path.name for path in project.iterdir()}, KEPT)
            self.assertTrue(all(self.is_free(lock) for lock in project.glob("*.lock")))
            self.assertLessEqual(len(list(project.glob("journal/*.ndjson"))), 1)
        self.assertEqual(list((self.home / "run").glob("*")), [])
        self.assertEqual(self.leftovers(), [])
        return [str(path) for path in self.home.rglob("journal/*.ndjson") if self.judge(path.read_text())]

    def cleaned(self, *rest):
        return self.events(self.castra("clean", *rest))

    def judge_again(self):
        before = self.judge_clean()
        self.assertEqual(self.events(self.castra("down"))[-1]["message"], "nothing to do: nothing is up")
        self.assertEqual(list(self.removed(self.cleaned())), before, "the journal of the first cleaning and nothing else")
        self.judge_clean()


class Down(States):
    """down, and then clean."""

    def judge_way(self, pids):
        self.judge_living(pids)
        told = self.events(self.castra("down"))[-1]
        self.assertEqual((self.processes(), told["leftovers"]), ({}, []))
        self.cleaned()
        self.judge_again()


class Clean(States):
    """clean at once, after its --dry-run. What lives is spared and named, and a down ends it."""

    def judge_way(self, pids):
        before = self.everything()
        dry = self.removed(self.cleaned("--dry-run"))
        self.assertEqual(self.everything(), before)
        events = self.cleaned()
        self.assertEqual(list(self.removed(events)), list(dry))
        self.assertEqual({event["vm"] for event in events if event.get("code") == "protected" and "vm" in event}, set(pids))
        self.judge_living(pids)
        if pids:
            self.events(self.castra("down"))
            self.cleaned()
        self.assertEqual(self.processes(), {})
        self.judge_again()


class Restart(States):
    def test_what_waits_for_its_restart_is_not_started_again_behind_a_clean_and_a_down(self):
        self.down_when_it_waits_for_its_restart()
        self.cleaned()
        self.events(self.castra("down"))
        self.wait_for(lambda: self.processes() == {})
        self.assertEqual(self.states(), {"p-0": "absent"})


class AnotherStateDir(States):
    """Written into a castra.toml whose VMs run: they are still seen, nothing is started beside them, and down finds them."""

    def judge_it(self, pids):
        self.config.write_text(self.config.read_text().replace('name = "t"\n', 'name = "t"\nstate_dir = "elsewhere"\n', 1))
        self.assertIn("VMs of this file are recorded in", self.events(self.castra("up"), 3)[0]["detail"])
        told = {event["vm"]: event["message"] for event in self.events(self.castra("status")) if "vm" in event}
        self.assertEqual({name for name, text in told.items() if f"process {pids[name]}" in text}, set(pids))
        self.judge_living(pids)
        self.events(self.castra("down"))
        self.assertEqual((self.processes(), self.leftovers()), ({}, []))
        self.events(self.castra("up"))
        self.assertTrue((self.dir / "elsewhere/vms/p-0/record.json").exists())
        self.events(self.castra("down"))

    def test_while_supervised(self):
        self.judge_it(self.two())

    def test_without_a_supervisor(self):
        self.judge_it(self.orphaned())


class Unread(States):
    """A VM whose record cannot be read is dead where nothing uses its directories. Otherwise who does is named, and nothing of it
    is touched: docs/LIFECYCLE.md, Gaps."""

    def when_garbage(self):
        self.crashed()
        (self.state() / "vms/p-0/record.json").write_text("{")

    def about(self, vm):
        (seen,) = [seen for seen in self.status()["vms"] if seen["name"] == vm]
        return seen["state"], seen["why"]

    def test_a_dead_one_is_failed_and_the_next_up_replaces_it(self):
        self.when_garbage()
        state, why = self.about("p-0")
        self.assertEqual(state, "failed")
        self.assertRegex(why, "record.json is damaged: .*; nothing uses its directory$")
        events = self.events(self.castra("up"))
        self.assertIn("p-0", [event.get("vm") for event in events if event.get("code") == "record_damaged"])
        self.assertEqual(self.states(), {"p-0": "ready", "q-0": "ready"})
        self.events(self.castra("down"))
        self.assertEqual((self.processes(), self.leftovers()), ({}, []))

    def test_its_overlay_goes_and_is_announced(self):
        self.when_garbage()
        overlay = self.state() / "vms/p-0/overlay.qcow2"
        overlay.write_bytes(b"x" * 65536)
        events = self.events(self.castra("down"))
        (discarded,) = [event for event in events if event["type"] == "vm.overlay_discarded"]
        self.assertEqual((discarded["overlay_path"], discarded["reclaimed_bytes"]), (str(overlay), 65536))
        self.assertFalse(overlay.exists())

    def test_what_castra_may_not_have_made_stays_with_the_record(self):
        self.when_garbage()
        stranger = self.state() / "vms/p-0/seed.iso"
        stranger.write_text("whose?")
        for verb, code in (("down", 1), ("up", 1)):
            events = self.events(self.castra(verb), code)
            self.assertEqual([event["remediation"] for event in events if "seed.iso" in event["message"] and "remediation" in event],
                             ["see what that file is, and remove it yourself; next: castra up p-0"])
            self.assertTrue(stranger.exists() and stranger.with_name("record.json").exists())
            self.assertEqual(self.processes(), {})
        stranger.unlink()
        self.events(self.castra("down"))
        self.assertEqual(self.leftovers(), [])

    def test_where_its_overlay_cannot_be_told_all_of_it_stays(self):
        """overlay.json would tell of one elsewhere."""
        self.when_garbage()
        note = self.state() / "vms/p-0/overlay.json"
        note.mkdir()
        note.with_name("ssh").mkdir(exist_ok=True)
        events = self.events(self.castra("down"), 1)
        self.assertIn("p-0", events[-1]["leftovers"][0])
        self.assertTrue(note.with_name("record.json").exists() and note.with_name("ssh").exists())
        note.rmdir()
        self.events(self.castra("down"))
        self.assertEqual(self.leftovers(), [])

    def test_a_record_that_can_be_read_again_is_read(self):
        """While its supervisor goes on, for another VM lives."""
        pids = self.orphaned()
        record = self.state() / "vms/p-0/record.json"
        good = record.read_text()
        self.end(pids["p-0"])
        record.write_text("{")
        stranger = record.with_name("seed.iso")
        stranger.write_text("whose?")
        self.events(self.castra("down", "p-0"), 1)
        record.write_text(good)
        self.events(self.castra("down", "p-0"))
        self.assertEqual((stranger.exists(), record.exists()), (True, False), "castra did not make that file: so the record says")
        self.judge_living({"q-0": pids["q-0"]})

    def test_a_living_one_whose_plan_alone_is_damaged_is_ended(self):
        """By signals: who it is stands in the head of its record."""
        self.orphaned()
        record = self.state() / "vms/p-0/record.json"
        record.write_text(json.dumps(json.loads(record.read_text()) | {"plan": {"argv": 1, "sockets": "none"}}))
        self.assertEqual(self.about("p-0")[0], "ready")
        self.events(self.castra("down"))
        self.assertEqual((self.processes(), self.leftovers()), ({}, []))

    def test_once_its_process_is_ended_it_is_cleaned(self):
        pids = self.orphaned()
        (self.state() / "vms/p-0/record.json").write_text("{")
        state, why = self.about("p-0")
        self.assertEqual(state, "unknown")
        self.assertIn(f"; process {pids['p-0']} uses ", why)
        events = self.events(self.castra("down"), 1)
        self.assertIn("p-0", events[-1]["leftovers"][0])
        self.assertIn(f"; process {pids['p-0']} uses ", next(event["message"] for event in events if event["severity"] == "error"))
        del pids["q-0"]
        self.judge_living(pids)
        (spared,) = [event for event in self.cleaned() if event.get("code") == "protected"]
        self.assertIn(f"process {pids['p-0']} uses", spared["message"])
        self.end(pids["p-0"])
        self.cleaned()
        self.judge_again()


class InTheWay(States):
    """Something else where castra has its file or directory: no command waits, up says what to move away, and then all is well."""

    def put(self, path, kind):
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "directory":
            (path / "something").mkdir(parents=True)
        else:
            path.write_text("something")

    def judge_it(self, name, kind, code):
        self.two()
        self.events(self.castra("down"))
        path = self.state() / name
        self.put(path, kind)
        for verb in ("status", "down", "clean", "logs", "events"):
            self.castra(verb)  # has a limit of time
        self.assertEqual(self.castra("status").returncode, 1 if name == "vms" else 0)
        result = self.castra("up")
        self.assertEqual(result.returncode, code, result.stdout)
        told = self.judge(result.stdout, code)
        if code:
            self.assertIn("move ", " ".join(event.get("remediation", "") for event in told))
            self.assertEqual(self.processes(), {})
            self.assertTrue(path.is_fifo() or path.is_dir() or path.read_text() == "something", "nothing of somebody's is removed")
            path.rename(self.dir / f"{name} {kind}")
            self.events(self.castra("up"))
        self.assertEqual(self.states(), {"p-0": "ready", "q-0": "ready"})
        self.events(self.castra("down"))

    def test_locks(self):
        for name in ("operation.lock", "supervisor.lock", "start.lock"):
            for kind in ("pipe", "directory"):
                with self.subTest(name=name, kind=kind):
                    self.judge_it(name, kind, 1)

    def test_directories(self):
        for name in ("journal", "vms"):
            for kind in ("pipe", "file"):
                with self.subTest(name=name, kind=kind):
                    self.judge_it(name, kind, 1)

    def test_what_a_run_can_do_without(self):
        for name in ("supervisor.log", "quarantine", "project.json"):
            for kind in ("pipe", "directory"):
                with self.subTest(name=name, kind=kind):
                    self.judge_it(name, kind, 0)

    def test_a_vm_puts_pipes_into_its_own_directory(self):
        """Its working directory. Nobody waits for them, and its restart works."""
        self.up(vm("p", ["/bin/sh", "-c", "for f in record.json bootstrap.json overlay.json process.log process.log.1; do "
                         "rm -f $f.tmp; mkfifo $f.tmp; done; rm process.log; mkfifo process.log; " + READY[2]]))
        self.assertEqual(self.states(), {"p-0": "ready"})
        self.events(self.castra("down"))
        self.events(self.castra("up"))
        self.events(self.castra("down"))
        self.events(self.castra("clean"))
        for path in self.home.rglob("vms/p-0/*"):  # whose nobody can say
            path.unlink()


def add_tests():
    for name in dir(States):
        only, found, state = name.partition("when_")
        for way in (Down, Clean) if found else ():
            if only in ("", way.__name__.lower() + "_"):
                setattr(way, "test_when_" + state, lambda self, name=name: self.judge_way(getattr(self, name)()))


add_tests()


if __name__ == "__main__":
    unittest.main()
