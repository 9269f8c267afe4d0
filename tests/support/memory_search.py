"""What lies in the memory of a process, byte for byte: the search of somebody who has stolen it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from juki_center.storage.connection import connect
from juki_center.storage.keys import KeyEncryptionKey

_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \S+ *(.*)")
_BLOCK = 1 << 20
# What the kernel maps for its own calls cannot be read and holds nothing of ours.
_KERNELS = frozenset({"[vvar]", "[vsyscall]", "[vvar_vclock]"})


def copies(pid: int, wanted: bytes) -> int:
    """Return how often a byte string lies in the readable memory of a process."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        return sum(
            _in_mapping(memory.fileno(), start, end, wanted) for start, end in _mappings(pid)
        )


def _mappings(pid: int) -> Iterator[tuple[int, int]]:
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        found = _MAPPING.match(line)
        if found and found[3] not in _KERNELS:
            yield int(found[1], 16), int(found[2], 16)


def _in_mapping(memory: int, start: int, end: int, wanted: bytes) -> int:
    count, tail, position = 0, b"", start
    while position < end:
        try:
            block = os.pread(memory, min(_BLOCK, end - position), position)
        except OSError:
            break
        if not block:
            break
        count += (tail + block).count(wanted)
        tail = block[-(len(wanted) - 1) :]
        position += len(block)
    return count


def family(pid: int) -> list[int]:
    """Return a process and all of its descendants."""
    children = [
        int(one)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for one in (task / "children").read_text().split()
    ]
    return [pid, *(one for child in children for one in family(child))]


def data_key(database: Path, kek: Path, municipality: str) -> bytes:
    """Unwrap a municipality's newest data key, as whoever has both files can."""
    with closing(connect(database)) as sql:
        version, wrapped = sql.execute(
            "SELECT version, wrapped FROM municipality_keys WHERE municipality = ?"
            " ORDER BY version DESC LIMIT 1",
            (municipality,),
        ).fetchone()
    return KeyEncryptionKey.load(kek).unwrap(wrapped, f"data-key:{municipality}:{version}")
