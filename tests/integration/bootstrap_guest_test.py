# SPDX-License-Identifier: Apache-2.0
"""Bootstrap of real virtual machines: dropbear, busybox ash, a small disk, a guest that reboots."""
import json
import os
import pathlib
import re
import shutil
import time
import unittest

from bootstrap_support import DONE, NOOP, one, steps_of
from guest import Guest, SSH
from support import rest_of, until

NASTY = "it's $HOME `id` \"x\" \\ end\n\tsecond line äöü 漢字"


class BootstrappedGuest(Guest):
    def bootstrap(self, script, more="", env="", count=1, memory="96 MiB", machine="microvm", disk=False, payload=None, append=""):
        folder = self.dir / "bootstrap"
        folder.mkdir(exist_ok=True)
        (folder / "run.sh").write_text("#!/bin/sh\n" + script)
        (folder / "run.sh").chmod(0o755)
        extra = SSH + f'[vms.bootstrap]\nscript = "bootstrap/run.sh"\nremote_dir = "/root/app of us"\n{more}\n[vms.bootstrap.env]\n{env}'
        if payload:
            (folder / "payload").mkdir(exist_ok=True)
            for name, content in payload.items():
                (folder / "payload" / name).write_bytes(content)
            extra = extra.replace("[vms.bootstrap]\n", '[vms.bootstrap]\npayload = "bootstrap/payload"\n')
        self.guest(count=count, machine=machine, disk=disk, memory=memory, extra=extra, append=append)


class Handshake(BootstrappedGuest):
    """With a broker the guest's own hello comes first."""

    def with_broker(self, **what):
        self.bootstrap("true\n", **what)
        self.config.write_text(self.config.read_text() + '[broker]\nlauncher = "process"\n')

    def test_it_is_the_session_that_the_broker_granted(self):
        self.with_broker()
        events = self.events(self.castra("up"))
        self.assertEqual(steps_of(events), [("wait-handshake", "success"), *DONE[1:]])
        session = one(events, "broker.handshake")["session"]
        self.assertIn(f"session {session}", next(event["detail"] for event in events if event.get("step") == "wait-handshake"))
        (self.dir / "bootstrap/bootstrap.toml").write_text('handshake_identity = "g-7"\n')
        failed = one(self.events(self.castra("bootstrap"), code=1), "bootstrap.failed")
        self.assertEqual((failed["step"], failed["error"]["code"]), ("wait-handshake", "handshake"))
        self.assertIn("g-7", failed["error"]["detail"])

    def test_a_guest_without_an_agent_fails_it_in_time(self):
        self.with_broker(more="handshake_timeout_secs = 3\n", append="castra.test=no-agent")
        failed = one(self.events(self.castra("up"), code=1), "bootstrap.failed")
        self.assertEqual((failed["step"], failed["error"]["code"]), ("wait-handshake", "handshake_timeout"))
        self.assertIn("castra's agent", failed["remediation"])


class Bootstrapped(BootstrappedGuest):
    def test_success_then_noop_then_a_script_that_fails_and_goes_on(self):
        self.bootstrap('printf %s "$NASTY" >nasty; cp "$CASTRA_PAYLOAD_DIR/file" copy; echo "ran on $(hostname)"\n',
                       'verify_path = "copy"\n', f"NASTY = {json.dumps(NASTY, ensure_ascii=False)}\n", payload={"file": b"content\n"})
        events = self.events(self.castra("up"))
        self.assertEqual(steps_of(events), DONE)
        self.assertIn("host key known beforehand", next(e["detail"] for e in events if e.get("step") == "connect"))
        self.assertIn("ran on g-0", pathlib.Path(one(events, "bootstrap.completed")["log_path"]).read_text())
        self.assertEqual(self.ssh("g-0", "cat '/root/app of us/nasty'").stdout, NASTY)
        self.assertEqual(steps_of(self.events(self.castra("up"))), NOOP)

        self.bootstrap("echo no; exit 3\n", 'verify_path = "copy"\n', payload={"file": b"content\n"})
        failed = one(self.events(self.castra("bootstrap"), code=1), "bootstrap.failed")
        self.assertEqual((failed["step"], failed["error"]["code"]), ("apply", "script_failed"))
        events = self.events(self.castra("bootstrap"), code=1)
        self.assertEqual(steps_of(events)[2:], [("transfer", "skipped"), ("apply", "failed")])

    def test_a_script_that_hangs_is_ended_in_the_guest(self):
        self.bootstrap("sleep 4321 & wait\n", "step_timeout_secs = 5\n")
        failed = one(self.events(self.castra("up"), code=1), "bootstrap.failed")
        self.assertEqual(failed["error"]["code"], "timeout")
        for _ in range(60):
            if "sleep 4321" not in self.ssh("g-0", "ps").stdout:
                return
            time.sleep(0.5)
        self.fail("the script still runs in the guest")

    def test_the_disk_of_the_guest_is_full(self):
        self.bootstrap("true\n", memory="80 MiB", payload={"big": os.urandom(100 << 20)})
        failed = one(self.events(self.castra("up"), code=1), "bootstrap.failed")
        self.assertEqual((failed["step"], failed["error"]["code"]), ("transfer", "no_space"), failed)
        self.assertEqual(self.states(), {"g-0": "ready"})

    def test_the_guest_reboots_in_the_middle(self):
        self.bootstrap("reboot; sleep 1000\n")
        child = self.start("up", "--keep-going")
        events = self.judge(rest_of(child, until(child, "bootstrap.started")), 1)
        failed = one(events, "bootstrap.failed")
        self.assertIn(failed["error"]["code"], ("guest_gone", "connection_lost"))
        for _ in range(600):  # the connection may be gone before QEMU is; then its end has a run of its own
            if self.states()["g-0"] == "failed":
                return
            time.sleep(0.1)
        self.fail(f"still {self.states()}")


class Examples(Guest):
    """configs/: copied, so that their state is this test's, and with any free port."""

    def up(self, name, code=0):
        source = pathlib.Path(__file__).parents[2] / "configs" / name
        shutil.copytree(source, self.dir, dirs_exist_ok=True)
        text = self.config.read_text()
        self.config.write_text(re.sub(r"(?m)^  host = \d+$", "  host = 0", text))
        return self.events(self.castra("up"), code)

    def test_the_minimal_bootstrap(self):
        events = self.up("minimal-bootstrap")
        self.assertEqual(steps_of(events, "devbox-0"), DONE)
        self.assertEqual(self.ssh("devbox-0", "cat /var/tmp/castra/devbox/state/app-name").stdout, "demo-service\n")
        self.assertEqual(steps_of(self.events(self.castra("up")), "devbox-0"), NOOP)

    def test_the_quickstart_with_a_bootstrap_toml(self):
        events = self.up("bootstrap-quickstart")
        self.assertEqual(steps_of(events, "alpine-0"), DONE)
        planned = one(events, "bootstrap.planned", "alpine-0")
        self.assertEqual((planned["remote_dir"], planned["env_keys"]), ("/var/tmp/castra/quickstart", ["QUICKSTART_GREETING"]))
        self.assertEqual(self.ssh("alpine-0", "cat /var/tmp/castra/quickstart/state/quickstart.txt").stdout,
                         "hello from the host\nsent along\n")


class Fleet(BootstrappedGuest):
    def test_eight_guests_and_one_is_bad(self):
        self.bootstrap('[ "$CASTRA_VM" != g-5 ] || { echo bad luck; exit 1; }\n', count=8, memory="64 MiB")
        self.config.write_text("[lifecycle]\nready_wait_secs = 600\n" + self.config.read_text()
                               if "[lifecycle]" not in self.config.read_text() else self.config.read_text())
        events = self.events(self.castra("up", timeout=280), code=1)
        ends = {vm["vm"]: vm["outcome"] for vm in events[-1]["vms"]}
        why = [(event.get("vm"), event["message"], event.get("error")) for event in events if event["severity"] == "error"]
        self.assertEqual(ends, {f"g-{i}": "failed" if i == 5 else "succeeded" for i in range(8)}, why)
        first = next(i for i, event in enumerate(events) if event["type"] == "bootstrap.started")
        last = max(i for i, event in enumerate(events) if event["type"] == "vm.ready")
        self.assertLess(first, last, "the first bootstrap does not wait for the slowest boot")


class BigPayload(BootstrappedGuest):
    def test_a_payload_larger_than_memory_is_streamed(self):
        self.bootstrap('[ "$(wc -c <"$CASTRA_PAYLOAD_DIR/big")" = 524288000 ]\n', machine="q35", disk=True, memory="96 MiB",
                       payload={"big": os.urandom(1 << 20) * 500})
        events = self.events(self.castra("up", timeout=280))
        progress = [event["progress"]["current"] for event in events if event.get("span") == "transfer:g-0"]
        self.assertEqual(progress, sorted(progress))
        self.assertGreater(len(progress), 1)
        self.assertEqual(steps_of(events), DONE)


if __name__ == "__main__":
    unittest.main()
