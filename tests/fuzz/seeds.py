# SPDX-License-Identifier: Apache-2.0
"""usage: seeds.py FOLDER   writes the streams of tests/contract/damage, and their lines, as seeds for the fuzz targets."""
import hashlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "contract"))
from damage import cases, streams  # noqa: E402


def keep(folder, data):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def framed(body):
    return len(body).to_bytes(4, "big") + body


def said(who, data):
    """For fuzz_broker: in pieces of who, how many, the bytes."""
    return b"".join(bytes([who, len(data[at:at + 256]) - 1]) + data[at:at + 256] for at in range(0, len(data), 256))


def keep_broker(folder):
    hello = {0: b'{"type":"hello","version":1,"role":"host"}',
             1: b'{"type":"hello","version":1,"role":"guest","capabilities":["shutdown"]}',
             2: b'{"type":"hello","version":1,"role":"guest","secret":"secret"}'}
    opened = said(0, framed(hello[0])) + said(1, b"castra-sync X\n" + framed(hello[1])) + said(2, framed(hello[2]))
    keep(folder, opened)
    for body in (b'{"type":"publish","id":1,"topic":"durable/vm/web-0/a","payload":[1]}', b'{"type":"heartbeat"}',
                 b'{"type":"subscribe","id":1,"topic":"durable/a","after":0}', b'{"type":"subscribe","topic":"*"}',
                 b'{"type":"unsubscribe","topic":"*"}', b'{"type":"ack","topic":"durable/a","seq":1}',
                 b'{"type":"publish","topic":"durable/a","to":"vm:web-0","payload":{}}', b'{"type":"ready","id":2}',
                 b'{"type":"status"}', b'{"type":"topics"}'):
        for who in (0, 1):
            keep(folder, opened + said(0, framed(b'{"type":"subscribe","topic":"durable/a","cursor":"me"}')) +
                 said(who, framed(body)) + said(who + 201, framed(body)))


target = pathlib.Path(sys.argv[1])
keep_broker(target / "broker")
good = [streams.wire(streams.sealed(make())) for make in streams.STREAMS.values()]
for data in good + [cases.data_of(case) for case in cases.CASES]:
    if len(data) > 16384:
        continue
    keep(target / "verify", b"\x40" + data)
    for line in data.split(b"\n"):
        if line:
            keep(target / "decode", line)
