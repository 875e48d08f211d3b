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


target = pathlib.Path(sys.argv[1])
good = [streams.wire(streams.sealed(make())) for make in streams.STREAMS.values()]
for data in good + [cases.data_of(case) for case in cases.CASES]:
    if len(data) > 16384:
        continue
    keep(target / "verify", b"\x40" + data)
    for line in data.split(b"\n"):
        if line:
            keep(target / "decode", line)
