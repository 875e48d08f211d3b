# SPDX-License-Identifier: Apache-2.0
"""Real guests with castra-agent: readiness, what they say, how they stop; and guests that flood and lie."""
import json
import pathlib
import subprocess

from broker_test import BrokerProject
from guest import Guest, SSH
from support import types_of

BROKER = '[broker]\nlauncher = "process"\n'
# In a guest's shell: $p becomes a path that ends like the device of its channel.
PORT = "for p in /sys/class/virtio-ports/*/name; do [ \"$(cat $p)\" = org.castra.agent.0 ] && p=${p%/name} && break; done; "


class AgentGuest(Guest, BrokerProject):
    def test_a_guest_tells_that_it_is_ready_speaks_and_powers_down_when_asked(self):
        self.guest(lifecycle=BROKER)
        events = self.events(self.castra("up"))
        ready = next(event for event in events if event["type"] == "vm.ready")
        self.assertEqual(ready["via"], "agent")
        known = next(self.home.glob("**/ssh/known_hosts")).read_text()
        self.assertIn("ssh-ed25519 ", known, "its host key came with it, before anybody connected")
        granted = next(event for event in events if event["type"] == "broker.handshake")
        self.assertEqual((granted["vm"], granted["session_outcome"], granted["session_kind"]), ("g-0", "granted", "guest"))
        said = self.ssh("g-0", "castra-agent publish durable/vm/g-0/log '{\"step\":1}'")
        self.assertEqual(said.returncode, 0, said.stderr)
        line = json.loads(self.bus("tail", "durable/vm/g-0/log", "--after", "0", "--count", "1", "--json"))
        self.assertEqual((line["from"], line["payload"]), ("vm:g-0", {"step": 1}))
        refused = self.ssh("g-0", "castra-agent publish durable/others 1")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("durable topics of a guest begin with", refused.stderr)
        agent = next(vm for vm in self.status()["vms"] if vm["name"] == "g-0")["agent"]
        self.assertLess(agent["handshake_age_ms"], 600_000)
        attempts = [event["method"] for event in self.events(self.castra("down")) if event["type"] == "vm.cooperative_attempted"]
        self.assertEqual(attempts, ["agent"])

    def test_a_broker_killed_twice_while_a_guest_speaks_loses_nothing(self):
        self.guest(lifecycle=BROKER)
        self.events(self.castra("up"))
        words = 60
        speaking = subprocess.Popen(self.ssh_words("g-0", f"i=0; while [ $i -lt {words} ]; do i=$((i + 1)); "
                                                   "castra-agent publish durable/vm/g-0/n $i || exit 1; done"))
        for seq in (5, 25):
            self.bus("tail", "durable/vm/g-0/n", "--after", str(seq - 1), "--count", "1")
            self.kill(self.broker_pid())
            self.wait_for(lambda: self.status()["broker"]["reachable"])
        self.assertEqual(speaking.wait(120), 0)
        count = json.loads(self.bus("topics", "--json"))["last_seq"]
        lines = [json.loads(line) for line in self.bus("tail", "durable/vm/g-0/n", "--after", "0", "--count", str(count),
                                                       "--json").splitlines()]
        self.assertEqual([line["seq"] for line in lines], list(range(1, count + 1)))
        kept = [line["payload"] for line in lines]
        self.assertEqual(kept, sorted(kept), "in order; what was not acknowledged may come twice")
        self.assertEqual(sorted(set(kept)), list(range(1, words + 1)))
        self.wait_for(lambda: "agent" in self.status()["vms"][0])
        events = self.events(self.castra("down"))
        self.assertIn("vm.cooperative_succeeded", types_of(events, "g-0"))

    def test_a_guest_that_lies_and_one_that_floods_do_not_disturb_another(self):
        self.guest(count=2, lifecycle=BROKER)
        self.events(self.castra("up"))
        lie = (PORT + "killall castra-agent; while pidof castra-agent; do sleep 0.1; done; exec 3<>/dev/${p##*/}; printf 'castra-hail\\n' >&3; "
               "while :; do read -r word nonce <&3 && case $word in *castra-broker/1) break;; esac; done; "
               "printf 'castra-sync %s\\n' \"$nonce\" >&3; "
               "printf '\\000\\000\\000\\066{\"type\":\"hello\",\"version\":1,\"role\":\"guest\",\"vm\":\"g-1\"}' >&3; sleep 3")
        lied = self.ssh("g-0", lie)
        self.assertEqual(lied.returncode, 0, lied.stdout + lied.stderr)
        self.wait_for(lambda: [event for event in self.told("broker.handshake", session_outcome="denied")
                               if "claims to be g-1 on the channel of g-0" in event["reason"]])
        flood = PORT + "(timeout 20 sh -c 'while :; do cat /bin/busybox; done' >/dev/${p##*/}) </dev/null >/dev/null 2>&1 &"
        self.ssh("g-0", flood)
        for i in range(5):
            self.assertEqual(self.ssh("g-1", f"castra-agent publish beat {i}").returncode, 0)
        self.events(self.castra("down"))

    def test_a_guest_without_its_channel_comes_over_tcp_with_the_secret_of_its_boot(self):
        self.guest(lifecycle=BROKER + "tcp = true\n")
        self.events(self.castra("up"))
        secret = json.loads(next(self.home.glob("**/broker.json")).read_text())["secret"]
        self.assertEqual([command for command in self.commands() if secret in command], [], "on nobody's command line")
        # What the agent opens instead of its channel tells nothing and takes everything.
        self.ssh("g-0", PORT + "killall castra-agent; while pidof castra-agent; do sleep 0.1; done; "
                               "mount -o bind /dev/null /dev/${p##*/}; (castra-agent run </dev/null >/dev/null 2>&1 &)")
        said = self.ssh("g-0", "castra-agent publish durable/vm/g-0/log '\"by tcp\"'")
        self.assertEqual(said.returncode, 0, said.stderr)
        line = json.loads(self.bus("tail", "durable/vm/g-0/log", "--after", "0", "--count", "1", "--json"))
        self.assertEqual((line["from"], line["payload"]), ("vm:g-0", "by tcp"))
        events = self.events(self.castra("down"))
        self.assertIn("vm.cooperative_succeeded", types_of(events, "g-0"), "it is asked there too")
        told = self.told("broker.handshake", session_outcome="granted", vm="g-0")
        self.assertTrue(any(event.get("remote_addr", "").startswith("127.0.0.1:") for event in told), told)

    @staticmethod
    def commands():
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                yield path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
