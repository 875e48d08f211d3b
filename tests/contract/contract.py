# SPDX-License-Identifier: Apache-2.0
"""What the tests of the contract share: castra's answers, and snapshots changed on purpose."""
import copy
import json
import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
CASTRA = os.environ["CASTRA"]
SNAPSHOT = HERE / "snapshots" / "1.0.json"


def run(*arguments, stdin=None):
    return subprocess.run([str(argument) for argument in arguments], input=stdin, capture_output=True, text=True,
                          timeout=120)


def contract(*arguments):
    """What `castra contract ...` prints; it must succeed."""
    answer = run(CASTRA, "contract", *arguments)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def frozen():
    """Path below tests/contract/ and sha256 of every frozen file."""
    lines = [line.split() for line in (HERE / "snapshots" / "FROZEN").read_text().splitlines()
             if line and not line.startswith("#")]
    return {path: digest for digest, path in lines}


def _step(place, word):
    if isinstance(place, dict):
        return word
    for index, entry in enumerate(place):
        if entry == word or (isinstance(entry, dict) and word in (entry.get("type") if "fields" in entry else None,
                                                                  entry.get("name"))):
            return index
    raise KeyError(word)


def changed(snapshot, changes):
    """A copy with changes made: {"set": path, "to": value}, {"add": path of a list, "value": v}, {"remove": path}. A path names
    entries of lists by their name: "types/vm.launch/fields/pid/unit"."""
    out = copy.deepcopy(snapshot)
    for change in changes:
        words = (change.get("set") or change.get("add") or change.get("remove")).split("/")
        place = out
        for word in words[:-1]:
            place = place[_step(place, word)]
        if "set" in change:
            place[_step(place, words[-1])] = change["to"]
        elif "add" in change:
            place[_step(place, words[-1])].append(change["value"])
        else:
            del place[_step(place, words[-1])]
    return out


def differ(old, new, folder):
    """The differ's answer about two snapshots, and its exit code."""
    paths = []
    for name, value in (("old.json", old), ("new.json", new)):
        path = pathlib.Path(folder) / name
        path.write_text(json.dumps(value))
        paths.append(path)
    answer = run(CASTRA, "contract", "diff", *paths, "--json")
    return json.loads(answer.stdout), answer.returncode
