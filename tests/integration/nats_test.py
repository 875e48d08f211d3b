# SPDX-License-Identifier: Apache-2.0
"""reporter-nats against a real nats-server with JetStream: each event once, whatever happens to the server. Skipped loudly where
nats-server or libnats is missing."""
import contextlib
import json
import os
import shutil
import socket
import subprocess
import threading
import time

from journals import NOTIFY, READY
from nats_server import NatsServer
from reporters_test import Reported
from support import CASTRA, PLUGINS, until


class Stored(Reported):
    def setUp(self):
        why = None if shutil.which("nats-server") else "there is no nats-server"
        if not (PLUGINS / "reporter-nats.so").exists():
            why = "it was not built (no libnats)"
        if why:
            print(f"\nSKIPPED, reporter-nats was NOT tested: {why}")
            self.skipTest(why)
        super().setUp()
        self.servers = []

    def tearDown(self):
        for server in self.servers:
            if server.process.poll() is None:
                server.kill()
            shutil.rmtree(server.store, ignore_errors=True)
        super().tearDown()

    def server(self, *arguments, jetstream=True):
        self.servers.append(NatsServer(*arguments))
        return self.servers[-1].start(jetstream)

    def replay(self, config):
        return subprocess.run([CASTRA, "replay", "--config", str(self.config), "latest", "--reporter", "nats", "--reporter-config",
                               json.dumps(config)], env=self.env, capture_output=True, text=True, timeout=60)

    def assert_stored(self, messages, *streams):
        """Each line of these runs once and in its order, and nothing else."""
        by_run = {}
        for _, name, data in messages:
            run, seq = name.split(":")
            by_run.setdefault(run, []).append(data)
            self.assertEqual(int(seq), json.loads(data)["seq"])
        self.assertEqual(sorted(by_run.values()), sorted(stream.splitlines() for stream in streams))

    def gated(self, count, *reporters, extra=""):
        """Processes that are ready one by one, when a line is written to what this returns."""
        os.mkfifo(self.dir / "go")
        go = os.open(self.dir / "go", os.O_RDWR)
        self.addCleanup(os.close, go)
        self.fleet(*reporters, command=["/bin/sh", "-c", f"read x <{self.dir}/go; echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000"], count=count)
        self.config.write_text(f"[lifecycle]\nboot_window = {count}\n" + self.config.read_text())
        return go


class Nats(Stored):
    def test_each_event_once_under_its_subject(self):
        server = self.server()
        self.fleet(("nats", {"servers": [server.url]}), count=2)
        stream = self.good()
        self.until(lambda: len(server.messages()) == len(stream.splitlines()))
        messages = server.messages()
        self.assert_stored(messages, stream)
        for subject, _, data in messages:
            event = json.loads(data)
            self.assertEqual(subject, f"castra.{event['project']}.{event['type']}")
        config = server.api("STREAM.INFO.CASTRA")["config"]
        self.assertEqual((config["subjects"], config["duplicate_window"], config["max_bytes"]), (["castra.>"], 3600 * 10**9, 1 << 30))
        self.assertEqual(self.replay({"servers": [server.url]}).returncode, 0)
        self.assertEqual(server.messages(), messages, "sent again is not stored again")

    def test_a_server_that_is_killed_and_comes_back_in_the_middle(self):
        server = self.server()
        go = self.gated(4, ("nats", {"servers": [server.url]}))
        up = self.start("up")
        lines = until(up, "vm.launch")
        self.until(lambda: len(server.messages()) > 0)
        server.kill()
        os.write(go, b"go\n" * 2)
        for _ in range(2):
            lines += until(up, "vm.ready")
        server.start()
        os.write(go, b"go\n" * 2)
        stream = "".join(lines) + up.stdout.read()
        self.assertEqual(up.wait(), 0)
        self.until(lambda: len(server.messages()) >= len(stream.splitlines()))
        self.assert_stored(server.messages(), stream)

    def test_an_answer_that_is_lost(self):
        """The server has stored it and the client does not know: sent again, stored once."""
        server = self.server()
        proxy = LosesFirstAnswer(server.port)
        self.fleet(count=3)
        stream = self.good()
        done = self.replay({"servers": [f"nats://127.0.0.1:{proxy.port}"]})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(proxy.has_lost)
        self.assertGreater(proxy.ids.count(proxy.ids[0]), 1, "it was sent again")
        self.assert_stored(server.messages(), stream)

    def test_two_hosts_feed_one_server(self):
        server = self.server()
        config, streams = {"servers": [server.url]}, []
        self.fleet(("nats", config), count=5)
        other = self.dir / "other"
        other.mkdir()
        (other / "castra.toml").write_text(self.config.read_text())
        others = dict(self.env, CASTRA_HOME=str(other / "home"))

        def both(verb):
            here = self.start(verb)
            there = subprocess.run([CASTRA, verb, "--config", str(other / "castra.toml"), "--events", "ndjson"], env=others,
                                   capture_output=True, text=True, timeout=120)
            streams.extend([here.stdout.read(), there.stdout])
            self.assertEqual((here.wait(), there.returncode), (0, 0))
        both("up")
        both("down")
        self.until(lambda: len(server.messages()) >= sum(len(stream.splitlines()) for stream in streams))
        self.assert_stored(server.messages(), *streams)

    def test_a_server_that_is_away_does_not_touch_the_run_and_replay_makes_up_for_it(self):
        server = self.server()
        server.kill()
        config = {"servers": [server.url], "timeout_ms": 300}
        self.fleet(("nats", config))
        began = time.monotonic()
        stream = self.good()
        self.assertLess(time.monotonic() - began, 60)
        told = self.replay(config)
        self.assertNotEqual(told.returncode, 0)
        self.assertIn(f"{len(stream.splitlines())} events are missing", told.stderr)
        self.assertIn(server.url, told.stderr)
        server.start()
        self.assertEqual(self.replay(config).returncode, 0)
        self.assert_stored(server.messages(), stream)

    def test_the_next_server_of_a_list_is_taken(self):
        server = self.server()
        self.fleet(("nats", {"servers": ["nats://127.0.0.1:1", server.url]}))
        stream = self.good()
        self.until(lambda: len(server.messages()) == len(stream.splitlines()))

    def test_what_a_server_lacks_is_told(self):
        self.fleet()
        stream = self.good()
        without = self.server(jetstream=False)
        self.assertIn("JetStream is not enabled there (nats-server -js)", self.replay({"servers": [without.url], "timeout_ms": 300}).stderr)
        server = self.server()
        self.assertIn("there is no stream CASTRA", self.replay({"servers": [server.url], "create_stream": False}).stderr)
        server.api("STREAM.CREATE.CASTRA", name="CASTRA", subjects=["other.>"])
        self.assertIn("no stream takes the subject", self.replay({"servers": [server.url]}).stderr)
        self.assertEqual(self.replay({"servers": [server.url], "subject": "other.deep"}).returncode, 0)
        self.assert_stored(server.messages(), stream)

    def test_who_is_not_let_in_is_told_without_the_secret(self):
        server = self.server("--auth", "right-token")
        self.fleet()
        self.good()
        told = self.replay({"servers": [server.url], "token": "wrong-token"})
        self.assertNotEqual(told.returncode, 0)
        self.assertRegex(told.stderr, "(?i)authori[sz]ation")
        self.assertNotIn("wrong-token", told.stderr)
        self.assertEqual(self.replay({"servers": [server.url], "token": "right-token"}).returncode, 0)

    def test_one_event_that_is_refused_for_ever_does_not_hold_up_the_others(self):
        server = self.server()
        self.fleet(count=3)
        lines = self.good().splitlines()
        limit = max(len(line) for line in lines) - 1
        server.api("STREAM.CREATE.CASTRA", name="CASTRA", subjects=["castra.>"], max_msg_size=limit)
        told = self.replay({"servers": [server.url]})
        stored = [data for _, _, data in server.messages()]
        self.assertIn("missing", told.stderr)
        self.assertEqual(stored, [line for line in lines if line in stored])
        self.assertIn(f"{len(lines) - len(stored)} event", told.stderr)
        self.assertGreater(len(stored), 0)


class LosesFirstAnswer:
    """Between a client and the server: cuts the connection instead of passing on the first answer that says something is stored."""

    def __init__(self, to):
        self.to, self.has_lost, self.ids = to, False, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client = self.listener.accept()[0]
            server = socket.create_connection(("127.0.0.1", self.to))
            threading.Thread(target=self.forth, args=(client, server), daemon=True).start()
            threading.Thread(target=self.back, args=(client, server), daemon=True).start()

    def forth(self, client, server):
        try:
            while piece := client.recv(1 << 20):
                self.ids += [line.split(b":", 1)[1].strip() for line in piece.split(b"\r\n") if line.startswith(b"Nats-Msg-Id:")]
                server.sendall(piece)
        except OSError:
            pass

    def back(self, client, server):
        try:
            while piece := server.recv(1 << 20):
                if not self.has_lost and b'"seq":' in piece and b'"stream":' in piece:
                    self.has_lost = True
                    break
                client.sendall(piece)
        except OSError:
            pass
        for one in (client, server):
            one.close()


class Cluster(Stored):
    """Three servers that hold each event three times. The one that leads the stream is killed in the middle."""

    def cluster(self):
        with contextlib.ExitStack() as free:
            ports = [free.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(3)]
        routes = ",".join(f"nats://127.0.0.1:{port}" for port in ports)
        for i, port in enumerate(ports):
            self.server("--name", f"n{i}", "--cluster_name", "castra-test", "--cluster", f"nats://127.0.0.1:{port}", "--routes", routes)
        for server in self.servers:
            server.wait_s = 2
        self.until(lambda: "error" not in self.asked(self.servers[0].api, "INFO"))  # they have a leader

    def asked(self, question, *words):
        """Of servers that may be without a leader just now."""
        with contextlib.suppress(AssertionError, KeyError, TimeoutError):
            return question(*words)
        return {"error": "nobody answers"} if words else []

    def test_it_goes_on_when_the_leader_of_the_stream_dies(self):
        self.cluster()
        config = {"servers": [server.url for server in self.servers], "replicas": 3}
        go = self.gated(4, ("nats", config))
        up = self.start("up")
        lines = until(up, "vm.launch")
        self.until(lambda: self.asked(self.servers[0].messages))
        info = self.servers[0].api("STREAM.INFO.CASTRA")
        self.assertEqual((info["config"]["num_replicas"], len(info["cluster"]["replicas"])), (3, 2))
        dead = self.servers[int(info["cluster"]["leader"][1:])]
        other = next(server for server in self.servers if server is not dead)
        dead.kill()
        os.write(go, b"go\n" * 2)
        for _ in range(2):
            lines += until(up, "vm.ready")
        self.until(lambda: self.asked(other.messages))  # the others have chosen another leader
        dead.start()
        os.write(go, b"go\n" * 2)
        stream = "".join(lines) + up.stdout.read()
        self.assertEqual(up.wait(), 0)
        self.until(lambda: len(self.asked(other.messages)) >= len(stream.splitlines()))
        self.assert_stored(other.messages(), stream)

    def test_many_hosts_feed_it_while_the_leader_of_the_stream_dies(self):
        self.cluster()
        config = {"servers": [server.url for server in self.servers], "replicas": 3}
        hosts = [(self.config, self.env, self.gated(2, ("nats", config)))]
        for i in range(5):
            folder = self.dir / f"host{i}"
            folder.mkdir()
            os.mkfifo(folder / "go")
            (folder / "castra.toml").write_text(self.config.read_text().replace(str(self.dir / "go"), str(folder / "go")))
            hosts.append((folder / "castra.toml", dict(self.env, CASTRA_HOME=str(folder / "home")), os.open(folder / "go", os.O_RDWR)))
            self.addCleanup(os.close, hosts[-1][2])
        ups = [subprocess.Popen([CASTRA, "up", "--config", str(file), "--events", "ndjson"], env=env, stdout=subprocess.PIPE, text=True)
               for file, env, _ in hosts]
        self.children += ups
        streams = [until(up, "vm.launch") for up in ups]
        self.assertEqual(len({json.loads(lines[0])["run_id"] for lines in streams}), 6)
        self.until(lambda: self.asked(self.servers[0].messages))
        leader = self.servers[0].api("STREAM.INFO.CASTRA")["cluster"]["leader"]
        dead = self.servers[int(leader[1:])]
        other = next(server for server in self.servers if server is not dead)
        dead.kill()
        for (_, _, go), lines, up in zip(hosts, streams, ups):
            os.write(go, b"go\n")
            lines += until(up, "vm.ready")
        self.until(lambda: self.asked(other.messages))
        dead.start()
        for _, _, go in hosts:
            os.write(go, b"go\n")
        streams = ["".join(lines) + up.stdout.read() for lines, up in zip(streams, ups)]
        self.assertEqual([up.wait() for up in ups], [0] * 6)
        self.until(lambda: len(self.asked(other.messages)) >= sum(len(stream.splitlines()) for stream in streams))
        self.assert_stored(other.messages(), *streams)
        for file, env, _ in hosts:
            down = subprocess.run([CASTRA, "down", "--config", str(file)], env=env, capture_output=True, text=True, timeout=60)
            self.assertEqual(down.returncode, 0, down.stderr)
