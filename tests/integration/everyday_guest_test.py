# SPDX-License-Identifier: Apache-2.0
"""Everyday work in real guests: ssh, exec, cp, ssh-config, ports, logs. Two guests once for all tests of the class."""
import json
import os
import pathlib
import subprocess
import unittest

from guest import Guest
from support import CASTRA


class EverydayWork(Guest):
    def castra_at(self, verb, *words, code=0, **more):
        result = subprocess.run([CASTRA, *verb.split(), "--config", str(self.config), *words], env=self.env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=200, **more)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def test_everything(self):
        self.guest(count=2)
        self.events(self.castra("up"))
        with self.subTest("ports"):
            ports = json.loads(self.castra_at("ports", "--json").stdout)["ports"]
            self.assertEqual([(row["vm"], row["guest"], row["listening"], row["live_from"]) for row in ports],
                             [("g-0", 22, True, "vm"), ("g-1", 22, True, "vm")])
            first = ports[0]["live_host"]
            self.monitor("g-0", f"hostfwd_remove tcp:127.0.0.1:{first}")
            self.assertIn("nobody listens", self.castra_at("ports", "g-0").stdout)
            self.monitor("g-0", f"hostfwd_add tcp:127.0.0.1:{first}-:80")
            told = self.castra_at("ports", "g-0").stdout
            self.assertIn("not forwarded", told)
            self.assertIn("not in castra.toml", told)
            self.monitor("g-0", f"hostfwd_remove tcp:127.0.0.1:{first}")
            self.monitor("g-0", f"hostfwd_add tcp:127.0.0.1:{first}-:22")
            self.assertEqual(json.loads(self.castra_at("ports", "--json").stdout)["ports"], ports)
        with self.subTest("ssh"):
            self.assertEqual(self.castra_at("ssh", "g-0", "--", "hostname").stdout, "g-0\n")
            self.castra_at("ssh", "g-0", "--", "exit 42", code=42)
            self.assertEqual(self.castra_at("ssh", "g-0", "--", "echo", "$HOME", "a  b'c").stdout, "$HOME a  b'c\n")
            self.assertEqual(self.castra_at("ssh", "g-0", "--", "echo $((1 + 1)) | cat").stdout, "2\n")
            self.assertEqual(self.castra_at("ssh", "g-0", "--", "cat", input="through stdin").stdout, "through stdin")
        with self.subTest("exec"):
            both = self.castra_at("exec", "g-0", "g-1", "--", "hostname").stdout.splitlines()
            self.assertEqual(sorted(both), ["g-0 | g-0", "g-1 | g-1"])
            answer = json.loads(self.castra_at("exec", "--all", "--json", "--", "hostname; test $(hostname) = g-0", code=1).stdout)
            self.assertEqual([(vm["vm"], vm["ok"], vm["exit_code"], vm["stdout"]) for vm in answer["vms"]],
                             [("g-0", True, 0, "g-0\n"), ("g-1", False, 1, "g-1\n")])
            self.castra_at("exec", "g-1", "--", "exit 7", code=7)
            late = json.loads(self.castra_at("exec", "g-0", "--timeout", "3", "--json", "--", "sleep 100", code=1).stdout)
            self.assertEqual(late["vms"][0]["error"]["code"], "timeout")
        with self.subTest("cp"):
            self.copy()
        with self.subTest("ssh-config"):
            config = self.dir / "ssh_config"
            config.write_text(self.castra_at("ssh-config").stdout)
            result = subprocess.run(["ssh", "-F", str(config), "g-1", "hostname"], capture_output=True, text=True, timeout=120)
            self.assertEqual(result.stdout, "g-1\n", result.stderr)
        with self.subTest("another host key"):
            known = next(vm for vm in self.status()["vms"] if vm["name"] == "g-1")["ssh"]["known_hosts"]
            self.assertTrue(pathlib.Path(known).is_file(), "remembered in a file of the VM's own")
            file = pathlib.Path(known)
            key = next(vm for vm in self.status()["vms"] if vm["name"] == "g-0")["ssh"]["identity"] + ".pub"
            place = file.read_text().split()[0]
            file.write_text(place + " " + " ".join(pathlib.Path(key).read_text().split()[:2]) + "\n")
            refused = self.castra_at("ssh", "g-1", "--", "true", code=255)
            self.assertIn("verification failed", refused.stderr)
        with self.subTest("logs"):
            self.assertNotEqual(self.castra_at("logs", "g-0", "--log", "serial").stdout, "")
        self.events(self.castra("down"))

    def copy(self):
        here = self.dir / "here"
        (here / "folder/below").mkdir(parents=True)
        (here / "a file").write_bytes(bytes(range(256)) * 400)
        (here / "folder/below/x").write_text("deep")
        (here / "folder/link").symlink_to("below/x")
        os.chmod(here / "a file", 0o750)
        self.castra_at("cp", str(here / "a file"), "g-0:/tmp/renamed")
        self.castra_at("cp", str(here / "a file"), str(here / "folder"), "g-0:/tmp/")
        self.assertEqual(self.castra_at("ssh", "g-0", "--", "cat /tmp/folder/link; stat -c %a /tmp/renamed").stdout, "deep750\n")
        there = self.dir / "there"
        there.mkdir()
        self.castra_at("cp", "g-0:/tmp/renamed", "g-0:/tmp/folder", str(there))
        self.assertEqual((there / "renamed").read_bytes(), (here / "a file").read_bytes())
        self.assertEqual((there / "folder/link").read_text(), "deep")
        answer = json.loads(self.castra_at("cp", "--json", "g-0:/tmp/a file", str(there / "b")).stdout)
        self.assertEqual((answer["ok"], answer["direction"], answer["entries"]), (True, "out", 1))
        self.assertIn("/no/such", self.castra_at("cp", "g-0:/no/such", str(there), code=10).stderr)
        self.assertIn("/no/such", self.castra_at("cp", str(here / "a file"), "g-0:/no/such/place", code=10).stderr)
        self.assertIn("no file", self.castra_at("cp", str(here / "nothing"), "g-0:/tmp", code=10).stderr)
        self.assertIn("is there already", self.castra_at("cp", "g-0:/tmp/folder", str(there), code=5).stderr)
        self.assertEqual(sorted(path.name for path in there.iterdir()), ["b", "folder", "renamed"], "no scratch is left")
        self.assertEqual(self.castra_at("ssh", "g-0", "--", "ls -a /tmp | grep castra-; true").stdout, "", "nor in the guest")


if __name__ == "__main__":
    unittest.main()
