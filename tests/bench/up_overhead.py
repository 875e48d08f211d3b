#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What castra costs beside the guest, as a ratio in one run: `castra up` to vm.ready against the bare command line of the
very same QEMU to the same serial marker, in turn, and each first as often as the other: what has just ended a guest is not
as quick as what comes second. A boot takes 20 ms more or less from one time to the next, so it wants some rounds.
Usage: tests/bench/up_overhead.py [CASTRA] [ROUNDS]"""
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

castra = sys.argv[1] if len(sys.argv) > 1 else "build/release/bin/castra"
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 40
home = tempfile.TemporaryDirectory(prefix="castra-bench.")
config = pathlib.Path(home.name) / "castra.toml"
config.write_text('[project]\nname = "bench"\n[[vms]]\nname = "b"\nimage = "tiny"\nmemory = "96 MiB"\n'
                  '[vms.options]\nmachine = "microvm"\ndisk = false\n')
# A cache of its own, so that the first run has to prove the accelerator; the image is the usual one.
cache = pathlib.Path(home.name) / "cache"
usual = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
(cache / "castra").mkdir(parents=True)
(cache / "castra" / "images").symlink_to(usual / "castra" / "images")
env = dict(os.environ, CASTRA_HOME=home.name + "/home", XDG_CACHE_HOME=str(cache))


def run(*arguments):
    return subprocess.run([castra, *arguments, "--config", str(config)], env=env, check=True, capture_output=True, text=True)


def with_castra():
    """Seconds from exec of castra to vm.ready on its stream, and the argv that it ran."""
    began = time.monotonic()
    child = subprocess.Popen([castra, "up", "--config", str(config), "--events", "ndjson"], env=env,
                             stdout=subprocess.PIPE, text=True)
    ready = boot_ms = None
    for line in child.stdout:
        event = json.loads(line)
        if event["type"] == "vm.ready":
            ready, boot_ms = time.monotonic() - began, event["boot_ms"]
    assert child.wait() == 0 and ready is not None
    record = json.loads(next(pathlib.Path(home.name).rglob("record.json")).read_text())
    run("down", "--events", "none")
    return ready, boot_ms / 1000, record["plan"]["argv"]


def bare(argv):
    """Seconds from exec of QEMU to the marker, over the same kind of sockets."""
    numbers, sockets = {}, []
    for name in ("qmp", "serial"):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"{home.name}/{name}.{time.monotonic_ns()}")
        listener.listen()
        numbers[name] = listener.fileno()
        sockets.append(listener)
    serial = socket.socket(socket.AF_UNIX)
    serial.connect(sockets[1].getsockname())
    argv = [word.replace("{fd:qmp}", str(numbers["qmp"])).replace("{fd:serial}", str(numbers["serial"])) for word in argv]
    began = time.monotonic()
    child = subprocess.Popen(argv, pass_fds=list(numbers.values()), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seen = b""
    while b"\nCASTRA-READY" not in seen:
        chunk = serial.recv(65536)
        assert chunk, "QEMU ended"
        seen += chunk
    took = time.monotonic() - began
    child.kill()
    child.wait()
    return took


first_ready, first_boot, argv = with_castra()  # warm-up: the probe's verdict is cached from here on
bare(argv)
pairs = []
for turn in range(rounds):
    alone = bare(argv) if turn % 2 else None
    ready, boot, argv = with_castra()
    pairs.append((ready, boot, bare(argv) if alone is None else alone))
median = statistics.median
print(json.dumps({
    "rounds": rounds,
    "first_with_probe_outside_the_guest_ms": round(1000 * (first_ready - first_boot), 2),
    "castra_up_to_ready_s": round(median(p[0] for p in pairs), 4),
    "bare_qemu_to_marker_s": round(median(p[2] for p in pairs), 4),
    "ratio": round(median(p[0] / p[2] for p in pairs), 4),
    "outside_the_guest_ms": round(1000 * median(p[0] - p[1] for p in pairs), 2),
    "overhead_ms": round(1000 * (median(p[0] for p in pairs) - median(p[2] for p in pairs)), 2),
    "overhead_in_a_pair_ms": round(1000 * median(p[0] - p[2] for p in pairs), 2),
}))
home.cleanup()
