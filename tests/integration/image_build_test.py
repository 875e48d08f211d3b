# SPDX-License-Identifier: Apache-2.0
"""`castra image build tiny` for real, except the guest's kernel, which takes minutes: it comes from the image that is there already.
Packages come from Debian once and are kept in the build tree, so that a later run needs no network."""
import hashlib
import json
import os
import pathlib
import re
import select
import shutil
import signal
import stat
import subprocess
import tempfile
import unittest

from guest import CACHE
from support import CASTRA, Project

INSTALLED = pathlib.Path(CASTRA).resolve().parent.parent / "share/castra"
RECIPE = INSTALLED / "images/tiny"
STEPS = ("mktemp", "dpkg-deb", "cpio", "mke2fs", "debugfs", "qemu-img")  # tools that only a build uses
PARTS = ("vmlinux", "initrd", "disk.qcow2")
TOOLS = os.environ["PATH"] + ":/usr/sbin:/sbin"
SCRIPTS = {  # stand before the recipe's own in PATH
    "make": "#!/bin/sh\necho 'a test compiles no kernel' >&2\nexit 1\n",
    "apt-get": """#!/bin/sh
set -e
case " $* " in
*" linux-source"*) echo "a test compiles no kernel" >&2 && exit 1 ;;
*" download "*) ;;
*) exec {real} "$@" ;;
esac
kept={kept}/$(echo "$*" | sha256sum | cut -c1-16)
if [ ! -d "$kept" ]; then
    new=$(mktemp -d {kept}/new.XXXXXX)
    trap 'rm -rf "$new"' EXIT
    (cd "$new" && {real} "$@")
    mv -T "$new" "$kept" || [ -d "$kept" ]
fi
/bin/cp "$kept"/*.deb .
""",
    # Says that it was reached, and goes on when it is told to.
    "held": "#!/bin/sh\necho >{reached}\nread -r word <{go}\nexec {real} \"$@\"\n",
}


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def parent_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def recipe_says(recipe, words):
    """What the functions of a recipe's script print."""
    return subprocess.run(["bash", "-c", f'. "$0" --help >/dev/null && {words}', str(recipe / "build")], capture_output=True,
                          text=True, env=dict(os.environ, CASTRA_AGENT=str(INSTALLED / "agent/castra-agent")))


def unpacked(archive):
    """Name, mode, content of each member of a cpio archive (newc)."""
    at = 0
    while True:
        if archive[at:at + 6] != b"070701":
            raise AssertionError(f"no cpio header at {at}")
        words = [int(archive[at + 6 + 8 * n:at + 14 + 8 * n], 16) for n in range(13)]
        mode, size, name_size = words[1], words[6], words[11]
        name = archive[at + 110:at + 110 + name_size - 1].decode()
        begin = (at + 110 + name_size + 3) & ~3
        if name == "TRAILER!!!":
            return
        yield name, mode, archive[begin:begin + size]
        at = (begin + size + 3) & ~3


def written(path):
    """The pieces of a sparse file."""
    with path.open("rb") as file:
        end = 0
        while True:
            try:
                begin = os.lseek(file.fileno(), end, os.SEEK_DATA)
            except OSError:  # nothing but a hole to the end
                return
            end = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
            yield os.pread(file.fileno(), end - begin, begin)


class Recipe(Project):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        here = recipe_says(RECIPE, 'require_host_packages && find_packages && kernel_key && printf "%s\\n" "${packages[@]}"')
        if here.returncode == 3:
            raise unittest.SkipTest(here.stderr)
        if here.returncode:
            raise AssertionError(here.stderr)
        kernel_key, *packages = here.stdout.split()
        try:
            cls.kernel = json.loads((CACHE / "images/tiny/image.json").read_text())["kernel"]
        except FileNotFoundError:
            raise unittest.SkipTest("there is no guest kernel to take over: castra image build tiny")
        if (cls.kernel["key"], cls.kernel["sha256"]) != (kernel_key, sha256_of(CACHE / "images/tiny/vmlinux")):
            raise unittest.SkipTest("the guest kernel here is of an older recipe: castra image build tiny")
        kept = pathlib.Path(os.environ["CASTRA_BUILD"]) / "tests/packages"
        kept.mkdir(parents=True, exist_ok=True)
        cls.apt = SCRIPTS["apt-get"].replace("{real}", shutil.which("apt-get")).replace("{kept}", str(kept))
        with tempfile.TemporaryDirectory() as scratch:
            (pathlib.Path(scratch) / "apt-get").write_text(cls.apt)
            wanted = [one for one in packages if not one.startswith("linux-source")]
            got = subprocess.run(["sh", "./apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", *wanted], cwd=scratch,
                                 capture_output=True, text=True)
            if got.returncode:
                raise unittest.SkipTest("Debian's packages cannot be downloaded: " + got.stderr)

    def setUp(self):
        super().setUp()
        self.tools = self.dir / "tools"
        self.tools.mkdir()
        self.tool("apt-get", self.apt)
        self.tool("make", SCRIPTS["make"])
        self.env["PATH"] = f"{self.tools}:{TOOLS}"
        self.use_cache("cache")

    def tool(self, name, script):
        new = self.tools / f".{name}"  # a shell reads on in the file that it runs
        new.write_text(script)
        new.chmod(0o755)
        new.rename(self.tools / name)

    def use_cache(self, name):
        """A cache of its own, with nothing but a kernel in it."""
        self.env["XDG_CACHE_HOME"] = str(self.dir / name)
        self.store = self.dir / name / "castra/images"
        self.image = self.store / "tiny"
        self.image.mkdir(parents=True)
        shutil.copy(CACHE / "images/tiny/vmlinux", self.image)
        (self.image / "image.json").write_text(json.dumps({"kernel": self.kernel}))

    def installation(self, name="prefix"):
        """Another installed castra, whose recipe may be changed. Returns the program and the recipe."""
        prefix = self.dir / name
        (prefix / "bin").mkdir(parents=True)
        try:
            os.link(pathlib.Path(CASTRA).resolve(), prefix / "bin/castra")
        except OSError:  # another file system
            shutil.copy2(CASTRA, prefix / "bin/castra")
        shutil.copytree(INSTALLED / "agent", prefix / "share/castra/agent", copy_function=shutil.copy)
        shutil.copytree(RECIPE, prefix / "share/castra/images/tiny", copy_function=shutil.copy)
        return prefix / "bin/castra", prefix / "share/castra/images/tiny"

    def begin(self, *words, castra=CASTRA):
        child = subprocess.Popen([castra, "image", "build", "tiny", *words], env=self.env, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        self.children.append(child)
        return child

    def build(self, *words, castra=CASTRA):
        """What a build answers, and the steps that it told of."""
        out, said = self.begin("--json", *words, castra=castra).communicate(timeout=120)
        self.assertEqual(self.children[-1].returncode, 0, said)
        answer = json.loads(out)
        self.assertEqual((answer["image"], answer["folder"]), ("tiny", str(self.image)))
        return answer, said

    def described(self):
        return json.loads((self.image / "image.json").read_text())

    def assert_whole(self):
        described = self.described()
        self.assertEqual(sorted(one.name for one in self.image.iterdir()), sorted([*PARTS, "image.json"]))
        for part in ("kernel", "initrd", "disk"):
            file = self.image / described[part]["file"]
            self.assertEqual((described[part]["sha256"], described[part]["size"]), (sha256_of(file), file.stat().st_size), part)

    def holding(self, tool):
        """The next build stops where it uses a tool."""
        for name in ("reached", "go"):
            (self.dir / name).unlink(missing_ok=True)
            os.mkfifo(self.dir / name)
        self.tool(tool, SCRIPTS["held"].format(reached=self.dir / "reached", go=self.dir / "go", real=shutil.which(tool, path=TOOLS)))

    def held(self, tool):
        """Waits until it has stopped there; the tool is its own again."""
        fd = os.open(self.dir / "reached", os.O_RDONLY | os.O_NONBLOCK)
        there = select.select([fd], [], [], 60)[0]
        os.close(fd)
        self.tool(tool, f'#!/bin/sh\nexec {shutil.which(tool, path=TOOLS)} "$@"\n')  # a shell remembers where it was
        self.assertTrue(there, f"no build came to {tool}")

    def go_on(self):
        """What was held goes on, and ends."""
        waited = [os.pidfd_open(pid) for pid, words in self.processes().items() if words.startswith("/bin/bash ")]
        (self.dir / "go").write_text("\n")
        for fd in waited:
            self.assertTrue(select.select([fd], [], [], 60)[0], "it does not end")
            os.close(fd)

    def kill_all(self):
        while left := self.processes():
            for pid in left:
                try:
                    self.kill(pid)
                except ProcessLookupError:
                    pass


class Cached(Recipe):
    def test_a_second_build_runs_no_step_and_changes_nothing_unless_forced(self):
        first, said = self.build()
        self.assertTrue(first["changed"])
        self.assertIn("tiny: taking over the kernel built before", said)
        self.assertEqual(first["key"], self.described()["key"])
        self.assert_whole()

        def seen():
            return {str(one): (one.stat().st_ino, one.stat().st_mtime_ns) for one in (self.image, *self.image.iterdir())}

        before, described = seen(), self.described()
        for tool in STEPS:
            self.tool(tool, f"#!/bin/sh\ntouch {self.dir}/used\nexit 1\n")
        second, said = self.build()
        self.assertEqual((second, said), (dict(first, changed=False), ""))
        child = self.begin()
        self.assertEqual(child.communicate(timeout=60), (f"image tiny is there already: {self.image}\n", ""))
        self.assertEqual(seen(), before)
        self.assertFalse((self.dir / "used").exists(), "a step of the build ran")
        for tool in STEPS:
            (self.tools / tool).unlink()

        forced, said = self.build("--force")
        self.assertEqual(forced, first)
        self.assertIn("tiny: making the disk", said)
        self.assertNotEqual(seen(), before)
        self.assertEqual(self.described(), described)
        self.assert_whole()

        with (self.image / "initrd").open("r+b") as initrd:
            initrd.truncate(1000)
        self.assertEqual(self.build()[0], first, "what is cut is no image")
        self.assert_whole()

    def test_two_at_once_build_it_once(self):
        first, second = self.begin("--json"), self.begin("--json")
        answers = [json.loads(child.communicate(timeout=120)[0]) for child in (first, second)]
        self.assertEqual(sorted(one["changed"] for one in answers), [False, True])
        self.assert_whole()


class Reproducible(Recipe):
    def test_built_in_another_place_it_has_the_same_bytes(self):
        self.build()
        first = self.image
        self.use_cache("another cache, whose name is longer")
        castra, recipe = self.installation("elsewhere")
        for file in recipe.iterdir():
            os.utime(file, (1, 1))
        self.env["HOME"] = str(self.dir)
        answer, said = self.build(castra=castra)
        self.assertTrue(answer["changed"])
        self.assertIn("tiny: packing the initrd", said)
        self.assert_whole()
        for name in (*PARTS, "image.json"):
            self.assertNotEqual((first / name).stat().st_ino, (self.image / name).stat().st_ino)
            self.assertTrue((first / name).read_bytes() == (self.image / name).read_bytes(), f"{name} differs")


class Keyless(Recipe):
    """Keys come to a guest when it boots. In the image there is none, nor a place that holds one."""
    NAMES = re.compile(r"authorized_keys|known_hosts|^id_|ssh_host_|dropbear_.*key|\.(pem|key|pub)$")
    TEXTS = re.compile(rb"PRIVATE KEY-----|(ssh-(rsa|dss|ed25519)|ecdsa-sha2-nistp\d+) AAAA[A-Za-z0-9+/]{20}|openssh-key-v1")

    def test_there_is_none_in_the_image(self):
        self.build()
        self.look_into_the_initrd()
        self.look_into_the_disk()

    def look_into_the_initrd(self):
        members = {name: (mode, content) for name, mode, content in unpacked((self.image / "initrd").read_bytes())}
        for name in ("init", "usr/bin/dropbear", "usr/bin/castra-agent", "etc/passwd"):
            self.assertTrue(members[name][1], name)
        for name, (_, content) in members.items():
            self.assertIsNone(self.NAMES.search(pathlib.PurePath(name).name), name)
            self.assertIsNone(self.TEXTS.search(content), name)
        for folder in ("root/.ssh", "etc/dropbear"):
            self.assertTrue(stat.S_ISDIR(members[folder][0]))
            self.assertEqual([name for name in members if name.startswith(folder + "/")], [])
        self.assertEqual(stat.S_IMODE(members["root/.ssh"][0]), 0o700)
        self.assertEqual(members["etc/passwd"][1], b"root:*:0:0:root:/root:/bin/sh\n", "and no password either")

    def look_into_the_disk(self):
        raw = self.dir / "disk.raw"
        subprocess.run(["qemu-img", "convert", "-O", "raw", self.image / "disk.qcow2", raw], check=True)
        for piece in written(raw):
            self.assertIsNone(self.TEXTS.search(piece))

        def inside(command):
            return subprocess.run(["debugfs", "-R", command, raw], check=True, capture_output=True, text=True, env=self.env).stdout

        self.assertIn("dropbear", inside("ls -p /usr/bin"))
        for folder in ("/root/.ssh", "/etc/dropbear"):
            names = [line.split("/")[5] for line in inside(f"ls -p {folder}").splitlines() if line]
            self.assertEqual(sorted(names), [".", ".."], folder)


class Changed(Recipe):
    def test_another_content_of_any_file_is_another_key(self):
        _, recipe = self.installation()
        agent = recipe.parent.parent / "agent/castra-agent"

        def key():
            asked = subprocess.run([recipe / "build", "--key"], check=True, capture_output=True, text=True, env=self.env)
            self.assertRegex(asked.stdout, "^[0-9a-f]{64}\n$")
            return asked.stdout

        keys = {key()}
        self.assertEqual({key()}, keys)
        for count, file in enumerate(("build", "init", "kernel.config", "kernel.patch", agent), 2):
            with (recipe / file).open("a") as changed:
                changed.write("# changed\n")
            keys.add(key())
            self.assertEqual(len(keys), count, file)
        for file in ("README.md", "check", "host-packages"):
            with (recipe / file).open("a") as changed:
                changed.write("# changed\n")
        self.assertIn(key(), keys, "the image is not made of these")

    def test_a_changed_recipe_is_built_anew(self):
        old, _ = self.build()
        castra, recipe = self.installation()
        self.assertEqual(self.build(castra=castra)[0], dict(old, changed=False), "the same content elsewhere is the same image")
        with (recipe / "init").open("a") as init:
            init.write("# of another recipe\n")
        new, said = self.build(castra=castra)
        self.assertTrue(new["changed"])
        self.assertNotEqual(new["key"], old["key"])
        self.assertIn("tiny: taking over the kernel built before", said)
        self.assert_whole()
        self.assertIn(b"# of another recipe\n", (self.image / "initrd").read_bytes())
        self.assertEqual(self.build(castra=castra)[0], dict(new, changed=False))

    def test_a_changed_kernel_is_not_taken_over(self):
        castra, recipe = self.installation()
        with (recipe / "kernel.config").open("a") as config:
            config.write("# changed\n")
        child = self.begin("--json", castra=castra)
        out, said = child.communicate(timeout=60)
        self.assertIn("tiny: downloading the kernel source", said)
        self.assertIn("a test compiles no kernel", said)
        self.assertEqual((child.returncode, json.loads(out)["error"]["code"]), (1, "io"))
        self.assertEqual(self.described(), {"kernel": self.kernel}, "what was there is there")


class Interrupted(Recipe):
    def left_over(self):
        return list(self.store.glob(".tiny.building.*"))

    def test_killed_at_any_step_it_leaves_the_old_image_or_none(self):
        self.build()
        old = self.described()
        for tool in ("cp", "dpkg-deb", "cpio", "qemu-img", "mv"):
            with self.subTest(tool):
                self.holding(tool)
                self.begin("--force")
                self.held(tool)
                self.kill_all()
                self.assertEqual(len(self.left_over()), 1, "of one killed build: the next has removed the last one's")
                if self.image.exists() or tool != "mv":
                    self.assert_whole()
                    self.assertEqual(self.described(), old)
        shutil.rmtree(self.image, ignore_errors=True)
        self.write('[[vms]]\nname = "v"\nimage = "tiny"\nmemory = "96 MiB"\n')
        refused = self.events(self.castra("up"), 4)
        self.assertIn('image "tiny" is not in', refused[0]["detail"])
        self.assertEqual(len(self.left_over()), 1, "it was there, and nobody took it for an image")
        self.use_cache("cache")
        self.assertTrue(self.build()[0]["changed"])
        self.assert_whole()
        self.assertEqual(self.described(), old)
        self.assertEqual(self.left_over(), [])

    def test_cancelled_it_ends_with_all_that_it_started(self):
        before = self.described()
        self.holding("cpio")
        child = self.begin("--json")
        self.held("cpio")
        child.send_signal(signal.SIGINT)
        out, said = child.communicate(timeout=60)
        self.assertEqual((child.returncode, json.loads(out)["error"]["code"]), (130, "cancelled"), said)
        self.assertEqual(self.processes(), {})
        self.assertEqual((self.described(), self.left_over()), (before, []))

    def test_the_script_is_killed_and_castra_says_so(self):
        before = self.described()
        self.holding("cpio")
        child = self.begin("--json")
        self.held("cpio")
        self.kill(next(pid for pid in self.processes() if parent_of(pid) == child.pid))
        out, said = child.communicate(timeout=60)
        self.assertEqual((child.returncode, json.loads(out)["error"]["code"]), (1, "io"), said)
        self.assertEqual(self.processes(), {})
        self.assertEqual(self.described(), before)

    def test_castra_is_killed_and_the_next_takes_what_the_script_makes_that_lives_on(self):
        self.holding("dpkg-deb")
        child = self.begin()
        self.held("dpkg-deb")
        self.kill(child.pid)
        self.assertTrue(self.processes(), "the script")
        second = self.begin("--json")
        self.assertIn("image tiny is being built by another castra", second.stderr.readline())
        self.assertIsNone(second.poll())
        self.go_on()
        out, said = second.communicate(timeout=60)
        self.assertEqual((second.returncode, said), (0, ""), "it built nothing by itself")
        self.assertFalse(json.loads(out)["changed"])
        self.assert_whole()
        self.assertEqual(self.left_over(), [])

    def test_who_waits_for_another_build_can_be_interrupted(self):
        self.holding("dpkg-deb")
        self.begin()
        self.held("dpkg-deb")
        second = self.begin("--json")
        second.stderr.readline()
        second.send_signal(signal.SIGINT)
        out, said = second.communicate(timeout=60)
        self.assertEqual((second.returncode, json.loads(out)["error"]["code"]), (130, "cancelled"), said)
        self.go_on()
        self.assertEqual(self.children[-2].wait(timeout=60), 0)
        self.assert_whole()

    def test_killed_while_the_old_image_goes_it_leaves_a_whole_one_or_none(self):
        self.build()
        self.tool("rm", f"""#!/bin/sh
case "$*" in
*" {self.image}") /bin/rm "{self.image}/initrd" && kill -KILL $PPID ;;
*) exec /bin/rm "$@" ;;
esac
""")
        self.begin("--force").communicate(timeout=60)
        if self.image.exists():
            self.assert_whole()

    def test_a_script_without_castra_that_comes_last_puts_no_image_into_another(self):
        self.build()
        self.holding("mv")
        self.children.append(subprocess.Popen([RECIPE / "build", self.image], env=self.env, stdout=subprocess.PIPE,
                                              stderr=subprocess.PIPE, text=True))
        self.held("mv")
        self.build("--force")
        before = self.image.stat().st_ino
        self.go_on()
        self.assert_whole()
        self.assertNotEqual(self.image.stat().st_ino, before)
        self.assertEqual(self.left_over(), [])
