# SPDX-License-Identifier: Apache-2.0
"""Every exit code of docs/ERRORS.md, by a real command; and that page, the header and these commands name the same."""
import os
import pathlib
import re
import signal
import subprocess
import unittest

from process_test import NOTIFY, READY
from support import CASTRA, Project, rest_of, until

SOURCE = pathlib.Path(__file__).resolve().parents[2]


class ExitCodes(Project):
    walked = {}

    def run_castra(self, *words, env=None):
        return subprocess.run([CASTRA, *words], env=env or self.env, capture_output=True, text=True, timeout=120).returncode

    def up(self, *rest, env=None):
        return self.castra("up", *rest, events=False, env=env).returncode

    def test_0_succeeded(self):
        self.processes_toml(READY, extra=NOTIFY)
        self.assertEqual(self.up(), 0)

    def test_1_failed(self):
        self.processes_toml(["/bin/false"], extra=NOTIFY)
        self.assertEqual(self.up(), 1)

    def test_failed_is_also_an_answer_that_does_not_fit(self):
        self.write("")
        words = [CASTRA, "status", "--json", "--config", str(self.config)]
        with open("/dev/full", "w") as full:
            result = subprocess.run(words, env=self.env, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
        self.assertEqual(result.returncode, 1)
        self.assertIn("not all of the answer", result.stderr)
        reader, writer = os.pipe()
        os.close(reader)
        result = subprocess.run(words, env=self.env, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=120)
        os.close(writer)
        self.assertEqual((result.returncode, result.stderr), (0, ""), "who reads no more wanted no more")

    def test_failed_is_also_a_stream_that_is_the_answer_and_does_not_fit(self):
        self.processes_toml(READY)
        for events in ("console", "ndjson"):
            for verb in ("status", "plan"):
                words = [CASTRA, verb, "--config", str(self.config), "--events", events]
                with self.subTest(" ".join(words[1:])), open("/dev/full", "w") as full:
                    self.assertEqual(subprocess.run(words, env=self.env, stdout=full, stderr=subprocess.PIPE, timeout=120).returncode, 1)
                    closed = subprocess.run(["/bin/sh", "-c", '"$@" >&-', "sh", *words], env=self.env, stderr=subprocess.PIPE, text=True,
                                            timeout=120)
                    self.assertEqual(closed.returncode, 1)
                    self.assertIn("stdout", closed.stderr)

    def test_2_usage(self):
        self.processes_toml(READY)
        self.assertEqual(self.up("--nope"), 2)
        self.assertEqual(self.up("no-such-vm"), 2)
        self.assertEqual(self.run_castra("ports", "--config", str(self.config), "no-such-vm"), 2)
        self.assertEqual(self.run_castra("no-such-command"), 2)
        self.assertEqual(self.run_castra("down", "--timeout", "nan", "--config", str(self.config)), 2)

    def test_3_config(self):
        self.assertEqual(self.up(), 3)
        self.config.write_text("[")
        self.assertEqual(self.run_castra("config", "check", "--config", str(self.config)), 3)
        self.config.unlink()

    def test_4_preflight(self):
        self.write('[[vms]]\nname = "a"\nlauncher = "process"\n[vms.options]\ncommand = ["castra-no-such-program"]\n')
        self.assertEqual(self.up(), 4)

    def test_5_busy(self):
        self.write("")
        self.assertEqual(self.run_castra("init", str(self.dir)), 5)

    def test_6_partial(self):
        self.processes_toml(READY, extra=NOTIFY)
        with self.config.open("a") as file:
            file.write('[[vms]]\nname = "q"\nlauncher = "process"\n[vms.options]\ncommand = ["/bin/false"]\nready = "notify"\n')
        self.assertEqual(self.up("--keep-going"), 6)

    def test_7_contract_violation(self):
        stream = self.dir / "stream.ndjson"
        stream.write_text('{"type":"nonsense"}\n')
        self.assertEqual(self.run_castra("events", "verify", str(stream)), 7)

    def test_8_plugin(self):
        file = self.dir / "reporter-x.so"
        file.write_text("no plugin")
        self.assertEqual(self.run_castra("plugin", "inspect", str(file)), 8)

    def test_9_aborted(self):
        self.processes_toml(["/bin/sleep", "1000"], extra=NOTIFY)
        child = self.start("up")
        lines = until(child, "vm.launch")
        self.kill(self.supervisor())
        rest_of(child, lines)
        self.assertEqual(child.returncode, 9)

    def test_10_not_found(self):
        self.assertEqual(self.run_castra("image", "build", "no-such-recipe"), 10)

    def test_11_gap(self):
        self.processes_toml(READY, extra=NOTIFY)
        self.assertEqual(self.up(), 0)
        for journal in self.home.rglob("journal/*.ndjson"):
            lines = journal.read_text().splitlines(keepends=True)
            journal.write_text("".join(lines[:1] + lines[2:]))
        self.assertEqual(self.run_castra("events", "--config", str(self.config), "--format", "ndjson"), 11)

    def test_130_cancelled(self):
        self.processes_toml(["/bin/sleep", "1000"], extra=NOTIFY)
        child = self.start("up")
        lines = until(child, "vm.launch")
        child.send_signal(signal.SIGINT)
        rest_of(child, lines)
        self.assertEqual(child.returncode, 130)

    def test_the_page_the_header_and_this_file_name_the_same_codes(self):
        page = (SOURCE / "docs/ERRORS.md").read_text().split("## Exit codes")[1].split("##")[0]
        header = (SOURCE / "kernel/contract/exit_codes.hpp").read_text()
        named = set(re.findall(r"^\| (\d+) \| (\w+) \|", page, re.M))
        self.assertEqual(named, set(re.findall(r'^    \{(\d+), "(\w+)",', header, re.M)))
        walked = {tuple(re.fullmatch(r"test_(\d+)_(\w+)", name).groups()) for name in dir(self) if re.match(r"test_\d", name)}
        self.assertEqual(named, walked)


if __name__ == "__main__":
    unittest.main()
