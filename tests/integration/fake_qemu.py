#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for qemu-system-x86_64 where a test needs a machine of a certain character at once, not a guest: takes the
sockets as QEMU does, says the marker on the serial one, answers QMP as its character wants. The character is in the file
`character` beside this program: obey, ignore (the power button), hang (QMP is silent), closed (QMP refuses everybody),
deaf (and SIGTERM is ignored too).
castra's probe of an accelerator (it ends through isa-debug-exit) ends as the file `probe` says: its first line is an exit
code, abort, or hang (whatever signal comes), the others are its last words. Each invocation is a line in the file `calls`:
its process and its arguments, as JSON."""
import json
import os
import pathlib
import re
import signal
import socket
import sys
import threading

HERE = pathlib.Path(sys.argv[0]).parent
CHARACTER = (HERE / "character").read_text().strip()


def probe():
    end, *last_words = (HERE / "probe").read_text().splitlines()
    if end == "hang":
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    tell_call()  # whoever reads of it may count on what it does from now on
    for line in last_words:
        print(line, file=sys.stderr, flush=True)
    while end == "hang":
        signal.pause()
    if end == "abort":
        os.abort()
    os._exit(int(end))


def tell_call():
    with open(HERE / "calls", "a") as calls:
        calls.write(json.dumps([os.getpid(), sys.argv[1:]]) + "\n")


def listener(name):
    for word in sys.argv:
        found = re.match(rf"socket,id={name},fd=(\d+)", word)
        if found:
            return socket.socket(fileno=int(found.group(1)))
    return None


def serve_qmp(connection, uuid):
    lines = connection.makefile("rw")
    if CHARACTER == "hang":
        signal.pause()
    lines.write('{"QMP": {"version": {}, "capabilities": []}}\n')
    lines.flush()
    for line in lines:
        asked = json.loads(line)
        command = asked["execute"]
        answer = {"return": {"UUID": uuid} if command == "query-uuid" else {}}
        lines.write(json.dumps({**answer, "id": asked["id"]} if "id" in asked else answer) + "\n")
        lines.flush()
        if command == "system_powerdown" and CHARACTER == "obey":
            os._exit(0)


def accept_qmp(server, uuid):
    while True:
        connection, _ = server.accept()
        if CHARACTER == "closed":
            connection.close()
            continue
        threading.Thread(target=serve_qmp, args=(connection, uuid), daemon=True).start()


if any(word.startswith("isa-debug-exit") for word in sys.argv):
    probe()
tell_call()
if CHARACTER == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
qmp, serial = listener("qmp"), listener("serial0")
uuid = sys.argv[sys.argv.index("-uuid") + 1] if "-uuid" in sys.argv else ""
threading.Thread(target=accept_qmp, args=(qmp, uuid), daemon=True).start()
console, _ = serial.accept()
console.sendall(b"FAKE-READY\n")
print("fake qemu: last words on stderr", file=sys.stderr, flush=True)
while True:
    signal.pause()
