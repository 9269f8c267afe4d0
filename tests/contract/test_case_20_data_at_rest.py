"""Domain case 20: the database's files show no name, no address, no domicile and no code."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
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
from juki_center.areas.residents.changes import notice_of
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.locks import LOCKED_FOR, EditLock
from juki_center.areas.residents.records import ChangeInformation, ChangeReason, ResidenceState
from juki_center.areas.residents.rules import checked
from juki_center.areas.residents.updates import Update
from juki_center.storage.backup import back_up
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.rotation import CENTER_KEY, LOOK_UP, Target
from juki_center.storage.sqlite import SQLiteStore
from juki_center.storage.transaction import Transaction
from tests.contract.test_register_tables import codes
from tests.support import sample_texts
from tests.support.byte_search import ByteSearch, Hit
from tests.support.center import (
    CHIYODA,
    NOW,
    SAMPLES,
    Center,
    make_policy,
    make_signer,
    open_test_store,
)
from tests.support.planting import PLANTED
from tests.support.rows import number

pytestmark = pytest.mark.embedded

CLERK = "窓口\u3000案内子"
HOUSEHOLD_NUMBER = "世帯第二十七号"
NEW_CODE, *STOCK = codes(12)
TOKOROZAWA = MunicipalityCode("112089")
LICENCE_NUMBER_HASH = bytes(range(32))
LICENCE_NUMBER_SALT = bytes(range(64, 80))
COUNT = "SELECT count(*) FROM "
SEALED = (
    "records",
    "record_history",
    "code_stock",
    "edit_locks",
    "changes",
    "pending_updates",
    "answers",
    "issues",
)


def searched() -> set[str]:
    """Return every text that the files must not hold."""
    stocked = (code.digits for code in (NEW_CODE, *STOCK))
    return sample_texts.searched(CLERK, HOUSEHOLD_NUMBER, *stocked)


@asynccontextmanager
async def used(folder: Path) -> AsyncIterator[SQLiteStore]:
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
    await center.store.act(write_into_every_sealed_table)
    yield center.store
    center.store.close()


def write_into_every_sealed_table(tx: Transaction) -> None:
    """Act: change a record, hold a lock, tell of it, hold an update, fill and draw a stock."""
    found = tx.residents.by_code(SAMPLES["yoshida-taro"].record.code)
    assert found is not None
    resident, day = tx.residents.resident(found.person), parse_date("令和8年11月20日")
    record = replace(resident.record, code=NEW_CODE, former_codes=(resident.record.code,))
    change = ChangeInformation(ChangeReason.CODE_CHANGED, day, NOW, clerk_name=CLERK)
    changed = replace(resident, record=record, change=change)
    tx.residents.replace(changed)
    notice = notice_of(resident, replace(changed, version=resident.version + 1))
    assert notice is not None
    tx.changes.append(notice)
    tx.codes.add(TOKOROZAWA, STOCK)
    tx.codes.draw(TOKOROZAWA)
    until = NOW + LOCKED_FOR
    tx.locks.put(EditLock(found.person, bytes(16), "juki://municipality/112089", CLERK, until))
    update = Update(TOKOROZAWA, HOUSEHOLD_NUMBER, 9, ResidenceState.ACTIVE, checked(record))
    tx.pending.hold(update, missing=2, now=NOW)


async def rotate(store: SQLiteStore, target: Target) -> None:
    """Replace a key, whole."""
    await store.act(lambda tx: tx.rotations.begin(target, NOW))
    while not (await store.act(lambda tx: tx.rotations.step(target, 50))).is_last:
        pass


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

    copies = tmp_path / "copies"
    copies.mkdir()

    async with used(folder) as store:
        for target in (Target("municipality", TOKOROZAWA), LOOK_UP, CENTER_KEY):
            await rotate(store, target)
        kek = KeyEncryptionKey.load(folder / "kek")
        back_up(folder / "center.db", copies / "copy.db", kek, lambda *_: None)
        files = octets_of(folder) | octets_of(temporary) | octets_of(copies)
        empty = [table for table in SEALED if not number(folder / "center.db", COUNT + table)]

    assert {"center.db", "center.db-wal", "copy.db"} <= set(files)
    assert empty == []
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
    for place, lay_down in enumerate(PLANTED.values()):
        (tmp_path / f"etilqs_{place}").write_bytes(bytes(4096) + lay_down(CANARY))

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
