# SPDX-License-Identifier: Apache-2.0
"""The differ: every row of the checklist is recognised, by changing the snapshot on purpose (diff/<row>/cases.json)."""
import json
import tempfile
import unittest

from contract import CASTRA, HERE, SNAPSHOT, changed, differ, run

LEAST = {"none": "1.0", "minor": "1.1", "major": "2.0"}
BELOW = {"minor": "1.0", "major": "1.9"}


class DiffTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.snapshot = json.loads(SNAPSHOT.read_text())

    def diff(self, new, version):
        return differ(self.snapshot, dict(new, contract=version), self.folder.name)

    def test_every_row_is_recognised_and_gated(self):
        rows = sorted(path.name for path in (HERE / "diff").iterdir())
        self.assertGreater(len(rows), 20)
        for row in rows:
            for case in json.loads((HERE / "diff" / row / "cases.json").read_text()):
                with self.subTest(row=row, case=case["text"]):
                    new = changed(self.snapshot, case["changes"])
                    bump = case["bump"]
                    answer, code = self.diff(new, LEAST.get(bump, "2.0"))
                    found = [(each["row"], each["where"]) for each in answer["differences"]]
                    self.assertEqual(found, [(row, case["where"])])
                    self.assertEqual(answer["bump"], bump)
                    self.assertEqual((answer["ok"], code), (bump != "blocked", 7 if bump == "blocked" else 0), answer)
                    if bump in BELOW:
                        self.assertEqual(answer["least_version"], LEAST[bump])
                        answer, code = self.diff(new, BELOW[bump])
                        self.assertEqual((answer["ok"], code), (False, 7))

    def test_a_security_decision_lifts_the_block_to_a_minor(self):
        new = changed(self.snapshot, [{"remove": "types/command.accepted/fields/argv/masked"},
                                      {"add": "security_decisions", "value": "0042"}])
        answer, code = self.diff(new, "1.1")
        self.assertEqual((answer["bump"], answer["ok"], code), ("minor", True, 0))
        self.assertEqual(self.diff(new, "1.0")[1], 7)

    def test_the_heaviest_change_decides(self):
        new = changed(self.snapshot, [{"set": "types/vm.launch/meaning", "to": "Other words."},
                                      {"set": "envelope/seq/unit", "to": "bytes"},
                                      {"add": "envelope/operation/open", "value": "fly"}])
        answer, _ = self.diff(new, "1.1")
        self.assertEqual([each["bump"] for each in answer["differences"]], ["major", "minor", "none"])
        self.assertEqual((answer["bump"], answer["ok"]), ("major", False))

    def test_order_has_no_meaning(self):
        new = dict(self.snapshot, types=self.snapshot["types"][::-1], envelope=self.snapshot["envelope"][::-1])
        answer, code = self.diff(new, "1.0")
        self.assertEqual((answer["differences"], code), ([], 0))

    def test_a_wrong_since_or_an_older_version_is_a_mistake(self):
        field = {"name": "n", "type": "string", "required": False, "meaning": "m", "since": "1.0", "example": '"x"'}
        answer, code = self.diff(changed(self.snapshot, [{"add": "envelope", "value": field}]), "1.1")
        self.assertEqual((len(answer["mistakes"]), code), (1, 7))
        self.assertIn("since", answer["mistakes"][0])
        answer, code = self.diff(changed(self.snapshot, [{"set": "envelope/seq/since", "to": "1.1"}]), "1.1")
        self.assertEqual((len(answer["mistakes"]), code), (1, 7))
        answer, code = self.diff(self.snapshot, "0.9")
        self.assertEqual((len(answer["mistakes"]), code), (1, 7))

    def test_people_are_told_the_row_the_place_and_the_version(self):
        path = HERE / "snapshots" / "1.0.json"
        new = dict(changed(self.snapshot, [{"remove": "types/vm.ready"}]), contract="1.1")
        with open(f"{self.folder.name}/new.json", "w") as file:
            json.dump(new, file)
        answer = run(CASTRA, "contract", "diff", path, f"{self.folder.name}/new.json")
        self.assertEqual(answer.returncode, 7)
        for word in ("major", "remove_or_rename", "vm.ready", "2.0"):
            self.assertIn(word, answer.stdout)

    def test_what_is_no_snapshot_is_refused_with_a_reason(self):
        for text, why in (("", "not JSON"), ("[]", "not a contract snapshot"), ('{"snapshot":9}', "format"),
                          ('{"snapshot":1,"contract":"one"}', "major.minor"),
                          (json.dumps(dict(self.snapshot, types=[{"type": "x"}])), "types"),
                          (json.dumps(dict(self.snapshot, envelope=[{"name": "x"}])), "envelope"),
                          (json.dumps(dict(self.snapshot, contract="99999999999.0")), "major.minor")):
            with open(f"{self.folder.name}/bad.json", "w") as file:
                file.write(text)
            answer = run(CASTRA, "contract", "diff", f"{self.folder.name}/bad.json", "--json")
            self.assertEqual(answer.returncode, 2, text[:80])
            self.assertIn(why, json.loads(answer.stdout)["error"]["text"])
        self.assertEqual(run(CASTRA, "contract", "diff", "/does/not/exist").returncode, 10)
