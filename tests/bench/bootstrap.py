#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bootstrap of a running guest beside the same by hand: ssh, tar, ssh over one multiplexed connection; then a noop. And of
eight guests at once beside one.
Usage: tests/bench/bootstrap.py CASTRA [ROUNDS]. Read ratios of one run; the target is 1.15 (docs/BOOTSTRAP.md)."""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

CASTRA = sys.argv[1]
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 7
TOML = """[project]
name = "bench"
[[vms]]
name = "g"
count = 8
image = "tiny"
memory = "96 MiB"
[[vms.port_forwards]]
guest = 22
[vms.options]
machine = "microvm"
disk = false
[vms.bootstrap]
script = "run.sh"
payload = "payload"
remote_dir = "/root/bench"
"""


def events(folder, *words):
    result = subprocess.run([CASTRA, *words, "--config", str(folder / "castra.toml"), "--events", "ndjson"], capture_output=True,
                            text=True, check=False)
    if result.returncode != 0:
        sys.exit(result.stdout + result.stderr)
    return [json.loads(line) for line in result.stdout.splitlines()]


def bootstrap_ms(folder, *words):
    """Of g-0, as the event tells it."""
    return next(e["duration_ms"] for e in events(folder, "bootstrap", "g-0", *words) if e["type"] == "bootstrap.completed")


def command_ms(folder, *vms):
    """Of these guests, from castra bootstrap to its end."""
    return events(folder, "bootstrap", *vms, "--bootstrap", "always")[-1]["duration_ms"]


def by_hand_ms(folder, ssh):
    base = ["ssh", "-F", "none", "-i", ssh["identity"], "-p", str(ssh["port"]), "-o", "BatchMode=yes", "-o", "LogLevel=ERROR",
            "-o", f"UserKnownHostsFile={ssh['known_hosts']}", "-o", f"ControlPath={folder}/c", f"root@{ssh['address']}"]
    began = time.monotonic()
    subprocess.run([*base, "-o", "ControlMaster=yes", "-o", "ControlPersist=30", "mkdir -p /root/hand"], check=True)
    with subprocess.Popen(["tar", "-C", str(folder), "-cf", "-", "run.sh", "payload"], stdout=subprocess.PIPE) as tar:
        subprocess.run([*base, "tar -C /root/hand -xf -"], stdin=tar.stdout, check=True)
    subprocess.run([*base, "cd /root/hand && sh run.sh"], check=True, stdout=subprocess.DEVNULL)
    took = (time.monotonic() - began) * 1000
    subprocess.run([*base, "-O", "exit"], check=True, stderr=subprocess.DEVNULL)
    return took


def main():
    with tempfile.TemporaryDirectory(prefix="castra-bench.") as name:
        folder = pathlib.Path(name)
        os.environ["CASTRA_HOME"] = str(folder / "home")
        (folder / "castra.toml").write_text(TOML)
        (folder / "run.sh").write_text("#!/bin/sh\necho done >state\n")
        (folder / "payload").mkdir()
        (folder / "payload/file").write_bytes(os.urandom(10_000))
        try:
            events(folder, "up", "--bootstrap", "skip")
            status = subprocess.run([CASTRA, "status", "--config", str(folder / "castra.toml"), "--json"], check=True, capture_output=True)
            ssh = json.loads(status.stdout)["vms"][0]["ssh"]
            command_ms(folder)
            rows = [(by_hand_ms(folder, ssh), bootstrap_ms(folder, "--bootstrap", "always"), bootstrap_ms(folder)) for _ in range(ROUNDS)]
            fleets = [(command_ms(folder, "g-0"), command_ms(folder)) for _ in range(ROUNDS)]
        finally:
            events(folder, "down")
    hand, castra, noop = (statistics.median(column) for column in zip(*rows))
    print(f"by hand {hand:.0f} ms, castra {castra:.0f} ms ({castra / hand:.2f}x), noop {noop:.0f} ms ({noop / hand:.2f}x), {ROUNDS} rounds")
    one, eight = (statistics.median(column) for column in zip(*fleets))
    print(f"one guest {one:.0f} ms, eight at once {eight:.0f} ms ({eight / one:.2f}x of one, {eight / one / 8:.2f}x of one after the other)")


if __name__ == "__main__":
    main()
