# SPDX-License-Identifier: Apache-2.0
"""What every test of a real virtual machine starts from."""
import json
import os
import pathlib
import socket
import subprocess

from support import Project

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "castra"
SSH = "[[vms.port_forwards]]\nhost = 0\nguest = 22\n"


class Guest(Project):
    def guest(self, count=1, machine="microvm", disk=False, append="", lifecycle="", extra=SSH, memory="96 MiB"):
        boot = f'[vms.boot]\nappend = "{append}"\n' if append else ""
        # A kernel command line of its own: what the image leaves open still comes from the image.
        if append:
            image = json.loads((CACHE / "images/tiny/image.json").read_text())
            folder = CACHE / "images/tiny"
            boot = (f'[vms.boot]\nkernel = "{folder}/vmlinux"\ninitrd = "{folder}/initrd"\n'
                    f'append = "{image["append"]} {append}"\n')
        self.write(f'{lifecycle}[[vms]]\nname = "g"\nimage = "tiny"\ncount = {count}\nmemory = "{memory}"\n'
                   f'[vms.options]\nmachine = "{machine}"\ndisk = {str(disk).lower()}\n{boot}{extra}')

    def ssh_words(self, vm, command):
        where = next(one for one in self.status()["vms"] if one["name"] == vm)["ssh"]
        return ["ssh", "-i", where["identity"], "-p", str(where["port"]), "-o", "BatchMode=yes",
                "-o", f"UserKnownHostsFile={where['known_hosts']}", "-o", "StrictHostKeyChecking=accept-new",
                "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=60", f"{where['user']}@{where['address']}", command]

    def ssh(self, vm, command):
        return subprocess.run(self.ssh_words(vm, command), capture_output=True, text=True, timeout=120)

    def monitor(self, vm, command):
        """What a person at QEMU's monitor would type, behind castra's back."""
        record = json.loads(next(path for path in self.home.rglob("record.json") if path.parent.name == vm).read_text())
        path = next(one["path"] for one in record["plan"]["sockets"] if one["name"] == "qmp")
        with socket.socket(socket.AF_UNIX) as qmp:
            qmp.connect(path)
            wire = qmp.makefile("rw")
            wire.readline()
            for request in ({"execute": "qmp_capabilities"}, {"execute": "human-monitor-command", "arguments": {"command-line": command}}):
                wire.write(json.dumps(request) + "\n")
                wire.flush()
                while "event" in (said := json.loads(wire.readline())):
                    pass
                self.assertIn("return", said)
