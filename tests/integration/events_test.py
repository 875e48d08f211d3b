# SPDX-License-Identifier: Apache-2.0
"""castra events, castra replay, retention, full disks, and journals whose writer died."""
import errno
import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import unittest

from journals import FOREVER, NOTIFY, READY, Journals
from support import CASTRA, PLUGINS, rest_of, types_of, until


class Events(Journals):
    def test_the_latest_run_byte_for_byte_and_nothing_is_written(self):
        up, down = self.up_and_down()
        before = self.untouched()
        self.assertEqual(self.ndjson(), down)
        first = json.loads(up.splitlines()[0])["run_id"]
        self.assertEqual(self.ndjson("--run", first), up)
        self.assertEqual(self.ndjson("--run", first[:20].lower()), up)
        self.assertEqual(self.ndjson("--run", "latest"), down)
        self.assertEqual(self.untouched(), before)

    def test_a_cursor_goes_on_into_later_runs(self):
        up, down = self.up_and_down()
        run = json.loads(up.splitlines()[0])["run_id"]
        lines = up.splitlines(keepends=True)
        for seq in range(len(lines) + 1):
            self.assertEqual(self.ndjson("--since", f"{run}:{seq}"), "".join(lines[seq:]) + down)
        self.assertEqual(self.ndjson("--since", f"{run}:1", "--run", run), "".join(lines[1:]))

    def test_filters(self):
        up, down = self.up_and_down()
        run = json.loads(up.splitlines()[0])["run_id"]
        shown = lambda *arguments: [json.loads(line)["type"] for line in self.ndjson("--run", run, *arguments).splitlines()]
        self.assertEqual(shown("--type", "vm.*"), ["vm.launch", "vm.ready"])
        self.assertEqual(shown("--type", "vm.ready", "--type", "summary"), ["vm.ready", "summary"])
        self.assertEqual(shown("--vm", "p-0"), ["vm.launch", "vm.ready"])
        self.assertEqual(shown("--vm", "other"), [])
        self.assertEqual(shown("--severity", "warn"), [])

    def test_a_severity_means_that_and_above(self):
        self.processes_toml(["/bin/false"], extra=NOTIFY)
        failed = self.castra("up").stdout.splitlines(keepends=True)
        above = lambda *severities: "".join(line for line in failed if json.loads(line)["severity"] in severities)
        self.assertNotIn(above("error"), ("", "".join(failed)))
        self.assertEqual(self.ndjson("--severity", "warn"), above("warn", "error", "blocker"))
        self.assertEqual(self.ndjson("--severity", "error"), above("error", "blocker"))
        self.assertEqual(self.ndjson("--severity", "blocker"), "")
        self.assertEqual(self.ndjson("--severity", "progress"), "".join(failed))

    def test_for_people_it_looks_as_it_did(self):
        self.processes_toml(READY, extra=NOTIFY)
        live = subprocess.run([CASTRA, "up", "--config", str(self.config)], env=self.env, capture_output=True, text=True, timeout=60)
        self.assertEqual(self.read().stdout, live.stdout)
        self.assertIn("up succeeded in", live.stdout)

    def test_projections_have_one_line_an_event(self):
        up, down = self.up_and_down()
        events = [json.loads(line) for line in down.splitlines()]
        made = [json.loads(line) for line in self.read("--format", "cloudevents").stdout.splitlines()]
        self.assertEqual([one["data"] for one in made], events)
        made = [json.loads(line) for line in self.read("--format", "otlp").stdout.splitlines()]
        names = [one["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["eventName"] for one in made]
        self.assertEqual(names, [event["type"] for event in events])

    def test_runs_are_listed_newest_first(self):
        up, down = self.up_and_down()
        listed = self.runs()["runs"]
        self.assertEqual([run["operation"] for run in listed], ["down", "up"])
        self.assertEqual(listed[1]["events"], len(up.splitlines()))
        self.assertEqual(listed[1]["bytes"], len(up.encode()))
        self.assertEqual((listed[0]["outcome"], listed[0]["exit_code"], listed[0]["sealed"]), ("succeeded", 0, True))
        self.assertEqual(len(self.read(verb=("events", "runs")).stdout.splitlines()), 2)

    def test_it_works_when_the_file_is_broken_meanwhile(self):
        _, down = self.up_and_down()
        good = self.config.read_text()
        self.config.write_text("this is [no toml")
        self.assertEqual(self.ndjson(), down)
        self.config.write_text(good)

    def test_refusals_leave_stdout_alone(self):
        self.processes_toml(READY, extra=NOTIFY)
        for code, arguments in ((10, ()), (10, ("--run", "01ARYZ6S410000000000000000")), (2, ("--since", "latest:1")),
                                (2, ("--nope",)), (2, ("--format", "xml")), (2, ("--severity", "bad")),
                                (10, ("--since", "01ARYZ6S410000000000000000:1"))):
            result = self.read(*arguments, code=code)
            self.assertEqual(result.stdout, "", arguments)
            self.assertTrue(result.stderr.startswith("castra: "), result.stderr)
        self.assertFalse(self.home.exists())


class Follow(Journals):
    def test_a_named_run_to_its_summary(self):
        self.processes_toml(["/bin/sh", "-c", "read line < $0; echo READY >&$CASTRA_NOTIFY_FD; exec sleep 1000", str(self.dir / "go")],
                            extra=NOTIFY)
        os.mkfifo(self.dir / "go")
        up = self.start("up")
        lines = until(up, "vm.launch")
        follower = self.follow("--run", json.loads(lines[0])["run_id"])
        seen = until(follower, "vm.launch")
        (self.dir / "go").write_text("go\n")
        out = rest_of(up, lines)
        self.assertEqual(rest_of(follower, seen), out)
        self.assertEqual(follower.returncode, 0)

    def test_from_before_the_first_run_into_the_next(self):
        self.processes_toml(READY, extra=NOTIFY)
        follower = self.follow()
        outs = [self.castra("up").stdout, self.castra("down").stdout]
        seen = until(follower, "summary")
        seen += until(follower, "summary")
        self.assertEqual("".join(seen), "".join(outs))
        follower.send_signal(signal.SIGINT)
        self.assertEqual(follower.wait(timeout=30), 130)

    def test_it_does_not_poll(self):
        self.up_and_down()
        follower = self.follow()
        until(follower, "summary")
        stat = pathlib.Path(f"/proc/{follower.pid}/status")
        switches = lambda: [line for line in stat.read_text().splitlines() if "voluntary_ctxt_switches" in line][0]
        quiet = 0
        last = switches()
        for _ in range(20):  # asleep for a second on end: no timer wakes it
            try:
                follower.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                pass
            quiet, last = (quiet + 1, last) if switches() == last else (0, switches())
        self.assertGreaterEqual(quiet, 10)

    def test_it_ends_when_nobody_reads_any_more(self):
        self.up_and_down()
        follower = self.follow()
        until(follower, "summary")
        follower.stdout.close()
        self.assertEqual(follower.wait(timeout=30), 0)


class Retention(Journals):
    def fleet(self, runs_max):
        self.processes_toml(READY, extra=NOTIFY + f"[journal]\nruns_max = {runs_max}\n")

    def test_old_journals_go_and_asking_for_them_tells_of_a_gap(self):
        self.fleet(2)
        outs = [self.castra(verb).stdout for verb in ("up", "down", "up", "down")]
        ids = [json.loads(out.splitlines()[0])["run_id"] for out in outs]
        self.assertEqual([path.stem for path in self.files()], sorted(ids[2:]))
        pruned = [event for event in self.judge(outs[2]) if event["type"] == "cleanup.progress" and event["kind"] == "logs"]
        self.assertEqual([(event["path"], event["dry_run"]) for event in pruned],
                         [(str(self.files()[0].parent / f"{ids[0]}.ndjson"), False)], "announced")
        told = self.runs()["pruned"]
        self.assertEqual((told["runs"], told["through"]), (2, ids[1]))
        self.assertEqual(told["events"], sum(len(out.splitlines()) for out in outs[:2]))

        result = self.read("--format", "ndjson", "--run", ids[0], code=11)
        self.assertEqual(result.stdout, "")
        gap = json.loads(result.stderr)["gap"]
        self.assertEqual((gap["reason"], gap["run_id"], gap["first_seq"], gap["last_seq"]),
                         ("pruned", ids[0], 1, len(outs[0].splitlines())))

        result = self.read("--format", "ndjson", "--since", f"{ids[0]}:2", code=11)
        self.assertEqual(result.stdout, outs[2] + outs[3], "nothing but events, and all that is left")
        gaps = [json.loads(line)["gap"] for line in result.stderr.splitlines()]
        self.assertEqual([(gap["run_id"], gap.get("first_seq"), gap.get("runs")) for gap in gaps], [(ids[0], 3, None), (ids[1], None, 1)])

        seen_all = len(outs[1].splitlines())
        self.assertEqual(self.ndjson("--since", f"{ids[1]}:{seen_all}"), outs[2] + outs[3], "nothing is missing: no gap")
        result = self.read("--since", f"{ids[3]}:999", code=11)
        self.assertIn("castra: gap: ", result.stderr)

    def test_a_reader_never_prunes(self):
        self.fleet(2)
        for verb in ("up", "down", "up"):
            self.castra(verb)
        self.fleet(1)
        before = self.untouched()
        self.ndjson()
        self.runs()
        self.castra("status")
        self.assertEqual(self.untouched(), before)
        self.castra("down")
        self.assertEqual(len(self.files()), 1, "the current run only")

    def test_a_follower_survives_pruning(self):
        self.fleet(1)
        follower = self.follow()
        outs = [self.castra(verb).stdout for verb in ("up", "down", "up", "down")]
        seen = []
        for _ in outs:
            seen += until(follower, "summary")
        self.assertEqual("".join(seen), "".join(outs))


class Sealing(Journals):
    def killed_while_it_boots(self):
        self.processes_toml(FOREVER, extra=NOTIFY)
        up = self.start("up")
        lines = until(up, "vm.launch")
        os.kill(self.supervisor(), signal.SIGKILL)
        self.judge(rest_of(up, lines), 9)
        journal, = self.files()
        self.assertNotIn('"last"', journal.read_text())
        return journal, lines

    def test_the_next_command_seals_what_a_killed_supervisor_left(self):
        journal, lines = self.killed_while_it_boots()
        torn = '{"type":"message","fam'
        with journal.open("a") as file:
            file.write(torn)
        self.assertEqual(self.ndjson(), "".join(lines), "readers show whole lines, and write nothing")
        self.assertFalse(self.runs()["runs"][0]["sealed"])
        self.castra("down")
        text = journal.read_text()
        self.assertTrue(text.startswith("".join(lines)), "nothing that was told is lost")
        events = self.judge(text, 9)
        self.assertEqual((events[-1]["outcome"], events[-1]["synthetic"]), ("aborted", True))
        self.verify(text)
        self.assertEqual((journal.parent.parent / "quarantine" / f"{journal.stem}.torn").read_text(), torn)
        self.assertEqual([run["outcome"] for run in self.runs()["runs"]], ["succeeded", "aborted"])

    def test_up_seals_too_and_a_follower_sees_the_end(self):
        journal, lines = self.killed_while_it_boots()
        follower = self.follow("--run", "latest")
        seen = until(follower, "vm.launch")
        self.castra("down")
        self.assertEqual(rest_of(follower, seen), journal.read_text())
        self.assertEqual(follower.returncode, 0)

    def test_damage_in_the_middle_is_told_by_readers(self):
        up, down = self.up_and_down()
        journal = self.files()[0]
        lines = up.splitlines(keepends=True)
        journal.write_text(lines[0] + "no event\n" + "".join(lines[1:]))
        result = self.read("--format", "ndjson", "--run", journal.stem, code=11)
        self.assertEqual(result.stdout, up)
        self.assertEqual(json.loads(result.stderr)["gap"]["reason"], "damaged")


class Replay(Journals):
    def replay(self, *arguments, code=0):
        return self.read(*arguments, code=code, verb=("replay",))

    def test_any_reporter_is_told_the_same_bytes_again(self):
        up, down = self.up_and_down()
        run = json.loads(up.splitlines()[0])["run_id"]
        self.assertEqual(self.replay(run, "--reporter", "ndjson").stdout, up)
        self.assertEqual(self.replay("latest", "--reporter", "ndjson").stdout, down)
        shutil.copy(PLUGINS / "reporter-ndjson.so", self.dir / "mine.so")
        self.replay(run, "--reporter", str(self.dir / "mine.so"), "--reporter-config", json.dumps({"path": str(self.dir / "seen")}))
        self.assertEqual((self.dir / "seen").read_text(), up)

    def test_with_the_config_of_the_file(self):
        self.processes_toml(READY, extra=NOTIFY)
        up = self.castra("up").stdout
        text = self.config.read_text()
        self.config.write_text(text + f'[[reporters]]\nplugin = "ndjson"\nconfig = {{ path = "{self.dir}/seen" }}\n')
        self.assertEqual(self.replay("latest", "--reporter", "ndjson").stdout, "")
        self.assertEqual((self.dir / "seen").read_text(), up)

    def test_the_console_shows_what_it_showed(self):
        self.processes_toml(READY, extra=NOTIFY)
        live = subprocess.run([CASTRA, "up", "--config", str(self.config)], env=self.env, capture_output=True, text=True, timeout=60)
        self.assertEqual(self.replay("latest", "--reporter", "console").stdout, live.stdout)

    def test_refusals(self):
        self.up_and_down()
        self.assertIn("did you mean", self.replay("latest", "--reporter", "consle", code=10).stderr)
        self.replay("01ARYZ6S410000000000000000", "--reporter", "console", code=10)
        self.replay("latest", "--reporter", "console", "--reporter-config", "[", code=2)
        self.replay("latest", "--reporter", "./nowhere.so", code=10)
        result = self.replay("latest", "--reporter", "ndjson", "--reporter-config", '{"path":"/dev/full"}', code=8)
        self.assertIn("castra: ", result.stderr)


def can_mount():
    probe = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True)
    return probe.returncode == 0


class DiskFull(Journals):
    """The journal's directory is a file system of two pages, in a mount namespace of its own."""

    def setUp(self):
        super().setUp()
        if not can_mount():
            print("SKIPPED LOUDLY: no right to mount a tmpfs: nobody has tried a full disk", flush=True)
            self.skipTest("no right to mount a tmpfs")

    def fill(self, free):
        """Commands run by self.castra() and self.start() see a journal directory with `free` bytes left."""
        self.journal = self.dir / "small"
        self.journal.mkdir()
        self.addCleanup(shutil.rmtree, self.dir, True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={free},mode=0700", "none", str(self.journal)], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.journal)])
        state = self.dir / "state"
        state.mkdir(mode=0o700)
        (state / "journal").symlink_to(self.journal)
        return state

    def fleet(self, free, count, more=""):
        state = self.fill(free)
        self.write('[[vms]]\nname = "p"\nlauncher = "process"\ncount = %d\n[vms.options]\ncommand = %s\n%s[lifecycle]\nboot_window = 1\n%s'
                   % (count, json.dumps(READY), NOTIFY, more), header=f'[project]\nname = "t"\nstate_dir = "{state}"\n')

    def judged(self, result):
        events = self.events(result, 1)
        failed = [at for at, event in enumerate(events) if event.get("code") == "journal_failed"]
        self.assertEqual(len(failed), 1, "it says so, once")
        self.assertTrue(events[failed[0]]["remediation"])
        self.assertEqual(events[-1]["outcome"], "failed")
        # Nothing more is begun: at most the VM whose launch was under way.
        self.assertLessEqual(types_of(events[failed[0]:]).count("vm.launch"), 0)
        # What was started is taken down again, and told.
        self.assertEqual(set(self.states().values()), {"absent"})
        self.assertEqual({vm["final_state"] for vm in events[-1]["vms"]}, {"absent"})
        self.assertEqual(types_of(events).count("vm.launch"), types_of(events).count("vm.exited"))
        # What was acknowledged is there: the journal is the stream up to where it failed.
        kept = [path for path in self.journal.glob("*.ndjson")]
        text = "".join(path.read_text() for path in kept)
        self.assertTrue(result.stdout.startswith(text))
        self.assertTrue(text == "" or text.endswith("\n"), "no torn line")
        return events, failed[0], text

    def test_an_up_whose_journal_fails_launches_nothing_more_and_undoes_itself(self):
        self.fleet(8192, 40)
        events, failed, text = self.judged(self.castra("up"))
        launched = types_of(events).count("vm.launch")
        self.assertGreater(launched, 0)
        self.assertLess(launched, 40)
        self.assertGreater(len(text.splitlines()), 3)

    def test_with_keep_going_as_well(self):
        self.fleet(8192, 40)
        self.judged(self.castra("up", "--keep-going"))

    def test_a_disk_that_is_full_from_the_beginning_launches_nothing(self):
        self.fleet(4096, 2)
        (self.journal / "filler").write_bytes(b"x" * 4096)
        result = self.castra("up")
        events = self.judge(result.stdout, 1)
        self.assertEqual(types_of(events).count("vm.launch"), 0)
        self.assertIn("No space left", result.stdout)

    def test_down_works_on_a_full_disk_and_the_next_start_seals(self):
        self.fleet(16384, 3)
        self.events(self.castra("up"))
        room = os.statvfs(self.journal)
        (self.journal / "filler").write_bytes(b"x" * (room.f_bavail * room.f_bsize - 4096))
        events = self.judge(self.castra("down").stdout)
        self.assertEqual(set(self.states().values()), {"absent"})
        self.assertEqual(self.processes(), {})
        (self.journal / "filler").unlink()
        self.events(self.castra("up"))
        for path in self.journal.glob("*.ndjson"):
            if path.stat().st_size:
                self.judge(path.read_text())

    def full_with_a_dead_vm(self):
        """An up was killed together with its VM, and then somebody filled the disk to its last block."""
        self.home.mkdir(mode=0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m,mode=0700", "none", str(self.home)], check=True)
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.home)])
        self.processes_toml(READY, extra=NOTIFY)
        self.events(self.castra("up"))
        state = next((self.home / "projects").iterdir())
        self.journal = state / "journal"
        record = json.loads((state / "vms/p-0/record.json").read_text())
        for pid in (self.supervisor(), record["pid"]):
            self.kill(pid)
        with open(self.home / "filler", "wb", buffering=0) as filler:
            for size in (1 << 20, 4096):
                try:
                    while True:
                        filler.write(b"x" * size)
                except OSError as error:
                    self.assertEqual(error.errno, errno.ENOSPC)
        return state

    def test_clean_announces_what_it_removes_on_a_full_disk(self):
        state = self.full_with_a_dead_vm()
        stream = self.castra("clean").stdout
        events = self.judge(stream)
        self.assertEqual(events[-1]["outcome"], "succeeded", stream)
        self.assertIn("cleanup.progress", types_of(events))
        self.assertFalse((state / "vms").exists())
        self.assertEqual([path.read_text() for path in self.journal.glob("*.ndjson")], [stream])
        # Its journal gave back what it did not need, and is no longer than what it says.
        journal = next(self.journal.glob("*.ndjson"))
        self.assertLess(journal.stat().st_blocks * 512, 65536)

    def test_clean_all_takes_the_reserve_of_a_project(self):
        state = self.full_with_a_dead_vm()
        events = self.events(self.castra("clean", "--all"))
        self.assertEqual(events[-1]["outcome"], "succeeded")
        self.assertFalse((state / "vms").exists())

    def spent_by_a_killed_clean(self):
        """As if it had been killed when its journal was made of the reserve and had no line yet."""
        state = self.full_with_a_dead_vm()
        spent = self.journal / "01ARZ3NDEKTSV4RRFFQ69G5FAV.ndjson"
        (self.journal / "reserve").rename(spent)
        return state, spent

    def test_a_clean_takes_back_what_a_killed_one_had_of_the_reserve(self):
        state, _ = self.spent_by_a_killed_clean()
        events = self.events(self.castra("clean"))
        self.assertEqual(events[-1]["outcome"], "succeeded")
        self.assertFalse((state / "vms").exists())

    def test_nothing_is_taken_from_a_journal_that_is_being_written(self):
        state, spent = self.spent_by_a_killed_clean()
        with open(spent, "ab") as writer:
            fcntl.flock(writer, fcntl.LOCK_EX)
            self.assertEqual(self.judge(self.castra("clean").stdout, 1)[-1]["outcome"], "failed")
            self.assertGreaterEqual(spent.stat().st_blocks * 512, 65536)
        self.assertTrue((state / "vms/p-0/record.json").exists())

    def test_who_writes_a_journal_holds_it(self):
        self.processes_toml(FOREVER, extra=NOTIFY)
        child = self.start("up")
        until(child, "vm.launch")
        journal = next(self.home.glob("projects/*/journal/*.ndjson"))
        with open(journal, "rb") as other:
            self.assertRaises(BlockingIOError, fcntl.flock, other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self.kill(self.supervisor())
        child.wait()
        with open(journal, "rb") as other:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def test_a_clean_without_that_reserve_removes_nothing_it_cannot_announce(self):
        state = self.full_with_a_dead_vm()
        (self.journal / "reserve").unlink()
        with open(self.home / "filler", "ab", buffering=0) as filler:
            self.assertEqual(filler.write(b"x" * 65536), 65536, "the reserve had so much")
        events = self.judge(self.castra("clean").stdout, 1)
        self.assertEqual(events[-1]["outcome"], "failed")
        self.assertTrue((state / "vms/p-0/record.json").exists())


if __name__ == "__main__":
    unittest.main()
