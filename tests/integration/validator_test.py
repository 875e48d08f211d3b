# SPDX-License-Identifier: Apache-2.0
"""castra plugin validate, and its own proof: bad plugins, each caught under the right check, and good ones that pass."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

CASTRA = os.environ["CASTRA"]
PLUGINS = pathlib.Path(os.environ["CASTRA_PLUGINS"])
CORPUS = pathlib.Path(os.environ["CASTRA_TEST_PLUGINS"])


class Validator(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="castra-test."))

    def tearDown(self):
        shutil.rmtree(self.dir)

    def validate(self, file, *rest):
        result = subprocess.run([CASTRA, "plugin", "validate", str(file), "--json", *rest], capture_output=True, text=True,
                                timeout=280)
        report = json.loads(result.stdout)
        self.assertEqual(result.returncode, 0 if report["ok"] else 8, result.stdout + result.stderr)
        return report

    def caught(self, file, check, *words):
        """The first check that fails is this one, and says these words."""
        with self.subTest(plugin=pathlib.Path(file).name, check=check):
            report = self.validate(file)
            failed = [one for one in report["checks"] if one["status"] == "failed"]
            self.assertTrue(failed, "nothing was found")
            self.assertEqual(failed[0]["name"], check, failed)
            self.assertEqual(report["level_passed"], failed[0]["level"] - 1)
            for word in words:
                self.assertIn(word, failed[0]["text"])

    def flaw(self, name, check, *words):
        self.caught(CORPUS / f"flaw-{name}.so", check, *words)

    def bad(self, name, check, *words):
        self.caught(CORPUS / f"bad-{name}.so", check, *words)


class StaticFlaws(Validator):
    def test_each_is_caught_under_its_name(self):
        text = self.dir / "text.so"
        text.write_text("#!/bin/sh\n" * 100)
        self.caught(text, "static.elf", "no ELF header")
        cut = self.dir / "cut.so"
        cut.write_bytes((CORPUS / "good-c.so").read_bytes()[:3000])
        self.caught(cut, "static.elf", "cut short")
        self.bad("no-note", "static.note", "no castra manifest")
        renamed = self.dir / "reporter-mine.so"
        shutil.copy(CORPUS / "good-c.so", renamed)
        self.caught(renamed, "static.name", "good-c")
        self.bad("manifest-major", "static.abi", "99")
        self.bad("manifest-minor", "static.abi", "1.7")
        self.bad("contract-new", "static.contract", "1.9")
        self.bad("contract-old", "static.contract")
        self.bad("unknown-kind", "static.kinds", "castra.reporter/2")
        self.flaw("unique", "static.unique", "castra_test_unique")
        self.flaw("exports", "static.exports", "castra_test_other_export")
        self.bad("no-symbol", "static.exports", "castra_plugin_entry_v1")
        self.flaw("fast-math", "static.fast_math")
        self.flaw("schema-broken", "static.schema")
        self.flaw("schema-open", "static.schema", "misspelt")
        self.flaw("example", "static.examples", "one")
        self.flaw("default", "static.examples", "default of a")

    def test_no_code_of_it_runs(self):
        mark = self.dir / "mark"
        env = dict(os.environ, CASTRA_TEST_MARK=str(mark))
        for rest in (["--level", "1"], ["--level", "2"]):
            subprocess.run([CASTRA, "plugin", "validate", str(CORPUS / "good-disturbing.so"), *rest], env=env, timeout=60,
                           stdout=subprocess.DEVNULL)
            self.assertEqual(mark.exists(), rest[1] == "2", "the mark tells whether its constructor ran")


class LoadFlaws(Validator):
    def test_each_is_caught_under_its_name(self):
        self.flaw("crashes-at-load", "load.loads", "SIGSEGV")
        self.flaw("exits-at-load", "load.loads", "exit code 0")
        for name, words in {"magic": "magic number", "size": "24 bytes", "major": "99", "minor": "1.7", "hash": "0123456789abcdef",
                            "null": "no table"}.items():
            self.bad(name, "load.table", words)
        self.bad("init", "load.init", "5")
        for name in ("signal", "mask", "locale", "umask", "cwd", "rounding", "environment", "thread"):
            self.flaw(f"state-{name}", "load.state", "while it was loaded")
        self.flaw("prints-at-load", "load.quiet", "(c) somebody")
        self.flaw("slow-to-load", "load.quick", "ms to load")
        self.flaw("opens-at-load", "load.descriptors")

    def test_one_that_never_comes_back_is_ended(self):
        self.flaw("hangs-at-load", "load.loads", "did not come to an end")


class ShapeFlaws(Validator):
    def test_each_is_caught_under_its_name(self):
        self.bad("lacks-kind", "shape.kinds", "castra.launcher/1")
        self.bad("slots", "shape.kinds", "2 slots")
        self.flaw("makes-anything", "shape.unknown", "makes an instance")
        self.flaw("knows-every-interface", "shape.unknown", "provides an interface")
        self.flaw("undeclared", "shape.declared", "castra.launcher/1")
        self.flaw("no-events-slot", "shape.slots", "slot 1")


class ConfigFlaws(Validator):
    def test_each_is_caught_under_its_name(self):
        self.flaw("never-made", "config.default", "not today")
        self.flaw("crashes-without", "config.missing", "SIGSEGV")
        self.flaw("crashes-when-wrong", "config.wrong", "SIGSEGV")
        self.flaw("crashes-at-garbage", "config.garbage", "SIGSEGV")
        self.flaw("crashes-when-huge", "config.huge", "SIGSEGV")
        self.flaw("crashes-at-nul", "config.nul", "SIGSEGV")
        self.flaw("crashes-at-unicode", "config.unicode", "SIGSEGV")
        self.flaw("wrong-field-path", "config.field_path", "salutation")


class KindFlaws(Validator):
    def test_each_is_caught_under_its_name(self):
        self.flaw("plans-nothing", "kind.answers", "no argv")
        self.flaw("answers-no-json", "kind.answers", "no JSON")
        self.flaw("plans-at-random", "kind.pure", "two replies")
        self.flaw("strict-fields", "kind.unknown_fields", "a field I do not know")
        self.flaw("crashes-at-bad-request", "kind.errors", "SIGSEGV")
        self.flaw("silent-errors", "config.wrong", "its error is no JSON")
        self.flaw("differs-isolated", "kind.isolated", "isolated")


class LateFlaws(Validator):
    def test_each_is_caught_under_its_name(self):
        self.flaw("ignores-deadline", "cancel.expired", "although its deadline has passed")
        self.flaw("ignores-cancel", "cancel.late", "although it is cancelled")
        self.flaw("slow-to-destroy", "cancel.destroy", "to be destroyed")
        self.flaw("needs-its-event", "faults.host", "SIGABRT")
        self.flaw("ignores-sink", "faults.sink", "was not taken")
        self.flaw("loses-descriptors", "faults.leaks", "descriptor")
        self.flaw("leaves-threads", "faults.leaks", "thread")
        self.flaw("bound-to-its-thread", "faults.threads", "SIGABRT")
        self.flaw("dies-of-an-error", "faults.after_error", "broken")


class GoodPlugins(Validator):
    def good(self, file):
        with self.subTest(plugin=file.name):
            report = self.validate(file)
            self.assertEqual([one for one in report["checks"] if one["status"] == "failed"], [])
            self.assertEqual(report["level_passed"], 7)
            skipped = [one["name"] for one in report["checks"] if one["status"] == "skipped"]
            self.assertIn(skipped, ([], ["kind.isolated"]))

    def test_every_shipped_plugin_passes_at_the_highest_level(self):
        files = sorted(PLUGINS.glob("*.so"))
        self.assertGreaterEqual(len(files), 5)
        for file in files:
            self.good(file)

    def test_good_ones_pass(self):
        for name in ("good-flawless", "good-all", "good-disturbing"):
            self.good(CORPUS / f"{name}.so")


class Reports(Validator):
    def test_junit_and_text(self):
        junit = self.dir / "report.xml"
        file = CORPUS / "flaw-prints-at-load.so"
        result = subprocess.run([CASTRA, "plugin", "validate", str(file), "--level", "2", "--junit", str(junit)],
                                capture_output=True, text=True, timeout=120)
        self.assertEqual(result.returncode, 8)
        self.assertIn("failed  load.quiet", result.stdout)
        self.assertIn("it passes level 1 of 2", result.stdout)
        suite = xml.etree.ElementTree.parse(junit).getroot()
        self.assertEqual((suite.tag, suite.get("failures")), ("testsuite", "1"))
        cases = {case.get("name"): case for case in suite}
        self.assertEqual(int(suite.get("tests")), len(cases))
        self.assertIn("(c) somebody", cases["load.quiet"].find("failure").get("message"))
        self.assertIsNone(cases["static.elf"].find("failure"))

    def test_no_such_file_and_no_such_level(self):
        self.assertEqual(subprocess.run([CASTRA, "plugin", "validate", "/nowhere.so"], capture_output=True).returncode, 10)
        self.assertEqual(subprocess.run([CASTRA, "plugin", "validate", "/nowhere.so", "--level", "8"],
                                        capture_output=True).returncode, 2)


if __name__ == "__main__":
    unittest.main()
