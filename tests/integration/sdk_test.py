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
                     "lib/cmake/castra-sdk/castra-sdk-config.cmake", "share/castra/schema/manifest.json", "share/castra/schema/launcher/plan.request.json",
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

    def in_up_and_down(self, name, *options, plain=()):
        """One of each kind, built by one compiler, in a real up, bootstrap and down. `plain`: more reporters."""
        built = {kind: self.build(self.folder(kind, name), *options) for kind in ("launcher", "step", "broker-launcher", "reporter")}
        told, brokers_words = self.dir / "reporter.txt", self.dir / "broker.txt"
        # Somebody else's broker: it lives as long as castra holds the other end of its control socket.
        command = ["/bin/sh", "-c", f"echo $CASTRA_PROJECT >{brokers_words}; exec cat <&$0 >>{brokers_words}", "{fd:control}"]
        names = {kind: f"{kind.split('-')[0]}-of-{name}" for kind in built}
        plugins = "".join(f'[plugins.{names[kind]}]\npath = "{path}"\n' for kind, path in built.items())
        plugins += "".join(f'[plugins.{one.stem}]\npath = "{one}"\n[[reporters]]\nplugin = "{one.stem}"\n' for one in plain)
        self.write(f"""{plugins}[plugins.{names["broker-launcher"]}.config]
command = {json.dumps(command)}
[broker]
launcher = "{names["broker-launcher"]}"
[[reporters]]
plugin = "{names["reporter"]}"
config = {{ path = "{told}" }}
[[vms]]
name = "m"
launcher = "{names["launcher"]}"
[vms.options]
command = ["/bin/sleep", "1000"]
[[vms.bootstrap.steps]]
name = "mark"
plugin = "{names["step"]}"
""")
        for verb, status, broker in (("up", "success", "broker.started"), ("bootstrap", "noop", None), ("down", None, "broker.stopped")):
            events = self.events(self.castra(verb))
            self.assertEqual({"reporter_failed", "plugin_fault"} & {event.get("code") for event in events}, set(), events)
            self.assertEqual([event["status"] for event in events if event["type"] == "bootstrap.completed"], [status] if status else [])
            self.assertEqual([event["type"] for event in events if event["type"].startswith("broker.")], [broker] if broker else [])
            heard = [line.split()[2] for line in told.read_text().splitlines() if line[0].isdigit()]
            self.assertEqual(heard, types_of(events), "what the reporter was told")
            told.unlink()
            if verb == "up":
                self.assertEqual(len(list(self.home.rglob("vms/m-0/*.done"))), 1, "what the step did")
        project, settings = brokers_words.read_text().splitlines()[:2]
        self.assertEqual((project, "sessions_max" in json.loads(settings)["settings"]), ("t", True))
        self.assertEqual(self.states(), {"m-0": "absent"})
        self.assertEqual(self.processes(), {})
        return built

    def test_each_kind_built_by_gcc_and_a_reporter_in_plain_c(self):
        self.in_up_and_down("gnu", "-DCMAKE_CXX_COMPILER=g++", plain=[self.build(self.c_reporter())])

    def test_each_kind_built_by_another_compiler_with_a_standard_library_of_its_own(self):
        built = self.in_up_and_down("clang", "-DCMAKE_CXX_COMPILER=clang++",
                                    "-DCMAKE_MODULE_LINKER_FLAGS=-static-libstdc++ -static-libgcc")
        for path in built.values():
            needed = run("readelf", "-d", path)
            self.assertIsNone(re.search(r"NEEDED.*libstdc\+\+", needed), needed)


if __name__ == "__main__":
    unittest.main()
