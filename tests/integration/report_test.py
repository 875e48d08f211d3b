# SPDX-License-Identifier: Apache-2.0
"""The page of a run in a real Chromium: what it shows, how it is used by keyboard, what axe-core says, and that nothing a guest
says is ever markup. Skipped loudly where chromium, node or npm are missing. Screenshots go to CASTRA_SCREENSHOTS, if set."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from journals import NOTIFY, READY
from support import CASTRA, Project

BROWSER = pathlib.Path(__file__).parent / "browser"
RUN = "01Z0000000000000000000RVN0"
EVIL = "</script><script>window.owned=1</script><img src=x onerror=window.owned=1> needle \u202e<!--"


class Browser(Project):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        why = next((f"{name} is not here" for name in ("chromium", "node", "npm") if not shutil.which(name)), None)
        cls.modules = tempfile.mkdtemp(prefix="castra-browser.")
        if not why:
            shutil.copytree(BROWSER, cls.modules, dirs_exist_ok=True)
            done = subprocess.run(["npm", "ci", "--prefix", cls.modules, "--no-audit", "--no-fund", "--fetch-retries=1"],
                                  capture_output=True, text=True)
            why = f"npm ci failed: {done.stderr.strip()[-300:]}" if done.returncode else None
        if why:
            print(f"\nSKIPPED, the page was NOT tested: {why}")
            raise unittest.SkipTest(why)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.modules, ignore_errors=True)

    def browse(self, scenario, url):
        out = pathlib.Path(os.environ.get("CASTRA_SCREENSHOTS", self.dir))
        out.mkdir(exist_ok=True)
        done = subprocess.run(["node", f"{self.modules}/page.cjs", scenario, url, str(out)], capture_output=True, text=True, timeout=200)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        self.assertEqual(found["errors"], [])
        return found

    def journal(self, events):
        """A past run of this project, made up."""
        self.processes_toml(READY, extra=NOTIFY)
        self.castra("up")
        self.castra("down")
        stamp = lambda event: "2026-11-26T07:00:%02d.%06dZ" % divmod(event["elapsed_us"] % 60000000, 1000000)
        lines = []
        for seq, event in enumerate(events, 1):
            event = {"family": event["type"].rsplit(".", 1)[0], "contract": "1.0", "run_id": RUN, "seq": seq, "severity": "info",
                     "operation": "up", "project": "demo", "source": "kernel", "message": event["type"], **event}
            event["time"] = stamp(event)
            lines.append(json.dumps(event, ensure_ascii=False) + "\n")
        next(self.home.rglob("journal")).joinpath(f"{RUN}.ndjson").write_text("".join(lines))

    def report(self):
        file = self.dir / "report.html"
        done = subprocess.run([CASTRA, "report", RUN, "--config", str(self.config), "-o", str(file)], env=self.env, capture_output=True,
                              text=True, timeout=120)
        self.assertEqual((done.returncode, done.stdout), (0, f"{file}\n"), done.stderr)
        return file


def fleet(count):
    """Bring-up of VMs through a boot window of 4; the last one fails, with a guest that would like to own the reader."""
    names = [f"web-{i}" for i in range(count)]
    at = lambda s: int(s * 1e6)
    events = [(0, {"type": "command.accepted", "expects": [{"kind": "vm", "name": name} for name in names], "running": []})]
    for i, name in enumerate(names):
        begin = 0.01 + (i // 4) * 6
        last = i == count - 1
        events += [(begin, {"type": "vm.image_verified", "vm": name}), (begin + 0.2, {"type": "vm.overlay_prepared", "vm": name}),
                   (begin + 0.5, {"type": "vm.launch", "vm": name, "message": f"{name} launched (launcher-qemu, tcg)"})]
        if last:
            events.append((begin + 3, {"type": "vm.exited", "vm": name, "severity": "error", "message": f"{name} ended unexpectedly: {EVIL}", "expected": False, "exit_code": 9,
                                       "remediation": f"try {EVIL}", "error": {"code": "boot", "title": EVIL, "detail": EVIL, "retryable": False},
                                       "capsule": {"phase": "boot", "serial_tail": f"\x1b[31mKernel panic\n{EVIL}\n", "hint": "give it more memory"}}))
            continue
        events += [(begin + 3, {"type": "vm.ready", "vm": name, "via": "marker", "boot_ms": 2500, "message": f"{name} ready via marker after 2500 ms"}),
                   (begin + 3.01, {"type": "bootstrap.planned", "vm": name, "mode": "auto", "action": "would_run", "steps": ["connect", "apply"]}),
                   (begin + 3.02, {"type": "bootstrap.started", "vm": name}),
                   (begin + 4, {"type": "bootstrap.step", "vm": name, "step": "connect", "status": "success", "duration_ms": 900}),
                   (begin + 5.9, {"type": "bootstrap.step", "vm": name, "step": "apply", "status": "success", "duration_ms": 1900}),
                   (begin + 6, {"type": "bootstrap.completed", "vm": name, "status": "success", "duration_ms": 2980})]
    events.append((0.6, {"type": "message", "severity": "warn", "message": f"KVM is not available {EVIL}", "remediation": "add your user to the group kvm"}))
    events.sort(key=lambda pair: pair[0])
    end = events[-1][0] + 0.1
    events.append((end, {"type": "summary", "severity": "error", "message": "partial", "outcome": "partial", "exit_code": 6, "duration_ms": int(end * 1000), "last": True,
                         "vms": [{"vm": name, "final_state": "failed" if name == names[-1] else "running", "outcome": "failed" if name == names[-1] else "succeeded"} for name in names]}))
    return [dict(event, elapsed_us=at(when)) for when, event in events]


class Report(Browser):
    def test_what_it_shows_and_how_it_is_used(self):
        self.journal(fleet(12))
        file = self.report()
        self.assertEqual(list(self.dir.glob("*.part")), [])
        text = file.read_text()
        self.assertNotIn("http://", text)
        self.assertNotIn("https://", text)
        found = self.browse("report", file.as_uri())
        self.assertEqual(found["requests"], [file.as_uri()], "it loads nothing")
        self.assertEqual((found["owned"], found["markup"]), ("no", 0))
        self.assertEqual(found["title"], "castra up · demo")
        self.assertEqual(found["verdict"], "partial in 18.1 s, exit code 6")
        self.assertEqual(found["vms"], [f"web-{i}" for i in range(12)])
        self.assertEqual(len(found["failures"]), 1)
        for words in ("web-11", "exit code 9", "phase boot", "Kernel panic", "\\u001b[31m", "give it more memory", "<script>window.owned=1</script>", "\\u202e"):
            self.assertIn(words, found["failures"][0])
        # The last group waited for the one before it, and that one for the first.
        self.assertEqual([row[1] for row in found["path"]].count("boot"), 3)
        self.assertEqual(found["path"][-1][1], "bootstrap")
        self.assertIn(["web-0 bootstrap", "would run: connect, apply", "connect success, apply success"], found["plan"])
        self.assertIn(["web-11", "up", "failed, failed"], found["plan"])
        for name, look in found["looks"].items():
            serious = [one for one in look["axe"] if one["impact"] in ("serious", "critical")]
            self.assertEqual(serious, [], name)
            self.assertFalse(look["overflows"], f"{name}: the page is wider than the window")
        keys = found["keyboard"]
        self.assertEqual((keys["seen"][-1], keys["second"], keys["active"], keys["at_detail"], keys["back"]), ("events", "2", True, "detail", "events"))
        self.assertEqual(found["filters"]["all"], f"{keys['last']} events")
        self.assertEqual(found["filters"]["text"], f"2 of {keys['last']} events")
        self.assertEqual(found["filters"]["errors"], f"2 of {keys['last']} events")
        self.assertEqual(found["filters"]["reset"], found["filters"]["all"])

    def test_fifty_thousand_events_are_smooth(self):
        """As smooth as a few hundred are: the machine may be slow, but must not be slower for it."""
        self.journal(fleet(200)[:300])
        few = self.browse("many", self.report().as_uri())
        events = fleet(200)
        filler = [{"type": "message", "severity": "progress", "vm": f"web-{i % 200}", "message": f"copy {i} needle", "elapsed_us": events[-2]["elapsed_us"]}
                  for i in range(50000 - len(events))]
        self.journal(events[:-1] + filler + events[-1:])
        found = self.browse("many", self.report().as_uri())
        self.assertLess(found["rows"], 100, "only the rows in sight exist")
        self.assertLess(found["smooth"]["scroll_median_ms"], 4 * few["smooth"]["scroll_median_ms"] + 4)
        self.assertLess(min(found["smooth"]["filter_ms"]), 3000)
        self.assertEqual(len(found["vms"]), 200)

    def test_a_run_of_real_processes(self):
        self.processes_toml(READY, count=3, extra=NOTIFY)
        self.castra("up")
        done = subprocess.run([CASTRA, "report", "--config", str(self.config), "--json"], env=self.env, cwd=self.dir, capture_output=True,
                              text=True, timeout=60)
        answer = json.loads(done.stdout)
        self.assertEqual(answer["file"], f"{self.dir}/castra-{answer['run_id']}.html")
        found = self.browse("plain", pathlib.Path(answer["file"]).as_uri())
        self.assertRegex(found["verdict"], "^succeeded in ")
        self.assertEqual(found["vms"], ["p-0", "p-1", "p-2"])
        self.assertEqual([row[2] for row in found["plan"]], ["succeeded, ready"] * 3)

    def test_a_run_that_is_not_there(self):
        self.processes_toml(READY, extra=NOTIFY)
        done = subprocess.run([CASTRA, "report", "--config", str(self.config)], env=self.env, cwd=self.dir, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 10, done.stderr)
