# SPDX-License-Identifier: Apache-2.0
"""The installed SDK: what a stranger has who never saw our tree. Installs into a folder, makes plugins with
`castra plugin new`, builds them there with what is installed, validates them, and runs them."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from support import Project, types_of

BUILD = pathlib.Path(os.environ["CASTRA_BUILD"])
SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent


def run(*words, cwd=None, env=None):
    result = subprocess.run([str(word) for word in words], cwd=cwd, env=env, capture_output=True, text=True, timeout=900)
    if result.returncode != 0:
        raise AssertionError(f"{words}\n{result.stdout}\n{result.stderr}")
    return result.stdout


# Another compiler than castra's, with a standard library of its own inside.
CLANG = ("-DCMAKE_CXX_COMPILER=clang++", "-DCMAKE_MODULE_LINKER_FLAGS=-static-libstdc++ -static-libgcc")


class InstalledSdk(Project):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.place = pathlib.Path(tempfile.mkdtemp(prefix="castra-sdk-test."))
        cls.prefix = cls.place / "moved"
        run("cmake", "--install", BUILD, "--prefix", cls.place / "prefix")
        (cls.place / "prefix").rename(cls.prefix)  # an installation may be moved as a whole
        cls.program = cls.prefix / "bin/castra"
        cls.work = cls.place / "work"
        cls.work.mkdir()
        cls.built = {}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.place, ignore_errors=True)

    def arguments(self, verb, *rest, events=True):
        return [str(self.program), *super().arguments(verb, *rest, events=events)[1:]]

    def folder(self, kind, name):
        run(self.program, "plugin", "new", "--kind", kind, name, "--in", self.work)
        return self.work / (("broker" if kind == "broker-launcher" else kind) + "-" + name)

    def build(self, folder, *options):
        """Builds and tests a plugin's folder; returns its .so. Once for all tests."""
        if folder.name not in self.built:
            run("cmake", "-S", folder, "-B", folder / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={self.prefix}",
                "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", *options)
            run("cmake", "--build", folder / "build")
            commands = (folder / "build/compile_commands.json").read_text()
            self.assertNotIn(f"{SOURCE}/", commands, "a path into our tree")
            self.assertIn(str(self.prefix), commands)
            run("ctest", "--test-dir", folder / "build", "--output-on-failure")
            self.built[folder.name] = folder / "build/lib/castra/plugins" / (folder.name + ".so")
        return self.built[folder.name]

    def c_reporter(self):
        folder = self.work / "reporter-plain"
        folder.mkdir()
        manifest = json.loads((self.prefix / "share/castra/templates/reporter/manifest.json").read_text().replace("%ID%", "reporter-plain"))
        (folder / "manifest.json").write_text(json.dumps(manifest))
        shutil.copy(SOURCE / "tests/abi/plugins/flawed.c", folder / "plugin.c")
        manifest["kinds"] = ["castra.launcher/1", "castra.reporter/1"]
        (folder / "manifest.json").write_text(json.dumps(manifest))
        (folder / "CMakeLists.txt").write_text("""cmake_minimum_required(VERSION 3.25)
project(plain LANGUAGES C)
find_package(castra-sdk 0.1 REQUIRED)
castra_add_plugin(reporter-plain SOURCES plugin.c MANIFEST manifest.json)
enable_testing()
add_test(NAME validate COMMAND castra::castra plugin validate $<TARGET_FILE:reporter-plain>)
""")
        return folder

    def test_what_is_installed(self):
        for path in ("bin/castra", "bin/castra-plugin-host", "include/castra/abi/entry.h", "include/castra/sdk/plugin.hpp",
                     "lib/cmake/castra-sdk/castra-sdk-config.cmake", "share/castra/schema/manifest.json",
                     "share/castra/templates/reporter/plugin.cpp", "share/castra/images/tiny/build"):
            self.assertTrue((self.prefix / path).is_file(), path)
        listed = json.loads(run(self.program, "plugin", "list", "--json", cwd=self.work))["plugins"]
        self.assertEqual({pathlib.Path(one["file"]).parent for one in listed}, {self.prefix / "lib/castra/plugins"})
        self.assertEqual({one["state"] for one in listed}, {"ok"})
        for header in (self.prefix / "include").rglob("*.h*"):
            self.assertNotIn(str(SOURCE), header.read_text())

    def test_the_ten_minutes_of_the_docs(self):
        """Every block of the section, in its order and as it stands; only where castra is and who reads are said."""
        text = (SOURCE / "docs/PLUGINS.md").read_text()
        section = text[text.index("## A reporter in ten minutes"):]
        section = section[:section.index("```cpp")]
        blocks = re.findall(r"```(\w*)\n(.*?)```", section, re.DOTALL)
        self.assertEqual([language for language, _ in blocks], ["", "toml", ""])
        clean = self.place / "clean"
        clean.mkdir()
        env = dict(self.env, PATH=f"{self.prefix / 'bin'}:{os.environ['PATH']}")
        seen = self.dir / "reporter-mine.txt"

        def done(commands):
            commands = commands.replace("CMAKE_PREFIX_PATH=DIR", f"CMAKE_PREFIX_PATH={self.prefix}")
            return run("sh", "-ec", commands.replace("/tmp/reporter-mine.txt", str(seen)), cwd=clean, env=env)

        done(blocks[0][1])
        self.config = clean / "castra.toml"
        self.config.write_text(blocks[1][1].replace("/tmp/reporter-mine.txt", str(seen)))
        told = done(blocks[2][1])
        self.assertRegex(told, r"(?s)up of project .*\d+ info vm.ready m-0\n.*down of project .*\d+ info vm.exited m-0\n")
        self.assertEqual(told.count(" summary -\n"), 2)
        run("ctest", "--test-dir", clean / "reporter-mine/build", "--output-on-failure")
        # And the lines that the folder's README says.
        lines = re.search(r"```toml\n(.*?)```", (clean / "reporter-mine/README.md").read_text(), re.DOTALL).group(1)
        seen.unlink()
        lines = lines.replace("/tmp/reporter-mine.txt", str(seen)).replace('"build/', f'"{clean}/reporter-mine/build/')
        self.processes_toml(["/bin/sleep", "1000"], extra=lines)
        events = self.events(self.castra("up"))
        self.assertEqual(seen.read_text().count("\n"), len(events) + 1)

    def test_the_shell_completes_what_castra_knows(self):
        script = self.prefix / "share/bash-completion/completions/castra"

        def completed(*words):
            shell = (f'PATH={self.prefix}/bin:$PATH; source {script}; COMP_WORDS=({" ".join(words)} "$1"); '
                     f'COMP_CWORD={len(words)}; _castra; printf "%s\\n" "${{COMPREPLY[@]}}"')
            return lambda word: run("bash", "-c", shell, "bash", word).split()

        self.assertEqual(completed("castra")("plu"), ["plugin"])
        self.assertEqual(completed("castra", "plugin")("val"), ["validate"])
        self.assertEqual(completed("castra", "plugin", "validate")("--ju"), ["--junit"])
        self.assertEqual(completed("castra", "up")("--keep"), ["--keep-going"])
        commands = completed("castra")("")
        self.assertGreater(len(commands), 10)
        page = (self.prefix / "share/man/man1/castra.1").read_text().replace("\\-", "-")
        for command in commands:
            self.assertRegex(page, rf"\n\.B [^\n]*\b{command}\b", "castra(1) knows each command")

    def test_a_debian_package_has_it_all(self):
        run("cpack", "-G", "DEB", "--config", BUILD / "CPackConfig.cmake", "-B", self.place / "deb")
        (package,) = (self.place / "deb").glob("castra_*.deb")
        listed = run("dpkg-deb", "-c", package)
        for path in ("/usr/bin/castra", "/usr/bin/castra-plugin-host", "/usr/lib/castra/plugins/launcher-qemu.so",
                     "/usr/include/castra/sdk/plugin.hpp", "/usr/share/man/man1/castra.1"):
            self.assertIn(path, listed)
        self.assertIn("libc6", run("dpkg-deb", "-f", package, "Depends"))
        # And it works from there, without what the build has.
        root = self.place / "unpacked"
        run("dpkg-deb", "-x", package, root)
        usr = root / "usr"
        self.assertIn("launcher-qemu", run(usr / "bin/castra", "plugin", "list", cwd=self.work, env=self.env))
        self.processes_toml(["/bin/sleep", "1000"])
        program, type(self).program = self.program, usr / "bin/castra"
        try:
            for verb in ("up", "down"):
                self.events(self.castra(verb))
        finally:
            type(self).program = program
        self.assertEqual(self.states(), {"p-0": "absent"})
        for manual in ("castra.1",):
            page = run("man", "--warnings", "-l", usr / "share/man/man1" / manual) if shutil.which("man") else "castra"
            self.assertIn("castra", page)

    def test_steps_and_broker_launchers_build_and_pass_every_check(self):
        for kind in ("step", "broker-launcher"):
            self.assertTrue(self.build(self.folder(kind, "gnu"), "-DCMAKE_CXX_COMPILER=g++").is_file())

    def test_a_step_and_a_broker_launcher_in_a_real_up_and_down(self):
        step = self.build(self.folder("step", "own"), *CLANG)
        broker = self.build(self.folder("broker-launcher", "their"), *CLANG)
        seen = self.dir / "broker.txt"
        # Somebody else's broker: it lives as long as castra holds the other end of its control socket.
        self.write(f"""[plugins.own]
path = "{step}"
[plugins.their]
path = "{broker}"
[plugins.their.config]
command = ["/bin/sh", "-c", "echo $CASTRA_PROJECT >{seen}; exec cat <&$0 >>{seen}", "{{fd:control}}"]
[broker]
launcher = "their"
[[vms]]
name = "m"
launcher = "process"
[vms.options]
command = ["/bin/sleep", "1000"]
[[vms.bootstrap.steps]]
name = "mark"
plugin = "own"
""")
        events = self.events(self.castra("up"))
        self.assertIn("broker.started", types_of(events))
        self.assertEqual([event["status"] for event in events if event["type"] == "bootstrap.completed"], ["success"])
        self.assertEqual(len(list(self.home.rglob("vms/m-0/step-own.done"))), 1, "what the step did")
        again = self.events(self.castra("bootstrap"))
        self.assertEqual([event["status"] for event in again if event["type"] == "bootstrap.completed"], ["noop"])
        told = seen.read_text().splitlines()
        self.assertEqual(json.loads(told[1])["settings"].keys() & {"sessions_max"}, {"sessions_max"}, told)
        events = self.events(self.castra("down"))
        self.assertIn("broker.stopped", types_of(events))
        self.assertEqual(self.processes(), {})

    def test_a_launcher_and_three_reporters_in_a_real_up_and_down(self):
        launcher = self.build(self.folder("launcher", "mine"), "-DCMAKE_CXX_COMPILER=g++")
        gnu = self.build(self.folder("reporter", "gnu"), "-DCMAKE_CXX_COMPILER=g++")
        clang = self.build(self.folder("reporter", "clang"), *CLANG)
        needed = run("readelf", "-d", clang)
        self.assertIsNone(re.search(r"NEEDED.*libstdc\+\+", needed), needed)
        plain = self.build(self.c_reporter())
        seen = {name: self.dir / f"{name}.txt" for name in ("gnu", "clang")}
        self.write(f"""[plugins.mine]
path = "{launcher}"
[plugins.gnu]
path = "{gnu}"
[plugins.clang]
path = "{clang}"
[plugins.plain]
path = "{plain}"
[[reporters]]
plugin = "gnu"
config = {{ path = "{seen['gnu']}" }}
[[reporters]]
plugin = "clang"
config = {{ path = "{seen['clang']}" }}
[[reporters]]
plugin = "plain"
[[vms]]
name = "m"
launcher = "mine"
[vms.options]
command = ["/bin/sleep", "1000"]
""")
        for verb in ("up", "down"):
            events = self.events(self.castra(verb))
            self.assertNotIn("reporter_failed", [event.get("code") for event in events], events)
            self.assertNotIn("plugin_fault", [event.get("code") for event in events], events)
            for file in seen.values():
                told = [line.split()[2] for line in file.read_text().splitlines() if line[0].isdigit()]
                self.assertEqual(told, types_of(events), file.name)
                file.unlink()
        self.assertEqual(self.states(), {"m-0": "absent"})


if __name__ == "__main__":
    unittest.main()
