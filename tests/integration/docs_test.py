# SPDX-License-Identifier: Apache-2.0
"""Docs that can rot are run: each page's ```sh blocks in order, in one shell that stops at the first failure, in an empty
folder; a ```toml NAME block writes that file first. Other blocks are not commands."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from support import CASTRA, Project

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["CASTRA_BUILD"])


def script_of(page):
    """The page as a shell script; None for a page without commands."""
    parts = []
    for kind, body in re.findall(r"^```([^\n]*)\n(.*?)^```$", (SOURCE / page).read_text(), re.M | re.S):
        words = kind.split()
        if words[:1] == ["sh"]:
            parts.append(body)
        elif words[:1] == ["toml"] and len(words) == 2:
            parts.append(f"cat > {words[1]} <<'END_OF_FILE'\n{body}END_OF_FILE\n")
    return "set -euo pipefail\nset -x\n" + "".join(parts) if parts else None


class Page(Project):
    def run_page(self, page, timeout, **env):
        self.config = self.dir / "castra.toml"
        paths = os.environ["PATH"].split(":")
        result = subprocess.run(["bash", "-c", script_of(page)], cwd=self.dir, capture_output=True, text=True, timeout=timeout,
                                env=dict(self.env, PATH=":".join([str(pathlib.Path(env.pop("castra", CASTRA)).parent), *paths]), **env))
        self.assertEqual(result.returncode, 0, result.stdout[-4000:] + result.stderr[-4000:])
        return result


class Howto(Page):
    def test_every_command(self):
        place = pathlib.Path(tempfile.mkdtemp(prefix="castra-docs-test."))
        try:
            subprocess.run(["cmake", "--install", BUILD, "--prefix", place], check=True, capture_output=True, timeout=300)
            self.run_page("docs/HOWTO.md", 280, CMAKE_PREFIX_PATH=str(place), castra=str(place / "bin/castra"))
            told = pathlib.Path("/tmp/told.txt")  # as the page has it
            self.addCleanup(told.unlink, missing_ok=True)
            self.assertIn("own-reporter", told.read_text(), "the reporter was told")
        finally:
            shutil.rmtree(place, ignore_errors=True)


class Readme(Project):
    def test_its_castra_toml_is_understood(self):
        (example,) = re.findall(r"^```toml\n(.*?)^```$", (SOURCE / "README.md").read_text(), re.M | re.S)
        self.config.write_text(example)
        result = subprocess.run([CASTRA, "config", "check", "--config", str(self.config)], env=self.env, capture_output=True,
                                text=True, timeout=60)
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)
        self.assertEqual(self.states(), {"web-0": "absent"}, "the name that its comment tells")


class Pages(unittest.TestCase):
    def test_links_lead_somewhere(self):
        for page in [SOURCE / "README.md", *sorted((SOURCE / "docs").glob("*.md"))]:
            for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
                if "://" not in target:
                    with self.subTest(f"{page.name}: {target}"):
                        self.assertTrue((page.parent / target).exists())

    def test_no_command_of_a_page_is_unknown_to_castra(self):
        """Also where a page only mentions one: `castra x` in the text of README and docs."""
        known = {words.split()[0] for words in re.findall(r"^## `castra ([^`]+)`$", (SOURCE / "docs/CLI.md").read_text(), re.M)}
        known |= {"supervise", "reference", "broker"}  # not shown in help
        for page in [SOURCE / "README.md", *sorted((SOURCE / "docs").glob("*.md"))]:
            for command in re.findall(r"`castra ([a-z][a-z-]+)", page.read_text()):
                with self.subTest(f"{page.name}: castra {command}"):
                    self.assertIn(command, known)


if __name__ == "__main__":
    unittest.main()
