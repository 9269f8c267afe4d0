"""A folder with a center's configuration, keys and a store whose log is signed and has leaves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from juki_center.areas.audit.events import AuditEvent, Event
from juki_center.areas.requests.answers import Request
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.storage.keys import KeyEncryptionKey, create_kek
from juki_center.storage.sqlite import SQLiteStore
from juki_pki.log_signer import FOLDER, VERIFIERS, LogKey, make_log_key

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from juki_center.areas.ports import Tx

NOW = datetime(2026, 4, 1, 3, tzinfo=UTC)
URI = "juki://municipality/131016/terminal/01"
CHIYODA = MunicipalityCode("131016")


def make_center(folder: Path) -> None:
    """Make keys and configuration; the trust folder has the log's verifier."""
    (folder / "pki" / "trust").mkdir(parents=True)
    signer = folder / "pki" / FOLDER
    make_log_key(signer)
    verifier = (signer / "verifier").read_bytes()
    (folder / "pki" / "trust" / VERIFIERS).write_bytes(verifier)
    create_kek(folder / "kek")
    (folder / "center.toml").write_text(
        'environment = "test"\n[pki]\ndir = "pki"\n'
        '[keys]\nkek = "kek"\n[store]\nurl = "sqlite:///center.db"\n',
        encoding="utf-8",
    )


def open_center_store(folder: Path) -> SQLiteStore:
    """Open the store with the log's key."""
    key = LogKey.load(folder / "pki" / FOLDER)
    kek = KeyEncryptionKey.load(folder / "kek")
    return SQLiteStore(folder / "center.db", kek, signer=key)


def add_leaves(folder: Path, count: int, first: int = 0) -> None:
    """Write so many leaves, five in an act."""
    asyncio.run(write_leaves(folder, count, first))


async def write_leaves(folder: Path, count: int, first: int = 0) -> None:
    """Write so many leaves, five in an act."""

    def five(tx: Tx, at: int) -> None:
        for number in range(at, min(at + 5, first + count)):
            when = NOW + timedelta(seconds=number)
            resource = f"number-{number}"
            tx.audit.append(
                AuditEvent(Event.COPY_ISSUED, when, URI, issuing=CHIYODA, resource=resource)
            )

    store = open_center_store(folder)
    for at in range(first, first + count, 5):
        await store.act(lambda tx, at=at: five(tx, at))  # type: ignore[misc]  # the loop's own
    store.close()


def add_answer(folder: Path, request_id: UUID) -> None:
    """Write an act of two leaves that answers a request."""

    def answer(tx: Tx) -> None:
        tx.answers.put(
            Request(URI, request_id, b"content"), b"a", resource="r", sealed_for=None, now=NOW
        )
        for event in (Event.COPY_ISSUED, Event.COPY_RECALLED):
            tx.audit.append(AuditEvent(event, NOW, URI))

    async def write() -> None:
        store = open_center_store(folder)
        await store.act(answer)
        store.close()

    asyncio.run(write())
