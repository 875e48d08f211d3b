# SPDX-License-Identifier: Apache-2.0
"""Bootstrap through the whole of castra, with an SSH server in the place of a guest."""
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import time
import unittest

from bootstrap_support import ALL, Bootstrap, DONE, NOOP, one, steps_of
from support import CASTRA, rest_of, types_of, until

NASTY = "it's $HOME `id` \"x\" \\ end\n\tsecond line äöü 漢字"


class Success(Bootstrap):
    def test_up_bootstraps_once_and_then_does_nothing(self):
        self.script('mkdir -p state && printf %s "$NASTY" >state/nasty && cat "$CASTRA_PAYLOAD_DIR/sub dir/it\'s" >state/copy\necho done\n')
        payload = self.scripts / "pay load"
        (payload / "sub dir").mkdir(parents=True)
        (payload / "sub dir" / "it's").write_text("content\n")
        os.symlink("sub dir/it's", payload / "link")
        self.project('payload = "bootstrap/pay load"\nverify_command = "grep -q content state/copy"\nverify_path = "state/nasty"\n',
                     env=f"NASTY = {json.dumps(NASTY, ensure_ascii=False)}\n")
        result = self.castra("up")
        events = self.events(result)
        self.assertEqual(steps_of(events), DONE)
        self.assertEqual((self.remote / "state/nasty").read_text(), NASTY)
        self.assertEqual((self.remote / "payload/link").read_text(), "content\n")
        self.assertEqual(one(events, "bootstrap.completed")["status"], "success")
        planned = one(events, "bootstrap.planned")
        self.assertEqual((planned["steps"], planned["env_keys"], planned["payload_bytes"]), (ALL, ["NASTY"], 8))
        self.assertEqual(planned["verify"], {"command": "grep -q content state/copy", "path": "state/nasty", "path_is_relative": True})
        self.assertIn("host key accepted on first use", next(e["detail"] for e in events if e.get("step") == "connect"))
        order = types_of(events, "g-0")
        self.assertLess(order.index("vm.ready"), order.index("bootstrap.planned"))
        self.assertIn("done", self.log_of(one(events, "bootstrap.completed")))

        events = self.events(self.castra("up"))
        self.assertEqual(steps_of(events), NOOP)
        self.assertEqual(one(events, "bootstrap.completed")["status"], "noop")
        events = self.events(self.castra("bootstrap"))
        self.assertEqual(steps_of(events), NOOP)
        self.assertEqual(events[-1]["vms"][0]["outcome"], "unchanged")

        (self.remote / ".castra/stamp").unlink()  # the guest is asked, not only our own record
        events = self.events(self.castra("bootstrap"))
        self.assertEqual(steps_of(events)[-1], ("verify", "success"))
        events = self.events(self.castra("bootstrap", "--bootstrap", "always"))
        self.assertEqual(steps_of(events), DONE)
        self.script("echo other\n")
        events = self.events(self.castra("bootstrap", "g-0"))  # what it must verify still stands from before
        self.assertEqual(one(events, "bootstrap.planned")["reason"].split(" since")[0], "the script changed")

    def test_no_value_of_the_environment_is_anywhere(self):
        self.script('echo "the token is $TOKEN"; echo "$TOKEN" >&2; ps ax >ps; exit 4\n')
        self.project(env='TOKEN = "hunter2-is-no-password"\n')
        result = self.castra("up")
        self.assertEqual(result.returncode, 1)
        self.assertNotIn("hunter2", result.stdout + result.stderr)
        self.assertIn("the token is ***", result.stdout)
        self.assertNotIn("hunter2", (self.remote / "ps").read_text())
        for path in self.home.rglob("*"):
            if path.is_file():
                self.assertNotIn(b"hunter2", path.read_bytes(), path)

    def test_the_script_says_that_nothing_was_to_be_done(self):
        self.script("echo Castra:noop\n")
        self.project()
        events = self.events(self.castra("up"))
        self.assertEqual(one(events, "bootstrap.completed")["status"], "noop")


class Plan(Bootstrap):
    def test_a_plan_touches_nothing_and_is_what_the_run_says(self):
        self.script("true\n")
        self.metadata('handshake_timeout_secs = 7\n[env]\nMORE = "of the file"', 'options = ["Compression=no"]')
        self.project(env='ONE = "value one"\n')
        planned = self.castra("up", "--plan")
        events = self.events(planned)
        self.assertFalse(self.home.exists(), list(self.home.rglob("*")) if self.home.exists() else "")
        self.assertFalse(self.remote.exists())
        plan = one(events, "bootstrap.planned")
        self.assertEqual((plan["action"], plan["trigger"], plan["mode"]), ("would_run", "auto", "auto"))
        self.assertEqual(plan["env_keys"], ["MORE", "ONE"])
        self.assertEqual(plan["metadata_path"], str(self.scripts / "bootstrap.toml"))
        self.assertEqual(plan["handshake_timeout_secs"], 7)
        self.assertEqual(plan["ssh"]["options"], ["Compression=no"])
        self.assertEqual(events[0]["operation"], "plan")
        told = [{key: value for key, value in event.items() if key not in ("run_id", "time", "elapsed_us", "duration_ms", "argv", "sinks")} for event in events]
        same = [{key: event[key] for key in kept if key in event} for event, kept in zip(self.events(self.castra("plan")), told)]
        self.assertEqual(same, told, "castra plan is castra up --plan")
        shown = subprocess.run([CASTRA, "plan", "--config", str(self.config)], env=self.env, capture_output=True, text=True).stdout
        self.assertIn(plan["message"], shown, "the console shows what is planned")
        run = one(self.events(self.castra("up")), "bootstrap.planned")
        same = ["mode", "action", "trigger", "steps", "script_path", "remote_dir", "env_keys", "artifact_hash", "metadata_path", "warnings"]
        self.assertEqual([plan.get(key) for key in same], [run.get(key) for key in same])
        self.judge_differences(planned.stdout)
        plan = one(self.events(self.castra("bootstrap", "--plan")), "bootstrap.planned")
        self.assertEqual(plan["action"], "would_skip")
        self.assertIn("unchanged since run", plan["reason"])

    def judge_differences(self, planned):
        """castra events diff-plan: of this run, of a plan that was another, of a file that is no plan."""
        saved = self.dir / "plan.ndjson"
        saved.write_text(planned)
        same = self.diff_plan("--plan", str(saved))
        self.assertEqual((same.returncode, same.stdout.endswith(": 1 VM, as planned\n")), (0, True), same)
        saved.write_text(planned.replace('"Compression=no"', '"Compression=yes"'))
        other = self.diff_plan("latest", "--plan", str(saved), "--json")
        self.assertEqual((other.returncode, [one["what"] for one in json.loads(other.stdout)["differences"]]), (1, ["ssh"]), other)
        for text in ("", "no stream\n"):
            saved.write_text(text)
            refused = self.diff_plan("--plan", str(saved))
            self.assertEqual((refused.returncode, "castra up --plan" in refused.stderr), (2, True), refused)

    def test_modes_of_the_command_line(self):
        self.script("true\n")
        self.project(count=2)
        events = self.events(self.castra("up", "--plan", "--bootstrap", "g-0=off,g-1=force"))
        self.assertEqual([one(events, "bootstrap.planned", f"g-{i}")["mode"] for i in (0, 1)], ["skip", "always"])
        self.assertIn("no VM", self.events(self.castra("up", "--bootstrap", "g-7=auto"), code=2)[0]["detail"])
        self.assertIn("is no mode", self.events(self.castra("up", "--bootstrap", "sometimes"), code=2)[0]["detail"])
        events = self.events(self.castra("up", "--bootstrap", "skip"))
        self.assertEqual(steps_of(events), [])
        events = self.events(self.castra("bootstrap", "--bootstrap", "g-1=skip"))
        self.assertEqual((steps_of(events, "g-0"), steps_of(events, "g-1")), (DONE, []))

    def test_what_is_missing_is_said_before_anything_is_touched(self):
        self.project()
        events = self.events(self.castra("up"), code=4)
        self.assertEqual(events[0]["type"], "command.rejected")
        self.assertIn("bootstrap/run.sh does not exist", events[0]["detail"])
        plan = one(self.events(self.castra("up", "--plan"), code=4), "bootstrap.planned")
        self.assertEqual((plan["action"], plan["severity"]), ("error", "error"))

    def test_mistakes_in_bootstrap_toml_are_config_errors(self):
        self.script("true\n")
        self.metadata("", 'options = ["StrictHostKeyChecking=no"]')
        self.project()
        events = self.events(self.castra("up"), code=3)
        self.assertIn("StrictHostKeyChecking=no", events[0]["detail"])


class Failure(Bootstrap):
    def test_a_script_that_fails_leaves_the_vm_and_goes_on_there(self):
        script = self.script("echo looking for it; echo not there >&2; exit 3\n")
        self.project()
        events = self.events(self.castra("up"), code=1)
        self.assertEqual(steps_of(events)[-1], ("apply", "failed"))
        failed = one(events, "bootstrap.failed")
        self.assertEqual((failed["error"]["code"], failed["step"]), ("script_failed", "apply"))
        self.assertIn("exit code 3", failed["error"]["title"])
        self.assertIn("not there", failed["error"]["detail"])
        self.assertTrue(failed["remediation"])
        self.assertEqual(self.states(), {"g-0": "ready"})
        self.assertEqual(self.status()["vms"][0]["bootstrap"], {"state": "failed", "step": "apply"})
        told = next(event for event in self.events(self.castra("status")) if event.get("code") == "status")
        self.assertIn("its bootstrap failed at apply", told["message"])
        self.assertIn("castra bootstrap g-0", told["remediation"])
        answer = self.diff_plan("--json")
        self.assertEqual(json.loads(answer.stdout)["differences"],
                         [{"vm": "g-0", "what": "result", "planned": "success", "actual": "failed at apply: script_failed"}])
        self.assertEqual(events[-1]["vms"], [{"vm": "g-0", "final_state": "ready", "outcome": "failed"}])
        events = self.events(self.castra("bootstrap"), code=1)
        self.assertIn("continues at step apply", one(events, "bootstrap.planned")["reason"])
        self.assertEqual(steps_of(events), [("wait-handshake", "skipped"), ("connect", "success"), ("transfer", "skipped"), ("apply", "failed")])
        script.write_text("#!/bin/sh\nexit 0\n")
        self.assertEqual(steps_of(self.events(self.castra("bootstrap"))), DONE)
        self.assertEqual(self.status()["vms"][0]["bootstrap"], {"state": "done"})

    def test_a_script_says_why_it_failed(self):
        self.script("echo 'Castra:error: the database has no password'\n")
        self.project()
        failed = one(self.events(self.castra("up"), code=1), "bootstrap.failed")
        self.assertEqual(failed["error"]["code"], "script_error")
        self.assertIn("the database has no password", failed["error"]["title"])

    def test_a_script_that_hangs_is_ended_in_the_guest(self):
        self.script("echo $$ >pid; echo waiting; sleep 1000\n")
        self.project("step_timeout_secs = 15\n")
        failed = one(self.events(self.castra("up"), code=1), "bootstrap.failed")
        self.assertEqual(failed["error"]["code"], "timeout")
        self.assertIn("waiting", failed["error"]["detail"])
        self.assert_gone(int((self.remote / "pid").read_text()))

    def test_verification_fails(self):
        self.script("true\n")
        self.project('verify_path = "state/missing"\n')
        failed = one(self.events(self.castra("up"), code=1), "bootstrap.failed")
        self.assertEqual((failed["step"], failed["error"]["code"]), ("verify", "verify_failed"))
        self.assertIn("state/missing", failed["error"]["title"])
        self.assertFalse((self.remote / ".castra/stamp").exists())

    def test_the_key_is_not_accepted(self):
        self.script("true\n")
        self.forget_key()
        self.project()
        failed = one(self.events(self.castra("up"), code=1), "bootstrap.failed")
        self.assertEqual((failed["step"], failed["error"]["code"]), ("connect", "auth"))

    def test_nobody_listens(self):
        self.script("true\n")
        self.project("connect_timeout_secs = 2\n", command=["/bin/sleep", "1000"])
        self.config.write_text(self.config.read_text().replace("connect_timeout_secs = 300\n", ""))
        failed = one(self.events(self.castra("up"), code=1), "bootstrap.failed")
        self.assertEqual((failed["step"], failed["error"]["code"]), ("connect", "unreachable"))
        self.assertIn("tries", failed["error"]["detail"])

    def test_another_host_key_than_before(self):
        self.script("true\n")
        self.project()
        self.events(self.castra("up"))
        hosts = next(self.home.rglob("known_hosts"))
        place = hosts.read_text().split()[0]
        hosts.write_text(f"{place} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0wS2Vd0jJk8pGrTz0lW6p4R8V6H4m3aHkq9nY6XH5b\n")
        failed = one(self.events(self.castra("bootstrap"), code=1), "bootstrap.failed")
        self.assertEqual(failed["error"]["code"], "host_key")

    def test_one_of_many_fails(self):
        self.script('[ "$CASTRA_VM" != g-3 ] || exit 1\n')
        self.project(count=8)
        self.config.write_text(self.config.read_text().replace(str(self.remote), str(self.remote) + "/x")
                               + "".join(f'[[vms.instances]]\nid = {i}\nbootstrap.remote_dir = "{self.remote}/{i}"\n' for i in range(8)))
        events = self.events(self.castra("up"), code=1)
        ends = {vm["vm"]: vm["outcome"] for vm in events[-1]["vms"]}
        self.assertEqual(ends, {f"g-{i}": "failed" if i == 3 else "succeeded" for i in range(8)},
                         [event for event in events if event["type"] == "bootstrap.failed"])
        self.assertEqual(set(self.states().values()), {"ready"})
        events = self.events(self.castra("bootstrap"), code=6)
        self.assertEqual(events[-1]["outcome"], "partial")
        self.assertEqual({vm["vm"]: vm["outcome"] for vm in events[-1]["vms"]},
                         {f"g-{i}": "failed" if i == 3 else "unchanged" for i in range(8)})


class Interrupted(Bootstrap):
    def test_cancelled_in_the_middle(self):
        self.script("echo $$ >pid; exec sleep 1000\n")
        self.project()
        child = self.start("up")
        lines = until(child, "bootstrap.started")
        while not (self.remote / "pid").exists() or not (self.remote / "pid").read_text().strip():
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        events = self.judge(rest_of(child, lines), 130)
        self.assertEqual(one(events, "bootstrap.failed")["error"]["code"], "cancelled")
        self.assertEqual(events[-1]["outcome"], "cancelled")
        self.assert_gone(int((self.remote / "pid").read_text()))

    def test_a_connection_removes_its_own_control_socket_only(self):
        """ssh removes the path that it was given when it ends; one that was killed may end while the next one works."""
        self.script("touch here; while [ ! -e go ]; do sleep 0.05; done\n")
        self.project()
        child = self.start("up")
        lines = until(child, "bootstrap.started")
        while not (self.remote / "here").exists():
            time.sleep(0.05)
        sockets = [str(path) for path in self.home.rglob("run/*/*/*") if path.is_socket() and path.name == "ssh"]
        self.assertEqual(len(sockets), 1, "where the other steps find it")
        own = [words[words.index("-S") + 1] for words in self.command_lines() if "ControlMaster=yes" in words]
        self.assertEqual(len(own), 1)
        self.assertNotEqual(own, sockets)
        self.assertFalse(pathlib.Path(own[0]).exists(), "whoever removes it now takes it from nobody")
        (self.remote / "go").touch()
        self.judge(rest_of(child, lines), 0)

    def test_the_guest_dies_in_the_middle(self):
        self.script("echo $$ >pid; exec sleep 1000\n")
        self.project()
        child = self.start("up", "--keep-going")
        lines = until(child, "bootstrap.started")
        while not (self.remote / "pid").exists():
            time.sleep(0.05)
        self.kill(next(vm["pid"] for vm in self.status()["vms"]))
        events = self.judge(rest_of(child, lines), 1)
        self.assertEqual(one(events, "bootstrap.failed")["error"]["code"], "guest_gone")
        with contextlib.suppress(ProcessLookupError):  # the "guest" was only a process; what ran in it may see its end
            os.kill(int((self.remote / "pid").read_text()), signal.SIGKILL)

    def test_the_supervisor_is_killed_in_the_middle(self):
        self.script("echo $$ >pid; exec sleep 1000\n")
        self.project()
        child = self.start("up")
        until(child, "bootstrap.started")
        while not (self.remote / "pid").exists() or not (self.remote / "pid").read_text().strip():
            time.sleep(0.05)
        pid = int((self.remote / "pid").read_text())
        self.kill(self.supervisor())
        child.stdout.read()
        child.wait()
        self.assert_gone(pid)
        self.script("true\n")
        self.assertEqual(steps_of(self.events(self.castra("bootstrap"))), DONE)


class Steps(Bootstrap):
    def test_the_list_is_the_files(self):
        self.script("true\n")
        self.project('[[vms.bootstrap.steps]]\nname = "connect"\n[[vms.bootstrap.steps]]\nname = "files"\nplugin = "step-transfer"\n'
                     "config = { progress_bytes = 65536 }\n[[vms.bootstrap.steps]]\nname = \"apply\"\ntimeout_secs = 50\n")
        big = self.scripts / "big"
        big.mkdir()
        (big / "random").write_bytes(os.urandom(3 << 20))
        self.config.write_text(self.config.read_text().replace('script =', 'payload = "bootstrap/big"\nscript ='))
        events = self.events(self.castra("up"))
        self.assertEqual(steps_of(events), [("connect", "success"), ("files", "success"), ("apply", "success")])
        progress = [event["progress"] for event in events if event["severity"] == "progress" and "progress" in event]
        self.assertGreater(len(progress), 3)
        self.assertEqual({one["total"] for one in progress}, {3 << 20})
        self.assertEqual((self.remote / "payload/random").read_bytes(), (big / "random").read_bytes())

    def test_a_step_of_somebody_else_in_a_process_of_its_own(self):
        plugin = pathlib.Path(os.environ["CASTRA_TEST_PLUGINS"]) / "good-all.so"
        self.script("true\n")
        self.project('[[vms.bootstrap.steps]]\nname = "license"\nplugin = "good-all"\n', command=["/bin/sleep", "1000"])
        self.config.write_text(self.config.read_text() + f'[plugins.good-all]\npath = "{plugin}"\nisolation = "process"\n')
        events = self.events(self.castra("up"))
        self.assertEqual(steps_of(events), [("license", "success")])
        self.assertIn(("x.good-all.half", "plugin:good-all", "g-0"), [(e["type"], e["source"], e.get("vm")) for e in events])
        events = self.events(self.castra("bootstrap"))
        self.assertEqual((steps_of(events), one(events, "bootstrap.completed")["status"]), ([("license", "skipped")], "noop"))

    def test_a_step_whose_plugin_is_not_there(self):
        self.script("true\n")
        self.project('[[vms.bootstrap.steps]]\nname = "aply"\n')
        events = self.events(self.castra("up"), code=10)
        self.assertIn("step-aply", events[0]["detail"])


if __name__ == "__main__":
    unittest.main()
