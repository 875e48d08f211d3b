#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""castra status over many recorded VMs, as a whole process: records are fabricated after a real one's shape.
Usage: status_records.py CASTRA [RECORDS [ROUNDS]]. Half of the records name a process that lives, half one that ended."""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

castra = os.path.abspath(sys.argv[1])
records = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 20
home = tempfile.TemporaryDirectory(prefix="castra-bench.")
root = pathlib.Path(home.name)
config = root / "castra.toml"
config.write_text('[project]\nname = "bench"\n[[vms]]\nname = "seed"\nlauncher = "process"\n[vms.options]\n'
                  'command = ["/bin/sleep", "1000"]\n')
env = dict(os.environ, CASTRA_HOME=str(root / "home"))


def run(*arguments):
    return subprocess.run([castra, *arguments, "--config", str(config)], env=env, check=True, capture_output=True, text=True)


run("up", "--events", "none")
real = next(root.rglob("vms/*/record.json"))
seed = json.loads(real.read_text())
vms = real.parent.parent
# What QEMU's plan looks like: some three kilobytes.
seed["spec"]["port_forwards"] = [{"address": "127.0.0.1", "host": 20022, "guest": 22, "protocol": "tcp"}]
seed["port_forwards"] = seed["spec"]["port_forwards"]
seed["plan"]["argv"] = ["qemu-system-x86_64"] + ["-device", "virtio-net-pci,netdev=net0,romfile=,mac=52:54:00:00:00:00"] * 24
sleeper = subprocess.Popen(["/bin/sleep", "1000"])
stat = pathlib.Path(f"/proc/{sleeper.pid}/stat").read_text()
alive = {"pid": sleeper.pid, "start_ticks": int(stat.rsplit(")", 1)[1].split()[19])}
for i in range(records):
    name = f"vm-{i}"
    record = dict(seed, name=name, phase="ready", **(alive if i % 2 else {"pid": 4190000, "start_ticks": 1}))
    folder = vms / name
    folder.mkdir(parents=True)
    # In castra's own order of keys.
    (folder / "record.json").write_text(json.dumps(record, indent=1))


def seconds(*arguments):
    """Into a file: what a reader of a pipe costs is not castra's."""
    with open(root / "answer", "w+b") as answer:
        began = time.monotonic()
        result = subprocess.run([castra, *arguments, "--config", str(config)], env=env, stdout=answer)
        took = time.monotonic() - began
        assert result.returncode == 0
        answer.seek(0)
        return took, answer.read()


def median_ms(*arguments):
    return round(1000 * statistics.median(seconds(*arguments)[0] for _ in range(rounds)), 2)


whole = json.loads(seconds("status", "--json")[1])
assert len(whole["vms"]) == records + 1, len(whole["vms"])
assert sum(vm["state"] == "ready" for vm in whole["vms"]) == records // 2 + 1
answer = {"records": records, "status_json_ms": median_ms("status", "--json"), "status_ndjson_ms": median_ms("status", "--events", "ndjson"),
          "start_up_ms": round(1000 * statistics.median(
              (lambda began: (subprocess.run([castra, "--version"], stdout=subprocess.PIPE), time.monotonic() - began)[1])(time.monotonic())
              for _ in range(rounds)), 2)}
answer["status_json_less_start_up_ms"] = round(answer["status_json_ms"] - answer["start_up_ms"], 2)
print(json.dumps(answer))
for folder in vms.glob("vm-*"):
    (folder / "record.json").unlink()
sleeper.kill()
sleeper.wait()
run("down", "--events", "none")
home.cleanup()
