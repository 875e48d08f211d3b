# SPDX-License-Identifier: Apache-2.0
"""The live view in a real terminal (tmux), at several sizes. Skipped loudly where tmux is missing. What is seen goes to
CASTRA_SCREENSHOTS, if set."""
import os
import pathlib
import shlex
import shutil
import subprocess
import time
import unittest

from journals import NOTIFY
from support import CASTRA, Project


class Terminal(Project):
    def setUp(self):
        if not shutil.which("tmux"):
            print("\nSKIPPED, the live view was NOT tested: tmux is not here")
            self.skipTest("tmux is not here")
        super().setUp()
        self.socket = str(self.dir / "tmux")

    def tearDown(self):
        self.tmux("kill-server")
        super().tearDown()

    def tmux(self, *words):
        return subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null", *words], capture_output=True, text=True).stdout

    def type_up(self, columns, rows, *more):
        words = " ".join(shlex.quote(word) for word in [CASTRA, "up", "--config", str(self.config), *more])
        self.tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), "env", f"CASTRA_HOME={self.home}", f"PATH={os.environ['PATH']}",
                  *(["NO_COLOR=1"] if "NO_COLOR" in os.environ else []), "/bin/sh", "-c", f"{words}; echo over; exec sleep 1000")

    def seen(self, *options):
        return self.tmux("capture-pane", "-p", *options)

    def until(self, what, seconds=60):
        deadline = time.monotonic() + seconds
        while True:
            screen = self.seen()
            if what(screen):
                return screen
            self.assertLess(time.monotonic(), deadline, screen)
            time.sleep(0.1)

    def keep(self, name, screen):
        if out := os.environ.get("CASTRA_SCREENSHOTS"):
            pathlib.Path(out, name).write_text(screen)

    def fleet(self, count=3):
        """VMs that are ready once the file go is there."""
        wait = f"until [ -e {self.dir}/go ]; do sleep 1; done; echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000"
        self.processes_toml(["/bin/sh", "-c", wait], count=count, extra=NOTIFY)
        self.config.write_text(f"[lifecycle]\nboot_window = {count}\n" + self.config.read_text())

    def go(self):
        (self.dir / "go").touch()

    def test_work_stands_at_the_bottom_and_what_is_finished_scrolls_away(self):
        self.fleet()
        self.type_up(80, 24)
        self.until(lambda screen: "boot" in screen)
        first = self.until(lambda screen: "0 of 3 done" in screen and screen.count("boot ") == 3)
        self.keep("live-80x24.txt", first)
        later = self.until(lambda screen: screen != first)  # time passes without an event
        self.assertEqual(later.count("of 3 done"), 1, later)
        self.go()
        end = self.until(lambda screen: "over" in screen)
        self.keep("end-80x24.txt", end)
        self.assertNotIn("of 3 done", end)
        self.assertEqual(sum("ready" in line and " + " in line for line in end.splitlines()), 3, end)
        self.assertIn("up succeeded in", end)

    def test_it_survives_being_made_narrow_and_wide_again(self):
        self.fleet()
        self.type_up(100, 30)
        self.until(lambda screen: "0 of 3 done" in screen)
        for columns, rows in ((30, 12), (120, 8), (24, 24), (80, 24)):
            self.tmux("resize-window", "-x", str(columns), "-y", str(rows))
            time.sleep(2.5)  # two ticks of its clock
            screen = self.seen()
            self.keep(f"resized-{columns}x{rows}.txt", screen)
            self.assertEqual(sum("p-0  boot" in line for line in screen.splitlines()), 1, screen)
            self.assertEqual(screen.count("of 3 done") + screen.count("of 3 ..."), 1 if columns > 26 else screen.count("of 3 done"), screen)
        self.go()
        end = self.until(lambda screen: "over" in screen)
        self.assertEqual(sum("ready" in line and " + " in line for line in end.splitlines()), 3, end)

    def test_two_hundred_vms_fit(self):
        self.fleet(200)
        self.type_up(80, 24)
        screen = self.until(lambda screen: "more in work" in screen and "of 200 done" in screen)
        self.keep("many-80x24.txt", screen)
        self.assertEqual(screen.count("of 200 done"), 1, screen)
        self.go()
        end = self.until(lambda screen: "over" in screen, 180)
        whole = self.seen("-S", "-")
        self.assertEqual(whole.count("of 200 done"), 0, "no line of the view stays behind")
        self.assertIn("up succeeded", whole)

    def test_no_color_means_none(self):
        self.fleet()
        self.go()
        os.environ["NO_COLOR"] = "1"
        try:
            self.type_up(80, 24)
        finally:
            del os.environ["NO_COLOR"]
        self.until(lambda screen: "over" in screen)
        self.assertNotIn("\x1b[3", self.seen("-e"))
