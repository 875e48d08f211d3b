# SPDX-License-Identifier: Apache-2.0
"""castra watch --web: who may read it, and that a lost connection catches up without gap, in a real Chromium."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request

from journals import NOTIFY, READY
from report_test import Browser
from support import CASTRA, Project


class Watching(Project):
    def watch(self, *more):
        child = subprocess.Popen([CASTRA, "watch", "--web", "--config", str(self.config), *more], env=self.env, stdout=subprocess.PIPE, text=True)
        self.children.append(child)
        return child, child.stdout.readline().strip()

    def get(self, url, **headers):
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def stream(self, url, until, on_begin=None, **headers):
        """The ids and data of a stream up to an event of this type."""
        found = []
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            self.assertEqual(answer.headers["Content-Type"], "text/event-stream; charset=utf-8")
            if on_begin:
                on_begin()
            name = ""
            for line in answer:
                line = line.decode().rstrip("\n")
                if line.startswith("id: "):
                    name = line[4:]
                if line.startswith("data: "):
                    found.append((name, line[6:]))
                    if f'"type":"{until}"' in line:
                        return found


class Served(Watching):
    def test_the_journal_byte_for_byte_from_any_cursor(self):
        self.processes_toml(READY, extra=NOTIFY)
        stream = self.castra("up").stdout.splitlines()
        _, address = self.watch()
        events = address.replace("/?", "/events?")
        got = self.stream(events, "summary")
        self.assertEqual([line for _, line in got], stream)
        run = json.loads(stream[0])["run_id"]
        self.assertEqual([name for name, _ in got], [f"{run}:{seq}" for seq in range(1, len(stream) + 1)])
        for seq in range(len(stream)):
            self.assertEqual([line for _, line in self.stream(events, "summary", **{"Last-Event-ID": f"{run}:{seq}"})], stream[seq:])
            self.assertEqual([line for _, line in self.stream(f"{events}&after={run}%3A{seq}", "summary")], stream[seq:])

    def test_watched_before_there_is_anything(self):
        self.processes_toml(READY, extra=NOTIFY)
        _, address = self.watch()
        ups = []
        got = self.stream(address.replace("/?", "/events?"), "summary", on_begin=lambda: ups.append(self.castra("up").stdout.splitlines()))
        self.assertEqual([line for _, line in got], ups[0])

    def test_a_cursor_that_nobody_knows_is_told_and_the_latest_run_follows(self):
        self.processes_toml(READY, extra=NOTIFY)
        stream = self.castra("up").stdout.splitlines()
        _, address = self.watch()
        got = self.stream(address.replace("/?", "/events?"), "summary", **{"Last-Event-ID": "01ARYZ6S410000000000000000:7"})
        gap = json.loads(got[0][1])["gap"]
        self.assertEqual((gap["reason"], gap["run_id"], gap["first_seq"]), ("missing", "01ARYZ6S410000000000000000", 8))
        self.assertEqual([line for _, line in got[1:]], stream)

    def test_it_ends_while_somebody_watches(self):
        self.processes_toml(READY, extra=NOTIFY)
        child, address = self.watch()
        with urllib.request.urlopen(address.replace("/?", "/events?"), timeout=60) as answer:
            child.send_signal(signal.SIGINT)
            self.assertEqual(child.wait(20), 0)
            self.assertEqual(answer.read(), b"")

    def test_who_may_read_it(self):
        self.processes_toml(READY, extra=NOTIFY)
        self.castra("up")
        child, answer = self.watch("--json")
        address = json.loads(answer)["url"]
        base, token = address.split("/?token=")
        self.assertEqual(len(token), 32)
        status, page = self.get(address)
        self.assertEqual(status, 200)
        self.assertIn(" data-live>", page)
        self.assertNotIn("@", re.sub(r"@(media|page)", "", page).replace("window@", ""))
        self.assertNotIn(token, page)
        for wrong in ("/", "/events", "/?token=", f"/?token={token[:-1]}0x", "/events?token=" + "0" * 32):
            self.assertEqual(self.get(base + wrong)[0], 403, wrong)
        self.assertEqual(self.get(f"{base}/other?token={token}")[0], 404)
        self.assertEqual(self.get(address, Host="evil.example:80")[0], 421, "DNS rebinding")
        self.assertEqual(self.get(address, Origin="http://evil.example")[0], 403, "another site's page")
        self.assertEqual(self.get(f"{base}/events?token={token}", **{"Last-Event-ID": "nonsense"})[0], 400)
        request = urllib.request.Request(address, data=b"x")
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=30)
        self.assertEqual(refused.exception.code, 405)
        port = int(base.rsplit(":", 1)[1])
        listening = subprocess.run(["ss", "-ltnH", f"sport = :{port}"], capture_output=True, text=True).stdout
        self.assertNotIn("0.0.0.0", listening.split()[3] if listening else "")
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(20), 0)

    def test_garbage_and_silent_clients_disturb_nobody(self):
        self.processes_toml(READY, extra=NOTIFY)
        self.castra("up")
        _, address = self.watch()
        port = int(re.search(r":(\d+)/", address)[1])
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
        with socket.create_connection(("127.0.0.1", port)) as garbage:
            garbage.sendall(b"\x00\xff" * 5000 + b"\r\n\r\n")
        with socket.create_connection(("127.0.0.1", port)) as huge:
            huge.sendall(b"GET / HTTP/1.1\r\n")
            try:
                huge.sendall(b"X: " + b"y" * 100000 + b"\r\n\r\n")
                huge.recv(1000)
            except OSError:
                pass
        self.assertEqual(self.get(address)[0], 200)
        for one in silent:
            one.close()

    def test_a_port_that_is_taken(self):
        self.processes_toml(READY, extra=NOTIFY)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            done = subprocess.run([CASTRA, "watch", "--web", "--config", str(self.config), "--port", str(taken.getsockname()[1])], env=self.env,
                                  capture_output=True, text=True, timeout=30)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("leave out --port", done.stderr)


class Proxy:
    """Between a browser and the server; can be cut."""

    def __init__(self, to):
        self.to, self.heads, self.open, self.is_cut = to, [], [], False
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.server.accept()[0]
            except OSError:
                return
            if self.is_cut:
                client.close()
            else:
                threading.Thread(target=self.pass_on, args=(client,), daemon=True).start()

    def pass_on(self, client):
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = client.recv(65536)
                if not piece:
                    return
                head += piece
            self.heads.append(head.decode())
            server = socket.create_connection(("127.0.0.1", self.to))
            self.open += [client, server]
            server.sendall(head.replace(f":{self.port}".encode(), f":{self.to}".encode()))
            while piece := server.recv(65536):
                client.sendall(piece)
        except OSError:
            pass
        finally:
            client.close()

    def cut(self):
        self.is_cut = True
        for one in self.open:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class LostConnection(Browser, Watching):
    def test_it_catches_up_without_a_gap(self):
        os.mkfifo(self.dir / "go")
        go = os.open(self.dir / "go", os.O_RDWR)
        self.addCleanup(os.close, go)
        wait = f"read x <{self.dir}/go; echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000"
        self.processes_toml(["/bin/sh", "-c", wait], count=3, extra=NOTIFY)
        self.config.write_text("[lifecycle]\nboot_window = 3\n" + self.config.read_text())
        up = self.start("up")
        _, address = self.watch()
        proxy = Proxy(int(re.search(r":(\d+)/", address)[1]))
        url = address.replace(f":{proxy.to}/", f":{proxy.port}/")
        out = pathlib.Path(os.environ.get("CASTRA_SCREENSHOTS", self.dir))
        browser = subprocess.Popen(["node", f"{self.modules}/page.cjs", "live", url, str(out)], stdout=subprocess.PIPE, text=True)
        self.children.append(browser)
        self.assertEqual(browser.stdout.readline(), "connected\n")
        proxy.cut()
        self.assertEqual(browser.stdout.readline(), "lost\n")
        os.write(go, b"go\n" * 3)
        lines = up.communicate(timeout=60)[0].splitlines()
        proxy.is_cut = False
        self.assertEqual(browser.stdout.readline(), "caught up\n")
        self.castra("down")
        found = json.loads(browser.stdout.readline())
        self.assertEqual(found["errors"], [])
        self.assertEqual((found["count"], found["gaps"], found["connection"]), (f"{len(lines)} events", 0, "live"))
        self.assertTrue(any("Last-Event-ID: " in head for head in proxy.heads), proxy.heads)
        self.assertEqual([one for one in found["looks"]["live"]["axe"] if one["impact"] in ("serious", "critical")], [])
