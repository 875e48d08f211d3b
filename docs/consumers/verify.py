#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Judges the stream of one run without any code of castra: bytes, JSON Schema, order.

    verify.py RUN.ndjson [--json] [--schema FILE]      (- is stdin)

Bytes are judged here, shapes by python3-jsonschema on castra's published schema, order by jq with order.jq, which stands beside
this file. Prints what `castra events verify` prints, plus who found it, and exits like it: 0 valid, 7 the contract is violated,
2 usage or a missing tool, 10 no such file. Without --schema the schema is asked of the castra in PATH, or of $CASTRA.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

LINE_BYTES_MAX = 64 * 1024  # with its line feed
INTEGER_MAX = 2**53 - 1     # what every JSON reader holds exactly
ORDER = pathlib.Path(__file__).resolve().with_name("order.jq")
# Not in any string: line feed and tab are for texts of several lines, the rest for terminals.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
SURROGATE = re.compile("[\ud800-\udfff]")


class Flaw(Exception):
    """Why a line is no JSON as the contract wants it."""


def finding(line, rule, text, tool):
    return {"line": line, "rule": rule, "text": text, "tool": tool}


# ---- bytes -------------------------------------------------------------------------------------------------------------

def unique_members(pairs):
    members = {}
    for name, value in pairs:
        if name in members:
            raise Flaw(f"the key {name!r} stands twice in one object")
        members[name] = value
    return members


def whole_number(text):
    if len(text) > 20 or abs(int(text)) > INTEGER_MAX:
        raise Flaw(f"{text[:24]} is beyond 2^53-1")
    return int(text)


def refuse(text):
    raise Flaw(f"{text[:24]} is no integer")


def check_values(value, path=""):
    if value is None:
        raise Flaw(f"{path or 'the line'} is null")
    if isinstance(value, str):
        check_text(value, path)
        if path == "message" and re.search(r"[\n\t]", value):
            raise Flaw("message is not one line")
    elif isinstance(value, dict):
        for name, member in value.items():
            check_text(name, path)
            check_values(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for member in value:
            check_values(member, f"{path}[]")


def check_text(text, path):
    if CONTROL.search(text):
        raise Flaw(f"{path or 'a key'} holds a control character")
    if SURROGATE.search(text):
        raise Flaw(f"{path or 'a key'} holds half a surrogate pair")


def parse(raw):
    """The event of a line without its line feed; raises Flaw."""
    if raw == b"":
        raise Flaw("the line is empty")
    if raw.startswith(b"\xef\xbb\xbf"):
        raise Flaw("the line begins with a byte order mark")
    for byte, name in ((b"\0", "a NUL"), (b"\r", "a carriage return")):
        if byte in raw:
            raise Flaw(f"the line holds {name}")
    try:
        event = json.loads(raw.decode("utf-8"), object_pairs_hook=unique_members, parse_int=whole_number,
                           parse_float=refuse, parse_constant=refuse)
    except UnicodeDecodeError as error:
        raise Flaw(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise Flaw(f"no JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise Flaw("nested too deeply") from None
    if not isinstance(event, dict):
        raise Flaw("the line is no JSON object")
    check_values(event)
    return event


def check_bytes(data):
    """Findings, and the events of the lines that are JSON objects without a flaw: [(line number, event)]."""
    found, events = [], []
    lines = data.split(b"\n")
    torn = lines.pop()
    if torn:
        found.append(finding(len(lines) + 1, "wire", "the last line has no line feed", "bytes"))
        lines.append(torn)
    for number, raw in enumerate(lines, 1):
        if len(raw) + 1 > LINE_BYTES_MAX:
            found.append(finding(number, "wire", f"the line has {len(raw) + 1} bytes", "bytes"))
        try:
            events.append((number, parse(raw)))
        except Flaw as flaw:
            found.append(finding(number, "wire", str(flaw), "bytes"))
    return found, events


# ---- shapes ------------------------------------------------------------------------------------------------------------

def check_schema(events, schema):
    import jsonschema
    validator = jsonschema.validators.validator_for(schema)(schema)
    found = []
    for number, event in events:
        for problem in validator.iter_errors(event):
            where = "/".join(str(step) for step in problem.absolute_path)
            text = f"{where}: {problem.message}" if where else problem.message
            found.append(finding(number, "18", text[:200], "schema"))
    return found


# ---- order -------------------------------------------------------------------------------------------------------------

def check_order(path):
    return check_orders([path])[str(path)]


def check_orders(paths, script=ORDER):
    """Findings by path; one jq for all. Each file but the last must end in a line feed."""
    jq = subprocess.run(["jq", "-nRc", "-f", str(script), *map(str, paths)], capture_output=True, text=True, check=False)
    if jq.returncode not in (0, 7):
        raise RuntimeError(f"jq ended with {jq.returncode}: {jq.stderr.strip()}")
    found = {str(path): [] for path in paths}
    for line in jq.stdout.splitlines():
        one = json.loads(line)
        path = one.pop("file") or str(paths[0])  # none: there was not even a line
        found[path].append(dict(one, tool="order"))
    return found


# ---- all ---------------------------------------------------------------------------------------------------------------

def judge(path, schema, order=None):
    """What `castra events verify --json` would say of the file, in its shape; each finding names its tool. `order`: what
    check_orders found in it, if it was asked already."""
    data = pathlib.Path(path).read_bytes()
    found, events = check_bytes(data)
    found += check_schema(events, schema)
    found += check_order(path) if order is None else order
    found.sort(key=lambda one: one["line"])
    return {"ok": not found, "lines": data.count(b"\n") + (not data.endswith(b"\n") and data != b""), "findings": found}


def published_schema(file):
    if file:
        return json.loads(pathlib.Path(file).read_text(encoding="utf-8"))
    castra = os.environ.get("CASTRA", "castra")
    return json.loads(subprocess.run([castra, "contract", "schema", "--closed"], check=True, capture_output=True).stdout)


def main():
    parser = argparse.ArgumentParser(description="Judge the event stream of one castra run.")
    parser.add_argument("file", help="NDJSON; - is stdin")
    parser.add_argument("--json", action="store_true", help="one JSON object, as castra events verify --json")
    parser.add_argument("--schema", help="JSON Schema of an event; default: castra contract schema --closed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.file
        if path == "-":
            path = os.path.join(folder, "stdin.ndjson")
            pathlib.Path(path).write_bytes(sys.stdin.buffer.read())
        if not os.path.isfile(path):
            print(f"verify: no such file: {path}", file=sys.stderr)
            return 10
        try:
            verdict = judge(path, published_schema(options.schema))
        except ImportError:
            print("verify: jsonschema is missing: apt-get install python3-jsonschema", file=sys.stderr)
            return 2
        except (RuntimeError, subprocess.CalledProcessError) as error:
            print(f"verify: {error}", file=sys.stderr)
            return 2
        except FileNotFoundError as error:
            print(f"verify: not found: {error.filename} (needed: jq, and --schema FILE or castra in PATH)", file=sys.stderr)
            return 2
    if options.json:
        print(json.dumps(verdict, ensure_ascii=False))
    else:
        for one in verdict["findings"]:
            print(f"line {one['line']}: rule {one['rule']}: {one['text']} ({one['tool']})")
        print(f"{verdict['lines']} lines, {'valid' if verdict['ok'] else str(len(verdict['findings'])) + ' findings'}")
    return 0 if verdict["ok"] else 7


if __name__ == "__main__":
    sys.exit(main())
