# SPDX-License-Identifier: Apache-2.0
"""What tests of journals and of those who read them share."""
import json
import subprocess

from support import CASTRA, Project

READY = ["/bin/sh", "-c", "echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000"]
NOTIFY = 'ready = "notify"\n'
FOREVER = ["/bin/sleep", "1000"]


class Journals(Project):
    def read(self, *arguments, code=0, verb=("events",)):
        result = subprocess.run([CASTRA, *verb, "--config", str(self.config), *arguments], env=self.env, capture_output=True,
                                text=True, timeout=60)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def ndjson(self, *arguments, code=0):
        return self.read("--format", "ndjson", *arguments, code=code).stdout

    def follow(self, *arguments):
        child = subprocess.Popen([CASTRA, "events", "--config", str(self.config), "--follow", "--format", "ndjson", *arguments],
                                 env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.children.append(child)
        self.addCleanup(child.stderr.close)
        return child

    def runs(self):
        return json.loads(self.read("--json", verb=("events", "runs")).stdout)

    def files(self):
        return sorted(self.home.rglob("journal/*.ndjson"))

    def untouched(self):
        return sorted((str(path), path.stat().st_mtime_ns) for path in self.home.rglob("*"))

    def verify(self, text):
        path = self.dir / "stream.ndjson"
        path.write_text(text)
        result = subprocess.run([CASTRA, "events", "verify", str(path), "--json"], capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, 0, result.stdout)

    def up_and_down(self):
        self.processes_toml(READY, extra=NOTIFY)
        return [self.castra("up").stdout, self.castra("down").stdout]
