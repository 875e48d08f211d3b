# SPDX-License-Identifier: Apache-2.0
"""Fleets of ordinary processes: the whole kernel without the seconds of a guest's boot."""
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import unittest
from collections import Counter

from support import CASTRA, PLUGINS, Project, rest_of, types_of, until

READY = ["/bin/sh", "-c", "echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000"]
NOTIFY = 'ready = "notify"\n'


class UpAndDown(Project):
    def test_one_vm_comes_up_and_goes_down(self):
        self.processes_toml(READY, extra=NOTIFY)
        events = self.events(self.castra("up"))
        self.assertEqual(types_of(events, "p-0"), ["vm.launch", "vm.ready"])
        self.assertEqual(events[-1]["vms"], [{"vm": "p-0", "final_state": "ready", "outcome": "succeeded"}])
        self.assertEqual(self.states(), {"p-0": "ready"})
        events = self.events(self.castra("down"))
        self.assertEqual(types_of(events, "p-0"),
                         ["vm.shutdown_requested", "vm.cooperative_attempted", "vm.cooperative_timed_out",
                          "vm.shutdown_escalated", "vm.exited", "vm.shutdown_complete", "cleanup.progress"])
        self.assertEqual(self.states(), {"p-0": "absent"})

    def test_twenty_come_up_in_parallel_within_their_window(self):
        self.processes_toml(READY, count=20, extra=NOTIFY)
        events = self.events(self.castra("up"))
        window = events[0]["limits"]["boot_window"]
        booting = 0
        for event in events:
            booting += {"vm.launch": 1, "vm.ready": -1}.get(event["type"], 0)
            self.assertLessEqual(booting, window)
        for i in range(20):
            self.assertEqual(types_of(events, f"p-{i}"), ["vm.launch", "vm.ready"])
        self.events(self.castra("down"))

    def test_as_many_boot_at_once_as_the_window_is_wide_and_never_more(self):
        """Each stays in the window until it may read a line: so all places are taken, and one is free for each that is ready."""
        os.mkfifo(self.dir / "go")
        go = os.open(self.dir / "go", os.O_RDWR)
        self.addCleanup(os.close, go)
        cores = os.cpu_count()
        for configured, window in (("", cores), ("[lifecycle]\nboot_window = 0\n", cores), ("[lifecycle]\nboot_window = 3\n", 3)):
            with self.subTest(configured=configured):
                count = window + 2
                self.processes_toml(["/bin/sh", "-c", f"read x <{self.dir}/go; echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000"],
                                    count=count, extra=NOTIFY + configured)
                child = self.start("up")
                lines = until(child, "command.accepted")
                self.assertEqual(json.loads(lines[0])["limits"]["boot_window"], window)
                for ready in range(3):
                    os.write(go, b"go\n" * min(ready, 1))
                    deadline = time.monotonic() + 20
                    while (seen := Counter(self.states().values())) != Counter(ready=ready, booting=window, absent=2 - ready):
                        self.assertLessEqual(seen["booting"], window)
                        self.assertLess(time.monotonic(), deadline, seen)
                os.write(go, b"go\n" * window)
                events = self.judge(rest_of(child, lines), 0)
                booting = [0]
                for event in events:
                    booting.append(booting[-1] + {"vm.launch": 1, "vm.ready": -1}.get(event["type"], 0))
                self.assertEqual((max(booting), booting[-1]), (window, 0))
                self.assertEqual(types_of(events).count("vm.launch"), count)
                self.events(self.castra("down"))

    def test_up_again_says_that_there_is_nothing_to_do(self):
        self.processes_toml(READY, extra=NOTIFY)
        self.events(self.castra("up"))
        events = self.events(self.castra("up"))
        self.assertEqual(events[-1]["vms"][0]["outcome"], "unchanged")
        self.assertEqual(events[0]["running"][0]["name"], "p-0")
        self.assertIn("nothing to do", events[-1]["message"])

    def test_a_part_of_the_fleet(self):
        self.processes_toml(READY, count=3, extra=NOTIFY)
        self.events(self.castra("up", "p-0", "p-2"))
        self.assertEqual(self.states(), {"p-0": "ready", "p-1": "absent", "p-2": "ready"})
        self.events(self.castra("down", "p-0"))
        self.assertEqual(self.states(), {"p-0": "absent", "p-1": "absent", "p-2": "ready"})

    def test_down_without_up_touches_nothing(self):
        self.processes_toml(READY)
        self.events(self.castra("down"))
        self.assertFalse(self.home.exists())

    def test_down_works_when_the_file_is_broken_meanwhile(self):
        self.processes_toml(READY, extra=NOTIFY)
        self.events(self.castra("up"))
        good = self.config.read_text()
        self.config.write_text("this is [no toml")
        self.events(self.castra("down"))
        self.config.write_text(good)
        self.assertEqual(self.states(), {"p-0": "absent"})

    def test_the_journal_is_the_stream(self):
        self.processes_toml(READY, extra=NOTIFY)
        out = self.castra("up").stdout
        journals = list(self.home.rglob("journal/*.ndjson"))
        self.assertEqual([path.read_text() for path in journals], [out])

    def test_status_writes_nothing(self):
        self.processes_toml(READY, extra=NOTIFY)
        self.events(self.castra("up"))
        before = sorted((str(p), p.stat().st_mtime_ns) for p in self.home.rglob("*"))
        self.events(self.castra("status"))
        self.status()
        self.assertEqual(before, sorted((str(p), p.stat().st_mtime_ns) for p in self.home.rglob("*")))


class Refusals(Project):
    """Bad input: a code, a cure, a summary, the documented exit code; nothing created, nothing running."""

    def refused(self, code, exit_code, *rest, mentions="", env=None):
        result = self.castra("up", *rest, env=env)
        events = self.events(result, exit_code)
        self.assertEqual(types_of(events), ["command.rejected", "summary"])
        self.assertEqual(events[0]["code"], code)
        self.assertIn(mentions, events[0]["detail"])
        self.assertTrue(events[0].get("remediation"), "a cure")
        self.assertFalse(self.home.exists(), "nothing is created")
        self.assertEqual(self.processes(), {})
        return events[0]["detail"]

    def test_a_wrong_option(self):
        self.processes_toml(READY)
        self.refused("usage", 2, "--nope", mentions="--nope")

    def test_an_unknown_vm_with_a_suggestion(self):
        self.processes_toml(READY, name="web")
        self.refused("usage", 2, "wbe-0", mentions='did you mean "web-0"')

    def test_a_missing_file(self):
        self.refused("config_not_found", 3, mentions=str(self.config))

    def test_broken_toml_with_line_and_column(self):
        self.config.write_text("[project\nname = 1\n")
        self.refused("config_invalid", 3, mentions="castra.toml:1:")

    def test_all_mistakes_at_once(self):
        self.write('[[vms]]\nname = "a"\nlauncher = "process"\ncpus = "two"\nmemry = "1 GiB"\n')
        detail = self.refused("config_invalid", 3, mentions="memory")
        self.assertIn(":6:", detail)
        self.assertIn(":7:", detail)

    def test_duplicate_names(self):
        self.write(2 * '[[vms]]\nname = "a"\nlauncher = "process"\n[vms.options]\ncommand = ["/bin/true"]\n')
        self.refused("config_invalid", 3, mentions='"a" is already the name')

    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            self.processes_toml(READY, extra=f"[[vms.port_forwards]]\nhost = {port}\nguest = 80\n")
            self.refused("preflight", 4, mentions=str(port))

    def test_a_missing_image(self):
        self.write('[[vms]]\nname = "a"\nimage = "nosuch"\n')
        self.refused("preflight", 4, mentions="castra builds: tiny; for another disk write base_image")

    def test_a_missing_base_image(self):
        self.write('[[vms]]\nname = "a"\nbase_image = "/nowhere/disk.qcow2"\n')
        self.refused("preflight", 4, mentions="/nowhere/disk.qcow2")

    def test_missing_qemu(self):
        empty = self.dir / "bin"
        empty.mkdir()
        self.write('[[vms]]\nname = "a"\nbase_image = "castra.toml"\n')
        self.refused("preflight", 4, mentions="qemu-system-x86_64", env=dict(self.env, PATH=str(empty)))

    def test_a_missing_program(self):
        self.processes_toml(["/nowhere/machine"])
        self.refused("preflight", 4, mentions="/nowhere/machine")

    def test_a_missing_plugin(self):
        self.write('[[vms]]\nname = "a"\nlauncher = "qemuu"\nbase_image = "castra.toml"\n')
        self.refused("preflight", 4, mentions="qemuu")

    def test_a_file_that_is_no_plugin(self):
        shutil.copy("/bin/true", self.dir / "odd.so")
        self.write(f'[plugins.odd]\npath = "odd.so"\n[[vms]]\nname = "a"\nlauncher = "odd"\nbase_image = "castra.toml"\n')
        self.refused("plugin", 8, mentions="odd.so")

    def test_a_plugin_that_others_may_write(self):
        copy = self.dir / "loose.so"
        shutil.copy(PLUGINS / "launcher-process.so", copy)
        copy.chmod(0o777)
        self.write(f'[plugins.loose]\npath = "loose.so"\n[[vms]]\nname = "a"\nlauncher = "loose"\n[vms.options]\ncommand = ["/bin/true"]\n')
        self.refused("plugin", 8, mentions="loose.so")

    def test_an_option_that_the_launcher_does_not_know(self):
        self.processes_toml(READY, extra="comand = 1\n")
        result = self.castra("up")
        self.assertIn(result.returncode, (3, 8))
        self.assertIn("comand", self.events(result, result.returncode)[0]["detail"])
        self.assertFalse(self.home.exists())


class Failures(Project):
    def test_a_machine_that_dies_while_it_boots_has_a_capsule(self):
        self.processes_toml(["/bin/sh", "-c", "echo out of luck >&2; exit 3"], extra=NOTIFY)
        events = self.events(self.castra("up"), 1)
        exited = next(event for event in events if event["type"] == "vm.exited")
        self.assertEqual((exited["exit_code"], exited["expected"], exited["severity"]), (3, False, "error"))
        self.assertIn("out of luck", exited["capsule"]["serial_tail"])
        self.assertEqual(self.states(), {"p-0": "absent"})

    def mixed(self):
        good = '[[vms]]\nname = "good"\nlauncher = "process"\n[vms.options]\ncommand = ["/bin/sleep", "1000"]\n'
        bad = ('[[vms]]\nname = "bad"\nlauncher = "process"\n[vms.options]\ncommand = ["/bin/false"]\nready = "notify"\n')
        self.write(good + bad)

    def test_one_failure_undoes_the_run(self):
        self.mixed()
        events = self.events(self.castra("up"), 1)
        self.assertEqual(events[-1]["outcome"], "failed")
        self.assertEqual(self.states(), {"good-0": "absent", "bad-0": "absent"})
        self.assertIsNone(self.supervisor())

    def test_undoing_a_run_leaves_what_ran_before_it(self):
        """A failed up, then a cancelled one."""
        self.mixed()
        self.events(self.castra("up", "good-0"))
        before = self.status()["vms"]
        good = next(vm for vm in before if vm["name"] == "good-0")

        def stands():
            now = next(vm for vm in self.status()["vms"] if vm["name"] == "good-0")
            self.assertEqual((now["state"], now["pid"], now["incarnation"]), ("ready", good["pid"], good["incarnation"]))
            self.assertEqual(self.states()["bad-0"], "absent")

        self.assertEqual(self.events(self.castra("up"), 1)[-1]["outcome"], "failed")
        stands()
        self.config.write_text(self.config.read_text().replace('["/bin/false"]', '["/bin/sleep", "1000"]'))  # says nothing
        child = self.start("up")
        lines = until(child, "vm.launch")
        child.send_signal(signal.SIGINT)
        self.judge(rest_of(child, lines), 130)
        stands()

    def test_keep_going_leaves_the_others(self):
        self.mixed()
        events = self.events(self.castra("up", "--keep-going"), 6)
        self.assertEqual(events[-1]["outcome"], "partial")
        self.assertEqual(self.states(), {"good-0": "ready", "bad-0": "absent"})

    def test_never_ready_is_a_timeout_that_says_so(self):
        self.write('[lifecycle]\nready_wait_secs = 1\n[[vms]]\nname = "p"\nlauncher = "process"\n[vms.options]\n'
                   'command = ["/bin/sleep", "1000"]\nready = "notify"\n')
        events = self.events(self.castra("up"), 1)
        error = next(event for event in events if event["severity"] == "error")
        self.assertEqual(error["code"], "timeout")
        self.assertIn("not ready within 1000 ms", error["message"])

    def test_a_stubborn_machine_is_killed_and_its_children_with_it(self):
        self.write('[lifecycle]\nsigterm_wait_secs = 0.3\n[[vms]]\nname = "p"\nlauncher = "process"\n[vms.options]\nready = "notify"\n'
                   'command = ["/bin/sh", "-c", "trap \'\' TERM; sleep 1000 & echo READY >&$CASTRA_NOTIFY_FD; while true; do sleep 1; done"]\n')
        self.events(self.castra("up"))
        events = self.events(self.castra("down"))
        signals = [event["signal"] for event in events if event["type"] == "vm.shutdown_escalated"]
        self.assertEqual(signals, ["SIGTERM", "SIGKILL"])
        self.assertEqual(self.processes(), {})

    def test_children_of_a_machine_end_with_it_also_when_its_supervisor_was_killed(self):
        self.write('[[vms]]\nname = "p"\nlauncher = "process"\n[vms.options]\nready = "notify"\n'
                   'command = ["/bin/sh", "-c", "sleep 1000 & echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000"]\n')
        self.events(self.castra("up"))
        self.assertEqual(len(self.processes()), 3, "with the supervisor")
        self.kill(self.supervisor())
        self.events(self.castra("down"))
        self.assertEqual(self.processes(), {})

    def test_an_unexpected_end_is_an_event_of_its_own_run(self):
        self.processes_toml(READY, count=2, extra=NOTIFY)
        events = self.events(self.castra("up"))
        pid = next(event["pid"] for event in events if event["type"] == "vm.launch" and event["vm"] == "p-0")
        self.kill(pid)
        deadline = time.monotonic() + 20
        while len(list(self.home.rglob("journal/*.ndjson"))) < 2 or not any(
                '"last":true' in path.read_text() for path in sorted(self.home.rglob("journal/*.ndjson"))[1:]):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        incident = self.journals()[-1]
        self.assertEqual(incident[0]["operation"], "supervise")
        exited = next(event for event in incident if event["type"] == "vm.exited")
        self.assertEqual((exited["vm"], exited["signal"], exited["expected"]), ("p-0", "SIGKILL", False))
        self.assertEqual(self.states(), {"p-0": "failed", "p-1": "ready"})
        self.events(self.castra("up"))
        self.assertEqual(self.states(), {"p-0": "ready", "p-1": "ready"})


class Recycled(Project):
    """The number of a VM's process now belongs to a process of another user."""

    @unittest.skipUnless(os.geteuid() == 0, "only root can start a process of somebody else")
    def test_another_users_process_is_never_signalled(self):
        self.processes_toml(["/bin/sleep", "1000"])
        self.events(self.castra("up"))
        other = subprocess.Popen(["setpriv", "--reuid", "65534", "--clear-groups", "sleep", "1000"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        self.kill(self.supervisor())
        record = next(self.home.rglob("record.json"))
        known = json.loads(record.read_text())
        self.kill(known["pid"])
        deadline = time.monotonic() + 20
        while not pathlib.Path(f"/proc/{other.pid}/cmdline").read_bytes().startswith(b"sleep"):  # else it is root's yet
            self.assertLess(time.monotonic(), deadline)
        ticks = int(pathlib.Path(f"/proc/{other.pid}/stat").read_text().rsplit(")", 1)[1].split()[19])
        record.write_text(json.dumps(dict(known, pid=other.pid, start_ticks=ticks)))  # its user alone tells them apart
        self.assertEqual(self.states(), {"p-0": "failed"})
        self.events(self.castra("down"))
        self.assertEqual(self.states(), {"p-0": "absent"})
        self.assertIsNone(other.poll())
        self.events(self.castra("up"))
        self.assertIsNone(other.poll())


class Interruptions(Project):
    def interrupt(self, number):
        self.processes_toml(["/bin/sleep", "1000"], count=3, extra=NOTIFY)
        child = self.start("up")
        lines = until(child, "vm.launch")
        child.send_signal(number)
        events = self.judge(rest_of(child, lines), 130)
        self.assertEqual(child.returncode, 130)
        self.assertEqual(events[-1]["outcome"], "cancelled")
        self.assertEqual(set(self.states().values()), {"absent"})
        self.assertEqual(self.processes(), {})

    def test_a_secret_of_the_file_reaches_no_output(self):
        canary = "canary-\"41\"-tweet"
        self.processes_toml(["/bin/sh", "-c", f"echo 'booting with {canary}'; exit 3"],
                            extra=NOTIFY + f"[vms.bootstrap.env]\nTOKEN = '{canary}'\n")
        result = self.castra("up")
        events = self.judge(result.stdout, 1)
        crashed = next(event for event in events if event["type"] == "vm.exited")
        self.assertIn("booting with ***", crashed["capsule"]["serial_tail"])
        self.assertIn("capsule", crashed["redacted"])
        self.castra("down")
        seen = {"stdout": result.stdout, "stderr": result.stderr}
        seen |= {str(path): path.read_text(errors="replace") for path in self.home.rglob("*")
                 if path.is_file() and path.name != "process.log"}  # that one is the VM's own raw output
        for name, text in seen.items():
            self.assertNotIn("canary", text, name)

    def test_sigint_takes_down_what_was_started(self):
        self.interrupt(signal.SIGINT)

    def test_sigterm_takes_down_what_was_started(self):
        self.interrupt(signal.SIGTERM)

    def test_the_supervisor_is_killed_while_vms_run(self):
        self.processes_toml(READY, count=2, extra=NOTIFY)
        self.events(self.castra("up"))
        self.kill(self.supervisor())
        status = self.status()
        self.assertFalse(status["supervised"])
        self.assertEqual(self.states(), {"p-0": "ready", "p-1": "ready"})
        events = self.events(self.castra("down"))
        self.assertEqual([vm["final_state"] for vm in events[-1]["vms"]], ["absent", "absent"])
        self.assertEqual(self.processes(), {})

    def test_the_supervisor_is_killed_while_a_vm_boots(self):
        self.processes_toml(["/bin/sleep", "1000"], extra=NOTIFY)
        child = self.start("up")
        lines = until(child, "vm.launch")
        self.kill(self.supervisor())
        events = self.judge(rest_of(child, lines), 9)
        self.assertEqual((events[-1]["outcome"], events[-1]["synthetic"]), ("aborted", True))
        self.assertEqual(self.states(), {"p-0": "running"})
        events = self.events(self.castra("up"))
        self.assertEqual([event["vm"] for event in events if event.get("code") == "readiness_unseen"], ["p-0"])
        self.assertIn("nobody saw", events[-1]["message"])
        self.castra("down")
        self.assertEqual(self.processes(), {})

    def test_up_after_the_supervisor_was_killed_adopts_what_lives(self):
        self.processes_toml(READY, count=2, extra=NOTIFY)
        before = {e["vm"]: e["pid"] for e in self.events(self.castra("up")) if e["type"] == "vm.launch"}
        self.kill(self.supervisor())
        self.kill(before["p-1"])
        events = self.events(self.castra("up"))
        self.assertEqual(types_of(events, "p-0"), [])
        self.assertIn("vm.ready", types_of(events, "p-1"))
        self.assertEqual({vm["name"]: vm["pid"] for vm in self.status()["vms"]}["p-0"], before["p-0"])

    def test_the_client_is_killed_and_the_work_goes_on(self):
        self.processes_toml(["/bin/sh", "-c", "sleep 0.5; echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000"], extra=NOTIFY)
        child = self.start("up")
        until(child, "vm.launch")
        child.kill()
        deadline = time.monotonic() + 20
        while self.states() != {"p-0": "ready"}:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def test_a_damaged_record_is_never_taken_for_a_dead_vm(self):
        self.processes_toml(READY, count=2, extra=NOTIFY)
        pid = next(e["pid"] for e in self.events(self.castra("up")) if e["type"] == "vm.launch" and e["vm"] == "p-0")
        record = next(self.home.rglob("p-0/record.json"))
        good = record.read_text()
        self.kill(self.supervisor())
        record.write_text(good[:100])
        self.assertEqual(self.states(), {"p-0": "unknown", "p-1": "ready"})
        events = self.events(self.castra("up", "--keep-going"), 6)
        self.assertEqual(types_of(events).count("vm.launch"), 0, "no second incarnation")
        self.assertIn("end that process", next(e for e in events if e["severity"] == "error")["remediation"])
        events = self.events(self.castra("down"), 1)
        self.assertIn("p-0", events[-1]["leftovers"][0])
        os.kill(pid, 0)
        record.write_text(good)

    def test_a_record_that_was_mended_is_read_again_by_the_same_supervisor(self):
        self.processes_toml(READY, count=2, extra=NOTIFY)
        self.events(self.castra("up"))
        record = next(self.home.rglob("p-0/record.json"))
        good = record.read_text()
        self.kill(self.supervisor())
        record.write_text(good[:100])
        self.events(self.castra("up", "--keep-going"), 6)
        supervisor = self.supervisor()
        record.write_text(good)
        self.assertEqual(types_of(self.events(self.castra("up"))).count("vm.launch"), 0)
        self.assertEqual(self.supervisor(), supervisor)
        self.assertEqual(self.states(), {"p-0": "ready", "p-1": "ready"})

    def test_sigterm_to_the_supervisor_takes_everything_down_in_order(self):
        self.processes_toml(READY, count=2, extra=NOTIFY)
        self.events(self.castra("up"))
        os.kill(self.supervisor(), signal.SIGTERM)
        deadline = time.monotonic() + 20
        while self.processes():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        self.assertEqual(types_of(self.journals()[-1]).count("vm.shutdown_complete"), 2)

    def test_two_ups_at_once_bring_one_fleet(self):
        self.processes_toml(READY, count=4, extra=NOTIFY)
        both = [self.start("up"), self.start("up")]
        outs = [child.communicate(timeout=60)[0] for child in both]
        codes = sorted(child.returncode for child in both)
        self.assertIn(codes, ([0, 0], [0, 5]))
        for out in outs:
            self.judge(out)
        launches = sum(types_of(journal).count("vm.launch") for journal in self.journals())
        self.assertEqual(launches, 4)

    def test_a_reader_that_goes_away_does_not_stop_the_run(self):
        self.processes_toml(READY, count=4, extra=NOTIFY)
        child = self.start("up")
        child.stdout.readline()
        child.stdout.close()
        self.assertEqual(child.wait(timeout=60), 0)
        self.assertEqual(set(self.states().values()), {"ready"})

    def test_foreground_takes_everything_down_on_sigint(self):
        self.processes_toml(READY, extra=NOTIFY)
        child = self.start("up", "--foreground")
        lines = until(child, "summary")
        self.assertEqual(self.states(), {"p-0": "ready"})
        child.send_signal(signal.SIGINT)
        out = rest_of(child, [])
        self.judge("".join(lines), 0)
        self.assertEqual(self.judge(out, 0)[0]["operation"], "down")
        self.assertEqual(self.processes(), {})


class OneStateDir(Project):
    """Two files whose state_dir is the same place: whoever came first has it."""

    def setUp(self):
        super().setUp()
        self.processes_toml(READY, extra=NOTIFY)
        shared = self.dir / "shared"
        text = self.config.read_text().replace('name = "t"\n', f'name = "t"\nstate_dir = "{shared}"\n', 1)
        self.assertIn(str(shared), text)
        self.config.write_text(text)
        self.other = self.dir / "other" / "castra.toml"
        self.other.parent.mkdir()
        self.other.write_text(text)
        self.events(self.castra("up"))

    def of_other(self, verb, code=0):
        result = subprocess.run([CASTRA, verb, "--config", str(self.other), "--events", "ndjson"], env=self.env,
                                capture_output=True, text=True, timeout=60)
        return self.judge(result.stdout, code)

    def refused_everywhere(self):
        first = self.of_other("up", 3)[0]
        self.assertEqual((first["type"], first["code"]), ("command.rejected", "config_invalid"))
        self.assertIn(str(self.config), first["message"])
        for verb in ("down", "clean"):  # what is the other's own goes: nothing
            events = self.of_other(verb)
            self.assertFalse([event for event in events if event.get("vm")], verb)
        self.assertEqual(self.states(), {"p-0": "ready"})

    def test_the_second_is_refused_and_touches_nothing(self):
        self.refused_everywhere()
        self.kill(self.supervisor())
        self.refused_everywhere()

    def test_a_file_that_was_moved_takes_its_state_along(self):
        self.kill(self.supervisor())
        self.config.unlink()
        self.of_other("down")
        self.assertEqual([one for one in self.processes().values() if "sleep" in one], [])
        for socket_of_the_killed in self.home.rglob("run/*/s"):  # the runtime directory goes by the file's path
            socket_of_the_killed.unlink()


class ThirdParties(Project):
    def test_a_reporter_named_by_path_is_told_everything(self):
        shutil.copy(PLUGINS / "reporter-ndjson.so", self.dir / "mine.so")
        self.processes_toml(READY, extra=NOTIFY + f'[plugins.mine]\npath = "mine.so"\n[[reporters]]\nplugin = "mine"\n'
                            f'config = {{ path = "{self.dir}/seen.ndjson" }}\n')
        out = self.castra("up").stdout
        self.assertEqual((self.dir / "seen.ndjson").read_text(), out, "the same bytes, from the first event on")
        self.judge(out, 0)

    def test_a_reporter_that_fails_costs_nothing_but_itself(self):
        self.processes_toml(READY, extra=NOTIFY + '[[reporters]]\nplugin = "ndjson"\nconfig = { path = "/dev/full" }\n')
        events = self.events(self.castra("up"))
        self.assertIn("vm.ready", types_of(events))

    def test_a_port_of_one_address_is_not_that_of_another(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        vm = ('[[vms]]\nname = "{0}"\nlauncher = "process"\nport_forwards = [{{ address = "{1}", host = {2}, guest = 80 }}]\n'
              '[vms.options]\nready = "notify"\ncommand = {3}\n')
        self.write("".join(vm.format(name, address, port, json.dumps(READY)) for name, address in
                           (("a", "127.0.0.1"), ("b", "127.0.0.2"))))
        self.events(self.castra("up"))
        self.assertEqual({vm["name"]: [(p["address"], p["host"]) for p in vm["ports"]] for vm in self.status()["vms"]},
                         {"a-0": [("127.0.0.1", port)], "b-0": [("127.0.0.2", port)]})

    def test_a_port_belongs_to_one_project(self):
        forward = "[[vms.port_forwards]]\nhost = {}\nguest = 80\n"
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        self.processes_toml(READY, extra=NOTIFY + forward.format(port))
        self.events(self.castra("up"))
        other = self.dir / "other"
        other.mkdir()
        (other / "castra.toml").write_text(self.config.read_text())
        result = subprocess.run([CASTRA, "up", "--config", str(other / "castra.toml"), "--events", "ndjson"], env=self.env,
                                capture_output=True, text=True, timeout=60)
        events = self.judge(result.stdout, 4)
        self.assertIn(str(port), events[0]["detail"])
        self.kill(self.supervisor())  # the lease is the machine's, not the supervisor's
        result = subprocess.run([CASTRA, "up", "--config", str(other / "castra.toml"), "--events", "ndjson"], env=self.env,
                                capture_output=True, text=True, timeout=60)
        self.judge(result.stdout, 4)


class SupervisorThatCannotStart(Project):
    """What it says is told as castra up --foreground would: code, text and cure."""

    def setUp(self):
        super().setUp()
        self.processes_toml(READY, extra=NOTIFY)
        self.events(self.castra("up"))
        self.events(self.castra("down"))
        self.state_dir = pathlib.Path(self.status()["state_dir"])

    def lock(self, name):
        lock = (self.state_dir / name).open("r+")
        self.addCleanup(lock.close)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return lock

    def test_a_runtime_directory_of_everybody(self):
        (self.home / "run").chmod(0o777)
        (rejected, *_) = self.events(self.castra("up"), 4)
        (self.home / "run").chmod(0o700)
        self.assertEqual(rejected["code"], "preflight")
        self.assertIn("XDG_RUNTIME_DIR", rejected["remediation"])
        self.assertIn("start the project's supervisor: ", rejected["message"])

    def test_a_lock_that_another_holds(self):
        with self.lock("supervisor.lock"):
            (rejected, *_) = self.events(self.castra("up"), 5)
        self.assertEqual(rejected["code"], "busy")

    def test_one_that_is_killed(self):
        with self.lock("start.lock") as lock:
            child = self.start("up")
            deadline = time.monotonic() + 20
            while not (supervisor := self.supervisor()) or not self.waits_for_the_lock(child.pid):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)
            self.kill(supervisor)
            fcntl.flock(lock, fcntl.LOCK_UN)
            (rejected, *_) = self.judge(rest_of(child, []), 1)
        self.assertIn("it ended with SIGKILL", rejected["message"])
        self.assertNotIn("15 s", rejected["message"])

    @staticmethod
    def waits_for_the_lock(pid):
        return any(" -> FLOCK " in line and f" {pid} " in line for line in pathlib.Path("/proc/locks").read_text().splitlines())


if __name__ == "__main__":
    unittest.main()
