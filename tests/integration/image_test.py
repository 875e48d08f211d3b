# SPDX-License-Identifier: Apache-2.0
"""Base images: by URL from a server with faults, by digest, by format. QEMU is a script here: what matters comes before it."""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import unittest

from image_server import ImageServer
from support import CASTRA, Project, rest_of, types_of, until


class Images(Project):
    def setUp(self):
        super().setUp()
        # A raw disk with a partition table's mark, and a mebibyte so that it does not arrive in one piece.
        self.content = bytearray(os.urandom(6 << 20))
        self.content[510:512] = b"\x55\xaa"
        self.content[:4] = b"boot"
        self.content = bytes(self.content)
        self.sha256 = hashlib.sha256(self.content).hexdigest()
        self.cache = self.dir / "cache"
        qemu = self.dir / "qemu"
        qemu.write_text("#!/bin/sh\nexec sleep 1000\n")
        qemu.chmod(0o755)
        self.env["XDG_CACHE_HOME"] = str(self.cache)

    def serve(self):
        server = ImageServer(self.content)
        self.addCleanup(server.close)
        return server

    def vm(self, base_image, sha256=None, count=1, extra=""):
        digest = f'sha256 = "{sha256}"\n' if sha256 else ""
        self.write(f'[lifecycle]\ngraceful_shutdown_wait_secs = 0\n[[vms]]\nname = "v"\ncount = {count}\nmemory = "16 MiB"\nbase_image = "{base_image}"\n{digest}{extra}'
                   f'[vms.options]\nqemu_binary = "{self.dir}/qemu"\naccelerator = "tcg"\n')

    def frozen(self):
        """A directory in which nobody makes anything."""
        frozen = self.dir / "frozen"
        frozen.mkdir(exist_ok=True)
        if subprocess.run(["chattr", "+i", str(frozen)], capture_output=True).returncode:
            self.skipTest("needs root, and a file system with immutable directories")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.addCleanup(subprocess.run, ["chattr", "-i", str(frozen)])
        return frozen

    def cached(self):
        return self.cache / "castra/images" / f"sha256-{self.sha256}"

    def notes(self, events):
        return [event["message"] for event in events if event.get("code") == "image_download"]


class Download(Images):
    def test_it_arrives_with_progress_and_is_verified_before_the_overlay(self):
        server = self.serve()
        self.vm(server.url, self.sha256, count=2)
        events = self.events(self.castra("up"))
        progress = [event["progress"] for event in events if event["severity"] == "progress"]
        self.assertEqual(progress[-1], {"current": len(self.content), "total": len(self.content), "unit": "bytes"})
        for vm in ("v-0", "v-1"):
            order = [kind for kind in types_of(events, vm) if kind != "message"]
            self.assertEqual(order[:3], ["vm.image_verified", "vm.overlay_prepared", "vm.launch"])
        verified = next(event for event in events if event["type"] == "vm.image_verified")
        self.assertEqual((verified["base_digest"], verified["base_cached"]), (f"sha256:{self.sha256}", False))
        self.assertEqual(verified["base_image"], str(self.cached() / "disk"))
        self.assertEqual((self.cached() / "disk").read_bytes(), self.content)
        self.assertEqual(len(server.ranges), 1, "fetched once for both")
        self.events(self.castra("down"))
        events = self.events(self.castra("up"))
        self.assertEqual(len(server.ranges), 1, "and for ever")
        verified = next(event for event in events if event["type"] == "vm.image_verified")
        self.assertTrue(verified["base_cached"], "not hashed again either")

    def test_a_broken_connection_is_taken_up_where_it_broke(self):
        server = self.serve()
        server.break_after = [1 << 20, 2 << 20]
        self.vm(server.url, self.sha256)
        events = self.events(self.castra("up"))
        self.assertEqual(server.ranges, ["", f"bytes={1 << 20}-", f"bytes={3 << 20}-"])
        self.assertEqual(sum("tried again" in note for note in self.notes(events)), 2)

    def test_what_arrived_in_an_earlier_run_is_kept(self):
        server = self.serve()
        self.cached().mkdir(parents=True, mode=0o700)
        (self.cached() / "disk.part").write_bytes(self.content[:5 << 20])
        self.vm(server.url, self.sha256)
        self.events(self.castra("up"))
        self.assertEqual(server.ranges, [f"bytes={5 << 20}-"])

    def test_a_part_that_is_another_files_is_given_up(self):
        server = self.serve()
        self.cached().mkdir(parents=True, mode=0o700)
        (self.cached() / "disk.part").write_bytes(b"x" * (5 << 20))
        self.vm(server.url, self.sha256)
        events = self.events(self.castra("up"))
        self.assertEqual(server.ranges, [f"bytes={5 << 20}-", ""])
        self.assertTrue(any("wrong digest" in note for note in self.notes(events)))

    def test_a_server_without_ranges_begins_again(self):
        server = self.serve()
        server.supports_range = False
        server.break_after = [3 << 20]
        self.vm(server.url, self.sha256)
        events = self.events(self.castra("up"))
        self.assertTrue(any("does not continue downloads" in note for note in self.notes(events)))
        self.assertEqual((self.cached() / "disk").read_bytes(), self.content)

    def refused(self, code, exit_code=4, text=""):
        events = self.events(self.castra("up"), exit_code)
        error = next(event for event in events if event["severity"] == "error")
        self.assertEqual((error["code"], error["vm"]), (code, "v-0"))
        self.assertIn(text, error["message"])
        self.assertTrue(error["remediation"])
        self.assertNotIn("vm.overlay_prepared", types_of(events))
        self.assertEqual(self.states(), {"v-0": "absent"})
        self.assertFalse((self.cached() / "disk").exists())
        return events

    def test_a_wrong_digest_is_refused_and_nothing_of_it_stays(self):
        server = self.serve()
        self.vm(server.url, "0" * 64)
        self.refused("preflight", text=self.sha256)
        self.assertEqual(list(self.cache.rglob("disk*")), [])

    def test_no_such_file_on_the_server(self):
        server = self.serve()
        server.status = 404
        self.vm(server.url, self.sha256)
        self.refused("preflight", text="404")
        self.assertEqual(len(server.ranges), 1, "asked once")

    def test_an_address_where_nobody_answers_is_asked_about(self):
        server = self.serve()
        server.close()
        self.vm(server.url, self.sha256)
        self.config.write_text(self.config.read_text() + self.config.read_text()[self.config.read_text().index("[[vms]]"):]
                               .replace('"v"', '"w"').replace(server.url, "http://castra.invalid/disk"))
        events = self.events(self.castra("up", "--keep-going"), 1)
        errors = {event["vm"]: event for event in events if event["type"] == "message" and event["severity"] == "error"}
        self.assertIn("castra.invalid", errors["w-0"]["message"])
        for vm in ("v-0", "w-0"):
            self.assertIn("base_image", errors[vm]["remediation"])

    def test_a_server_that_is_busy_is_asked_again(self):
        server = self.serve()
        server.statuses = [429, 408]
        self.vm(server.url, self.sha256)
        events = self.events(self.castra("up"))
        self.assertEqual(len(server.ranges), 3)
        self.assertEqual(sum("tried again" in note for note in self.notes(events)), 2)

    def test_a_server_that_always_breaks_is_given_up(self):
        server = self.serve()
        server.break_after = [0] * 50
        self.vm(server.url, self.sha256)
        self.refused("io", exit_code=1)
        self.assertEqual(len(server.ranges), 5)

    def test_a_server_without_ranges_that_breaks_at_one_place_is_given_up(self):
        server = self.serve()
        server.supports_range = False
        server.break_after = [1 << 20] * 50
        self.vm(server.url, self.sha256)
        self.refused("io", exit_code=1)
        self.assertLessEqual(len(server.ranges), 7)

    def half_way(self):
        """A server that has sent half of an image and holds on, the up that waits for the rest, and its first lines."""
        server = self.serve()
        server.hold = threading.Event()
        self.vm(server.url, self.sha256)
        child = self.start("up")
        self.assertTrue(server.half_sent.wait(60))
        return server, child, until(child, "command.accepted")

    def test_cancelled_the_part_stays_and_the_next_up_goes_on(self):
        server, child, lines = self.half_way()
        child.send_signal(signal.SIGINT)
        events = self.judge(rest_of(child, lines), 130)
        self.assertEqual(events[-1]["outcome"], "cancelled")
        self.assertEqual(self.processes(), {}, "the worker has ended too")
        server.hold.set()
        server.hold = None
        self.events(self.castra("up"))
        self.assertEqual((self.cached() / "disk").read_bytes(), self.content)

    def test_a_worker_that_does_not_end_holds_nobody_up(self):
        _, child, lines = self.half_way()
        worker = next(pid for pid, words in self.processes().items() if words.startswith("castra-image-worker"))
        os.kill(worker, signal.SIGSTOP)
        child.send_signal(signal.SIGINT)
        rescue = threading.Timer(30, os.kill, (worker, signal.SIGKILL))
        rescue.start()
        events = self.judge(rest_of(child, lines), 130)
        self.assertTrue(rescue.is_alive(), "castra itself ended the worker")
        rescue.cancel()
        self.assertEqual(events[-1]["outcome"], "cancelled")
        self.assertEqual(self.processes(), {})

    def test_what_is_no_file_where_the_part_should_be(self):
        server = self.serve()
        self.vm(server.url, self.sha256)
        self.cached().mkdir(parents=True, mode=0o700)
        part = self.cached() / "disk.part"
        for plant in (os.mkfifo, os.mkdir):
            with self.subTest(plant.__name__):
                plant(part)
                events = self.refused("io", exit_code=1, text="disk.part")
                error = next(event for event in events if event["severity"] == "error")
                self.assertIn("castra clean --all --only images", error["remediation"])
                self.events(self.castra("clean", "--all", "--only", "images"))
                self.assertFalse(part.exists())
                self.cached().mkdir(parents=True, mode=0o700)
        self.events(self.castra("up"))

    def test_what_is_no_image_in_the_store_is_cleaned_away(self):
        server = self.serve()
        self.vm(server.url, self.sha256)
        disk = self.cached() / "disk"
        for name, plant in (("empty", lambda: disk.write_bytes(b"")), ("directory", disk.mkdir), ("pipe", lambda: os.mkfifo(disk)),
                            ("dangling", lambda: disk.symlink_to("nowhere"))):
            with self.subTest(name):
                self.cached().mkdir(parents=True, mode=0o700, exist_ok=True)
                plant()
                result = self.castra("up")
                if result.returncode == 0:  # castra put it right by itself
                    self.events(self.castra("down"))
                else:
                    cures = [event.get("remediation") for event in self.events(result, 4)]
                    self.assertIn("castra clean --all --only images", " ".join(filter(None, cures)))
                    self.assertEqual(self.states(), {"v-0": "absent"})
                self.events(self.castra("clean", "--all", "--only", "images"))
                self.assertFalse(os.path.lexists(disk))
        self.events(self.castra("up"))

    def test_a_cache_that_cannot_be_written(self):
        server = self.serve()
        self.vm(server.url, self.sha256)
        self.cache.write_text("")
        for cache in (self.cache, self.frozen() / "cache"):
            with self.subTest(cache):
                self.env["XDG_CACHE_HOME"] = str(cache)
                error = next(event for event in self.events(self.castra("up"), 1) if event["severity"] == "error")
                self.assertIn("set XDG_CACHE_HOME", error["remediation"])

    def test_with_keep_going_the_others_come_up(self):
        server = self.serve()
        server.status = 404
        self.vm(server.url, self.sha256)
        with self.config.open("a") as config:
            config.write('[[vms]]\nname = "p"\nlauncher = "process"\n[vms.options]\ncommand = ["/bin/sleep", "1000"]\n')
        events = self.events(self.castra("up", "--keep-going"), 6)
        self.assertEqual({vm["vm"]: vm["outcome"] for vm in events[-1]["vms"]}, {"p-0": "succeeded", "v-0": "failed"})

    def test_two_projects_at_once_fetch_it_once(self):
        server = self.serve()
        server.hold = threading.Event()
        self.vm(server.url, self.sha256)
        other = self.dir / "other"
        other.mkdir()
        (other / "castra.toml").write_text(self.config.read_text())
        first = self.start("up")
        self.assertTrue(server.half_sent.wait(60))
        second = subprocess.Popen([CASTRA, "up", "--config", str(other / "castra.toml"), "--events", "ndjson"], env=self.env,
                                  stdout=subprocess.PIPE, text=True)
        self.children.append(second)
        lines = until(second, "message")
        server.hold.set()
        self.judge(rest_of(first, []), 0)
        self.judge(rest_of(second, lines), 0)
        self.assertEqual(len(server.ranges), 1)
        subprocess.run([CASTRA, "down", "--config", str(other / "castra.toml"), "--events", "none"], env=self.env, timeout=60)

    def test_a_full_disk_is_said_and_the_part_goes(self):
        if os.geteuid() != 0:
            self.skipTest("needs a file system of its own: run as root")
        server = self.serve()
        self.cache.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(self.cache)], capture_output=True).returncode:
            self.skipTest("mount is not permitted here")
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.cache)])
        self.vm(server.url, self.sha256)
        self.refused("preflight", text="the disk has")
        self.assertEqual(list(self.cache.rglob("disk.part")), [])

    def test_the_supervisor_is_killed_and_the_worker_ends(self):
        server = self.serve()
        server.hold = threading.Event()
        self.vm(server.url, self.sha256)
        child = self.start("up")
        self.assertTrue(server.half_sent.wait(60))
        self.kill(self.supervisor())
        self.judge(rest_of(child, []), 9)
        deadline = 60
        while self.processes() and deadline > 0:
            threading.Event().wait(0.1)
            deadline -= 0.1
        self.assertEqual(self.processes(), {})
        server.hold.set()
        server.hold = None
        self.events(self.castra("up"))


class Digest(Images):
    def local(self, sha256):
        (self.dir / "disk.raw").write_bytes(self.content)
        self.vm("disk.raw", sha256)

    def test_a_file_with_the_right_digest_is_hashed_once(self):
        self.local(self.sha256)
        threading.Event().wait(0.2)  # a file that changed a moment ago is not remembered
        first = self.events(self.castra("up"))
        self.events(self.castra("down"))
        second = self.events(self.castra("up"))
        cached = [next(e for e in events if e["type"] == "vm.image_verified")["base_cached"] for events in (first, second)]
        self.assertEqual(cached, [False, True])

    def test_a_file_that_changes_is_hashed_again(self):
        self.local(self.sha256)
        threading.Event().wait(0.2)
        self.events(self.castra("up"))
        self.events(self.castra("down"))
        with (self.dir / "disk.raw").open("r+b") as disk:  # same size, same time
            before = os.fstat(disk.fileno())
            disk.seek(1000)
            disk.write(b"changed")
        os.utime(self.dir / "disk.raw", ns=(before.st_atime_ns, before.st_mtime_ns))
        events = self.events(self.castra("up"), 4)
        self.assertIn("castra.toml wants " + self.sha256, next(e for e in events if e["severity"] == "error")["message"])

    def test_the_wrong_digest_stops_everything_before_it_begins(self):
        self.local("0" * 64)
        events = self.events(self.castra("up"), 4)
        self.assertEqual(events[-1]["vms"][0]["outcome"], "failed")
        self.assertEqual(list(self.home.rglob("vms")), [])


class Preflight(Images):
    def refused(self, *arguments, text):
        events = self.events(self.castra("up", *arguments), 4)
        self.assertEqual((events[0]["type"], events[0]["code"]), ("command.rejected", "preflight"))
        self.assertIn(text, events[0]["detail"])
        self.assertTrue(events[0]["remediation"])
        self.assertFalse(self.home.exists(), "nothing is created")

    def disk(self, content):
        (self.dir / "disk").write_bytes(content)

    def test_files_that_are_no_disk(self):
        for content, text in ((b"", "is empty"), (b"[project]", "no whole sectors"), (b"\x1f\x8b" + bytes(510), "packed with gzip"),
                              (b"KDMV" + bytes(508), "qemu-img convert")):
            with self.subTest(text):
                self.disk(content)
                self.vm("disk")
                self.refused(text=text)

    def test_more_memory_than_there_is_unless_forced(self):
        self.disk(self.content)
        self.vm("disk", count=3)
        self.config.write_text(self.config.read_text().replace("16 MiB", "8 TiB"))
        self.refused(text="3 VMs that would start together want 25165824 MiB of memory")
        events = self.events(self.castra("up", "--force"))
        warning = next(event for event in events if event.get("code") == "scarce_resources")
        self.assertEqual(warning["severity"], "warn")

    def test_the_directory_of_an_overlay_is_asked_for_beforehand(self):
        self.disk(self.content)
        self.vm("disk", extra=f'overlay = "{self.dir}/nosuch/o.qcow2"\n')
        self.refused("--force", text=f"{self.dir}/nosuch")
        self.vm("disk", extra=f'overlay = "{self.dir}/disk/o.qcow2"\n')
        self.refused("--force", text=f"{self.dir}/disk")

    def test_the_disk_where_an_overlay_is_counts_and_not_that_of_the_state(self):
        if os.geteuid() != 0:
            self.skipTest("needs a file system of its own: run as root")
        self.disk(self.content)
        small = self.dir / "small"
        small.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], capture_output=True).returncode:
            self.skipTest("mount is not permitted here")
        self.addCleanup(subprocess.run, ["umount", "-l", str(small)])
        self.vm("disk", extra=f'overlay = "{small}/o.qcow2"\n')
        self.refused(text=str(small))

    def test_more_cpus_than_there_are(self):
        self.disk(self.content)
        self.vm("disk", extra="cpus = 500\n")
        self.refused(text="wants 500 cpus")

    def test_force_softens_nothing_else(self):
        self.vm("nosuch.qcow2")
        self.refused("--force", text="nosuch.qcow2")

    def test_sockets_with_too_long_paths(self):
        self.disk(self.content)
        self.vm("disk")
        self.home = self.dir / ("long" * 25)
        self.env["CASTRA_HOME"] = str(self.home)
        self.refused(text="a unix socket has at most 107")

    def test_a_state_directory_that_cannot_be_written(self):
        self.disk(self.content)
        self.vm("disk")
        frozen = self.frozen()
        for home in (frozen, frozen / "castra/home"):
            with self.subTest(home):
                rejected = self.events(self.castra("up", "--force", env=dict(self.env, CASTRA_HOME=str(home))), 4)[0]
                self.assertEqual(rejected["code"], "preflight")
                self.assertIn("CASTRA_HOME", rejected["remediation"])
        self.assertEqual(list(frozen.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
