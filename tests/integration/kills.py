# SPDX-License-Identifier: Apache-2.0
"""Kills at a line of a stream, exactly one for each order, by the library kill_at_line.c inside castra."""
import json
import os

from support import Project

AT_LINE = os.environ["CASTRA_KILL_AT_LINE"]


class Kills(Project):
    def setUp(self):
        super().setUp()
        self.order = self.dir / "kill"
        # That of a sanitizer insists on being the first library.
        sanitizer = ":".join(filter(None, [self.env.get("ASAN_OPTIONS"), "verify_asan_link_order=0"]))
        self.env.update(LD_PRELOAD=AT_LINE, CASTRA_TEST_KILL=str(self.order), ASAN_OPTIONS=sanitizer)

    def kill_at(self, line, whom, verb, *rest):
        """A command, and who was killed when `line` lines of its stream were written: "client", "supervisor", or words of the
        command lines of the supervisor's children: all that there are, or the first that comes, or none."""
        self.order.write_text(f"{line} {whom}\n")
        result = self.castra(verb, *rest)
        return result, self.killed(whom, f"{verb} has no line {line}: {result.stdout}{result.stderr}")

    def is_killed(self):
        return not self.order.exists()

    def killed(self, whom, why_not):
        done = self.order.with_name("kill.done")
        self.assertTrue(done.exists() and self.is_killed(), f"the order was not carried out, {why_not}")
        pids = [int(pid) for pid in done.read_text().split()]
        done.unlink()
        if whom in ("client", "supervisor"):
            self.assertEqual(len(pids), 1)
        return pids

    def own_journals(self):
        """Of the runs since the last forget_journals(), in their order."""
        return sorted(self.home.glob("projects/*/journal/*.ndjson"), key=lambda path: path.name)

    def forget_journals(self):
        for path in self.own_journals():
            path.unlink()

    def judge_of_killed_client(self, result, line):
        """It wrote the first lines of its run and nothing more."""
        self.assertEqual((result.returncode, result.stdout.count("\n")), (-9, line), result.stdout)
        self.assertEqual(json.loads(result.stdout.splitlines()[0])["type"], "command.accepted")
        self.assertTrue(self.own_journals()[0].read_text().startswith(result.stdout))

    def judge_told(self, result, line):
        """What a command said whose supervisor was killed: aborted, exit 9, and nothing that is not in the journal. Where the journal
        has its summary it said that. Where not even its first line had come it gave its request to another supervisor, which is a
        run of its own. True when aborted."""
        events = self.judge(result.stdout, result.returncode)
        self.assertEqual(events[0]["type"], "command.accepted")
        killed, *later = self.own_journals()
        if events[0]["run_id"] != killed.stem:
            self.assertEqual(([path.stem for path in later], result.returncode), ([events[0]["run_id"]], 0))
            return False
        written = killed.read_text().splitlines()
        told = [text for text, event in zip(result.stdout.splitlines(), events) if not event.get("synthetic")]
        self.assertEqual((later, len(written)), ([], line), "killed at that very line, and not sealed yet")
        self.assertEqual(told, written[:len(told)])
        if not events[-1].get("synthetic"):  # killed behind its summary, which the client has found there
            self.assertEqual((told, result.returncode), (written, events[-1]["exit_code"]))
            return False
        self.assertEqual((events[-1]["outcome"], result.returncode, events[-1]["synthetic"]), ("aborted", 9, True))
        return True
