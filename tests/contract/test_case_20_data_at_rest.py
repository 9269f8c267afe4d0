"""Domain case 20: the database's files show no name, no address, no domicile and no code."""

from __future__ import annotations

import asyncio
import base64
import logging
import sqlite3
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.copies.commands import (
    DocumentKind,
    IssueCopy,
    IssuedCopy,
    Item,
    PhotoProof,
    Scope,
)
from tests.support import sample_texts
from tests.support.center import CHIYODA, SAMPLES, Center, make_policy, make_signer, open_test_store
from tests.support.renderings import found_in

CLERK = "窓口\u3000案内子"
LICENCE_NUMBER_HASH = bytes(range(32))
LICENCE_NUMBER_SALT = bytes(range(64, 80))


def searched() -> set[str]:
    """Return every text that the files must not hold."""
    return sample_texts.searched(CLERK)


@asynccontextmanager
async def used(folder: Path) -> AsyncIterator[None]:
    """Issue by card and by photo, be refused, and leave the files as a running center has them.

    A closed store has no write-ahead log any more, so the store stays open in the meantime.
    """
    signer, trust = make_signer()
    center = Center(open_test_store(folder), make_policy(signer), trust)
    everything = (Item.RELATIONSHIP, Item.RESIDENT_CODE)
    by_card = await asyncio.gather(
        *(center.command(key, scope=Scope.HOUSEHOLD, items=everything) for key in SAMPLES)
    )
    commands = [*by_card, *map(by_photo, SAMPLES)]
    outcomes = await asyncio.gather(*map(center.issue, commands), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {IssuedCopy, DeniedAttempt}
    yield
    center.store.close()


def by_photo(key: str) -> IssueCopy:
    """Return a request by photo identification."""
    record = SAMPLES[key].record
    proof = PhotoProof(
        kind=DocumentKind.DRIVING_LICENCE,
        number_hash=LICENCE_NUMBER_HASH,
        name=record.name,
        birth_date=record.birth,
        address=record.address,
        municipality=SAMPLES[key].municipality,
        clerk_name=CLERK,
        number_salt=LICENCE_NUMBER_SALT,
    )
    return IssueCopy(CHIYODA, uuid.uuid4(), proof, Scope.HOUSEHOLD, 300)


def octets_of(folder: Path) -> dict[str, bytes]:
    """Return every file of a store by name, the write-ahead log and the temporary ones too."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


async def test_case_20_no_personal_text_lies_in_any_file_or_log(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("SQLITE_TMPDIR", str(temporary))
    caplog.set_level(logging.DEBUG)

    async with used(folder):
        files = octets_of(folder) | octets_of(temporary)

    assert {"center.db", "center.db-wal"} <= set(files)
    assert len(files["center.db-wal"]) > 0
    files["logs"] = caplog.text.encode()
    hits = [
        (name, text, form)
        for name, octets in files.items()
        for text in searched()
        for form in found_in(octets, text)
    ]
    assert hits == []
    for secret in (LICENCE_NUMBER_HASH, LICENCE_NUMBER_SALT):
        assert all(secret not in octets for octets in files.values())


# Each lays the canary down as a program would that had forgotten to seal it; text stands around it,
# so that base64 begins it at each of its three alignments.
PLANTED = {
    "utf-8": lambda text: text.encode("utf-8"),
    "utf-16-le": lambda text: text.encode("utf-16-le"),
    "utf-16-be": lambda text: text.encode("utf-16-be"),
    "shift_jis": lambda text: text.encode("shift_jis"),
    "euc_jp": lambda text: text.encode("euc_jp"),
    "utf-8 hex": lambda text: text.encode("utf-8").hex().encode(),
    "utf-8 base64+0": lambda text: base64.b64encode(f"{text}。".encode()),
    "utf-8 base64+1": lambda text: base64.b64encode(f"n{text}。".encode()),
    "utf-8 base64+2": lambda text: base64.b64encode(f"no{text}。".encode()),
}


@pytest.mark.parametrize("form", PLANTED)
async def test_case_20_a_planted_canary_is_found(folder: Path, form: str) -> None:
    canary = "所沢太郎"

    async with used(folder):
        with closing(sqlite3.connect(folder / "center.db")) as sql, sql:
            sql.execute(
                "UPDATE audit_leaves SET salt = ? WHERE leaf_index = 0", (PLANTED[form](canary),)
            )
        # Not yet checkpointed: it lies in the write-ahead log.
        found = found_in(octets_of(folder)["center.db-wal"], canary)

    assert form in found


async def test_every_personal_entry_of_a_record_is_searched_for() -> None:
    texts = searched()

    assert "𠮷田\u3000太郎" in texts
    assert "埼玉県所沢市並木三丁目2番地1" in texts
    assert SAMPLES["yoshida-taro"].record.registered_domicile in texts
    assert len(texts) > 150
