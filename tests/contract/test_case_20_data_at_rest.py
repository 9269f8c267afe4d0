"""Domain case 20: the database's files show no name, no address, no domicile and no code."""

from __future__ import annotations

import asyncio
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
from tests.support.byte_search import ByteSearch, Hit
from tests.support.center import CHIYODA, SAMPLES, Center, make_policy, make_signer, open_test_store
from tests.support.planting import PLANTED

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
    search = ByteSearch(searched())
    assert set[Hit]().union(*(search.hits(octets, name) for name, octets in files.items())) == set()
    for secret in (LICENCE_NUMBER_HASH, LICENCE_NUMBER_SALT):
        assert all(secret not in octets for octets in files.values())


CANARY = "所沢太郎"
# The forms without a zero octet, which ends a line of a log.
LOGGED = sorted(form for form in PLANTED if "utf-16" not in form)


@pytest.fixture(scope="module")
def search() -> ByteSearch:
    return ByteSearch([CANARY])


def plant(path: Path, octets: bytes) -> None:
    """Write octets into a store's file, as a program would that had forgotten to seal them."""
    with closing(sqlite3.connect(path)) as sql, sql:
        sql.execute("UPDATE audit_leaves SET salt = ? WHERE leaf_index = 0", (octets,))


@pytest.mark.parametrize("form", PLANTED)
async def test_case_20_a_planted_canary_is_found_in_every_file_of_the_store(
    folder: Path, tmp_path: Path, search: ByteSearch, form: str
) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()

    async with used(folder):
        plant(folder / "center.db", PLANTED[form](CANARY))
        # Not yet checkpointed: it lies in the write-ahead log.
        in_log = search.hits((folder / "center.db-wal").read_bytes())
        with (
            closing(sqlite3.connect(folder / "center.db")) as sql,
            closing(sqlite3.connect(copies / "backup.db")) as copy,
        ):
            sql.execute("PRAGMA wal_checkpoint(FULL)")
            sql.backup(copy)
        in_main = search.hits((folder / "center.db").read_bytes())
        in_backup, _ = search.hits_in([copies])

    assert Hit(CANARY, form) in in_log
    assert Hit(CANARY, form) in in_main
    assert Hit(CANARY, form, str(copies / "backup.db")) in in_backup


def test_case_20_a_canary_in_a_temporary_file_is_found(tmp_path: Path, search: ByteSearch) -> None:
    for number, lay_down in enumerate(PLANTED.values()):
        (tmp_path / f"etilqs_{number}").write_bytes(bytes(4096) + lay_down(CANARY))

    found, _ = search.hits_in([tmp_path])

    assert {hit.form for hit in found} >= set(PLANTED)


@pytest.mark.parametrize("form", LOGGED)
def test_case_20_a_canary_in_a_log_is_found(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, search: ByteSearch, form: str
) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(b'{"method":"GetRecord","text":"' + PLANTED[form](CANARY) + b'"}\n')
    logging.getLogger("juki_center").warning("refused %s", PLANTED["utf-8"](CANARY))

    assert Hit(CANARY, form) in search.hits(log.read_bytes())
    assert Hit(CANARY, "utf-8 in escapes") in search.hits(caplog.text.encode())


async def test_every_personal_entry_of_a_record_is_searched_for() -> None:
    texts = searched()

    assert "𠮷田\u3000太郎" in texts
    assert "埼玉県所沢市並木三丁目2番地1" in texts
    assert SAMPLES["yoshida-taro"].record.registered_domicile in texts
    assert len(texts) > 150
