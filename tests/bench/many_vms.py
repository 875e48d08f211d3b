#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A supervisor with many VMs (ordinary processes): its memory and descriptors, status as a whole process, up and down;
and castra's start-up. Usage: many_vms.py CASTRA [VMS [ROUNDS]]."""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

castra = os.path.abspath(sys.argv[1])
vms = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 20
home = tempfile.TemporaryDirectory(prefix="castra-bench.")
config = pathlib.Path(home.name) / "castra.toml"
config.write_text(f'[project]\nname = "bench"\n[[vms]]\nname = "p"\nlauncher = "process"\ncount = {vms}\n[vms.options]\n'
                  'command = ["/bin/sleep", "100000"]\n')
env = dict(os.environ, CASTRA_HOME=home.name + "/home")


def seconds(*arguments):
    began = time.monotonic()
    subprocess.run([castra, *arguments], env=env, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def supervisor():
    for proc in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (proc / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"supervise" in words and str(config).encode() in words:
            return proc
    raise SystemExit("no supervisor")


def kib(proc, key):
    return int(next(line for line in (proc / "status").read_text().splitlines() if line.startswith(key)).split()[1])


there = ("--config", str(config))
up = seconds("up", *there, "--events", "none")
proc = supervisor()
answer = {"vms": vms, "up_s": round(up, 3), "supervisor_rss_mib": round(kib(proc, "VmRSS") / 1024, 1),
          "supervisor_peak_mib": round(kib(proc, "VmHWM") / 1024, 1), "supervisor_fds": len(list((proc / "fd").iterdir())),
          "supervisor_threads": kib(proc, "Threads")}
answer["status_json_ms"] = round(1000 * statistics.median(seconds("status", *there, "--json") for _ in range(rounds)), 2)
answer["start_up_ms"] = round(1000 * statistics.median(seconds("--version") for _ in range(rounds)), 2)
began = time.monotonic()
subprocess.run(["/bin/true"], check=True)
answer["bin_true_ms"] = round(1000 * (time.monotonic() - began), 2)
answer["down_s"] = round(seconds("down", *there, "--events", "none"), 3)
print(json.dumps(answer))
home.cleanup()
