# SPDX-License-Identifier: Apache-2.0
"""The published schema means the same to the validators that consumers have: python3-jsonschema, ajv 8, ajv 6."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from damage import cases, streams
from judges import CONSUMERS, schema, verify

AJV_8 = "8.20.0"
DEBIAN = pathlib.Path("/usr/share/nodejs")


def ajv_8():
    """A folder with node_modules/ajv, fetched once; None without a network."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "castra-tests" / f"ajv-{AJV_8}"
    if not (cache / "node_modules" / "ajv").is_dir() and shutil.which("npm"):
        cache.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-save", "--prefix", str(cache), f"ajv@{AJV_8}"],
                       cwd=cache, capture_output=True, timeout=120, check=False)
    return cache / "node_modules" if (cache / "node_modules" / "ajv").is_dir() else None


class Shapes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="castra-shapes.")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.files, cls.expected = [], {}
        named = {name: streams.wire(streams.sealed(make())) for name, make in streams.STREAMS.items()}
        named.update({case.name: cases.data_of(case) for case in cases.CASES})
        for name, data in named.items():
            path = cls.folder / f"{name}.ndjson"
            path.write_bytes(data)
            flawed, events = verify.check_bytes(data)
            # Where the bytes are wrong already, parsers differ in what they make of them.
            cls.expected[str(path)] = ({one["line"] for one in verify.check_schema(events, schema())}, {one["line"] for one in flawed})
            cls.files.append(str(path))

    def agrees(self, modules, *options):
        file = self.folder / "schema.json"
        file.write_text(json.dumps(schema(*options)))
        node = subprocess.run(["node", str(CONSUMERS / "ajv.cjs"), str(file), *self.files], env=dict(os.environ, NODE_PATH=str(modules)),
                              capture_output=True, text=True, timeout=200, check=False)
        self.assertEqual(node.returncode, 7, node.stderr)
        found = {}
        for one in map(json.loads, node.stdout.splitlines()):
            found.setdefault(one["file"], set()).add(one["line"])
        refused = 0
        for path, (lines, flawed) in self.expected.items():
            with self.subTest(pathlib.Path(path).stem):
                self.assertEqual(found.get(path, set()) - flawed, lines - flawed)
            refused += len(lines)
        self.assertGreater(refused, 20)

    @unittest.skipUnless(shutil.which("node"), "AJV 8 DID NOT JUDGE: there is no node")
    def test_ajv_8_agrees_with_jsonschema(self):
        modules = ajv_8()
        if not modules:
            self.skipTest(f"AJV 8 DID NOT JUDGE: npm could not fetch ajv@{AJV_8}")
        self.agrees(modules)

    @unittest.skipUnless(shutil.which("node") and (DEBIAN / "ajv").is_dir(), "AJV 6 DID NOT JUDGE: apt-get install node-ajv")
    def test_ajv_6_agrees_with_jsonschema(self):
        self.agrees(DEBIAN, "--draft-07")

    def test_the_draft_07_schema_says_the_same(self):
        for path, (lines, _) in self.expected.items():
            _, events = verify.check_bytes(pathlib.Path(path).read_bytes())
            with self.subTest(pathlib.Path(path).stem):
                self.assertEqual({one["line"] for one in verify.check_schema(events, schema("--draft-07"))}, lines)

    def test_the_open_schema_lets_newer_producers_pass(self):
        events = streams.sealed(streams.up())
        newer = dict(events[1], contract="1.7", colour="red", type="vm.painted")
        newer.pop("text")
        text = subprocess.run([os.environ["CASTRA"], "contract", "schema"], check=True, capture_output=True).stdout
        self.assertEqual(verify.check_schema([(1, newer)], json.loads(text)), [])
        self.assertNotEqual(verify.check_schema([(1, newer)], schema()), [])


if __name__ == "__main__":
    unittest.main()
