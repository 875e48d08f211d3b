# SPDX-License-Identifier: Apache-2.0
"""What the tests of this folder share: the independent judge of docs/consumers, and castra's own."""
import functools
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
CONSUMERS = HERE.parents[1] / "docs" / "consumers"
CASTRA = os.environ["CASTRA"]

sys.path.insert(0, str(CONSUMERS))
import verify  # noqa: E402  docs/consumers/verify.py


def integration():
    """tests/integration/support.py, which makes projects and runs castra."""
    spec = importlib.util.spec_from_file_location("integration_support", HERE.parent / "integration" / "support.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.lru_cache
def schema(*options):
    return json.loads(subprocess.run([CASTRA, "contract", "schema", "--closed", *options], check=True, capture_output=True).stdout)


def castra_verify(path):
    """castra's own verdict of a file; its exit code and its answer must agree."""
    result = subprocess.run([CASTRA, "events", "verify", str(path), "--json"], capture_output=True, text=True, check=False, timeout=60)
    verdict = json.loads(result.stdout)
    if (result.returncode, verdict["ok"], bool(verdict["findings"])) not in ((0, True, False), (7, False, True)):
        raise AssertionError(f"exit code {result.returncode} with {result.stdout}")
    return verdict


class Judged(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="castra-judge.")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name, data):
        path = self.folder / f"{name}.ndjson"
        path.write_bytes(data)
        return path

    def orders(self, named, script=verify.ORDER):
        """What order.jq finds, by name; as few runs of jq as possible."""
        paths = {name: self.file(name, data) for name, data in named.items()}
        whole = [name for name, data in named.items() if data.endswith(b"\n")]
        found = verify.check_orders([paths[name] for name in whole], script) if whole else {}
        for name in named.keys() - set(whole):
            found.update(verify.check_orders([paths[name]], script))
        return {name: found[str(path)] for name, path in paths.items()}

    def verdicts(self, named):
        orders = self.orders(named)
        return {name: verify.judge(self.folder / f"{name}.ndjson", schema(), orders[name]) for name in named}

    def agree(self, named):
        """The independent verdicts; castra's must be the same."""
        verdicts = self.verdicts(named)
        for name, mine in verdicts.items():
            with self.subTest(name):
                theirs = castra_verify(self.folder / f"{name}.ndjson")
                self.assertEqual(mine["ok"], theirs["ok"], f"\nindependent: {mine['findings'][:3]}\ncastra: {theirs['findings'][:3]}")
                self.assertEqual(mine["lines"], theirs["lines"])
        return verdicts
