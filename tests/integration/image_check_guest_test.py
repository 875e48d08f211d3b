# SPDX-License-Identifier: Apache-2.0
"""The recipe's own check: every form of the image `tiny` is booted by a bare QEMU, without castra."""
import os
import pathlib
import shutil
import subprocess
import unittest

from guest import CACHE

CHECK = pathlib.Path(os.environ["CASTRA"]).resolve().parent.parent / "share/castra/images/tiny/check"


class ImageCheck(unittest.TestCase):
    def test_every_form_boots_takes_the_key_and_goes(self):
        for tool in ("socat", "ssh", "jq"):
            if not shutil.which(tool):
                self.skipTest(f"needs {tool}: see {CHECK.parent}/host-packages")
        checked = subprocess.run([CHECK, CACHE / "images/tiny"], capture_output=True, text=True, timeout=600)
        said = checked.stdout + checked.stderr
        self.assertEqual(checked.returncode, 0, said)
        lines = checked.stdout.splitlines()
        self.assertEqual([line for line in lines[:-1] if not line.startswith("ok ")], [], said)
        self.assertEqual(lines[-1], f"{len(lines) - 1} passed, 0 failed")
        self.assertGreaterEqual(len(lines), 9, "initrd on four machines, disk, bare, panic, timer")
