# SPDX-License-Identifier: Apache-2.0
"""A real nats-server with JetStream, and a reader of its streams that shares nothing with castra: NATS' text protocol by hand."""
import base64
import json
import pathlib
import socket
import subprocess
import tempfile


class NatsServer:
    """Keeps its port and its store over kill() and start()."""

    def __init__(self, *arguments):
        self.store, self.arguments, self.process = tempfile.mkdtemp(prefix="castra-nats."), arguments, None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"nats://127.0.0.1:{self.port}"
        self.wait_s = 20  # for an answer

    def start(self, jetstream=True):
        log = pathlib.Path(self.store, "log")
        log.write_text("")
        self.process = subprocess.Popen(["nats-server", "-a", "127.0.0.1", "-p", str(self.port), *(["-js"] if jetstream else []),
                                         "-sd", self.store, *self.arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "Server is ready" in line:
                return self
        raise AssertionError("nats-server does not start")

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def ask(self, subject, request=""):
        """One request, its answer as JSON."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=self.wait_s) as sock, sock.makefile("rwb") as wire:
            data = request.encode()
            wire.write(b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nSUB answer 1\r\n'
                       + f"PUB {subject} answer {len(data)}\r\n".encode() + data + b"\r\n")
            wire.flush()
            while True:
                words = wire.readline().split()
                if words[0] == b"MSG":
                    return json.loads(wire.read(int(words[-1])))
                if words[0] in (b"HMSG", b"-ERR"):
                    raise AssertionError(words)

    def api(self, subject, /, **request):
        return self.ask("$JS.API." + subject, json.dumps(request))

    def messages(self, stream="CASTRA"):
        """(subject, id, data) of all that is stored, in the order of the stream."""
        state = self.api(f"STREAM.INFO.{stream}").get("state", {"messages": 0})
        if state["messages"] == 0:
            return []
        found = []
        for seq in range(state["first_seq"], state["last_seq"] + 1):
            message = self.api(f"STREAM.MSG.GET.{stream}", seq=seq)["message"]
            headers = base64.b64decode(message.get("hdrs", "")).decode()
            name = next(line.split(":", 1)[1].strip() for line in headers.splitlines() if line.startswith("Nats-Msg-Id"))
            found.append((message["subject"], name, base64.b64decode(message["data"]).decode()))
        return found
