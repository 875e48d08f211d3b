# SPDX-License-Identifier: Apache-2.0
"""What the tests of this folder share: the independent judge of docs/consumers, and castra's own."""
import functools
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys

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


@functools.lru_cache
def has_verify():
    return re.search(r"^  events\b", subprocess.run([CASTRA, "--help"], check=True, capture_output=True, text=True).stdout, re.M)


def castra_verify(path):
    """castra's own verdict of a file; its exit code and its answer must agree."""
    result = subprocess.run([CASTRA, "events", "verify", str(path), "--json"], capture_output=True, text=True, check=False, timeout=60)
    verdict = json.loads(result.stdout)
    if (result.returncode, verdict["ok"], bool(verdict["findings"])) not in ((0, True, False), (7, False, True)):
        raise AssertionError(f"exit code {result.returncode} with {result.stdout}")
    return verdict
