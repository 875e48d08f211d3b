# SPDX-License-Identifier: Apache-2.0
"""castra up over a fleet that runs: nothing to do, something changed, something ends again and again."""
import fcntl
import json
import os
import pathlib
import signal
import time
import unittest

from support import Project, types_of

READY = ["/bin/sh", "-c", "echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000"]
NOTIFY = 'ready = "notify"\n'


class Changed(Project):
    def pids(self):
        return {vm["name"]: vm.get("pid") for vm in self.status()["vms"]}

    def test_a_change_is_shown_and_nothing_is_done_without_replace(self):
        self.processes_toml(READY, count=2, extra=NOTIFY + '[vms.options.env]\nTOKEN = "one"\n')
        self.events(self.castra("up"))
        before = self.pids()
        self.config.write_text(self.config.read_text().replace("sleep 1000", "sleep 2000").replace('"one"', '"two"')
                               .replace('count = 2', 'count = 3\nmemory = "1 GiB"'))
        result = self.castra("up")
        events = self.events(result, 3)
        self.assertNotIn('"two"', result.stdout, "values of the environment are nobody's business")
        shown = {event["vm"]: event["ext"]["changes"] for event in events if event.get("code") == "config_changed"}
        self.assertEqual(sorted(shown), ["p-0", "p-1"])
        self.assertIn({"field": "/memory_bytes", "from": 512 << 20, "to": 1 << 30}, shown["p-0"])
        self.assertIn("/options/command/2", [change["field"] for change in shown["p-0"]])
        self.assertIn({"field": "/options/env/TOKEN", "redacted": True}, shown["p-0"])
        self.assertEqual({vm["vm"]: vm["outcome"] for vm in events[-1]["vms"]},
                         {"p-0": "failed", "p-1": "failed", "p-2": "unchanged"})
        self.assertEqual(self.pids(), dict(before, **{"p-2": None}))
        plan = self.events(self.castra("plan"), 3)
        self.assertEqual({event["vm"]: event["ext"]["changes"] for event in plan if event.get("code") == "config_changed"}, shown)
        self.assertEqual(plan[-1]["vms"], [{**vm, "final_state": "ready" if vm["vm"] != "p-2" else "absent"} for vm in events[-1]["vms"]])
        plan = self.events(self.castra("plan", "--replace"))
        self.assertIn("3 of 3 VMs would be started", plan[-1]["message"])
        self.assertEqual(self.pids(), dict(before, **{"p-2": None}), "a plan does nothing")

        events = self.events(self.castra("up", "--replace", "p-0"))
        order = [t for t in types_of(events, "p-0") if t in ("message", "vm.exited", "vm.launch", "vm.ready")]
        self.assertEqual(order, ["message", "vm.exited", "vm.launch", "vm.ready"], "shown before it is done")
        after = self.pids()
        self.assertNotEqual(after["p-0"], before["p-0"])
        self.assertEqual((after["p-1"], after["p-2"]), (before["p-1"], None))
        events = self.events(self.castra("up", "p-0"))
        self.assertEqual(events[-1]["vms"], [{"vm": "p-0", "final_state": "ready", "outcome": "unchanged"}])

    def test_a_port_is_kept_over_a_replacement(self):
        self.processes_toml(READY, extra=NOTIFY + "[[vms.port_forwards]]\nhost = 28412\nguest = 80\n")
        self.events(self.castra("up"))
        self.config.write_text(self.config.read_text().replace("sleep 1000", "sleep 2000"))
        self.events(self.castra("up", "--replace"))
        self.assertEqual(self.status()["vms"][0]["ports"][0]["host"], 28412)

    def test_it_is_the_same_change_for_a_new_supervisor(self):
        self.processes_toml(READY, extra=NOTIFY + "[[vms.port_forwards]]\nhost = 0\nguest = 80\n")
        self.events(self.castra("up"))
        os.kill(self.supervisor(), signal.SIGKILL)
        self.assertEqual(self.events(self.castra("up"))[-1]["vms"][0]["outcome"], "unchanged")
        os.kill(self.supervisor(), signal.SIGKILL)
        self.config.write_text(self.config.read_text().replace("sleep 1000", "sleep 2000"))
        self.events(self.castra("up"), 3)
        self.events(self.castra("up", "--replace"))

    def test_a_vm_that_the_file_no_longer_has_is_named(self):
        self.processes_toml(READY, count=2, extra=NOTIFY)
        self.events(self.castra("up"))
        self.config.write_text(self.config.read_text().replace("count = 2", "count = 1"))
        events = self.events(self.castra("up"))
        forgotten = next(event for event in events if event.get("code") == "not_in_config")
        self.assertEqual((forgotten["vm"], forgotten["remediation"]), ("p-1", "castra down p-1"))
        self.events(self.castra("down", "p-1"))
        self.assertEqual(self.states(), {"p-0": "ready"})


class Restarted(Project):
    def wait_for(self, condition):
        deadline = time.monotonic() + 30
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def sealed(self, count):
        """The journals, once there are so many and each has its end."""
        def are_there():
            paths = sorted(self.home.rglob("journal/*.ndjson"))
            return len(paths) >= count and all('"last":true' in path.read_text() for path in paths)
        self.wait_for(are_there)
        return self.journals()

    def up(self, script, policy):
        self.write(f'[[vms]]\nname = "p"\nlauncher = "process"\n{policy}[vms.options]\nready = "notify"\n'
                   f'command = {json.dumps(["/bin/sh", "-c", script])}\n')
        events = self.events(self.castra("up"))
        return next(event["pid"] for event in events if event["type"] == "vm.launch")

    def test_on_failure_it_is_started_again_and_the_journal_tells_all_of_it(self):
        pid = self.up("echo last words >&2; echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000",
                      'restart = "on_failure"\nrestart_backoff_secs = 0.3\n')
        os.kill(pid, signal.SIGKILL)
        journals = self.sealed(3)
        incident, again = journals[1], journals[2]
        exited = next(event for event in incident if event["type"] == "vm.exited")
        self.assertEqual((exited["signal"], exited["capsule"]["phase"]), ("SIGKILL", "running"))
        self.assertIn("last words", exited["capsule"]["serial_tail"])
        self.assertIn("castra up p-0", exited["remediation"])
        self.assertIn("restart_scheduled", [event.get("code") for event in incident])
        self.assertEqual([again[0]["operation"], again[-1]["outcome"]], ["supervise", "succeeded"])
        self.assertEqual(types_of(again, "p-0")[-2:], ["vm.launch", "vm.ready"])
        self.assertEqual(self.states(), {"p-0": "ready"})

    def test_never_is_the_default_and_a_good_end_is_no_failure(self):
        for policy, script in (("", "echo READY >&$CASTRA_NOTIFY_FD; sleep 0.3; exit 3"),
                               ('restart = "on_failure"\nrestart_backoff_secs = 0\n',
                                "echo READY >&$CASTRA_NOTIFY_FD; sleep 0.3; exit 0")):
            with self.subTest(policy=policy):
                self.up(script, policy)
                self.wait_for(lambda: self.supervisor() is None)
                self.assertEqual(self.states(), {"p-0": "failed"})
                self.events(self.castra("down"))

    def test_a_vm_that_keeps_failing_stays_down_at_its_limit(self):
        self.up("echo READY >&$CASTRA_NOTIFY_FD; sleep 0.2; exit 3",
                'restart = "on_failure"\nrestart_backoff_secs = 0.1\nrestarts_max = 2\n')
        self.wait_for(lambda: self.supervisor() is None)
        journals = self.sealed(6)
        self.assertEqual(len(journals), 6, "up, and then an end and a start, twice, and a last end")
        codes = [event.get("code") for journal in journals for event in journal if event["type"] == "message"]
        self.assertEqual(codes.count("restart_scheduled"), 2)
        self.assertEqual(codes.count("restart_limit"), 1)
        self.assertIn("3", json.dumps(next(e for e in journals[-1] if e["type"] == "vm.exited")["exit_code"]))

    def test_a_start_that_fails_counts_too(self):
        flag = self.dir / "broken"
        self.up(f"test -e {flag} && exit 4; echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000",
                'restart = "on_failure"\nrestart_backoff_secs = 0.1\nrestarts_max = 3\n')
        flag.write_text("")
        os.kill(self.status()["vms"][0]["pid"], signal.SIGKILL)
        self.wait_for(lambda: self.supervisor() is None)
        codes = [event.get("code") for journal in self.sealed(5) for event in journal]
        self.assertEqual((codes.count("restart_scheduled"), codes.count("restart_limit")), (3, 1))

    def test_down_ends_the_wait(self):
        pid = self.up("echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000", 'restart = "on_failure"\nrestart_backoff_secs = 60\n')
        os.kill(pid, signal.SIGKILL)
        self.sealed(2)
        status = self.status()
        self.assertTrue(status["supervised"], "it waits")
        self.assertIn("restart 1 follows in", status["vms"][0]["why"])
        self.events(self.castra("down"))
        self.wait_for(lambda: self.supervisor() is None)
        self.assertEqual(self.processes(), {})

    def test_up_does_not_wait_for_the_restart(self):
        pid = self.up("echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000", 'restart = "on_failure"\nrestart_backoff_secs = 60\n')
        os.kill(pid, signal.SIGKILL)
        self.sealed(2)
        self.events(self.castra("up"))
        self.assertEqual(self.states(), {"p-0": "ready"})


class RestartThatHasToWait(Project):
    """Another process holds the project (castra clean, say) when a restart is due."""

    def test_it_is_told_when_the_project_is_free(self):
        self.processes_toml(["/bin/sh", "-c", "echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000"], extra='ready = "notify"\n')
        self.config.write_text(self.config.read_text().replace("[vms.options]",
                               'restart = "on_failure"\nrestart_backoff_secs = 0.1\n[vms.options]'))
        pid = next(event["pid"] for event in self.events(self.castra("up")) if event["type"] == "vm.launch")
        supervisor = self.supervisor()
        with open(next(self.home.rglob("operation.lock")), "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.kill(pid)
            time.sleep(2)  # the backoff is long over

            def switches():
                status = pathlib.Path(f"/proc/{supervisor}/status").read_text()
                return int(next(line for line in status.splitlines() if line.startswith("voluntary")).split()[1])
            before = switches()
            time.sleep(2)
            self.assertLessEqual(switches() - before, 2, "nobody looks again and again")
            self.assertEqual(self.states(), {"p-0": "failed"})
        deadline = time.monotonic() + 60
        while self.states() != {"p-0": "ready"}:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)


if __name__ == "__main__":
    unittest.main()
