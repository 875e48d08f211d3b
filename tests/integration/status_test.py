# SPDX-License-Identifier: Apache-2.0
"""castra status: why, of all projects, and for as long as somebody watches."""
import json
import os
import pathlib
import queue
import signal
import socket
import subprocess
import threading
import unittest

from journals import NOTIFY, READY
from support import CASTRA, Project, types_of


class Status(Project):
    def json_status(self, *arguments, env=None):
        result = subprocess.run([CASTRA, "status", "--config", str(self.config), "--json", *arguments], env=env or self.env,
                                capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def untouched(self):
        return sorted((str(path), path.stat().st_mtime_ns) for path in self.home.rglob("*"))

    def other(self, name):
        """A second project on this machine; returns how to run castra on it."""
        folder = self.dir / name
        folder.mkdir()
        (folder / "castra.toml").write_text(self.config.read_text().replace('name = "t"', f'name = "{name}"'))

        def castra(*arguments):
            return subprocess.run([CASTRA, *arguments, "--config", str(folder / "castra.toml")], env=self.env,
                                  capture_output=True, text=True, timeout=120)
        return folder, castra


class BrokenFile(Project):
    def test_what_goes_wrong_is_no_document(self):
        missing = subprocess.run([CASTRA, "status", "--json"], env=self.env, cwd=self.dir, capture_output=True, text=True, timeout=60)
        self.assertEqual((missing.returncode, missing.stdout), (3, ""))
        self.assertIn("castra init", missing.stderr)

    def test_what_is_up_is_told_and_taken_down_and_the_file_named(self):
        self.processes_toml(["/bin/sleep", "1000"])
        self.events(self.castra("up"))
        good = self.config.read_text()
        for there, verb in ((1, "status"), (1, "down"), (0, "status"), (0, "down")):
            self.config.write_text("nonsense = 1\n" + good)
            events = self.events(self.castra(verb))
            (told,) = [event for event in events if event.get("code") == "project_problem"]
            self.assertIn("nonsense", told["message"])
            self.assertEqual(told["severity"], "warn")
            self.assertEqual(len([event for event in events[-1]["vms"]]), there, verb)
        self.config.write_text(good)
        self.assertEqual(self.states(), {"p-0": "absent"})


class Why(Status):
    def evidence(self, vm="p-0", *arguments):
        found = next(one for one in self.json_status("--why", *arguments)["vms"] if one["name"] == vm)
        return found, {probe["probe"]: probe["answer"] for probe in found["evidence"]["probes"]}

    def test_a_ready_vm_is_backed_by_its_events_and_by_the_machine(self):
        self.processes_toml(READY, extra=NOTIFY)
        up = self.events(self.castra("up"))
        before = self.untouched()
        vm, probes = self.evidence()
        self.assertEqual(vm["state"], "ready")
        self.assertIn(f"process {vm['pid']} lives", probes["process"])
        self.assertIn("one answers", probes["supervisor"])
        self.assertIn("phase ready", probes["record"])
        self.assertIn("is the recorded one", probes["boot"])
        told = vm["evidence"]["events"]
        self.assertEqual([event["type"] for event in told], ["vm.launch", "vm.ready"])
        for event in told:
            original = up[event["seq"] - 1]
            self.assertEqual([event[key] for key in ("run_id", "time", "type", "message")],
                             [original[key] for key in ("run_id", "time", "type", "message")])
        self.assertEqual(before, self.untouched())

    def test_a_dead_one_tells_of_its_end(self):
        self.processes_toml(READY, count=2, extra=NOTIFY)
        pid = next(e["pid"] for e in self.events(self.castra("up")) if e["type"] == "vm.launch" and e["vm"] == "p-0")
        self.kill(pid)
        deadline = 200
        while deadline and not any('"supervise"' in path.read_text() and '"last":true' in path.read_text()
                                   for path in self.home.rglob("journal/*.ndjson")):
            threading.Event().wait(0.1)
            deadline -= 1
        vm, probes = self.evidence()
        self.assertEqual(vm["state"], "failed")
        self.assertIn("no live process", probes["process"])
        self.assertEqual([event["type"] for event in vm["evidence"]["events"]], ["vm.launch", "vm.ready", "vm.exited"])
        self.assertEqual(len({event["run_id"] for event in vm["evidence"]["events"]}), 2, "over two runs")

    def test_without_a_supervisor_and_after_down(self):
        self.processes_toml(READY, extra=NOTIFY)
        self.events(self.castra("up"))
        self.kill(self.supervisor())
        _, probes = self.evidence()
        self.assertIn("none answers", probes["supervisor"])
        self.events(self.castra("down"))
        vm, probes = self.evidence()
        self.assertEqual(vm["state"], "absent")
        self.assertIn("does not exist", probes["record"])
        self.assertEqual(vm["evidence"]["events"][-1]["type"], "cleanup.progress")

    def test_after_a_reboot(self):
        self.processes_toml(READY, extra=NOTIFY)
        self.events(self.castra("up"))
        record = next(self.home.rglob("record.json"))
        text = record.read_text()
        boot = json.loads(text)["boot_id"]
        record.write_text(text.replace(boot, "another-boot"))
        vm, probes = self.evidence()
        record.write_text(text)
        self.assertEqual((vm["state"], vm["why"]), ("failed", "this machine was rebooted since"))
        self.assertIn("another-boot", probes["boot"])

    def test_as_a_stream_it_is_messages(self):
        self.processes_toml(READY, extra=NOTIFY)
        self.events(self.castra("up"))
        events = self.events(self.castra("status", "--why"))
        codes = [event.get("code") for event in events if event["type"] == "message"]
        self.assertEqual(codes[0], "status")
        self.assertGreaterEqual(codes.count("status_why"), 6)

    def test_a_long_history_is_cut(self):
        self.processes_toml(READY, extra=NOTIFY)
        self.events(self.castra("up"))
        record = next(self.home.rglob("record.json"))
        run = next(self.home.rglob("journal/*.ndjson"))
        ready = [line for line in run.read_text().splitlines() if '"vm.ready"' in line][0]
        run.write_text(run.read_text() + (ready + "\n") * 100)
        vm, _ = self.evidence()
        self.assertEqual(len(vm["evidence"]["events"]), 40)
        self.assertTrue(vm["evidence"]["has_older_events"])
        self.assertTrue(record.exists())


class Starting(Project):
    def test_who_only_looks_does_not_end_a_supervisor_that_waits_for_its_first_command(self):
        self.processes_toml(["/bin/sleep", "1000"])
        state_dir = self.status()["state_dir"]
        ours, its = socket.socketpair()
        with ours, its:
            supervisor = subprocess.Popen([CASTRA, "supervise", "--config", str(self.config), "--state-dir", state_dir, "--notify-fd",
                                           str(its.fileno())], env=self.env, pass_fds=[its.fileno()])
            self.addCleanup(supervisor.wait)
            ours.sendall(b"GO\n")
            self.assertEqual(ours.recv(64), b"READY\n")
            for _ in range(3):
                self.assertTrue(self.status()["supervised"])
            self.events(self.castra("up"))
            self.assertEqual(self.supervisor(), supervisor.pid, "the one that was there has done it")
            self.events(self.castra("down"))


class All(Status):
    def test_every_project_and_one_broken_harms_no_other(self):
        self.processes_toml(READY, extra=NOTIFY)
        self.events(self.castra("up"))
        second, castra = self.other("second")
        broken, castra_broken = self.other("broken")
        castra("up", "--events", "none")
        castra_broken("up", "--events", "none")
        (broken / "castra.toml").write_text("this is [no toml")
        gone = self.home / "projects" / "gone-000000000000"
        gone.mkdir()
        (gone / "project.json").write_text("{")
        before = self.untouched()
        status = self.json_status("--all")
        found = {project["config_path"]: project for project in status["projects"]}
        self.assertEqual(before, self.untouched(), "nothing is written")
        for path in (self.config, second / "castra.toml"):
            project = found[str(path)]
            self.assertNotIn("problem", project)
            self.assertEqual([vm["state"] for vm in project["vms"]], ["ready"])
        self.assertIn("castra.toml:1", found[str(broken / "castra.toml")]["problem"])
        self.assertEqual([vm["state"] for vm in found[str(broken / "castra.toml")]["vms"]], ["ready"])
        self.assertIn("damaged", found[""]["problem"])
        events = self.events(self.castra("status", "--all"))
        texts = [event["message"] for event in events if event.get("code") == "status"]
        self.assertEqual(sum(" is ready" in text for text in texts), 3)
        self.assertIn("second: p-0 is ready", " ".join(texts))
        self.assertEqual([event["severity"] for event in events if event.get("code") == "project_problem"], ["warn", "warn"])
        (broken / "castra.toml").write_text(self.config.read_text())
        for run in (castra, castra_broken):
            self.assertEqual(run("down", "--events", "none").returncode, 0)
        status = self.json_status("--all")
        self.assertEqual(sum(vm["state"] == "ready" for project in status["projects"] for vm in project["vms"]), 1)

    def test_where_there_is_no_project_at_all(self):
        self.write("")
        self.assertEqual(self.json_status("--all"), {"projects": []})
        self.assertFalse(self.home.exists())


NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


@unittest.skipUnless(os.geteuid() == 0, "needs root, to become somebody else")
class Another(Status):
    def ask(self, *words):
        return subprocess.run([*NOBODY, CASTRA, *words], env=self.env, capture_output=True, text=True, timeout=60)

    def test_who_may_not_look_is_told_so(self):
        self.dir.chmod(0o755)
        self.processes_toml(READY, extra=NOTIFY)
        self.events(self.castra("up"))
        config = ["--config", str(self.config)]
        for words in (["status", *config, "--json"], ["logs", *config], ["ssh", *config, "p-0"], ["ports", *config],
                      ["exec", *config, "p-0", "--", "true"], ["events", *config], ["events", "runs", *config],
                      ["events", "runs", *config, "--json"], ["report", *config], ["clean", "--all"],
                      ["status", "--all", "--json"], ["status", "--all"]):
            with self.subTest(words):
                result = self.ask(*words)
                self.assertIn("ermission denied", result.stdout + result.stderr)
                self.assertEqual(result.returncode, 1)

    def test_who_may_look_into_the_project_and_not_into_its_logs(self):
        self.dir.chmod(0o755)
        self.processes_toml(READY, extra=NOTIFY)
        self.events(self.castra("up"))
        for path in self.home.rglob("*"):
            if path.is_dir():
                path.chmod(0o755)
        self.home.chmod(0o755)
        result = self.ask("logs", "--config", str(self.config))
        for path in [self.home, *self.home.rglob("*")]:
            if path.is_dir():
                path.chmod(0o700)
        self.assertIn("ermission denied", result.stderr)
        self.assertEqual(result.returncode, 1)

    def test_where_there_is_nothing_nothing_is_told(self):
        self.dir.chmod(0o755)
        self.processes_toml(READY, extra=NOTIFY)
        config = ["--config", str(self.config)]
        for words in (["logs", *config], ["events", "runs", *config], ["status", "--all", "--json"], ["clean", "--all"]):
            with self.subTest(words):
                result = self.ask(*words)
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


class Watch(Status):
    def watch(self, *arguments):
        child = subprocess.Popen([CASTRA, "status", "--config", str(self.config), "--watch", *arguments], env=self.env,
                                 stdout=subprocess.PIPE, text=True)
        self.children.append(child)
        lines = queue.Queue()

        def read():
            for line in child.stdout:
                lines.put(line)
            lines.put(None)
        threading.Thread(target=read, daemon=True).start()
        return child, lines

    def until(self, lines, condition):
        seen = []
        while True:
            line = lines.get(timeout=100)
            self.assertIsNotNone(line, seen)
            seen.append(json.loads(line))
            if condition(seen[-1]):
                return seen

    @staticmethod
    def states(document):
        return {vm["name"]: vm["state"] for vm in document["vms"]}

    def test_each_change_is_a_document(self):
        self.processes_toml(READY, count=2, extra=NOTIFY)
        child, lines = self.watch("--json")
        self.assertEqual(self.states(json.loads(lines.get(timeout=100))), {"p-0": "absent", "p-1": "absent"})
        up = self.events(self.castra("up"))
        self.until(lines, lambda seen: self.states(seen) == {"p-0": "ready", "p-1": "ready"} and seen["supervised"])
        pid = next(e["pid"] for e in up if e["type"] == "vm.launch" and e["vm"] == "p-0")
        self.kill(pid)
        self.until(lines, lambda seen: self.states(seen) == {"p-0": "failed", "p-1": "ready"})
        self.events(self.castra("down"))
        self.until(lines, lambda seen: self.states(seen) == {"p-0": "absent", "p-1": "absent"} and not seen["supervised"])
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(timeout=60), 130)

    def test_without_a_supervisor_the_processes_themselves_are_watched(self):
        self.processes_toml(READY, extra=NOTIFY)
        pid = next(e["pid"] for e in self.events(self.castra("up")) if e["type"] == "vm.launch")
        child, lines = self.watch("--json")
        self.assertTrue(json.loads(lines.get(timeout=100))["supervised"])
        self.kill(self.supervisor())
        self.until(lines, lambda seen: not seen["supervised"])
        self.kill(pid)  # nobody writes anything
        self.until(lines, lambda seen: self.states(seen) == {"p-0": "failed"})

    def test_as_a_stream_it_ends_in_a_summary(self):
        self.processes_toml(READY, extra=NOTIFY)
        child, lines = self.watch("--events", "ndjson")
        seen = self.until(lines, lambda event: event.get("code") == "status")
        self.events(self.castra("up"))
        seen += self.until(lines, lambda event: "is ready" in event["message"])
        child.send_signal(signal.SIGINT)
        child.wait(timeout=60)
        seen += self.until(lines, lambda event: event["type"] == "summary")
        self.judge("".join(json.dumps(event) + "\n" for event in seen), 130)
        self.assertEqual(seen[-1]["outcome"], "cancelled")

    def test_all_projects_and_new_ones(self):
        self.processes_toml(READY, extra=NOTIFY)
        self.events(self.castra("up"))
        child, lines = self.watch("--json", "--all")
        self.assertEqual(len(json.loads(lines.get(timeout=100))["projects"]), 1)
        _, castra = self.other("second")
        castra("up", "--events", "none")
        self.until(lines, lambda seen: [vm["state"] for project in seen["projects"] for vm in project["vms"]] == ["ready", "ready"])
        castra("down", "--events", "none")

    def test_it_rests_while_nothing_happens(self):
        self.processes_toml(READY, extra=NOTIFY)
        self.events(self.castra("up"))
        child, lines = self.watch("--json")
        lines.get(timeout=100)
        stat = pathlib.Path(f"/proc/{child.pid}/status")

        def switches():
            return int(next(line for line in stat.read_text().splitlines() if line.startswith("voluntary")).split()[1])
        threading.Event().wait(1)
        before = switches()
        threading.Event().wait(2)
        self.assertLessEqual(switches() - before, 2, "nobody polls")

    def test_a_reader_that_goes_away_ends_it(self):
        self.processes_toml(READY, extra=NOTIFY)
        child = subprocess.Popen([CASTRA, "status", "--config", str(self.config), "--watch", "--json"], env=self.env,
                                 stdout=subprocess.PIPE, text=True)
        self.children.append(child)
        child.stdout.readline()
        child.stdout.close()
        child.wait(timeout=60)

    def test_without_a_stdout_there_is_nothing_to_watch(self):
        self.processes_toml(READY)
        for more in ([], ["--json"]):
            words = [CASTRA, "status", "--config", str(self.config), "--watch", *more]
            closed = subprocess.run(["/bin/sh", "-c", 'exec "$@" >&-', "sh", *words], env=self.env, stderr=subprocess.PIPE, text=True, timeout=20)
            self.assertEqual(closed.returncode, 1)
            self.assertIn("stdout", closed.stderr)


if __name__ == "__main__":
    unittest.main()
