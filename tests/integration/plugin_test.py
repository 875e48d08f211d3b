# SPDX-License-Identifier: Apache-2.0
"""Plugins that nobody here wrote, in real runs: refused, isolated, broken in every way that we could think of."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

from support import CASTRA, PLUGINS, Project, types_of

CORPUS = pathlib.Path(os.environ["CASTRA_TEST_PLUGINS"])


class AbiRefusals(Project):
    """A plugin of another ABI or contract: refused by its manifest, before anything exists and before it runs."""

    def refused(self, plugin, *mentions):
        mark = self.dir / "mark"
        shutil.copy(CORPUS / f"{plugin}.so", self.dir / "odd.so")
        (self.dir / "odd.so").chmod(0o644)
        self.write('[plugins.odd]\npath = "odd.so"\n[[vms]]\nname = "a"\nlauncher = "odd"\nbase_image = "castra.toml"\n')
        result = self.castra("up", env=dict(self.env, CASTRA_TEST_MARK=str(mark)))
        events = self.events(result, 8)
        self.assertEqual(types_of(events), ["command.rejected", "summary"])
        self.assertEqual(events[0]["code"], "plugin")
        for words in (str(self.dir / "odd.so"), *mentions):
            self.assertIn(words, events[0]["detail"])
        self.assertTrue(events[0].get("remediation"), "a cure")
        self.assertFalse(self.home.exists(), "nothing is created")
        self.assertEqual(self.processes(), {})
        self.assertFalse(mark.exists(), "its constructor ran")

    def test_another_major_names_both_numbers(self):
        self.refused("bad-manifest-major", "is built for plugin ABI major 99", "this castra speaks major 1")

    def test_a_newer_minor_names_both_numbers(self):
        self.refused("bad-manifest-minor", "needs plugin ABI 1.7 or later", "this castra speaks 1.0")

    def test_a_newer_contract(self):
        self.refused("bad-contract-new", "needs event contract 1.9 or later")

    def test_an_older_contract(self):
        self.refused("bad-contract-old", "knows event contracts up to major 0")

    def test_an_unknown_revision_of_a_kind(self):
        self.refused("bad-unknown-kind", "provides castra.reporter/2, which this castra does not know")

    def test_code_of_another_major_than_its_manifest(self):
        shutil.copy(CORPUS / "bad-major.so", self.dir / "odd.so")
        (self.dir / "odd.so").chmod(0o644)
        self.write('[plugins.odd]\npath = "odd.so"\n[[vms]]\nname = "a"\nlauncher = "odd"\nbase_image = "castra.toml"\n')
        events = self.events(self.castra("up"), 8)
        self.assertIn("is built for plugin ABI major 99, this castra speaks major 1", events[0]["detail"])
        self.assertFalse(self.home.exists())


MACHINE = '[[vms]]\nname = "p"\nlauncher = "process"\n[vms.options]\ncommand = ["/bin/true"]\n'
READY = ["/bin/sh", "-c", "echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000"]


class Isolated(Project):
    """Nobody's plugin, which works until its config names a slot and what shall happen there."""

    def place(self):
        shutil.copy(CORPUS / "bad-behaviour.so", self.dir / "odd.so")
        (self.dir / "odd.so").chmod(0o644)

    def plugin(self, what, isolation=""):
        return (f'[plugins.odd]\npath = "odd.so"\nconfig = {{ greeting = "{what}" }}\n' +
                (f'isolation = "{isolation}"\n' if isolation else ""))

    def hosts(self):
        return [pid for pid, command in self.processes().items() if "castra-plugin-host" in command]

    def gone(self, what):
        deadline = time.monotonic() + 20
        while what():
            self.assertLess(time.monotonic(), deadline, what())
            time.sleep(0.02)

    def quarantine(self):
        return [json.loads(path.read_text()) for path in sorted(self.home.glob("plugins/quarantine/*.json"))]


class IsolatedReporters(Isolated):
    """Whatever a reporter does to its process: the run goes on, its stream is valid, the reporter is let go."""

    def survives(self, *whats):
        for what in whats:
            with self.subTest(what=what):
                shutil.rmtree(self.home, ignore_errors=True)
                self.place()
                self.processes_toml(READY, extra='ready = "notify"\n' + self.plugin(f"events:{what}") +
                                    '[[reporters]]\nplugin = "odd"\n')
                events = self.events(self.castra("up"))
                self.assertEqual(types_of(events, "p-0"), ["vm.launch", "vm.ready"])
                self.gone(self.hosts)
                self.gone(lambda: not self.quarantine())
                (entry,) = self.quarantine()
                self.assertEqual(entry["plugin"], "bad-behaviour")
                down = self.events(self.castra("down"))
                warned = [event for event in down if event.get("code") == "reporter_failed"]
                self.assertEqual(len(warned), 1)
                self.assertIn("quarantine: it " + entry["reason"], warned[0]["message"])

    def test_it_crashes_or_ends_itself(self):
        self.survives("crash", "abort", "exit", "fork-and-exit")

    def test_it_hangs(self):
        self.survives("hang", "steal-signals-and-hang")

    def test_it_breaks_the_protocol(self):
        self.survives("garbage", "flood", "gib-frame", "close")

    def test_it_forks_and_leaks_its_descriptor(self):
        self.place()
        self.processes_toml(READY, extra='ready = "notify"\n' + self.plugin("events:fork") + '[[reporters]]\nplugin = "odd"\n')
        self.events(self.castra("up"))
        self.gone(self.hosts)  # what it forked looks like it, and is gone too
        self.assertEqual(self.quarantine(), [])
        down = self.events(self.castra("down"))
        self.assertNotIn("plugin_fault", [event.get("code") for event in down])
        self.gone(self.processes)  # a supervisor that is about to end takes another down, and starts the reporter for that

    def test_a_reply_of_one_gibibyte(self):
        self.place()
        self.processes_toml(READY, extra='ready = "notify"\n' + self.plugin("events:gib-reply") + '[[reporters]]\nplugin = "odd"\n')
        self.events(self.castra("up"))
        self.assertEqual(self.quarantine(), [], "it was refused, and did no harm")

    def test_the_fault_is_an_event(self):
        self.place()
        slow = ["/bin/sh", "-c", "sleep 2; echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000"]
        self.processes_toml(slow, extra='ready = "notify"\n' + self.plugin("events:crash") + '[[reporters]]\nplugin = "odd"\n')
        events = self.events(self.castra("up"))
        (fault,) = [event for event in events if event.get("code") == "plugin_fault"]
        self.assertIn("plugin bad-behaviour was ended by SIGSEGV", fault["message"])
        self.assertTrue(fault["remediation"])

    def test_rebuilding_lifts_the_quarantine(self):
        self.survives("crash")
        with (self.dir / "odd.so").open("ab") as file:
            file.write(b"another build")
        self.config.write_text(self.config.read_text().replace("events:crash", "none"))
        events = self.events(self.castra("up"))
        self.assertNotIn("reporter_failed", [event.get("code") for event in events])


class IsolatedLaunchers(Isolated):
    def launcher(self, what):
        self.place()
        self.write(self.plugin(what) + '[[vms]]\nname = "p"\nlauncher = "odd"\n')

    def test_a_good_one_works_and_does_not_outlive_its_supervisor(self):
        self.launcher("none")
        self.events(self.castra("up"))
        self.assertEqual(self.states(), {"p-0": "ready"})
        self.assertEqual(len(self.hosts()), 1, "the supervisor's; that of `castra up` has gone with it")
        os.kill(self.supervisor(), signal.SIGKILL)
        self.gone(self.hosts)
        self.assertEqual(self.states(), {"p-0": "ready"}, "machines go on")
        self.events(self.castra("down"))

    def capsule(self, events, said):
        """All that a person needs of a launcher that failed, in one event."""
        errors = [event for event in events if event.get("vm") == "p-0" and "error" in event]
        self.assertEqual(len(errors), 1, events)
        (event,) = errors
        self.assertEqual(event["severity"], "error")
        self.assertIn(said, event["error"]["detail"])
        self.assertIn("plugin bad-behaviour, plan", event["error"]["detail"], "the phase")
        self.assertIn("castra up p-0", event["remediation"], "the next command")
        self.assertEqual(event["seq"], events[-1]["first_error_seq"])

    def test_one_that_fails_fails_the_run_cleanly(self):
        for what, said in {"crash": "was ended by SIGSEGV", "exit": "ended itself with exit code 0",
                           "abort": "was ended by SIGABRT", "close": "bad-behaviour, plan: ",
                           "garbage": "wrote something that is no frame", "gib-frame": "1073741824 bytes",
                           "flood": "wrote something that is no frame", "fork-and-exit": "ended itself",
                           "steal-signals-and-hang": "did not answer within"}.items():
            with self.subTest(what=what):
                shutil.rmtree(self.home, ignore_errors=True)
                self.launcher(f"plan:{what}")
                result = self.castra("up")
                self.assertIn(result.returncode, (1, 8), result.stdout + result.stderr)
                events = self.events(result, result.returncode)
                self.capsule(events, said)
                self.assertEqual(self.states(), {"p-0": "absent"})
                self.gone(self.hosts)
                self.assertEqual(self.leftovers(), [])
                again = self.events(self.castra("up"), 8)
                self.assertEqual(types_of(again), ["command.rejected", "summary"])
                self.assertIn("quarantine", again[0]["detail"])

    def test_one_that_replies_a_gibibyte_fails_and_is_no_danger(self):
        self.launcher("plan:gib-reply")
        result = self.castra("up")
        events = self.events(result, result.returncode)
        self.assertNotEqual(result.returncode, 0)
        self.capsule(events, "replied more than 16 MiB")
        self.assertEqual(self.quarantine(), [])

    def test_one_that_forks_leaves_nothing(self):
        self.launcher("plan:fork")
        self.events(self.castra("up"))
        self.events(self.castra("down"))
        self.gone(self.hosts)

    def test_one_that_hangs_is_given_up(self):
        self.launcher("plan:hang")
        result = self.castra("up")
        self.assertIn(result.returncode, (1, 8))
        events = self.events(result, result.returncode)
        self.capsule(events, "did not answer within")

    def test_in_process_when_the_file_says_so(self):
        self.place()
        self.write(self.plugin("none", isolation="in-process") + '[[vms]]\nname = "p"\nlauncher = "odd"\n')
        self.events(self.castra("up"))
        self.assertEqual(self.hosts(), [])
        self.events(self.castra("down"))


class PluginOptions(Isolated):
    """What a file gives to plugins, against what their manifests declare: before any of their code runs."""

    def wrong(self, text, *mistakes):
        mark = self.dir / "mark"
        shutil.copy(CORPUS / "good-disturbing.so", self.dir / "odd.so")
        self.write(text)
        result = self.castra("up", env=dict(self.env, CASTRA_TEST_MARK=str(mark)))
        events = self.events(result, 3)
        details = [event["detail"] for event in events if "detail" in event]
        told = json.dumps(events)
        for mistake in mistakes:
            self.assertIn(f"{self.config}:{mistake}", told)
        self.assertEqual(events[0]["code"], "config_invalid", details)
        self.assertFalse(self.home.exists(), "nothing is created")
        self.assertFalse(mark.exists(), "its constructor ran")

    def test_of_a_plugin(self):
        self.wrong('[plugins.odd]\npath = "odd.so"\nconfig = { greting = "x" }\n[[reporters]]\nplugin = "odd"\n' + MACHINE,
                   "5:22: plugins.odd.config.greting: good-disturbing has no option")

    def test_all_at_once_and_also_of_one_that_nothing_uses(self):
        self.wrong('[plugins.odd]\npath = "odd.so"\n[plugins.odd.config]\ngreeting = 7\nother = true\n' + MACHINE,
                   "6:12: plugins.odd.config.greeting:", "7:9: plugins.odd.config.other:")

    def test_of_a_reporter_over_that_of_its_plugin(self):
        self.wrong('[plugins.odd]\npath = "odd.so"\nconfig = { greeting = 7 }\n'
                   '[[reporters]]\nplugin = "odd"\nconfig = { greeting = "hi", odd = 1 }\n' + MACHINE,
                   "8:35: reporters[0].config.odd:")

    def test_of_a_reporter_that_is_not_there(self):
        self.write('[[reporters]]\nplugin = "ndjsno"\n' + MACHINE)
        for command in ("up", "plan"):
            (refused, _) = self.events(self.castra(command), 4)
            self.assertIn(f"{self.config}:3:1: reporters[0]: no reporter plugin", refused["detail"])
            self.assertIn('did you mean "ndjson"?', refused["remediation"])
        self.assertFalse(self.home.exists(), "nothing is created")

    def test_where_the_table_is_missing(self):
        self.write('[[reporters]]\nplugin = "reporter-ndjson"\nconfig = { fd = "one" }\n' + MACHINE)
        events = self.events(self.castra("up"), 3)
        self.assertIn(f"{self.config}:5:17: reporters[0].config.fd:", json.dumps(events))

    def test_of_a_machine_which_only_its_launcher_can_judge(self):
        self.write('[[vms]]\nname = "p"\nlauncher = "process"\n[vms.options]\ncommand = ["/bin/true"]\nready = "soon"\n')
        events = self.events(self.castra("up"), 3)
        self.assertIn(f"{self.config}:8:9: vms.p-0.options.ready:", json.dumps(events))


class Judged(Isolated):
    """A launcher is loaded by the supervisor that is being started: what it does there is told, and touches nothing."""

    def test_one_that_crashes_when_it_is_loaded(self):
        shutil.copy(CORPUS / "flaw-crashes-at-load.so", self.dir / "odd.so")
        self.write('[plugins.odd]\npath = "odd.so"\nisolation = "in-process"\n[[vms]]\nname = "p"\nlauncher = "odd"\n')
        (refused, _) = self.events(self.castra("up"), 1)
        self.assertIn("it ended with SIG", refused["detail"])
        self.assertIn("castra plugin validate", refused["remediation"])
        self.assertFalse(self.home.exists(), "nothing is created")

    def test_somebody_does_not_want_to_wait_for_it(self):
        shutil.copy(CORPUS / "flaw-hangs-at-load.so", self.dir / "odd.so")
        (self.dir / "odd.so").chmod(0o644)
        self.write('[plugins.odd]\npath = "odd.so"\n[[vms]]\nname = "p"\nlauncher = "odd"\n')
        child = self.start("up")
        while not any("plugin-host" in command for command in self.processes().values()):
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        events = self.judge(child.communicate()[0], 130)
        self.assertEqual(types_of(events), ["command.rejected", "summary"])
        self.assertEqual((events[0]["code"], events[-1]["outcome"]), ("cancelled", "cancelled"))
        self.assertFalse(self.home.exists(), "nothing is created")
        self.assertEqual(self.processes(), {})


class PluginCommands(Isolated):
    """castra plugin list, inspect and new."""

    def plugin_json(self, *arguments, code=0, env=None):
        result = subprocess.run([CASTRA, "plugin", *arguments, "--json"], cwd=self.dir, env=env or self.env,
                                capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return json.loads(result.stdout)

    def test_list_and_inspect_run_no_code(self):
        mark = self.dir / "mark"
        env = dict(self.env, CASTRA_TEST_MARK=str(mark))
        shutil.copy(CORPUS / "good-disturbing.so", self.dir / "odd.so")
        self.write('[plugins.odd]\npath = "odd.so"\n' + MACHINE)
        plugins = {one["id"]: one for one in self.plugin_json("list", env=env)["plugins"]}
        self.assertEqual(plugins["good-disturbing"]["source"], "castra.toml")
        self.assertEqual(plugins["good-disturbing"]["isolation"], "process")
        self.assertEqual(plugins["launcher-qemu"]["isolation"], "in-process")
        seen = self.plugin_json("inspect", "odd.so", env=env)
        self.assertEqual((seen["id"], seen["state"], seen["kinds"]), ("good-disturbing", "ok", ["castra.reporter/1"]))
        self.assertIn("greeting", seen["config_schema"]["properties"])
        self.assertFalse(mark.exists(), "its constructor ran")
        # The mark proves something: loading it does leave one.
        subprocess.run([CASTRA, "plugin", "validate", str(self.dir / "odd.so"), "--level", "2"], env=env, capture_output=True,
                       timeout=60)
        shutil.copy(CORPUS / "good-disturbing.so", self.dir / "good-disturbing.so")
        subprocess.run([CASTRA, "plugin", "validate", str(self.dir / "good-disturbing.so"), "--level", "2"], env=env,
                       capture_output=True, timeout=60)
        self.assertTrue(mark.exists())
        self.assertFalse(self.home.exists(), "nothing is written")

    def test_list_shows_why_a_plugin_will_not_do(self):
        self.place()
        shutil.copy(CORPUS / "bad-manifest-major.so", self.dir / "old.so")
        (self.dir / "text.so").write_text("no library")
        self.write('[plugins]\nsearch = ["."]\n' + MACHINE)
        found = {pathlib.Path(one["file"]).name: one for one in self.plugin_json("list")["plugins"]}
        self.assertEqual(found["odd.so"]["state"], "ok")
        self.assertEqual((found["old.so"]["state"], found["text.so"]["state"]), ("refused", "refused"))
        self.assertIn("major 99", found["old.so"]["why"])
        (self.dir / "odd.so").chmod(0o666)
        self.assertIn("writable by others", self.plugin_json("inspect", "./odd.so", code=8)["why"])

    def test_list_shows_the_quarantine(self):
        self.place()
        self.write(self.plugin("plan:crash") + '[[vms]]\nname = "p"\nlauncher = "odd"\n')
        self.castra("up")
        answer = self.plugin_json("list")
        (entry,) = answer["quarantine"]
        self.assertIn("was ended by SIGSEGV", entry["reason"])
        odd = next(one for one in answer["plugins"] if one["file"].endswith("odd.so"))
        self.assertEqual((odd["state"], odd["sha256"]), ("quarantined", entry["sha256"]))
        self.assertIn("rebuild", odd["cure"])

    def test_inspect_knows_names_and_says_what_is_meant(self):
        self.assertEqual(self.plugin_json("inspect", "qemu")["id"], "launcher-qemu")
        error = self.plugin_json("inspect", "launcher-qmeu", code=10)["error"]
        self.assertIn("launcher-qemu", error["hint"])
        self.assertEqual(self.plugin_json("inspect", "/nowhere/x.so", code=10)["error"]["code"], "not_found")

    def test_new_makes_a_folder_and_overwrites_nothing(self):
        made = self.plugin_json("new", "--kind", "step", "mine")
        self.assertEqual(made["id"], "step-mine")
        manifest = json.loads((self.dir / "step-mine/manifest.json").read_text())
        self.assertEqual((manifest["id"], manifest["kinds"]), ("step-mine", ["castra.bootstrap_step/1"]))
        self.assertNotIn("%", (self.dir / "step-mine/plugin.cpp").read_text())
        self.assertEqual(self.plugin_json("new", "--kind", "step", "mine", code=2)["error"]["code"], "usage")
        self.assertEqual(self.plugin_json("new", "--kind", "step", "../up", code=2)["error"]["code"], "usage")
        self.assertFalse((self.dir.parent / "up").exists())


if __name__ == "__main__":
    unittest.main()
