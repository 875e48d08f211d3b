# SPDX-License-Identifier: Apache-2.0
"""Plugins that nobody here wrote, in real runs: refused, isolated, broken in every way that we could think of."""
import os
import pathlib
import shutil
import unittest

from support import Project, types_of

CORPUS = pathlib.Path(os.environ["CASTRA_TEST_PLUGINS"])


class AbiRefusals(Project):
    """A plugin of another ABI or contract: refused by its manifest, before anything exists and before it runs."""

    def refused(self, plugin, *mentions):
        mark = self.dir / "mark"
        shutil.copy(CORPUS / f"{plugin}.so", self.dir / "odd.so")
        (self.dir / "odd.so").chmod(0o644)
        self.write('[plugins.odd]\npath = "odd.so"\n[[vms]]\nname = "a"\nlauncher = "odd"\nbase_image = "castra.toml"\n')
        result = self.castra("up", env=dict(self.env, CASTRA_TEST_MARK=str(mark)))
        events = self.events(result, 8)
        self.assertEqual(types_of(events), ["command.rejected", "summary"])
        self.assertEqual(events[0]["code"], "plugin")
        for words in (str(self.dir / "odd.so"), *mentions):
            self.assertIn(words, events[0]["detail"])
        self.assertTrue(events[0].get("remediation"), "a cure")
        self.assertFalse(self.home.exists(), "nothing is created")
        self.assertEqual(self.processes(), {})
        self.assertFalse(mark.exists(), "its constructor ran")

    def test_another_major_names_both_numbers(self):
        self.refused("bad-manifest-major", "is built for plugin ABI major 99", "this castra speaks major 1")

    def test_a_newer_minor_names_both_numbers(self):
        self.refused("bad-manifest-minor", "needs plugin ABI 1.7 or later", "this castra speaks 1.0")

    def test_a_newer_contract(self):
        self.refused("bad-contract-new", "needs event contract 1.9 or later")

    def test_an_older_contract(self):
        self.refused("bad-contract-old", "knows event contracts up to major 0")

    def test_an_unknown_revision_of_a_kind(self):
        self.refused("bad-unknown-kind", "provides castra.reporter/2, which this castra does not know")

    def test_code_of_another_major_than_its_manifest(self):
        shutil.copy(CORPUS / "bad-major.so", self.dir / "odd.so")
        (self.dir / "odd.so").chmod(0o644)
        self.write('[plugins.odd]\npath = "odd.so"\n[[vms]]\nname = "a"\nlauncher = "odd"\nbase_image = "castra.toml"\n')
        events = self.events(self.castra("up"), 8)
        self.assertIn("is built for plugin ABI major 99, this castra speaks major 1", events[0]["detail"])
        self.assertFalse(self.home.exists())


if __name__ == "__main__":
    unittest.main()
