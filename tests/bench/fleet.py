#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""castra up of N real guests beside shell loops over the very same command lines: one that starts all at once, one with
castra's own window. Three ways in turn, round after round; read the ratios. Then castra down of N beside its slowest VM.
Usage: fleet.py CASTRA [GUESTS [ROUNDS]]. Needs the image tiny."""
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

castra = os.path.abspath(sys.argv[1])
guests = int(sys.argv[2]) if len(sys.argv) > 2 else 10
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
home = tempfile.TemporaryDirectory(prefix="castra-bench.")
config = pathlib.Path(home.name) / "castra.toml"
config.write_text(f'[project]\nname = "bench"\n[[vms]]\nname = "b"\ncount = {guests}\nimage = "tiny"\nmemory = "64 MiB"\n'
                  '[vms.options]\nmachine = "microvm"\ndisk = false\ntb_size_mib = 32\n')
env = dict(os.environ, CASTRA_HOME=home.name + "/home")
median = statistics.median


def events_of(*arguments):
    """The events with the moment at which each was read, in seconds from exec."""
    began = time.monotonic()
    child = subprocess.Popen([castra, *arguments, "--config", str(config), "--events", "ndjson"], env=env,
                             stdout=subprocess.PIPE, text=True)
    events = [dict(json.loads(line), at=time.monotonic() - began) for line in child.stdout]
    assert child.wait() == 0, events[-1]
    return events


def with_castra():
    up = events_of("up")
    argvs = [json.loads(path.read_text())["plan"]["argv"] for path in pathlib.Path(home.name).rglob("record.json")]
    window = up[0]["limits"]["boot_window"]
    down = events_of("down")
    slowest = max(event["total_ms"] for event in down if event["type"] == "vm.shutdown_complete") / 1000
    return {"ready": [event["at"] for event in up if event["type"] == "vm.ready"], "total": up[-1]["at"]}, argvs, window, \
        {"total": down[-1]["at"], "slowest": slowest}


def one_guest(argv, began, ready):
    numbers, sockets = {}, []
    with tempfile.TemporaryDirectory(prefix="castra-loop.") as folder:
        for name in ("qmp", "serial"):
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(f"{folder}/{name}")
            listener.listen()
            numbers[name] = listener.fileno()
            sockets.append(listener)
        serial = socket.socket(socket.AF_UNIX)
        serial.connect(f"{folder}/serial")
        words = [word.replace("{fd:qmp}", str(numbers["qmp"])).replace("{fd:serial}", str(numbers["serial"])) for word in argv]
        child = subprocess.Popen(words, pass_fds=list(numbers.values()), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seen = b""
        while b"\nCASTRA-READY" not in seen:
            chunk = serial.recv(65536)
            assert chunk, "QEMU ended"
            seen = (seen + chunk)[-4096:]
        ready.append(time.monotonic() - began)
        for listener in sockets:
            listener.close()
    return child, serial


def loop(argvs, window):
    """What a shell loop with `window` jobs does; 0: all at once."""
    ready, running = [], []
    gate = threading.Semaphore(window or len(argvs))
    began = time.monotonic()

    def start(argv):
        with gate:
            running.append(one_guest(argv, began, ready))
    threads = [threading.Thread(target=start, args=(argv,)) for argv in argvs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = time.monotonic() - began
    for child, serial in running:
        child.kill()
        child.wait()
        serial.close()
    return {"ready": ready, "total": total}


runs = []
with_castra()  # warm-up: the probe's verdict is cached from here on
for _ in range(rounds):
    up, argvs, window, down = with_castra()
    runs.append((up, loop(argvs, 0), loop(argvs, window), down))
print(json.dumps({
    "guests": guests, "rounds": rounds, "boot_window": window,
    "up_total_s": round(median(run[0]["total"] for run in runs), 3),
    "loop_unbounded_total_s": round(median(run[1]["total"] for run in runs), 3),
    "loop_windowed_total_s": round(median(run[2]["total"] for run in runs), 3),
    "total_to_better_loop": round(median(run[0]["total"] / min(run[1]["total"], run[2]["total"]) for run in runs), 3),
    "median_ready_to_unbounded": round(median(median(run[0]["ready"]) / median(run[1]["ready"]) for run in runs), 3),
    "over_better_loop_ms": round(1000 * median(run[0]["total"] - min(run[1]["total"], run[2]["total"]) for run in runs), 1),
    "down_total_s": round(median(run[3]["total"] for run in runs), 3),
    "down_to_slowest": round(median(run[3]["total"] / run[3]["slowest"] for run in runs), 3),
}))
home.cleanup()
