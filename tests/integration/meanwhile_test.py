# SPDX-License-Identifier: Apache-2.0
"""What happens beside a command: a VM ends, the supervisor is silent or is told to end, a client sleeps, a file goes."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import time
import unittest

from journals import NOTIFY, READY
from support import Project, rest_of, types_of, until

WITH_A_CHILD = ["/bin/sh", "-c", "sleep 1000 & echo READY >&$CASTRA_NOTIFY_FD; wait"]
STUBBORN = ["/bin/sh", "-c", "trap '' TERM; echo READY >&$CASTRA_NOTIFY_FD; while :; do sleep 1; done"]
RESTART = 'restart = "on_failure"\nrestart_backoff_secs = {}\n'


def vm(name, command=READY, extra=""):
    return (f'[[vms]]\nname = "{name}"\nlauncher = "process"\n{extra}[vms.options]\n{NOTIFY}'
            f"command = {json.dumps(command)}\n")


def forward(port):
    return f"port_forwards = [{{ host = {port}, guest = 80 }}]\n"


class Meanwhile(Project):
    def up(self, text, *names):
        self.write(text)
        return {event["vm"]: event["pid"] for event in self.events(self.castra("up", *names)) if event["type"] == "vm.launch"}

    def on_go(self):
        """A VM that is ready when go() says so."""
        os.mkfifo(self.dir / "go")
        return ["/bin/sh", "-c", f"read x <{self.dir}/go; {READY[2]}"]

    def go(self):
        (self.dir / "go").write_text("go\n")

    def wait_for(self, condition, secs=20):
        deadline = time.monotonic() + secs
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def free_port(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            return server.getsockname()[1]

    def seen(self, vm):
        return next(seen for seen in self.status()["vms"] if seen["name"] == vm)

    def told_anywhere(self, code):
        return [event for path in self.home.rglob("journal/*.ndjson") for event in map(json.loads, path.read_text().splitlines())
                if event.get("code") == code]


class AVmEnds(Meanwhile):
    def up_in_which_p_ends(self, code, *options):
        """p-0, which has a restart, gets ready and ends while q-0 boots. The events of that up."""
        self.write(vm("p", extra=RESTART.format(0.3)) + vm("q", self.on_go()))
        child = self.start("up", *options)
        lines = until(child, "vm.ready")
        self.kill(next(event["pid"] for event in map(json.loads, lines) if event["type"] == "vm.launch" and event["vm"] == "p-0"))
        lines += until(child, "vm.exited")
        self.go()
        events = self.judge(rest_of(child, lines), child.wait())
        self.assertEqual(child.returncode, code)
        return events

    def test_one_that_ran_before_an_up_fails_it_and_what_it_began_is_undone(self):
        pids = self.up(vm("p") + vm("q", self.on_go()), "p-0")
        child = self.start("up")
        lines = until(child, "vm.launch")
        self.kill(pids["p-0"])
        lines += until(child, "vm.exited")
        self.go()
        events = self.judge(rest_of(child, lines), child.wait())
        self.assertEqual(child.returncode, 1)
        self.assertEqual(events[-1]["message"], "failed: VM p-0, which ran before, ended meanwhile")
        self.assertEqual(self.states()["q-0"], "absent")

    def test_one_that_was_not_asked_for_is_named(self):
        pids = self.up("[lifecycle]\nsigterm_wait_secs = 1\n" + vm("p", STUBBORN) + vm("q"))
        child = self.start("down", "p-0")
        lines = until(child, "vm.shutdown_escalated")
        self.kill(pids["q-0"])
        events = self.judge(rest_of(child, lines), child.wait())
        self.assertEqual((child.returncode, events[-1]["message"]), (1, "1 VM down; q-0 ended unexpectedly meanwhile"))
        self.assertEqual(self.states(), {"p-0": "absent", "q-0": "failed"})

    def test_one_that_ends_during_an_up_that_keeps_going_is_started_again_as_it_says(self):
        events = self.up_in_which_p_ends(6, "--keep-going")
        self.assertEqual([event["vm"] for event in events if event.get("code") == "restart_scheduled"], ["p-0"])
        self.wait_for(lambda: self.states() == {"p-0": "ready", "q-0": "ready"})

    def test_one_that_ends_during_an_up_that_is_undone_is_promised_nothing(self):
        events = self.up_in_which_p_ends(1)
        self.assertNotIn("restart_scheduled", [event.get("code") for event in events])
        self.wait_for(lambda: not self.processes())

    def test_what_one_leaves_that_ended_when_nobody_watched_goes(self):
        """Its child holds its port."""
        pids = self.up(vm("p", WITH_A_CHILD, forward(self.free_port())))
        self.kill(self.supervisor())
        self.kill(pids["p-0"])
        self.assertEqual(len(self.processes()), 1)
        self.events(self.castra("up"))
        self.assertEqual(self.states(), {"p-0": "ready"})
        self.events(self.castra("down"))
        self.assertEqual(self.processes(), {})

    @staticmethod
    def session_of(pid):
        """Of a living one."""
        with contextlib.suppress(OSError):
            state, *rest = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            return None if state in "ZX" else int(rest[2])

    def test_nobody_goes_who_is_in_that_session_without_its_mark(self):
        """As one that got the number: the session is called after it, and castra did not start it."""
        pids = self.up(vm("p", ["/bin/sh", "-c", "env -i sleep 1000 & " + READY[2]]))
        self.kill(self.supervisor())
        self.kill(pids["p-0"])
        self.events(self.castra("down"))
        found = [path.name for path in pathlib.Path("/proc").glob("[0-9]*") if self.session_of(path.name) == pids["p-0"]]
        self.assertEqual(len(found), 1, "the stranger")
        self.kill(int(found[0]))


class ARestart(Meanwhile):
    def test_one_that_is_refused_counts_and_is_tried_again(self):
        port = self.free_port()
        pids = self.up(vm("p", extra=RESTART.format(0.3) + "restarts_max = 9\n" + forward(port)) + vm("q"))
        self.kill(pids["p-0"])
        with socket.create_server(("127.0.0.1", port)):
            self.wait_for(lambda: len(self.told_anywhere("restart_scheduled")) >= 2)
            self.assertIn("follows in", self.seen("p-0")["why"])
        self.wait_for(lambda: self.states()["p-0"] == "ready")

    def test_one_that_is_refused_too_often_is_given_up_and_nothing_is_promised(self):
        port = self.free_port()
        pids = self.up(vm("p", extra=RESTART.format(0.1) + "restarts_max = 2\n" + forward(port)) + vm("q"))
        self.kill(pids["p-0"])
        with socket.create_server(("127.0.0.1", port)):
            self.wait_for(lambda: self.told_anywhere("restart_limit"))
            self.assertNotIn("follows", self.seen("p-0")["why"])
        self.assertEqual(len(self.told_anywhere("restart_scheduled")), 2)

    def test_none_is_promised_where_castra_toml_is_broken_when_it_is_due(self):
        pids = self.up(vm("p", extra=RESTART.format(2)) + vm("q"))
        self.kill(pids["p-0"])
        self.wait_for(lambda: "follows" in self.seen("p-0")["why"])
        text = self.config.read_text()
        self.config.write_text("broken")
        self.wait_for(lambda: self.told_anywhere("restart_given_up"))
        self.config.write_text(text)
        self.assertNotIn("follows", self.seen("p-0")["why"])

    def test_none_is_promised_by_another_supervisor(self):
        pids = self.up(vm("p", extra=RESTART.format(60)) + vm("q"), "p-0")
        self.kill(pids["p-0"])
        self.wait_for(lambda: "follows" in self.seen("p-0")["why"])
        self.kill(self.supervisor())
        self.events(self.castra("up", "q-0"))
        self.assertNotIn("follows", self.seen("p-0")["why"])


class TheSupervisorIsToldToEnd(Meanwhile):
    """docs/LIFECYCLE.md: SIGTERM and SIGINT take the project down in order."""

    def test_during_an_up(self):
        self.write(vm("p") + vm("q", self.on_go()))
        child = self.start("up")
        lines = until(child, "vm.ready")
        os.kill(self.supervisor(), signal.SIGTERM)
        events = self.judge(rest_of(child, lines), child.wait())
        self.assertEqual((child.returncode, events[-1]["outcome"]), (130, "cancelled"))
        self.wait_for(lambda: not self.processes())

    def test_during_a_down_of_some(self):
        self.up("[lifecycle]\nsigterm_wait_secs = 0.5\n" + vm("p", STUBBORN) + vm("q"))
        child = self.start("down", "p-0")
        lines = until(child, "vm.shutdown_escalated")
        os.kill(self.supervisor(), signal.SIGTERM)
        self.judge(rest_of(child, lines), child.wait())
        self.assertEqual(child.returncode, 0)
        self.wait_for(lambda: not self.processes())


class TheSupervisorIsSilent(Meanwhile):
    def test_a_down_can_be_interrupted_and_is_done_when_it_wakes_up(self):
        self.up(vm("p"))
        supervisor = self.supervisor()
        os.kill(supervisor, signal.SIGSTOP)
        try:
            child = self.start("down")
            self.wait_for(lambda: any(f"castra down --config {self.config}" in command for command in self.processes().values()))
            time.sleep(0.3)  # until it has asked; before that it would start none, and end in the same way
            child.send_signal(signal.SIGINT)
            events = self.judge(child.communicate(timeout=20)[0], 130)
            self.assertIn(f"process {supervisor}", events[0]["detail"])
            self.assertIn("kill -9", events[0]["remediation"])
        finally:
            os.kill(supervisor, signal.SIGCONT)
        self.wait_for(lambda: not self.processes())

    def test_one_that_answers_after_the_interrupt_is_heard_to_its_end(self):
        self.up(vm("p"))
        supervisor = self.supervisor()
        os.kill(supervisor, signal.SIGSTOP)
        child = self.start("down")
        time.sleep(0.3)  # as above
        child.send_signal(signal.SIGINT)
        os.kill(supervisor, signal.SIGCONT)
        events = self.judge(child.communicate(timeout=20)[0], 0)
        self.assertEqual((child.returncode, events[-1]["message"]), (0, "1 VM down"))

    def test_a_down_with_a_limit_gives_up(self):
        self.up(vm("p"))
        supervisor = self.supervisor()
        os.kill(supervisor, signal.SIGSTOP)
        try:
            result = self.castra("down", "--timeout", "0.1")
            self.assertIn(f"process {supervisor}", self.judge(result.stdout, 1)[0]["detail"])
        finally:
            self.kill(supervisor)
        self.events(self.castra("down"))


class TheClientSleeps(Meanwhile):
    def test_it_is_told_the_rest_out_of_the_journal(self):
        """It has read so little that the supervisor does not wait for it any longer."""
        self.up(vm("p", extra="count = 60\n"))
        child = self.start("down")
        first = child.stdout.readline()
        child.send_signal(signal.SIGSTOP)
        self.wait_for(lambda: " supervise " not in "".join(self.processes().values()), 60)
        child.send_signal(signal.SIGCONT)
        events = self.judge(rest_of(child, [first]), 0)
        self.assertEqual((child.wait(), len([kind for kind in types_of(events) if kind == "vm.exited"])), (0, 60))


class Names(Meanwhile):
    def test_one_named_twice_goes_down_once(self):
        self.up(vm("p"))
        events = self.events(self.castra("down", "p-0", "p-0"))
        self.assertEqual(types_of(events).count("vm.shutdown_requested"), 1)

    def test_a_ready_vm_that_is_given_no_time_is_not_called_unready(self):
        self.up(vm("p"))
        events = self.events(self.castra("down", "--timeout", "0"))
        self.assertNotIn("not ready", " ".join(event["message"] for event in events))

    def test_a_down_touches_no_other_project(self):
        pids = self.up(vm("p"))
        other = self.dir / "other"
        other.mkdir()
        (other / "castra.toml").write_text(self.config.read_text())
        ours, self.config = self.config, other / "castra.toml"
        self.events(self.castra("up"))
        self.events(self.castra("down"))
        self.config = ours
        self.assertEqual((self.seen("p-0")["state"], self.seen("p-0")["pid"]), ("ready", pids["p-0"]))


if __name__ == "__main__":
    unittest.main()
