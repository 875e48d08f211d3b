# SPDX-License-Identifier: Apache-2.0
"""The tutorial, as it stands, with real guests."""
import unittest

from docs_test import Page


class Tutorial(Page):
    def test_every_command(self):
        result = self.run_page("docs/TUTORIAL.md", 280)
        self.assertIn("hello from vm-0", result.stdout)


if __name__ == "__main__":
    unittest.main()
