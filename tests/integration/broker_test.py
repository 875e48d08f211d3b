# SPDX-License-Identifier: Apache-2.0
"""The broker as castra runs it: its life, its events, the bus of the host. Guests are in broker_guest_test.py."""
import glob
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "broker"))
from broker_client import Broker  # noqa: E402
from support import CASTRA, Project, types_of

HEADER = '[project]\nname = "t"\n[broker]\nlauncher = "process"\n'
SLEEPER = '[[vms]]\nname = "p"\nlauncher = "process"\n[vms.options]\ncommand = ["/bin/sleep", "1000"]\n'


class BrokerProject(Project):
    def project(self, broker="", vms=SLEEPER):
        self.write(vms, HEADER + broker)

    def broker_only(self, broker=""):
        self.project(broker)
        return self.events(self.castra("up", "--broker-only"))

    def socket_path(self):
        return next(iter(glob.glob(str(self.home / "**/b"), recursive=True)))

    def bus(self, *words, code=0):
        done = subprocess.run([CASTRA, "bus", *words, "--config", str(self.config)], env=self.env, capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def host(self):
        broker = Broker(self.socket_path())
        self.assertEqual(broker.hello(role="host")["type"], "welcome")
        return broker

    def broker_pid(self):
        return next(pid for pid, command in self.processes().items() if " broker --control-fd" in command)

    def wait_for(self, what, seconds=60):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = what()
            if found:
                return found
            time.sleep(0.1)
        self.fail("it did not happen")

    def told(self, type_, **fields):
        """Events of a type in all journals so far, of runs that have ended."""
        found = []
        for path in sorted(self.home.rglob("journal/*.ndjson")):
            for line in path.read_text().splitlines():
                event = json.loads(line)
                if event["type"] == type_ and all(event.get(key) == value for key, value in fields.items()):
                    found.append(event)
        return found


class Life(BrokerProject):
    def test_it_comes_with_up_and_goes_with_the_last_vm(self):
        self.project()
        events = self.events(self.castra("up"))
        self.assertEqual(types_of(events), ["command.accepted", "broker.started", "vm.launch", "vm.ready", "summary"])
        self.assertIn({"kind": "broker", "name": "broker"}, events[0]["expects"])
        self.assertTrue(self.status()["broker"]["reachable"])
        events = self.events(self.castra("up"))
        self.assertTrue(events[0]["broker_running"])
        self.assertEqual(types_of(events), ["command.accepted", "summary"])
        events = self.events(self.castra("down"))
        self.assertIn("broker.stopped", types_of(events))
        self.assertFalse(self.status()["broker"]["reachable"])

    def test_it_comes_alone_and_stays_until_down(self):
        events = self.broker_only()
        self.assertEqual(types_of(events), ["command.accepted", "broker.started", "summary"])
        self.assertEqual(self.bus("topics"), "")
        events = self.events(self.castra("down"))
        news = ("broker.handshake", "broker.session_closed")  # of castra bus, unless they had a run of their own already
        self.assertEqual([type_ for type_ in types_of(events) if type_ not in news],
                         ["command.accepted", "broker.stopped", "summary"])
        self.assertEqual(events[-1]["message"], "the broker is down")

    def test_without_a_launcher_there_is_none(self):
        self.write(SLEEPER)
        events = self.events(self.castra("up"))
        self.assertEqual(types_of(events), ["command.accepted", "vm.launch", "vm.ready", "summary"])
        events = self.events(self.castra("up", "--broker-only"), 3)
        self.assertIn("has no broker", events[-1]["message"])
        self.bus("topics", code=10)

    def test_a_broker_that_cannot_start_fails_the_up_and_leaves_nothing(self):
        self.project('cli = "/bin/false"\n')
        events = self.events(self.castra("up"), 1)
        self.assertEqual(types_of(events).count("vm.launch"), 0)
        self.assertIn("start the broker", events[-1]["message"])
        self.assertIn("broker_aborted", [event.get("code") for event in events])
        self.assertEqual(self.states(), {"p-0": "absent"})

    def test_an_up_that_fails_by_its_images_takes_its_broker_down_again(self):
        disk = self.dir / "disk.img"
        disk.write_bytes(bytes(1 << 20))
        self.write(f'[[vms]]\nname = "v"\nbase_image = "{disk}"\nsha256 = "{"0" * 64}"\nmemory = "96 MiB"\n', HEADER)
        result = self.castra("up")
        events = self.judge(result.stdout)
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual([event["type"] for event in events if event["type"].startswith("broker.")], ["broker.started", "broker.stopped"])

    def test_one_that_dies_is_started_again_and_says_so_in_a_run_of_its_own(self):
        self.broker_only()
        before = self.broker_pid()
        with self.host() as mine:
            self.kill(before)
            with self.assertRaises((EOFError, ConnectionError)):
                mine.next("never")
        self.wait_for(lambda: self.told("broker.started") and len(self.told("broker.started")) == 2)
        self.assertNotEqual(self.broker_pid(), before)
        self.wait_for(lambda: self.status()["broker"]["reachable"])
        with self.host():
            pass
        self.events(self.castra("down"))
        journals = self.journals()
        news = [run for run in journals if run[0]["operation"] == "supervise"]
        types = [event["type"] for run in news for event in run]
        self.assertLess(types.index("broker.handshake"), types.index("broker.session_closed"))
        self.assertLess(types.index("broker.session_closed"), types.index("broker.stopped"))
        self.assertLess(types.index("broker.stopped"), types.index("broker.started"))

    def test_it_ends_with_a_supervisor_that_is_killed(self):
        self.project()
        self.events(self.castra("up"))
        broker = os.pidfd_open(self.broker_pid())
        self.kill(self.supervisor())
        self.assertTrue(select.select([broker], [], [], 60)[0], "the broker lives on")
        os.close(broker)
        events = self.events(self.castra("up"))
        self.assertIn("broker.started", types_of(events))
        self.events(self.castra("down"))

    def test_a_broker_that_hangs_makes_status_no_slower_than_its_limit(self):
        self.broker_only()
        pid = self.broker_pid()
        os.kill(pid, signal.SIGSTOP)
        try:
            self.assertFalse(self.status()["broker"]["reachable"])
        finally:
            os.kill(pid, signal.SIGCONT)
        self.wait_for(lambda: self.status()["broker"]["reachable"])


class Bus(BrokerProject):
    def test_what_is_published_is_delivered_and_kept(self):
        self.broker_only()
        with self.host() as reader:
            for topic in ("news", "durable/news"):
                reader.send(type="subscribe", id=1, topic=topic)
                self.assertEqual(reader.next("ack", "error")["type"], "ack")
            self.bus("publish", "news", '{"a":[1,null,"ü"]}')
            got = reader.next("deliver")
            self.assertEqual((got["topic"], got["from"], got["payload"]), ("news", "host", {"a": [1, None, "ü"]}))
            self.assertNotIn("seq", got)
            for i in (1, 2, 3):
                self.assertEqual(json.loads(self.bus("publish", "durable/news", str(i), "--json"))["seq"], i)
                self.assertEqual(reader.next("deliver")["seq"], i)
        self.events(self.castra("down"))
        self.broker_only()
        lines = self.bus("tail", "durable/news", "--after", "1", "--count", "2", "--json").splitlines()
        self.assertEqual([json.loads(line)["payload"] for line in lines], [2, 3])
        self.assertEqual(json.loads(self.bus("topics", "--json"))["last_seq"], 3)

    def test_a_reader_with_a_name_goes_on_where_it_stopped(self):
        self.broker_only()
        for i in range(4):
            self.bus("publish", "durable/n", str(i))
        first = self.bus("tail", "durable/n", "--cursor", "me", "--count", "3").splitlines()
        self.assertEqual(len(first), 3)
        again = self.bus("tail", "durable/n", "--cursor", "me", "--count", "1")
        self.assertEqual(again, "durable/n 4 host: 3\n")

    def test_mistakes_are_told(self):
        self.broker_only()
        self.bus("publish", "news", "no json", code=2)
        self.bus("publish", "Bad Topic", "1", code=1)
        self.bus("publish", "news", "1", "--to", "everybody", code=1)
        self.bus("tail", "news", "--after", "1", code=1)


class Secrets(BrokerProject):
    """Over TCP a boot is known by its secret. Ordinary processes have one too, so no guest is needed to see this."""

    def door(self):
        return json.loads(next(iter(self.home.rglob("broker.json"))).read_text())

    def test_the_secret_of_this_boot_is_the_vm_and_that_of_the_last_is_nobody(self):
        self.project("tcp = true\n")
        self.events(self.castra("up"))
        old = self.door()
        where = ("127.0.0.1", old["tcp"]["port"])
        self.assertEqual(next(iter(self.home.rglob("broker.json"))).stat().st_mode & 0o777, 0o600)
        for command in self.processes().values():
            self.assertNotIn(old["secret"], command)
        with Broker(where) as guest, self.host() as mine:
            welcome = guest.hello(role="guest", vm="p-0", secret=old["secret"])
            self.assertEqual((welcome["type"], welcome["vm"]), ("welcome", "p-0"))
            mine.send(type="subscribe", id=1, topic="durable/vm/*")
            mine.next("ack")
            guest.send(type="publish", id=1, topic="durable/vm/p-0/log", payload="hello")
            self.assertEqual(guest.next("ack", "error")["seq"], 1)
            self.assertEqual(mine.next("deliver")["from"], "vm:p-0")
            status = self.status()
            self.assertEqual(status["broker"]["guest_sessions"], 1)
            self.assertIn("handshake_age_ms", status["vms"][0]["agent"])
            self.config.write_text(self.config.read_text().replace("1000", "2000"))
            self.events(self.castra("up", "--replace"))
            with self.assertRaises((EOFError, ConnectionError)):
                guest.next("never")
        new = self.door()
        self.assertNotEqual(new["secret"], old["secret"])
        self.assertNotIn("agent", self.status()["vms"][0], "a session of an earlier boot is not this one's")
        with Broker(where) as thief:
            answer = thief.hello(role="guest", vm="p-0", secret=old["secret"])
            self.assertEqual(answer["detail"], "the secret of an earlier boot")
        self.events(self.castra("down"))
        self.assertEqual(list(self.home.rglob("broker.json")), [])
        text = "".join(path.read_text() for path in self.home.rglob("*.ndjson"))
        self.assertNotIn(old["secret"], text)
        self.assertNotIn(new["secret"], text)
