# SPDX-License-Identifier: Apache-2.0
"""A live broker takes everything, and a well-behaved peer does not notice. Driven as castra drives it: over the control
socket it is told the VMs and tells its decisions."""
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from broker_client import Broker, framed


class Served(unittest.TestCase):
    settings = {}

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="castra-broker."))
        self.path = str(self.dir / "b")
        self.said = []
        with socket.socket(socket.AF_UNIX) as host, socket.socket() as probe:
            host.bind(self.path)
            host.listen(64)
            probe.bind(("127.0.0.1", 0))
            self.tcp = probe.getsockname()
            probe.close()
            self.control, theirs = socket.socketpair()
            ready, notify = os.pipe()
            self.process = subprocess.Popen(
                [os.environ["BROKER_SERVED"], "--control-fd", str(theirs.fileno()), "--host-fd", str(host.fileno()),
                 "--notify-fd", str(notify), "--state-dir", str(self.dir), "--port", str(self.tcp[1])],
                pass_fds=[theirs.fileno(), host.fileno(), notify])
        theirs.close()
        os.close(notify)
        self.tell(settings=self.settings)
        self.assertEqual(os.read(ready, 6), b"READY\n")
        os.close(ready)
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()

    def tearDown(self):
        self.assertIsNone(self.process.poll(), "it did not survive")
        self.control.shutdown(socket.SHUT_RDWR)
        self.assertEqual(self.process.wait(60), 0, "it ends when its supervisor has gone")
        self.listener.join()
        self.control.close()
        shutil.rmtree(self.dir)

    def tell(self, **line):
        self.control.sendall(json.dumps(line).encode() + b"\n")

    def listen(self):
        with self.control.makefile() as lines:
            for line in lines:
                self.said.append(json.loads(line))

    def decisions(self, outcome):
        return [line["handshake"] for line in list(self.said)
                if "handshake" in line and line["handshake"]["outcome"] == outcome]

    def wait_for(self, what, seconds=60):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = what()
            if found:
                return found
            time.sleep(0.05)
        self.fail("it did not happen")

    def host(self):
        broker = Broker(self.path)
        self.assertEqual(broker.hello(role="host")["type"], "welcome")
        return broker

    def assert_well(self):
        with self.host() as one, self.host() as two:
            two.send(type="subscribe", id=1, topic="check")
            two.next("ack")
            one.send(type="publish", id=1, topic="check", payload=1)
            self.assertEqual(two.next("deliver")["payload"], 1)

    def rss_kib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(next(line.split()[1] for line in status if line.startswith("VmRSS")))


class Roles(Served):
    def test_nobody_gets_a_role_that_is_not_theirs(self):
        self.tell(attach={"vm": "web-0", "incarnation": "I1", "secret": "old", "socket": ""})
        self.tell(attach={"vm": "web-0", "incarnation": "I2", "secret": "new", "socket": ""})
        lies = [({"role": "host"}, "host's own socket"), ({"role": "guest"}, "no secret"),
                ({"role": "guest", "vm": "web-0", "secret": "guess"}, "unknown secret"),
                ({"role": "guest", "vm": "web-0", "secret": "old"}, "earlier boot"),
                ({"role": "guest", "vm": "db-0", "secret": "new"}, "claims to be db-0")]
        for said, why in lies:
            with Broker(self.tcp) as liar:
                answer = liar.hello(**said)
                self.assertEqual((answer["type"], answer["code"]), ("error", "denied"))
                self.assertIn(why, answer["detail"])
                with self.assertRaises((EOFError, ConnectionError)):
                    liar.frame()
        with Broker(self.path) as liar:
            self.assertEqual(liar.hello(role="guest")["code"], "denied")
        with Broker(self.tcp) as guest:
            self.assertEqual(guest.hello(role="guest", secret="new")["vm"], "web-0")
        self.wait_for(lambda: self.decisions("granted"))
        denied = self.decisions("denied")
        self.assertEqual(len(denied), len(lies) + 1)
        self.assertTrue(all(one["reason"] for one in denied))
        self.assertTrue(denied[0]["remote_addr"].startswith("127.0.0.1:"))


class Garbage(Served):
    def test_garbage_ends_its_own_connection_only(self):
        random.seed(7)
        good = [framed({"type": "hello", "version": 1, "role": "guest", "secret": "x"}),
                framed({"type": "publish", "topic": "a", "payload": [1] * 50})]
        before = self.rss_kib()
        with self.host() as neighbour:
            for round_ in range(500):
                with Broker(self.tcp) as peer:
                    noise = bytearray(b"".join(random.choices(good, k=20)))
                    for _ in range(random.randrange(1, 40)):
                        noise[random.randrange(len(noise))] = random.randrange(256)
                    try:
                        peer.socket.sendall((b"castra-sync " + peer.nonce + b"\n" if round_ % 3 else b"") + bytes(noise))
                        peer.socket.shutdown(socket.SHUT_WR)
                        while True:
                            peer.frame()
                    except (OSError, EOFError, ValueError):
                        pass
                if round_ % 50 == 0:
                    neighbour.send(type="heartbeat")
                    neighbour.next("heartbeat")
        self.assert_well()
        self.assertLess(self.rss_kib(), before + 8192)

    def test_a_session_that_sends_garbage_takes_nobody_along(self):
        with self.host() as other, self.host() as bad:
            bad.socket.sendall(b"\xff\xff\xff\xff")
            self.assertEqual(bad.next("error")["code"], "protocol")
            other.send(type="heartbeat")
            self.assertEqual(other.next("heartbeat")["type"], "heartbeat")

    def test_ten_thousand_connections(self):
        before = self.rss_kib()
        for _ in range(100):
            crowd = [Broker(self.tcp, greet=False) for _ in range(100)]
            for peer in crowd:
                peer.close()
        self.assert_well()
        self.assertLess(self.rss_kib(), before + 16384)


class Storm(Served):
    """A million frames, random, mutated and senseless, over both doors, and a guest that goes on talking."""
    settings = {"frames_per_second_max": 1000000}

    def percentile(self, guest, host, seconds=None, until=None):
        """p99 in ms of a publish from a guest until the host has it, at most 100 a second."""
        took = []
        end = time.monotonic() + (seconds or 3600)
        while time.monotonic() < end and (until is None or until.poll() is None):
            began = time.monotonic()
            host.send(type="heartbeat")  # who is silent for 15 s is let go
            guest.send(type="publish", id=1, topic="beat", payload=len(took))
            self.assertEqual(host.next("deliver")["payload"], len(took))
            took.append(1000 * (time.monotonic() - began))
            guest.next("ack")
            time.sleep(0.01)
        return sorted(took)[len(took) * 99 // 100] if took else 0.0  # a quick machine has no storm left

    def test_a_million_frames(self):
        self.tell(attach={"vm": "g-0", "incarnation": "I1", "secret": "s", "socket": ""})
        frames = int(os.environ.get("STORM_FRAMES", "1000000"))
        with Broker(self.tcp) as guest, self.host() as host:
            self.assertEqual(guest.hello(role="guest", secret="s")["vm"], "g-0")
            host.send(type="subscribe", id=1, topic="beat")
            host.next("ack")
            quiet_ms = self.percentile(guest, host, seconds=5)
            storm = subprocess.Popen([os.environ["BROKER_STORM"], self.path, str(self.tcp[1]), str(frames), "7"],
                                     stdout=subprocess.PIPE, text=True)
            self.percentile(guest, host, seconds=10, until=storm)
            before = self.rss_kib()
            storm_ms = self.percentile(guest, host, until=storm)
            self.assertEqual(storm.wait(), 0)
            print(f"{storm.stdout.read().strip()}; p99 {quiet_ms:.2f} ms without, {storm_ms:.2f} ms with; "
                  f"{before} KiB at first, {self.rss_kib()} KiB in the end")
            storm.stdout.close()
            self.assertLess(self.rss_kib(), before + 4096)
        self.assert_well()


class Slow(Served):
    def test_slow_and_silent_peers_are_let_go_and_hold_up_nobody(self):
        trickle = Broker(self.tcp)
        slow = [Broker(self.tcp, greet=False) for _ in range(300)]  # more than may wait
        self.assert_well()
        with self.assertRaises(OSError):  # a byte a second is not a hello in time
            for byte in b"castra-sync " + trickle.nonce + b"\n":
                trickle.socket.send(bytes([byte]))
                time.sleep(1)
        self.wait_for(lambda: self.decisions("timeout"))
        for peer in [trickle, *slow]:
            peer.close()
        self.assert_well()
        self.assertTrue(any("more refused within a second" in one["reason"] for one in self.decisions("denied")),
                        "a flood of refusals is counted")


class Delivery(Served):
    def test_a_reader_that_does_not_read_is_let_go_of_live_topics(self):
        with self.host() as lazy, self.host() as writer, self.host() as reader:
            for peer in (lazy, reader):
                peer.send(type="subscribe", id=1, topic="flood")
                peer.next("ack")
            seen = []

            def read():
                while len(seen) < 300:
                    seen.append(reader.next("deliver")["payload"][0])
            thread = threading.Thread(target=read)
            thread.start()
            for i in range(300):
                writer.send(type="publish", id=i + 1, topic="flood", payload=[i, "x" * 20000])
                writer.next("ack")
            thread.join()
            self.assertEqual(seen, list(range(300)))
        self.wait_for(lambda: any("bytes wait for it" in line["closed"]["reason"] for line in list(self.said)
                                  if "closed" in line))

    def test_a_reader_of_a_durable_topic_may_be_slow_and_loses_nothing(self):
        with self.host() as lazy, self.host() as writer:
            lazy.send(type="subscribe", id=1, topic="durable/flood", after=0)
            lazy.next("ack")
            for i in range(150):
                writer.send(type="publish", id=i + 1, topic="durable/flood", payload=[i, "x" * 20000])
                self.assertEqual(writer.next("ack", "error")["type"], "ack")
            self.assertEqual([lazy.next("deliver")["payload"][0] for _ in range(150)], list(range(150)))


class Channel(Served):
    """A VM's own channel, with this test in the place of its QEMU."""

    def accept(self, listening):
        channel = Broker.__new__(Broker)
        channel.socket, _ = listening.accept()
        channel.socket.settimeout(30)
        channel.buffer = b""
        channel.nonce = channel.line().split()[1]
        self.assertEqual(channel.frame()["type"], "greeting")
        return channel

    def test_the_channel_is_the_vm_and_is_connected_again(self):
        path = str(self.dir / "agent")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path)
            listening.listen(4)
            self.tell(attach={"vm": "g-0", "incarnation": "I1", "secret": "s", "socket": path})
            with self.accept(listening) as guest:
                guest.socket.sendall(b"\x00\x00\x10 left over from an earlier life\n")
                self.assertEqual(guest.hello(role="guest", capabilities=["shutdown"])["vm"], "g-0")
                guest.send(type="ready", id=3, facts={"hostname": "g-0"})
                self.assertEqual(guest.next("ack")["id"], 3)
                self.wait_for(lambda: {"ready": {"vm": "g-0", "incarnation": "I1", "facts": {"hostname": "g-0"}}} in self.said)
                self.tell(shutdown={"vm": "g-0"})
                guest.next("shutdown")
            with self.accept(listening) as liar:
                self.assertEqual(liar.hello(role="guest", vm="g-1")["code"], "denied")
                self.wait_for(lambda: any("claims to be g-1 on the channel of g-0" in one["reason"]
                                          for one in self.decisions("denied")))
            with self.accept(listening) as again:
                self.assertEqual(again.hello(role="guest")["vm"], "g-0")
                self.tell(detach={"vm": "g-0"})
                self.assertEqual(again.next("error")["code"], "detached")


class FullDisk(Served):
    settings = {"topics_max": 1}

    def test_what_cannot_be_kept_is_not_acknowledged_and_the_rest_works(self):
        def limit(bytes_max):
            subprocess.run(["prlimit", "--pid", str(self.process.pid), f"--fsize={bytes_max}:unlimited"], check=True)

        def publish(mine, topic, payload):
            mine.send(type="publish", id=1, topic=topic, payload=payload)
            answer = mine.next("ack", "error")
            return answer.get("code", answer["type"])
        with self.host() as mine:
            self.assertEqual(publish(mine, "durable/a", 1), "ack")
            limit(100)
            answers = [publish(mine, "durable/a", "x" * 50) for _ in range(5)]
            self.assertEqual(answers[-1], "not_kept", answers)
            self.assertEqual(publish(mine, "live", 1), "ack")
            limit("unlimited")
            self.assertEqual(publish(mine, "durable/a", 2), "ack")
            self.assertEqual(publish(mine, "durable/b", 2), "not_kept")
            mine.send(type="subscribe", id=2, topic="durable/a", after=0)
            kept = [mine.next("deliver") for _ in range(2 + answers.count("ack"))]
            self.assertEqual([one["seq"] for one in kept], list(range(1, len(kept) + 1)))
            self.assertEqual((kept[0]["payload"], kept[-1]["payload"]), (1, 2))
