# SPDX-License-Identifier: Apache-2.0
"""The grammar as people meet it: help, suggestions, quiet, colours, completion, the page that is made from it."""
import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import unittest

from process_test import NOTIFY, READY
from stop_test import Machines
from support import CASTRA, Project

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def castra(*words, code=0, env=None, **more):
    result = subprocess.run([CASTRA, *words], capture_output=True, text=True, timeout=60, env=env, **more)
    if code is not None and result.returncode != code:
        raise AssertionError(f"castra {' '.join(words)}: {result.returncode}\n{result.stdout}{result.stderr}")
    return result


def page():
    return castra("reference").stdout


def commands():
    """Every command of the page: its words, and whether others stand below it."""
    found = re.findall(r"^## `castra ?([^`]*)`$", page(), re.M)
    return [words.split() for words in found if words]


class Help(unittest.TestCase):
    def test_the_page_in_docs_is_the_one_that_is_made(self):
        self.assertEqual((SOURCE / "docs/CLI.md").read_text(), page(), "castra reference > docs/CLI.md")

    def test_every_command_has_help_with_an_example(self):
        parents = {tuple(words[:-1]) for words in commands()}
        for words in commands():
            if tuple(words) in parents and words != ["events"]:
                continue
            with self.subTest(" ".join(words)):
                text = castra(*words, "--help").stdout
                self.assertRegex(text, r"Examples?:")
                self.assertIn("castra " + " ".join(words), text.split("xample", 1)[1])

    def test_every_example_is_understood(self):
        """Each line of each example parses: the grammar refuses none of its own words."""
        known = commands()
        for block in re.findall(r"^```\n(.*?)^```$", page(), re.M | re.S):
            for line in block.splitlines():
                if not line.startswith("castra ") or "COMMAND" in line or "[OPTIONS]" in line:
                    continue
                for part in re.split(r" && | > | \| ", line):
                    if not part.startswith("castra "):
                        continue
                    words = re.split(r"   +", part)[0].split(" -- ")[0].split()[1:]
                    with self.subTest(part):
                        depth = max((n for n in (1, 2) if words[:n] in known), default=0)
                        self.assertGreater(depth, 0, "no such command")
                        text = castra(*words[:depth], "--help").stdout
                        for option in (word.split("=")[0] for word in words if word.startswith("-")):
                            self.assertRegex(text, rf"(^|[ ,]){re.escape(option)}\b")

    def test_no_command_at_all(self):
        self.assertEqual(castra(code=2).returncode, 2)

    def test_the_version_names_the_commit_it_was_built_from(self):
        is_git = subprocess.run(["git", "-C", SOURCE, "rev-parse", "--short", "HEAD"], capture_output=True).returncode == 0
        commit = "[0-9a-f]{7,40}(-dirty)?" + ("" if is_git else "|unknown")  # which one: it may have been built earlier
        self.assertRegex(castra("--version").stdout, rf"\Acastra [0-9]+\.[0-9]+\.[0-9]+\+({commit})\n\Z")


class Suggestions(Project):
    def said(self, *words):
        result = castra(*words, code=2, env=self.env)
        return result.stdout + result.stderr

    def test_of_commands_and_options(self):
        self.assertIn('did you mean "status"', self.said("statsu"))
        self.assertIn('there is no command "statsu"', self.said("statsu"))
        self.assertEqual(castra("statsu", code=2).stdout, "", "nobody asked for a status")
        self.assertIn("command.rejected", castra("statsu", "--events", "ndjson", code=2).stdout)
        self.assertIn('did you mean "check"', self.said("config", "chekc"))
        self.assertIn('did you mean "--keep-going"', self.said("up", "--keep-gonig"))
        self.assertIn('did you mean "--follow"', self.said("logs", "--folow"))
        self.assertIn('did you mean "verify"', self.said("events", "verfy"))

    def test_of_vms(self):
        self.processes_toml(READY, name="web")
        for verb in ("up", "ports", "logs", "ssh", "ssh-config"):
            with self.subTest(verb):
                self.assertIn('did you mean "web-0"', self.said(verb, "--config", str(self.config), "wbe-0"))
        self.assertIn('did you mean "web-0"', self.said("exec", "--config", str(self.config), "wbe-0", "--", "true"))
        self.assertIn('did you mean "web-0"', self.said("cp", "--config", str(self.config), "wbe-0:/etc/motd", "."))

    def test_a_vm_may_be_called_as_a_command_is(self):
        self.config.write_text('version = "0.1.0"\n[project]\nname = "t"\n' + "".join(
            f'[[vms]]\nname = "{name}"\nlauncher = "process"\n[vms.options]\ncommand = ["/bin/sleep", "1000"]\n' for name in ("status", "down")))
        self.events(self.castra("up", "status", "down"))
        self.events(self.castra("down", "down"))
        self.assertEqual(self.states(), {"status": "ready", "down": "absent"})

    def test_what_answers_is_refused_on_stderr_and_what_runs_as_a_run(self):
        self.assertEqual(castra("ports", "--nope", code=2).stdout, "")
        self.assertIn("command.rejected", castra("up", "--nope", "--events", "ndjson", code=2).stdout)

    def test_nothing_stands_behind_two_dashes_where_nobody_takes_it(self):
        self.assertIn("takes nothing behind --", self.said("ports", "--", "x"))


class Look(Project):
    def colours(self, *words, **env):
        """What castra status prints on a terminal."""
        self.processes_toml(READY)
        main, other = pty.openpty()
        subprocess.run([CASTRA, "status", "--config", str(self.config), *words], env=dict(self.env, TERM="xterm", **env),
                       stdout=other, timeout=60, check=True)
        os.close(other)
        out = b""
        while True:
            try:
                piece = os.read(main, 4096)
            except OSError:
                break
            if not piece:
                break
            out += piece
        os.close(main)
        return re.search(rb"\x1b\[[0-9;]*m", out) is not None

    def test_colours_only_on_a_terminal_and_as_asked(self):
        self.assertTrue(self.colours("--color", "always"))
        self.assertFalse(self.colours("--color", "never"))
        self.assertFalse(self.colours(NO_COLOR="1"))
        self.processes_toml(READY)
        piped = castra("status", "--config", str(self.config), env=self.env)
        self.assertNotIn("\x1b[", piped.stdout)

    def test_quiet_leaves_answers_warnings_and_errors(self):
        at = ["--config", str(self.config)]
        self.processes_toml(READY, extra=NOTIFY + "\n[[reporters]]\nplugin = \"exec\"\nconfig = { command = [\"/nonexistent/program\"] }\n")
        self.assertEqual(castra("config", "check", "-q", *at, env=self.env).stdout, "")
        self.assertEqual(castra("plan", "-q", *at, env=self.env).stdout, "")
        lines = castra("up", "--quiet", *at, env=self.env).stdout.splitlines()
        self.assertTrue(lines and all("warning: " in line or line.startswith("    ") for line in lines), lines)
        self.assertNotEqual(castra("status", "-q", "--json", *at, env=self.env).stdout, "", "an answer")
        self.processes_toml(READY, extra=NOTIFY)
        self.assertEqual(castra("down", "-q", *at, env=self.env).stdout, "")
        self.processes_toml(["/bin/false"], extra=NOTIFY)
        failed = castra("up", "-q", *at, code=1, env=self.env).stdout
        self.assertIn("error: ", failed)
        self.assertIn("up failed in", failed)
        self.assertIn("excludes", castra("up", "-q", "-v", *at, code=2, env=self.env).stdout)
        groups = {words[0] for words in commands() if len(words) == 2} - {"events"}
        for words, text in zip(commands(), page().split("\n## `castra ")[1:]):
            self.assertTrue("`-q, --quiet`" in text or words[0] in groups and len(words) == 1, words)

    def test_every_command_that_answers_has_json(self):
        """Of the reference page: what prints an answer takes --json, what makes a run has --events."""
        sections = dict(zip([" ".join(words) for words in commands()], page().split("\n## `castra ")[1:]))
        parents = {" ".join(words[:-1]) for words in commands()}
        # Become another program, print one format by nature, or stream events in a format of their own.
        exempt = {"ssh", "completion", "config schema", "events", "replay", "contract"}
        for name, text in sections.items():
            if name in exempt or name in parents or name.startswith("contract "):
                continue
            with self.subTest(name):
                self.assertTrue("`--json`" in text or "`--events" in text, text)


class Completion(Project):
    def test_scripts_are_read_by_their_shells(self):
        for shell in ("bash", "zsh", "fish"):
            with self.subTest(shell):
                script = castra("completion", shell).stdout
                self.assertIn("complete-vms", script)
                if shutil.which(shell):
                    subprocess.run([shell, "-n"], input=script, text=True, check=True, timeout=60)

    def complete(self, *words):
        script = castra("completion", "bash").stdout
        line = " ".join(f"'{word}'" for word in words)
        result = subprocess.run(
            ["bash", "-c", f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _castra; printf '%s\\n' \"${{COMPREPLY[@]}}\""],
            env=self.env, cwd=self.dir, capture_output=True, text=True, timeout=60)
        self.assertEqual(result.stderr, "")
        return result.stdout.split()

    def test_bash_completes_commands_options_values_and_vms(self):
        self.processes_toml(READY, count=2, name="web")
        self.assertEqual(self.complete(CASTRA, "conf"), ["config"])
        self.assertEqual(set(self.complete(CASTRA, "config", "")), {"check", "show", "schema"})
        self.assertEqual(self.complete(CASTRA, "up", "--keep"), ["--keep-going"])
        self.assertEqual(set(self.complete(CASTRA, "up", "--color", "")), {"auto", "always", "never"})
        self.assertEqual(set(self.complete(CASTRA, "up", "web")), {"web-0", "web-1"})
        self.assertNotIn("supervise", self.complete(CASTRA, ""))


class Answers(Project):
    def test_ports_declared_and_live(self):
        self.processes_toml(READY, extra=NOTIFY + "[[vms.port_forwards]]\nguest = 80\n")
        rows = json.loads(castra("ports", "--json", "--config", str(self.config), env=self.env).stdout)["ports"]
        self.assertEqual(rows, [{"vm": "p-0", "address": "127.0.0.1", "protocol": "tcp", "guest": 80, "declared_host": 0}])
        self.events(self.castra("up"))
        (row,) = json.loads(castra("ports", "--json", "--config", str(self.config), env=self.env).stdout)["ports"]
        self.assertEqual((row["declared_host"], row["listening"]), (0, False), "an ordinary process listens on nothing")
        self.assertEqual(row["live_host"], self.status()["vms"][0]["ports"][0]["host"])
        self.assertIn("nobody listens", castra("ports", "--config", str(self.config), env=self.env).stdout)

    def test_status_tells_people_name_state_and_way_in(self):
        self.processes_toml(READY, count=2, extra=NOTIFY + "[[vms.port_forwards]]\nguest = 22\n")
        self.events(self.castra("up", "p-0"))
        told = castra("status", "--config", str(self.config), env=self.env).stdout.splitlines()
        first, second = self.status()["vms"]
        (port,) = first["ports"]
        way = re.escape(f"{port['address']}:{port['host']} -> 22/tcp")
        self.assertEqual(port["address"], "127.0.0.1")
        self.assertEqual(len([line for line in told if re.search(rf"\bp-0 is ready, process {first['pid']}, {way}$", line)]), 1, told)
        self.assertEqual(len([line for line in told if re.search(r"\bp-1 is absent$", line)]), 1, told)
        self.assertEqual([line.split()[:2] for line in told[-2:]], [["p-0", "ready"], ["p-1", "absent"]], "the table")

    def test_ways_in_are_refused_with_their_cure(self):
        self.processes_toml(READY, extra=NOTIFY)
        down = castra("ssh", "--config", str(self.config), "p-0", code=1, env=self.env)
        self.assertIn("castra up p-0", down.stderr)
        self.events(self.castra("up"))
        up = castra("exec", "--config", str(self.config), "p-0", "--", "true", code=1, env=self.env)
        self.assertIn("no way in by SSH", up.stderr)
        self.assertIn("needs a command", castra("exec", "--config", str(self.config), "p-0", code=2, env=self.env).stderr)
        between = castra("cp", "--config", str(self.config), "a-0:/x", "b-0:/y", code=2, env=self.env)
        self.assertIn("not between VMs", between.stderr)


    def test_no_castra_toml_is_told_with_its_cure(self):
        for words in ("events", "events runs", "events diff-plan", "report", "bus topics", "bus publish a 1", "bus tail a", "ports", "logs"):
            with self.subTest(words):
                told = castra(*words.split(), code=3, env=self.env, cwd=self.dir)
                self.assertEqual(told.stdout, "")
                self.assertIn("castra init", told.stderr)


class Surroundings(Project):
    """What castra is started with: descriptors, directories, limits."""

    def shell(self, line, verb, env=None, code=0):
        words = ["/bin/sh", "-c", f'exec {line}', "sh", CASTRA, verb, "--config", str(self.config)]
        result = subprocess.run(words, env=env or self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def test_closed_descriptors(self):
        self.processes_toml(READY, extra=NOTIFY)
        for closed in ("<&- >&-", "<&- >&- 2>&-"):
            self.shell(f'"$@" {closed}', "up")
            self.assertEqual(self.states(), {"p-0": "ready"})
            self.shell(f'"$@" {closed}', "events", code=1)
            self.shell(f'"$@" {closed} --follow', "events", code=1)
            self.shell(f'"$@" {closed}', "down")
            self.assertEqual(self.states(), {"p-0": "absent"})

    def test_a_relative_castra_home_is_one_of_the_working_directory(self):
        self.processes_toml(READY, extra=NOTIFY)
        env = dict(self.env, CASTRA_HOME="home")
        up = castra("up", "--config", str(self.config), "--events", "none", env=env, cwd=self.dir)
        self.assertEqual(up.returncode, 0)
        self.assertEqual(self.states(), {"p-0": "ready"})
        self.assertTrue(self.status()["supervised"])

    def test_a_relative_directory_of_xdg_counts_as_not_set(self):
        self.processes_toml(READY, extra=NOTIFY)
        env = dict(self.env, HOME="home", XDG_STATE_HOME="state", XDG_CACHE_HOME="cache")
        del env["CASTRA_HOME"]
        run = self.dir / "run"
        run.mkdir(mode=0o700)
        env["XDG_RUNTIME_DIR"] = str(run)
        at = dict(env=env, cwd=self.dir)
        try:
            castra("up", "--config", str(self.config), "--events", "none", **at)
            told = json.loads(castra("status", "--config", str(self.config), "--json", **at).stdout)
            self.assertEqual((told["vms"][0]["state"], told["supervised"]), ("ready", True))
            self.assertTrue(told["state_dir"].startswith(f"{self.dir}/home/.local/state/castra/"), told["state_dir"])
        finally:
            castra("down", "--config", str(self.config), "--events", "none", **at)
        self.assertFalse((self.dir / "state").exists() or (self.dir / "cache").exists())

    def test_a_file_that_may_grow_no_further_is_an_error_of_a_write(self):
        self.processes_toml(READY, extra=NOTIFY)
        self.events(self.castra("up"))
        told = self.shell('prlimit --fsize=0:0 -- "$@" --events ndjson', "clean", code=1)
        self.judge(told.stdout, 1)
        self.assertIn("ulimit -f", told.stdout)

    def test_too_few_open_files_are_told_with_their_cure(self):
        self.processes_toml(READY, extra=NOTIFY)
        for most in (9, 16):  # of the command, of its supervisor
            told = self.shell(f'prlimit --nofile={most}:{most} -- "$@" --events ndjson', "up", code=1)
            self.judge(told.stdout, 1)
            self.assertIn("ulimit -n", told.stdout)


class OddPlaces(Machines):
    def test_an_ssh_config_that_ssh_would_not_read_is_none(self):
        self.home = self.dir / "two\nlines"
        self.env["CASTRA_HOME"] = str(self.home)
        self.machines("obey", extra="[[vms.port_forwards]]\nguest = 22\n")
        told = castra("ssh-config", "--config", str(self.config), code=1, env=self.env)
        self.assertEqual(told.stdout, "")
        self.assertIn("CASTRA_HOME", told.stderr)
        guests = json.loads(castra("ssh-config", "--json", "--config", str(self.config), env=self.env).stdout)["vms"]
        self.assertIn("\n", guests[0]["identity"])


class Logs(Project):
    def setUp(self):
        super().setUp()
        self.processes_toml(["/bin/sh", "-c", "echo first; echo second; echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000"],
                            extra=NOTIFY)
        self.events(self.castra("up"))
        self.log = next(self.home.rglob("process.log"))

    def logs(self, *words):
        return castra("logs", "--config", str(self.config), *words, env=self.env)

    def follow(self, *words):
        child = subprocess.Popen([CASTRA, "logs", "--config", str(self.config), "--follow", "--log", "process", *words],
                                 env=self.env, stdout=subprocess.PIPE, text=True)
        self.children.append(child)
        return child

    def test_what_is_there(self):
        self.assertEqual(self.logs("--log", "process").stdout, "first\nsecond\n")
        self.assertEqual(self.logs("--log", "process", "-n", "1").stdout, "second\n")
        self.assertEqual(self.logs("--log", "process", "-n", "0").stdout, "")
        self.assertIn("p-0 process | first", self.logs().stdout)
        lines = [json.loads(line) for line in self.logs("--json", "--log", "process").stdout.splitlines()]
        self.assertEqual(lines, [{"vm": "p-0", "log": "process", "text": text} for text in ("first", "second")])
        with next(self.home.rglob("supervisor.log")).open("a") as log:
            log.write("said by hand\n")
        self.assertIn("supervisor | said by hand\n", self.logs("--log", "supervisor,process").stdout)

    def test_runs_of_a_bootstrap_do_not_run_into_each_other(self):
        folder = next(self.home.glob("projects/*")) / "bootstrap/p-0"
        folder.mkdir(parents=True)
        runs = ["01ARYZ6S410000000000000000", "01ARYZ6S420000000000000000"]
        (folder / (runs[0] + ".log")).write_text("one\nunfinished")
        (folder / (runs[1] + ".log")).write_text("two\n")
        self.assertEqual(self.logs("--log", "bootstrap").stdout, f"== run {runs[0]}\none\nunfinished\n== run {runs[1]}\ntwo\n")
        lines = [json.loads(line) for line in self.logs("--json", "--log", "bootstrap").stdout.splitlines()]
        self.assertEqual([(line["run_id"], line["text"]) for line in lines],
                         [(runs[0], "one"), (runs[0], "unfinished"), (runs[1], "two")])

    def test_they_stay_after_down(self):
        self.events(self.castra("down"))
        self.assertEqual(self.logs("--log", "process").stdout, "first\nsecond\n")

    def test_following_survives_rotation_and_truncation_and_a_file_that_comes_later(self):
        child = self.follow("-n", "1")
        self.assertEqual(child.stdout.readline(), "second\n")
        with self.log.open("a") as file:
            file.write("third\n")
        self.assertEqual(child.stdout.readline(), "third\n")
        older = self.log.with_suffix(".log.1")
        with self.log.open("a") as file:  # the last words of the old file, then the new one
            file.write("fourth\n")
            self.log.rename(older)
            file.write("fifth\n")
        self.log.write_text("sixth\n")
        self.assertEqual([child.stdout.readline() for _ in range(3)], ["fourth\n", "fifth\n", "sixth\n"])
        self.log.write_text("")  # truncated
        self.log.write_text("7\n")
        self.assertEqual(child.stdout.readline(), "7\n")
        self.log.unlink()
        self.log.write_text("eighth\n")
        self.assertEqual(child.stdout.readline(), "eighth\n")
        child.send_signal(2)
        self.assertEqual(child.wait(60), 130)

    def test_following_ends_when_nobody_reads(self):
        child = self.follow()
        self.assertEqual(child.stdout.readline(), "first\n")
        child.stdout.close()
        self.assertEqual(child.wait(20), 0)

    def test_a_terminal_does_not_do_what_a_guest_prints(self):
        with self.log.open("a") as file:
            file.write("\x1b]0;owned\x07\x1b[2Jinnocent\n")
        main, other = pty.openpty()
        subprocess.run([CASTRA, "logs", "--config", str(self.config), "--log", "process", "-n", "1"], env=self.env,
                       stdout=other, timeout=60, check=True)
        os.close(other)
        shown = os.read(main, 4096)
        os.close(main)
        self.assertIn(b"innocent", shown)
        self.assertNotIn(b"\x1b", shown)
        self.assertIn("\x1b", self.logs("--log", "process", "-n", "1").stdout, "into a pipe goes what it wrote")


if __name__ == "__main__":
    unittest.main()
