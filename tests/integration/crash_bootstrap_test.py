# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every event of a bootstrap: status tells the truth, the next bootstrap brings the guest to where it should be,
no ssh, no job in the guest and no temporary file stays. The "guest" is an SSH server, see bootstrap_support.py; the kills are
exact, see kills.py."""
import time
import unittest

from bootstrap_support import Bootstrap, one, steps_of
from kills import Kills
from support import types_of


class BootstrapWalk(Kills, Bootstrap):
    more = ""  # of castra.toml

    def setUp(self):
        super().setUp()
        self.script("echo once >>ran; echo done\n")
        payload = self.scripts / "payload"
        payload.mkdir()
        (payload / "file").write_text("content\n")
        self.project('payload = "bootstrap/payload"\nverify_path = "payload/file"\n')
        self.config.write_text(self.config.read_text() + self.more)
        self.events(self.castra("up"))  # and its host key is known from here on
        self.vm = next(vm["pid"] for vm in self.status()["vms"])
        self.files = self.files_there()

    def files_there(self):
        """What castra has on disk, but for what grows by a run as it should."""
        grown = ("journal", "logs", "bootstrap")
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*")
                      if path.is_file() and not any(word in str(path.relative_to(self.home)) for word in grown))

    def connections(self):
        return {pid: command for pid, command in self.processes().items() if command.startswith("ssh ") or "/ssh " in command}

    def settle(self, what):
        deadline = time.monotonic() + 30
        while not what():
            self.assertLess(time.monotonic(), deadline, self.processes())
            time.sleep(0.05)

    def before(self):
        """What is waited for before each kill."""

    def look(self, events):
        """At what the command told whose helper was killed: whole and true, and perhaps the guest's bootstrap has failed."""
        could_begin = one(events, "bootstrap.planned")["action"] != "error"
        ended = [kind for kind in types_of(events) if kind in ("bootstrap.completed", "bootstrap.failed")]
        self.assertEqual(ended, ["bootstrap.failed" if events[-1]["exit_code"] else "bootstrap.completed"] * could_begin)
        self.assertIn(events[-1]["exit_code"], (0, 1) if could_begin else (1,))

    def after(self):
        """What is put in order behind each kill."""

    def walk(self, whom):
        """Kills at each event of a bootstrap. Returns how many at each, and the undisturbed bootstrap's events."""
        undisturbed = self.events(self.castra("bootstrap", "--bootstrap", "always"))
        self.forget_journals()
        killed = []
        for line in range(1, len(undisturbed) + 1):
            with self.subTest(line=line):
                self.before()
                result, pids = self.kill_at(line, whom, "bootstrap", "--bootstrap", "always")
                killed.append(len(pids))
                if whom == "client":
                    self.judge_of_killed_client(result, line)
                    # A killed client cancels nothing: its run ends by itself.
                    self.settle(lambda: all('"last":true' in path.read_text() for path in self.own_journals()))
                elif whom == "supervisor":
                    self.judge_told(result, line)
                self.after()
                if whom not in ("client", "supervisor"):
                    self.look(self.judge(result.stdout, result.returncode))
                vm = self.status()["vms"][0]
                self.assertEqual((vm["state"], vm["pid"]), ("ready", self.vm), "the VM has not noticed")
                events = self.events(self.castra("bootstrap"))
                self.assertIn(one(events, "bootstrap.completed")["status"], ("success", "noop"))
                self.assertEqual((self.remote / "payload/file").read_text(), "content\n")
                self.journals()  # sealed where it had to be
                self.forget_journals()
                self.settle(lambda: not self.connections())
                self.assertEqual(self.files_there(), self.files)
                self.assertEqual([str(path) for path in self.home.rglob("*.tmp")], [])
        again = self.events(self.castra("bootstrap"))
        self.assertEqual(one(again, "bootstrap.completed")["status"], "noop", steps_of(again))
        self.events(self.castra("down"))
        self.journals()
        return killed, undisturbed


def line_of_step(events, step):
    return next(line for line, event in enumerate(events, 1) if event.get("step") == step)


class SupervisorKilled(BootstrapWalk):
    def test_at_every_event(self):
        killed, undisturbed = self.walk("supervisor")
        self.assertEqual((killed, len(undisturbed)), ([1] * 10, 10))


class ClientKilled(BootstrapWalk):
    def test_at_every_event(self):
        killed, undisturbed = self.walk("client")
        self.assertEqual((killed, len(undisturbed)), ([1] * 10, 10))


class SshKilled(BootstrapWalk):
    """ssh itself, which is there while the guest is connected to: as long as a step is still to come. The journal is a little
    behind what the supervisor does, so when the end of the last step is written there may be no ssh any more."""

    def test_at_every_event(self):
        killed, undisturbed = self.walk("ssh ")
        first, last = line_of_step(undisturbed, "connect"), line_of_step(undisturbed, "verify") - 1
        self.assertGreater(last, first)
        self.assertEqual([bool(count) for count in killed[first - 1:last]], [True] * (last - first + 1))


class PluginHostKilled(BootstrapWalk):
    """Each step runs isolated; all their processes are killed, one by one: when the first is gone castra may end the others."""
    more = "".join(f'[plugins.step-{step}]\nisolation = "process"\n' for step in ("connect", "transfer", "apply", "verify"))

    def after(self):
        """As rebuilding the plugins would."""
        for path in self.home.rglob("quarantine/*"):
            path.unlink()

    def test_at_every_event(self):
        killed, undisturbed = self.walk("castra-plugin-host")
        # From bootstrap.planned to the last step: when its end is written they may be going already, for the journal is a little behind.
        first, last = 2, line_of_step(undisturbed, "verify") - 1
        self.assertGreater(last, first)
        self.assertEqual([bool(count) for count in killed[first - 1:last]], [True] * (last - first + 1))


class BrokerKilled(BootstrapWalk):
    """Without wait-handshake, for nobody says hello here: the bootstrap does not notice, and the broker is there again."""
    more = "".join(f'[[vms.bootstrap.steps]]\nname = "{step}"\n' for step in ("connect", "transfer", "apply", "verify")) + \
           '[broker]\nlauncher = "process"\n'

    def look(self, events):
        self.assertEqual(events[-1]["exit_code"], 0)

    def before(self):
        """A broker that never fell: one that falls again and again is waited for longer each time."""
        self.events(self.castra("down"))
        self.events(self.castra("up", "--bootstrap", "skip"))
        self.vm = self.status()["vms"][0]["pid"]
        self.after()
        self.forget_journals()

    def after(self):
        self.settle(lambda: self.status()["broker"]["reachable"])

    def test_at_every_event(self):
        killed, undisturbed = self.walk(" broker --control-fd")
        self.assertEqual(killed, [1] * len(undisturbed))


if __name__ == "__main__":
    unittest.main()
