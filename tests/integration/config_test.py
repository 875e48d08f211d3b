# SPDX-License-Identifier: Apache-2.0
"""castra config, as a person and as an editor's validator see it: python3-jsonschema and tomllib judge, not we."""
import json
import os
import pathlib
import re
import subprocess
import tomllib
import unittest

import jsonschema

from support import CASTRA, Project

SOURCE = pathlib.Path(__file__).resolve().parents[2]
GOOD = '[[vms]]\nname = "web"\nlauncher = "process"\n[vms.options]\ncommand = ["/bin/true"]\n'

# What both must refuse: {name: text behind a good [project]}.
WRONG = {
    "unknown key": '[lifecycle]\nboot_windw = 2\n' + GOOD,
    "unknown table": "[nope]\n" + GOOD,
    "wrong type": '[[vms]]\nname = "a"\nimage = "tiny"\ncpus = "two"\n',
    "out of range": '[[vms]]\nname = "a"\nimage = "tiny"\ncpus = 513\n',
    "no VM": "",
    "a VM without a name": '[[vms]]\nimage = "tiny"\n',
    "a bad name": '[[vms]]\nname = "Web App"\nimage = "tiny"\n',
    "a name that is too long": f'[[vms]]\nname = "{"a" * 64}"\nimage = "tiny"\n',
    "a bad size": '[[vms]]\nname = "a"\nimage = "tiny"\nmemory = "2 GX"\n',
    "image and base_image": '[[vms]]\nname = "a"\nimage = "tiny"\nbase_image = "x"\n',
    "a choice that is none": '[bootstrap]\nmode = "sometimes"\n' + GOOD,
    "a port that is none": GOOD + '[[vms.port_forwards]]\nguest = 65536\n',
    "no guest port": GOOD + "[[vms.port_forwards]]\nhost = 1\n",
    "an address that is none": GOOD + '[[vms.port_forwards]]\nguest = 1\naddress = "127.0.0.256"\n',
    "a protocol that is none": GOOD + '[[vms.port_forwards]]\nguest = 1\nprotocol = "sctp"\n',
    "too many seconds": "[lifecycle]\nready_wait_secs = 86401\n" + GOOD,
    "no second at all": "[lifecycle]\nsigkill_wait_secs = 0.5\n" + GOOD,
    "boot without a kernel": '[[vms]]\nname = "a"\nboot = { append = "x" }\n',
    "remote_dir that is the root": '[bootstrap]\nremote_dir = "/./"\n' + GOOD,
    "remote_dir that climbs": '[bootstrap]\nremote_dir = "/a/../../b"\n' + GOOD,
    "remote_dir that is relative": '[bootstrap]\nremote_dir = "a"\n' + GOOD,
    "a variable without a name": '[bootstrap.env]\n"1A" = "x"\n' + GOOD,
    "a variable that is a number": "[bootstrap.env]\nA = 1\n" + GOOD,
    "a digest that is none": '[plugins.x]\nsha256 = "abc"\n' + GOOD,
    "isolation that is none": '[plugins.x]\nisolation = "vm"\n' + GOOD,
    "a plugin that is no table": "[plugins]\nx = 1\n" + GOOD,
    "a path that is empty": '[[vms]]\nname = "a"\nbase_image = ""\n',
    "the home of another": '[[vms]]\nname = "a"\nbase_image = "~root/x"\n',
    "control characters": '[[vms]]\nname = "a"\nimage = "tiny"\ndescription = "\\u001b[31m"\n',
    "an instance without an id": GOOD.replace('name = "web"', 'name = "web"\ncount = 2') + "[[vms.instances]]\ncpus = 1\n",
    "too many reporters": "".join('[[reporters]]\nplugin = "x"\n' for _ in range(17)) + GOOD,
    "a reporter without a plugin": "[[reporters]]\n" + GOOD,
}

# What both must take.
RIGHT = {
    "words of the prototype": '[bootstrap]\nmode = "Enabled"\n' + GOOD,
    "a size as a number": '[[vms]]\nname = "a"\nimage = "tiny"\nmemory = 64\n',
    "sizes as text": "".join(f'[[vms]]\nname = "v{i}"\nimage = "tiny"\nmemory = "{size}"\n'
                             for i, size in enumerate(["2GiB", "1.5 GiB", "512 MiB", "64", "100MB", "  2e1  MiB".strip()])),
    "home": '[[vms]]\nname = "a"\nbase_image = "~/x.qcow2"\n',
    "an instance by number": GOOD.replace('name = "web"', 'name = "web"\ncount = 2') + "[[vms.instances]]\nid = 1\n",
    "an instance by name": GOOD.replace('name = "web"', 'name = "web"\ncount = 2') + '[[vms.instances]]\nname = "web-1"\n',
    "fractions of seconds": "[lifecycle]\nsigterm_wait_secs = 0.5\n" + GOOD,
    "a remote_dir with dots": '[bootstrap]\nremote_dir = "/.../.x/"\n' + GOOD,
}


class Config(Project):
    def config_command(self, what, *rest, code=0):
        result = subprocess.run([CASTRA, "config", what, *rest], env=self.env, capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def check(self, code=0):
        return json.loads(self.config_command("check", "--json", "--config", str(self.config), code=code).stdout)


class Schema(Config):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        text = subprocess.run([CASTRA, "config", "schema"], check=True, capture_output=True).stdout
        cls.schema = json.loads(text)
        jsonschema.Draft7Validator.check_schema(cls.schema)
        cls.judge_file = jsonschema.Draft7Validator(cls.schema)

    def problems(self, text):
        return [problem.message for problem in self.judge_file.iter_errors(tomllib.loads(text))]

    def test_accepts_every_file_that_castra_ships(self):
        files = sorted(file for file in SOURCE.glob("configs/**/*.toml") if file.name != "bootstrap.toml")
        self.assertGreater(len(files), 3)
        for file in files:
            with self.subTest(file=file.name):
                self.assertEqual(self.problems(file.read_text()), [])

    def test_refuses_what_castra_refuses(self):
        for name, text in WRONG.items():
            with self.subTest(name):
                self.write(text)
                self.check(code=3)
                self.assertNotEqual(self.problems(self.config.read_text()), [])

    def test_takes_what_castra_takes(self):
        for name, text in RIGHT.items():
            with self.subTest(name):
                self.write(text)
                self.check()
                self.assertEqual(self.problems(self.config.read_text()), [])

    def test_a_project_is_required(self):
        self.config.write_text(GOOD)
        self.check(code=3)
        self.assertNotEqual(self.problems(GOOD), [])


class Check(Config):
    def test_a_good_file(self):
        self.write(GOOD)
        self.assertEqual(self.check(), {"ok": True, "file": str(self.config), "project": "t", "vms": 1, "errors": []})
        text = self.config_command("check", "--config", str(self.config)).stdout
        self.assertIn("is good", text)
        self.assertFalse(self.home.exists(), "nothing is touched")

    def test_every_mistake_with_its_place_and_cure(self):
        self.write('[[vms]]\nname = "a"\nimage = "tiny"\ncpus = "two"\nmemry = "1 GiB"\n')
        errors = self.check(code=3)["errors"]
        self.assertEqual([(e["line"], e["column"], e["key"]) for e in errors], [(6, 8, "vms[0].cpus"), (7, 1, "vms[0].memry")])
        self.assertIn('did you mean "memory"', errors[1]["hint"])
        for error in errors:
            self.assertTrue(error["text"] and error["hint"])
        said = self.config_command("check", "--config", str(self.config), code=3)
        self.assertEqual(said.stdout, "")
        self.assertEqual(len(said.stderr.splitlines()), 3)
        self.assertTrue(said.stderr.startswith(f"{self.config}:6:8: vms[0].cpus: "), said.stderr)

    def test_broken_toml_has_its_place(self):
        self.config.write_text('[project\nname = "x"\n')
        self.assertEqual(self.check(code=3)["errors"][0]["line"], 1)

    def test_no_file_at_all(self):
        self.assertEqual(self.check(code=3)["code"], "config_not_found")

    def test_tables_of_plugins_are_checked_by_their_manifests(self):
        self.write(GOOD + '[[reporters]]\nplugin = "console"\nconfig = { strem = "stdout" }\n[[reporters]]\nplugin = "consle"\n')
        errors = self.check(code=3)["errors"]
        self.assertEqual([error["line"] for error in errors], [10, 11])
        self.assertIn("strem", errors[0]["text"])
        self.assertIn("console", errors[1]["hint"] + errors[1]["text"])

    def test_it_finds_what_up_would_refuse(self):
        self.write(GOOD + '[[vms.bootstrap.steps]]\nname = "apply"\nconfig = { nonsense = 1 }\n'
                   '[plugins.qemu.config]\nacclerator = "tcg"\n[[vms.bootstrap.steps]]\nname = "lost"\nplugin = "step-lost"\n')
        errors = self.check(code=3)["errors"]
        self.assertEqual(sorted(re.search("nonsense|acclerator|step-lost", error["text"])[0] for error in errors), ["acclerator", "nonsense", "step-lost"])
        for error in errors:
            self.assertGreater(error["line"], 0)


class Place(Config):
    def test_a_path_that_is_not_utf_8_is_refused(self):
        odd = os.fsencode(self.dir) + b"/\xff"
        os.mkdir(odd)
        with open(odd + b"/castra.toml", "w") as config:
            config.write('[project]\nname = "t"\n' + GOOD)
        for words in (["up", "--events", "ndjson"], ["down", "--events", "ndjson"], ["clean", "--events", "ndjson"],
                      ["plan", "--events", "ndjson"], ["status", "--json"], ["config", "check"], ["logs"], ["events", "runs"]):
            for where in ([], ["--config", odd + b"/castra.toml"]):
                with self.subTest(words=words, where=where):
                    result = subprocess.run([CASTRA, *words, *where], env=self.env, cwd=odd, capture_output=True, timeout=60)
                    said = result.stdout + result.stderr
                    self.assertEqual(result.returncode, 3, said)
                    self.assertIn(b"UTF-8", said)
                    self.assertNotIn(b"castra: bug", said)
        self.assertFalse(self.home.exists())


class Show(Config):
    def show(self, *vms):
        answer = json.loads(self.config_command("show", "--json", "--config", str(self.config), *vms).stdout)
        return {row["key"]: row for row in answer["values"]}

    def test_says_where_each_value_comes_from(self):
        self.write('[bootstrap]\nmode = "skip"\n' + GOOD.replace('name = "web"', 'name = "web"\ncount = 2') +
                   "[[vms.instances]]\nid = 1\ncpus = 3\n")
        rows = self.show()
        self.assertEqual(rows["vms.web-0.cpus"], {"key": "vms.web-0.cpus", "value": 1, "origin": "default"})
        cpus = rows["vms.web-1.cpus"]
        self.assertEqual((cpus["value"], cpus["origin"], cpus["line"], cpus["table"]), (3, "file", 13, "[[vms.instances]]"))
        self.assertEqual(rows["vms.web-0.bootstrap.mode"]["table"], "[bootstrap]")
        self.assertEqual(rows["project.name"]["line"], 2)
        # Every origin is true: the line of the file holds the key.
        lines = self.config.read_text().splitlines()
        for row in rows.values():
            if row["origin"] == "file" and "[" not in row["key"]:
                self.assertIn(row["key"].rsplit(".", 1)[1], lines[row["line"] - 1], row)

    def test_of_one_vm_and_of_a_mistyped_one(self):
        self.write(GOOD)
        self.assertTrue(all(key.startswith("vms.web-0.") for key in self.show("web-0")))
        result = self.config_command("show", "--config", str(self.config), "wbe-0", code=2)
        self.assertIn('did you mean "web-0"', result.stderr)

    def test_secrets_stay_secret(self):
        self.write('[bootstrap.env]\nTOKEN = "hunter2"\n' + GOOD)
        self.assertNotIn("hunter2", self.config_command("show", "--config", str(self.config)).stdout)
        self.assertEqual(self.show()["vms.web-0.bootstrap.env.TOKEN"]["value"], "***")


class Init(Config):
    def init(self, *rest, code=0):
        result = subprocess.run([CASTRA, "init", *rest], env=self.env, capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def test_writes_a_file_that_is_good_and_says_what_comes_next(self):
        said = self.init(str(self.dir)).stdout
        self.assertIn("castra up", said)
        self.assertEqual(self.check()["vms"], 1)

    def test_the_commented_lines_are_good_too(self):
        self.init(str(self.dir), "--name", "mine")
        text = self.config.read_text()
        lines = [line[1:] if line.startswith("#") and ("=" in line.split("#")[1] or line.startswith("#[")) and not line.startswith("# ")
                 else line for line in text.splitlines()]
        (self.dir / "bootstrap").mkdir()
        self.config.write_text("\n".join(lines) + "\n")
        self.assertEqual(self.check()["vms"], 3)

    def test_never_overwrites(self):
        self.config.write_text("precious")
        refused = self.init(str(self.dir), code=5)
        self.assertIn("stays as it is", refused.stderr)
        self.assertEqual(self.config.read_text(), "precious")
        self.config.unlink()

    def test_a_folder_whose_name_is_no_name(self):
        folder = self.dir / "My Project!"
        folder.mkdir()
        answer = json.loads(self.init(str(folder), "--json").stdout)
        self.assertEqual(answer["project"], "my-project")


if __name__ == "__main__":
    unittest.main()
