#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Readiness pushed by the guest's agent beside probing by SSH, from vm.launch to the moment one knows. Rounds
alternate, so that all see the same machine.
Usage: tests/bench/readiness.py CASTRA [ROUNDS]."""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

CASTRA = os.path.abspath(sys.argv[1])
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
TOML = """[project]
name = "bench"
{broker}[[vms]]
name = "g"
image = "tiny"
memory = "128 MiB"
[[vms.port_forwards]]
guest = 22
[vms.options]
machine = "microvm"
disk = false
"""
BROKER = '[broker]\nlauncher = "process"\n'


class Run:
    """One up. launch: when the VM was started, in seconds of time.time()."""

    def __init__(self, folder, broker):
        (folder / "castra.toml").write_text(TOML.format(broker=broker))
        self.config = ["--config", str(folder / "castra.toml")]
        self.up = subprocess.Popen([CASTRA, "up", *self.config, "--events", "ndjson"], stdout=subprocess.PIPE, text=True)
        self.events = []
        self.until("vm.launch")
        self.launch = time.time()

    def until(self, type_):
        for line in self.up.stdout:
            self.events.append(json.loads(line))
            if self.events[-1]["type"] == type_:
                return self.events[-1]
        sys.exit("".join(json.dumps(event) + "\n" for event in self.events))

    def end(self):
        self.up.communicate()
        subprocess.run([CASTRA, "down", *self.config, "--events", "none"], check=True)

    def ssh(self):
        status = subprocess.run([CASTRA, "status", *self.config, "--json"], check=True, capture_output=True)
        return json.loads(status.stdout)["vms"][0]["ssh"]


def pushed(folder):
    run = Run(folder, BROKER)
    ready = run.until("vm.ready")
    took = time.time() - run.launch
    if ready["via"] != "agent":
        sys.exit(f"ready via {ready['via']}")
    run.end()
    return took


def probed(folder, pause_s):
    run = Run(folder, "")
    ssh = run.ssh()
    probe = ["ssh", "-F", "none", "-i", ssh["identity"], "-p", str(ssh["port"]), "-o", "BatchMode=yes", "-o", "LogLevel=QUIET", "-o",
             "ConnectTimeout=1", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", f"root@{ssh['address']}", "true"]
    while subprocess.run(probe, stderr=subprocess.DEVNULL).returncode != 0:
        time.sleep(pause_s)
    took = time.time() - run.launch
    run.end()
    return took


def main():
    kinds = {"pushed by the agent": pushed, "ssh, again at once": lambda folder: probed(folder, 0),
             "ssh, every second": lambda folder: probed(folder, 1), "ssh, every 3 seconds": lambda folder: probed(folder, 3)}
    took = {name: [] for name in kinds}
    with tempfile.TemporaryDirectory(prefix="castra-bench.") as name:
        os.environ["CASTRA_HOME"] = name + "/home"
        for _ in range(ROUNDS):
            for kind, measure in kinds.items():
                took[kind].append(measure(pathlib.Path(name)))
    for kind, seconds in took.items():
        print(f"{kind:22} median {statistics.median(seconds):.2f} s, least {min(seconds):.2f} s, {ROUNDS} rounds")


if __name__ == "__main__":
    main()
