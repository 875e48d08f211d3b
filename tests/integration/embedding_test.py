# SPDX-License-Identifier: Apache-2.0
"""castra inside another program, from the installed package alone: docs/examples/embedding, built in a clean folder."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from support import Project, types_of

BUILD = pathlib.Path(os.environ["CASTRA_BUILD"])
SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent


def run(*words, cwd=None, env=None):
    result = subprocess.run([str(word) for word in words], cwd=cwd, env=env, capture_output=True, text=True, timeout=900)
    if result.returncode != 0:
        raise AssertionError(f"{words}\n{result.stdout}\n{result.stderr}")
    return result.stdout


class Embedders(Project):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.place = pathlib.Path(tempfile.mkdtemp(prefix="castra-embedding-test."))
        cls.prefix = cls.place / "moved"
        run("cmake", "--install", BUILD, "--prefix", cls.place / "prefix")
        (cls.place / "prefix").rename(cls.prefix)
        source = cls.place / "work"
        shutil.copytree(cls.prefix / "share/castra/examples/embedding", source)
        run("cmake", "-S", source, "-B", source / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={cls.prefix}",
            "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON")
        run("cmake", "--build", source / "build")
        cls.bin = source / "build"

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.place, ignore_errors=True)

    def test_nothing_leads_into_our_tree(self):
        self.assertNotIn(str(SOURCE), (self.bin / "compile_commands.json").read_text())
        for file in (self.prefix / "lib/cmake/castra").iterdir():
            self.assertNotIn(str(SOURCE), file.read_text(), file)

    def test_a_reporter_that_serialises_across_a_process_boundary(self):
        self.processes_toml(["/bin/sleep", "1000"])
        arrived = self.dir / "arrived.ndjson"
        # The other process judges by itself: it decodes each line and writes what it understood.
        reader = ("import json, sys\n"
                  "with open(sys.argv[1], 'w') as out:\n"
                  "    for line in sys.stdin:\n"
                  "        event = json.loads(line)\n"
                  "        out.write(json.dumps(event) + '\\n')\n")
        told = run(self.bin / "relay_up", self.prefix, self.config, sys.executable, "-c", reader, arrived, env=self.env)
        self.assertIn("up: ", told)
        runs = {}
        for line in arrived.read_text().splitlines():
            runs.setdefault(json.loads(line)["run_id"], []).append(line)
        streams = [self.judge("\n".join(lines) + "\n", 0) for lines in runs.values()]
        self.assertEqual([stream[0]["operation"] for stream in streams], ["up", "down"])
        self.assertEqual(types_of(streams[0], "p-0"), ["vm.launch", "vm.ready"])
        # The same events, field for field, as the journal has.
        for stream in streams:
            (journal,) = self.home.rglob(f"journal/{stream[0]['run_id']}.ndjson")
            self.assertEqual([json.loads(line) for line in journal.read_text().splitlines()], stream)
        self.assertEqual(self.states(), {"p-0": "absent"})

    def test_the_other_side_may_go_away(self):
        self.processes_toml(["/bin/sleep", "1000"])
        told = run(self.bin / "relay_up", self.prefix, self.config, "true", env=self.env)
        self.assertIn("down: ", told)
        self.assertEqual(self.states(), {"p-0": "absent"})

    def library_up(self, *words, code=0):
        done = subprocess.run([str(self.bin / "library_up"), *map(str, words)], env=self.env, capture_output=True, text=True,
                              timeout=300)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def streams(self, text):
        runs = {}
        for line in text.splitlines():
            runs.setdefault(json.loads(line)["run_id"], []).append(line)
        return [self.judge("\n".join(lines) + "\n") for lines in runs.values()]

    def test_library_up_plans_and_launches_nothing(self):
        self.processes_toml(["/bin/sleep", "1000"])
        done = self.library_up("--plan", "--cli", self.prefix / "bin/castra", "--config", self.config)
        (planned,) = self.streams(done.stdout)
        self.assertEqual(planned[0]["operation"], "plan")
        self.assertIn("p-0 would be started", done.stdout)
        self.assertEqual(self.processes(), {})
        self.assertEqual(list(self.home.rglob("*")) if self.home.exists() else [], [], "no file was written")

    def test_library_up_executes_with_the_broker_of_the_cli_it_was_told(self):
        self.processes_toml(["/bin/sleep", "1000"])
        done = self.library_up("--plan", "--cli", self.prefix / "bin/castra", "--config", self.config, "--execute")
        streams = self.streams(done.stdout)
        self.assertEqual([stream[0]["operation"] for stream in streams], ["plan", "up", "status", "down"])
        self.assertEqual(types_of(streams[1])[:2], ["command.accepted", "broker.started"])
        self.assertIn("broker.stopped", types_of(streams[3]))
        self.assertEqual(self.states(), {"p-0": "absent"})
        self.assertEqual(self.processes(), {})

    def test_library_up_is_told_what_is_wrong(self):
        self.processes_toml(["/bin/sleep", "1000"])
        done = self.library_up("--cli", self.prefix / "bin/nothing", "--config", self.config, "--execute", code=10)
        self.assertIn("nothing", done.stderr)
        self.assertEqual([stream[0]["type"] for stream in self.streams(done.stdout)][0], "command.rejected")
        self.assertIn("--cli PATH", self.library_up("--plan", code=2).stderr)
        self.config.write_text("[project\n")
        done = self.library_up("--plan", "--cli", self.prefix / "bin/castra", "--config", self.config, code=3)
        self.assertIn("castra.toml", done.stderr)

    def test_the_page_shows_the_code_that_runs(self):
        page = (SOURCE / "docs/EMBEDDING.md").read_text()
        shown = re.search(r"```cpp\n(void event\(.*?)```", page, re.DOTALL).group(1)
        squeezed = re.sub(r"\s+", " ", (SOURCE / "docs/examples/embedding/relay_up.cpp").read_text())
        self.assertIn(re.sub(r"\s+", " ", shown).strip(), squeezed)


if __name__ == "__main__":
    unittest.main()
