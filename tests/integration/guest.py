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


def boot_sector(line):
    """512 bytes that firmware loads from the beginning of a disk: they write the line to COM1 and halt for ever."""
    code = bytes.fromhex("fa"          # cli: nothing wakes it
                         "31c0 8ed8"   # ds = 0
                         "fc"
                         "be 237c"     # si = the line, behind the code
                         "ac"          # next: al = one byte
                         "84c0 7412"   # 0 ends: to halt
                         "88c4"
                         "bafd03"      # wait: until COM1 can take it
                         "ec a820 74fb"
                         "88e0"
                         "baf803 ee"   # out
                         "ebe9"        # to next
                         "f4 ebfd")    # halt
    text = line.encode() + b"\n\0"
    return code + text + bytes(510 - len(code) - len(text)) + b"\x55\xaa"


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

    def ssh_words(self, vm, command, identity_of=None):
        """`identity_of`: the VM whose key is shown, where it is not this one's."""
        vms = {one["name"]: one for one in self.status()["vms"]}
        where = vms[vm]["ssh"]
        identity = vms[identity_of or vm]["ssh"]["identity"]
        return ["ssh", "-i", identity, "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-p", str(where["port"]),
                "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={where['known_hosts']}", "-o", "StrictHostKeyChecking=accept-new",
                "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=60", f"{where['user']}@{where['address']}", command]

    def ssh(self, vm, command, identity_of=None):
        return subprocess.run(self.ssh_words(vm, command, identity_of), capture_output=True, text=True, timeout=120)

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
