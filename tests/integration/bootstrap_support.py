# SPDX-License-Identifier: Apache-2.0
"""What tests of bootstrap start from: an SSH server as the "guest" of an ordinary process. Boots in milliseconds; the same
steps, the same ssh, the same shell as in a guest. Real guests are in bootstrap_guest_test.py."""
import json
import os
import pathlib
import shutil
import subprocess
import time

from support import Project

DROPBEAR = shutil.which("dropbear") or shutil.which("dropbear", path="/usr/sbin:/sbin")
SERVER = """#!/bin/sh
# dropbear says nothing when it listens: whoever connects tries again.
exec {dropbear} -F -E -s -r {dir}/host_key -p 127.0.0.1:$CASTRA_PORT_22 -P {dir}/pid
"""


class Bootstrap(Project):
    """VMs that are SSH servers of this user; a remote_dir each below the test's directory. Each command starts this user's
    shell with all that its start-up file does, which may be seconds, one after the other: hence the long deadline."""

    def setUp(self):
        super().setUp()
        if DROPBEAR is None:
            self.fail("dropbear is missing: apt-get install dropbear-bin")
        self.scripts = self.dir / "bootstrap"
        self.scripts.mkdir()
        self.remote = self.dir / "remote dir"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.dir / "key")], check=True)
        subprocess.run([shutil.which("dropbearkey"), "-t", "ed25519", "-f", str(self.dir / "host_key")], check=True, capture_output=True)
        home = pathlib.Path.home() / ".ssh"
        home.mkdir(mode=0o700, exist_ok=True)
        self.authorized = home / "authorized_keys"
        self.line = (self.dir / "key.pub").read_text()
        with self.authorized.open("a") as file:  # dropbear knows no other place
            file.write(self.line)
        self.addCleanup(self.forget_key)
        self.server = self.dir / "server"
        self.server.write_text(SERVER.format(dropbear=DROPBEAR, dir=self.dir))
        self.server.chmod(0o755)

    def tearDown(self):
        # A job's watchdog in the "guest" looks every two seconds whether anybody still wants the job, then ends itself.
        if self.config.exists() and self.home.exists():
            self.castra("down", events=False)
        limit = time.monotonic() + 20
        while "sleep 2" in map(str.strip, self.processes().values()) and time.monotonic() < limit:
            time.sleep(0.05)
        super().tearDown()

    def assert_gone(self, pid):
        for _ in range(300):
            if not os.path.exists(f"/proc/{pid}"):
                return
            time.sleep(0.1)
        self.fail(f"process {pid} of the guest still runs")

    def forget_key(self):
        kept = [line for line in self.authorized.read_text().splitlines(True) if line != self.line]
        self.authorized.write_text("".join(kept))

    def script(self, text, name="run.sh"):
        path = self.scripts / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        return path

    def metadata(self, more="", ssh=""):
        (self.scripts / "bootstrap.toml").write_text(f'{more}\n[ssh]\nidentity = "{self.dir}/key"\n{ssh}')

    def project(self, more="", count=1, name="g", env="", command=None, header='[project]\nname = "t"\n'):
        command = json.dumps(command or [str(self.server)])
        self.write(f'[[vms]]\nname = "{name}"\nlauncher = "process"\ncount = {count}\n'
                   f'[[vms.port_forwards]]\nguest = 22\n[vms.options]\ncommand = {command}\n'
                   f'[vms.bootstrap]\nscript = "bootstrap/run.sh"\nremote_dir = "{self.remote}"\nconnect_timeout_secs = 300\n{more}\n'
                   f'[vms.bootstrap.env]\n{env}', header)
        if not (self.scripts / "bootstrap.toml").exists():
            self.metadata()

    def log_of(self, event):
        return pathlib.Path(event["log_path"]).read_text()


def steps_of(events, vm="g-0"):
    return [(event["step"], event["status"]) for event in events if event["type"] == "bootstrap.step" and event.get("vm") == vm]


def one(events, event_type, vm="g-0"):
    found = [event for event in events if event["type"] == event_type and event.get("vm") == vm]
    assert len(found) == 1, f"{len(found)} of {event_type}: {[event['type'] for event in events]}"
    return found[0]


ALL = ["wait-handshake", "connect", "transfer", "apply", "verify"]
DONE = [("wait-handshake", "skipped"), ("connect", "success"), ("transfer", "success"), ("apply", "success"), ("verify", "success")]
NOOP = [("wait-handshake", "skipped"), ("connect", "success"), ("transfer", "skipped"), ("apply", "skipped"), ("verify", "skipped")]
