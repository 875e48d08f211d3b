# SPDX-License-Identifier: Apache-2.0
"""The gate: what this build promises, against the snapshots of what was promised."""
import hashlib
import json
import unittest

from contract import CASTRA, HERE, ROOT, contract, frozen, run

AGAIN = "made from the registry: run tests/contract/regenerate and commit what it writes"


class SnapshotTest(unittest.TestCase):
    def test_frozen_files_never_change(self):
        for path, digest in frozen().items():
            self.assertEqual(hashlib.sha256((HERE / path).read_bytes()).hexdigest(), digest, f"{path} is frozen")

    def test_this_build_is_the_snapshot_of_its_version_or_it_is_frozen(self):
        text = contract("snapshot")
        path = f"snapshots/{json.loads(text)['contract']}.json"
        if path not in frozen():
            self.assertEqual((HERE / path).read_text(), text, f"tests/contract/{path} is {AGAIN}")
            path = path.replace(".json", ".schema.json")
            self.assertEqual((HERE / path).read_text(), contract("schema"), f"tests/contract/{path} is {AGAIN}")

    def test_this_build_satisfies_every_snapshot(self):
        snapshots = sorted((HERE / "snapshots").glob("?.?.json"))
        self.assertGreater(len(snapshots), 0)
        for path in snapshots:
            answer = run(CASTRA, "contract", "diff", path, ".")
            self.assertEqual(answer.returncode, 0, answer.stdout + answer.stderr)

    def test_the_page_is_what_castra_prints(self):
        self.assertEqual((ROOT / "docs" / "EVENTS.md").read_text(), contract("docs"), f"docs/EVENTS.md is {AGAIN}")

    def test_the_table_of_the_first_reader_is_of_its_snapshot(self):
        made = run(HERE / "reader_1_0" / "make_table", HERE / "snapshots" / "1.0.json").stdout
        self.assertEqual((HERE / "reader_1_0" / "contract_1_0.inc").read_text(), made, f"contract_1_0.inc is {AGAIN}")


class HelpTest(unittest.TestCase):
    def test_help_names_every_command_and_its_examples_run(self):
        text = contract("--help")
        self.assertIn("Usage: castra contract", text)
        for name in ("schema", "docs", "samples", "fields", "typescript", "snapshot", "diff"):
            self.assertIn(f"  {name}", text)
        for line in text.splitlines():
            words = line.split()
            if words[:2] == ["castra", "contract"] and ">" not in line and "diff" not in line:
                line = line.split("| less")[0].replace("castra", CASTRA, 1)
                answer = run("bash", "-c", line)
                self.assertEqual(answer.returncode, 0, line + answer.stderr)
                self.assertNotEqual(answer.stdout, "", line)
