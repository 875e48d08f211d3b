# SPDX-License-Identifier: Apache-2.0
"""The protocol of docs/BROKER.md written a second time, from the page: whoever reads the page can write this."""
import json
import re
import socket
import struct


class Broker:
    """One connection. `greet=False` leaves it silent."""

    def __init__(self, where, greet=True, timeout=30):
        family = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(where)
        self.buffer = b""
        if greet:
            line = self.line()
            self.nonce = re.fullmatch(rb"castra-broker/1 ([0-9A-Z]{26})\n", line).group(1)
            assert self.frame()["type"] == "greeting"

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def more(self):
        got = self.socket.recv(65536)
        if not got:
            raise EOFError("the broker closed the connection")
        self.buffer += got

    def line(self):
        while b"\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line + b"\n"

    def frame(self):
        while len(self.buffer) < 4 or len(self.buffer) < 4 + struct.unpack(">I", self.buffer[:4])[0]:
            self.more()
        size = struct.unpack(">I", self.buffer[:4])[0]
        body, self.buffer = self.buffer[4:4 + size], self.buffer[4 + size:]
        return json.loads(body)

    def send(self, **frame):
        self.socket.sendall(framed(frame))

    def next(self, *types):
        while True:
            frame = self.frame()
            if frame["type"] in types:
                return frame

    def hello(self, **more):
        self.socket.sendall(b"castra-sync " + self.nonce + b"\n")
        self.send(type="hello", version=1, **more)
        return self.next("welcome", "error")


def framed(frame):
    body = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
    return struct.pack(">I", len(body)) + body
