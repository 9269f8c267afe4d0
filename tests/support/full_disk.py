"""A store on a disk of its own that runs full: `python -m tests.support.full_disk FOLDER`.

Run where FOLDER is a small file system that nothing else uses; prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from collections.abc import Awaitable
from pathlib import Path

from juki_center.areas.requests.answers import Request
from juki_center.errors import Refusal
from juki_center.storage import log_care
from juki_center.storage.keys import KeyEncryptionKey, create_kek
from juki_center.storage.sqlite import SQLiteStore
from tests.support.log_acts import URI, answering
from tests.support.log_keys import log_key

RESERVE_OCTETS = 1 << 20
_MOST = 4_000


def fill(folder: Path) -> Path:
    """Take all the room that is left."""
    path = folder / "filling"
    with path.open("wb", buffering=0) as file:
        for piece in (1 << 16, 1 << 12):
            try:
                while True:
                    file.write(bytes(piece))
            except OSError:
                continue
    return path


async def outcome(act: Awaitable[object]) -> str:
    """Return DONE, or the reason of the refusal."""
    try:
        await act
    except Refusal as refusal:
        return str(refusal.reason)
    return "DONE"


async def run(folder: Path) -> dict[str, object]:
    """Use the store before, while and after its disk is full."""
    log_care.PAUSE_SECONDS = 0.05
    create_kek(folder / "kek")
    kek = KeyEncryptionKey.load(folder / "kek")
    path = folder / "center.db"
    store = SQLiteStore(path, kek, signer=log_key(), reserve_octets=RESERVE_OCTETS)
    reserve = path.with_name("center.db-reserve")
    seen: dict[str, object] = {
        "reserve": reserve.stat().st_size,
        "allocated": reserve.stat().st_blocks * 512 >= RESERVE_OCTETS,
    }
    filling = fill(folder)
    done = []
    for number in range(_MOST):
        request = Request(URI, uuid.UUID(int=number), b"")
        ended = await outcome(store.act(answering(request)))
        if ended != "DONE":
            break
        done.append(request)
    seen["refused"] = ended
    seen["writable_when_full"] = store.is_log_writable
    seen["reserve_kept_for_urgent_acts"] = reserve.exists()
    urgent = [Request(URI, uuid.UUID(int=_MOST + number), b"") for number in range(20)]
    seen["urgent"] = [await outcome(store.act(answering(one), urgent=True)) for one in urgent]
    seen["reserve_given_up"] = not reserve.exists()
    seen["others"] = await outcome(store.act(answering(Request(URI, uuid.UUID(int=1 << 20), b""))))
    seen["read"] = store.read(lambda tx: tx.audit.size()) >= len(done) + len(urgent)
    filling.unlink()
    while not store.is_log_writable:  # noqa: ASYNC110  # the store has no event for it
        await asyncio.sleep(0.01)
    seen["reserve_again"] = reserve.exists() and reserve.stat().st_size
    after = Request(URI, uuid.UUID(int=1 << 21), b"")
    seen["after"] = await outcome(store.act(answering(after)))
    store.close()
    again = SQLiteStore(path, kek, signer=log_key(), reserve_octets=RESERVE_OCTETS)
    wanted = [*done, *urgent, after]
    seen["present"] = all(
        again.read(lambda tx, one=one: tx.audit.receipt_of(URI, one.request_id))  # type: ignore[misc]
        for one in wanted
    )
    seen["leaves"] = again.read(lambda tx: tx.audit.size()) - len(wanted)
    again.close()
    return seen


if __name__ == "__main__":
    os.umask(0o077)
    sys.stdout.write(json.dumps(asyncio.run(run(Path(sys.argv[1])))))
