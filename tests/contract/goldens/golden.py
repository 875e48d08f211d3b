# SPDX-License-Identifier: Apache-2.0
"""What is frozen of a stream: everything but what differs from run to run, which becomes a typed placeholder.

A value becomes its placeholder only if it has the type and form it should have; otherwise it stays and the comparison shows it.
Texts for people are placeholders too: wording is not part of the contract.
"""
import re

ULID, TIME = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}"), re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def _text(value):
    return isinstance(value, str)


def _count(value):
    return type(value) is int and value >= 0


def _matches(pattern):
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


_path = _matches(r"/.+")

# Field, wherever it stands: placeholder, the form it must have, and a value that stands in for it when the golden is judged.
PLACEHOLDERS = {
    "run_id": ("<ulid>", _matches(ULID), "01ARYZ6S410000000000000000"),
    "session": ("<ulid>", _matches(ULID), "01ARYZ6S410000000000000002"),
    "incarnation": ("<ulid>", _matches(ULID), "01ARYZ6S410000000000000001"),
    "time": ("<time>", _matches(TIME), "2026-11-23T13:06:02.000001Z"),
    "elapsed_us": ("<int:microseconds>", _count, 1),
    "tool_version": ("<version>", _matches(r"\d+\.\d+\.\d+.*"), "0.1.0"),
    **{name: ("<sha256>", _matches(r"sha256:[0-9a-f]{64}"), "sha256:" + 64 * "0") for name in ("artifact_hash", "base_hash", "stamp")},
    "port": ("<int:port>", lambda value: _count(value) and value > 0, 2222),  # 0 is a fact: not decided yet
    "user": ("<user>", _text, "root"),
    "config_digest": ("<sha256>", _matches(r"sha256:[0-9a-f]{64}"), "sha256:" + 64 * "0"),
    "pid": ("<int:pid>", _count, 4711),
    "boot_window": ("<int:count>", _count, 2),
    "queue_events_max": ("<int:count>", _count, 1024),
    "delivered": ("<int:count>", _count, 1),
    "bytes": ("<int:bytes>", _count, 4096),
    "reclaimed_bytes": ("<int:bytes>", lambda value: _count(value) and value > 0, 4096),  # none is a fact
    **{name: ("<int:milliseconds>", _count, 1) for name in ("duration_ms", "boot_ms", "elapsed_ms", "waited_ms", "total_ms")},
    **{name: ("<path>", _path, "/p") for name in ("config_path", "path", "overlay_path", "base_image", "script_path", "payload_path",
                                                       "metadata_path", "remote_dir", "identity", "log_path", "endpoint")},
    # Of a VM in summary it is a text; elsewhere a word of an enum, which stays.
    "reason": ("<text>", _matches(r".* .*"), "text"),
    **{name: ("<text>", _text, "text") for name in ("message", "text", "title", "detail", "hint", "remediation", "serial_tail")},
}


def normalised(value, name=""):
    """The frozen form of an event or of a part of it."""
    if isinstance(value, dict):
        return {key: normalised(member, key) for key, member in value.items()}
    if isinstance(value, list):
        return [normalised(member, "path" if _path(member) else "") for member in value]
    if name in PLACEHOLDERS:
        placeholder, fits, _ = PLACEHOLDERS[name]
        return placeholder if fits(value) else value
    return value


def filled(value, name="", seq=1):
    """A frozen event as a stream that can be judged again."""
    if isinstance(value, dict):
        return {key: filled(member, key, value.get("seq", seq)) for key, member in value.items()}
    if isinstance(value, list):
        return [filled(member, "path" if member == "<path>" else "", seq) for member in value]
    if name in PLACEHOLDERS and value == PLACEHOLDERS[name][0]:
        return seq if name == "elapsed_us" else PLACEHOLDERS[name][2]
    return value
