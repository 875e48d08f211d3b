#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for qemu-system-x86_64 where a test needs a machine of a certain character at once, not a guest: takes the
sockets as QEMU does, says the marker on the serial one, answers QMP as its character wants. The character is in the file
`character` beside this program: obey, ignore (the power button), hang (QMP is silent), closed (QMP refuses everybody),
deaf (and SIGTERM is ignored too)."""
import json
import os
import pathlib
import re
import signal
import socket
import sys
import threading

CHARACTER = (pathlib.Path(sys.argv[0]).parent / "character").read_text().strip()


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
