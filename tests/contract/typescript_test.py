# SPDX-License-Identifier: Apache-2.0
"""The TypeScript module, judged by the TypeScript compiler (npm's typescript) and by running a reader on the samples."""
import os
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

from contract import HERE, contract, run

SOURCE = HERE / "typescript"


def compiler():
    """The path of tsc, installed once into the build directory. Skips loudly where that cannot be."""
    folder = pathlib.Path(os.environ["CASTRA_BUILD"]) / "tests" / "typescript"
    tsc = folder / "node_modules" / "typescript" / "bin" / "tsc"
    if tsc.exists() and (folder / "package-lock.json").read_bytes() == (SOURCE / "package-lock.json").read_bytes():
        return tsc
    why = "node and npm are not here"
    if shutil.which("npm") and shutil.which("node"):
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCE / name, folder / name)
        try:
            done = run("npm", "ci", "--prefix", folder, "--no-audit", "--no-fund", "--fetch-retries=1")
            if done.returncode == 0 and tsc.exists():
                return tsc
            why = f"npm ci failed: {done.stderr.strip()[-300:]}"
        except OSError as error:
            why = str(error)
    print(f"\n*** SKIPPED: the TypeScript module is NOT checked: {why}", file=sys.stderr)
    raise unittest.SkipTest(why)


class TypescriptTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tsc = compiler()
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.dir = pathlib.Path(cls.folder.name)
        (cls.dir / "castra-events.ts").write_text(contract("typescript"))
        for name in ("good.ts", "node.d.ts"):
            shutil.copy(SOURCE / name, cls.dir / name)
        shutil.copytree(SOURCE / "wrong", cls.dir / "wrong")

    def compile(self, *files, emit=False):
        output = ["--outDir", self.dir / "out", "--module", "commonjs"] if emit else ["--noEmit", "--module", "commonjs"]
        return run("node", self.tsc, "--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes", "--target",
                   "es2022", "--pretty", "false", *output,
                   *[self.dir / name for name in ("node.d.ts", *files)])

    def test_the_module_and_a_good_reader_compile_and_read_the_samples(self):
        done = self.compile("castra-events.ts", "good.ts", emit=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        samples = contract("samples")
        answer = run("node", self.dir / "out" / "good.js", stdin=samples.replace('"type":"vm.ready"', '"type":"vm.new"'))
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(len(answer.stdout.splitlines()), len(samples.splitlines()) + 1)
        self.assertIn("web-0 runs as 4242", answer.stdout)
        self.assertIn("web-0=ready", answer.stdout)
        self.assertIn("info: The VM said that it is ready.", answer.stdout) # a type it does not know
        self.assertTrue(answer.stdout.endswith("fine\n"))
        refused = run("node", self.dir / "out" / "good.js", stdin=samples.replace('"contract":"1.', '"contract":"2.'))
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("another major", refused.stderr)

    def test_wrong_readers_do_not_compile_for_the_reason_they_are_wrong(self):
        wrong = sorted(path.name for path in (self.dir / "wrong").iterdir())
        self.assertGreater(len(wrong), 3)
        out = self.compile(*[f"wrong/{name}" for name in wrong]).stdout
        for name in wrong:
            expected = re.search(r"// expect: (TS\d+)", (self.dir / "wrong" / name).read_text()).group(1)
            found = re.findall(rf"{re.escape(name)}\(\d+,\d+\): error (TS\d+)", out)
            self.assertEqual(found, [expected], out)
