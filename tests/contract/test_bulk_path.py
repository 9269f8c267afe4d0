"""The connection of an import writes what an act writes, and everybody finds it the same way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from juki_center.areas.residents.records import AttributeQuery, Resident, Residents
from juki_center.storage.bulk import BulkConnection
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.sqlite import SQLiteStore
from tests.contract.test_register_tables import codes
from tests.support.center import SAMPLES, open_test_store
from tests.support.rows import rows

pytestmark = pytest.mark.embedded

COUNTED = {
    table: f"SELECT key_version, count(*) FROM {table} GROUP BY 1"
    for table in ("records", "record_history", "code_index", "attribute_index")
}


@pytest.fixture(params=["act", "bulk"])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SQLiteStore]:
    """Give a store in which everybody was entered, and replaced once, in one way or the other."""
    store = open_test_store(tmp_path)
    if request.param == "act":
        asyncio.run(_in_an_act(store))
    else:
        bulk = BulkConnection(store.path, KeyEncryptionKey.load(tmp_path / "kek"))
        with bulk.committing() as tx:
            for sample in SAMPLES.values():
                tx.registers.host(sample.municipality)
            write(tx.residents)
        bulk.close()
    yield store
    store.close()


async def _in_an_act(store: SQLiteStore) -> None:
    def act(tx: object) -> None:
        for sample in SAMPLES.values():
            tx.registers.host(sample.municipality)  # type: ignore[attr-defined]  # a transaction
        write(tx.residents)  # type: ignore[attr-defined]

    await store.act(act)


def write(residents: Residents) -> None:
    """Enter everybody, then give each a new code."""
    for (_, sample), code in zip(sorted(SAMPLES.items()), codes(len(SAMPLES)), strict=True):
        household = residents.numbered_household(sample.municipality, str(sample.household))
        person = residents.enter(sample.municipality, household, sample.record, sample.state)
        resident = residents.resident(person)
        record = replace(sample.record, code=code, former_codes=(sample.record.code,))
        residents.replace(replace(resident, record=record))


def found(store: SQLiteStore, key: str) -> Resident:
    """Return a sample resident as found by the former code."""
    old = SAMPLES[key].record.code
    whereabouts = store.read(lambda tx: tx.residents.by_former_code(old))
    assert whereabouts is not None
    return store.read(lambda tx: tx.residents.resident(whereabouts.person))


def test_everybody_is_found_by_each_way_and_nobody_twice(written: SQLiteStore) -> None:
    for key, sample in SAMPLES.items():
        resident = found(written, key)
        code, record = resident.record.code, sample.record
        query = AttributeQuery(record.name, record.kana, record.birth)
        prefecture = sample.municipality.prefecture
        by_code = written.read(lambda tx, one=code: tx.residents.by_code(one))
        named = written.read(lambda tx, p=prefecture, q=query: tx.residents.candidates(p, q))
        earlier = written.read(lambda tx, one=resident: tx.residents.earlier(one, 5))

        assert by_code is not None
        assert by_code.person == resident.person
        assert [one.person for one in named].count(resident.person) == 1
        assert [one.record for one in earlier] == [record]
        assert (resident.version, resident.state) == (2, sample.state)


def test_both_ways_leave_the_same_rows(written: SQLiteStore) -> None:
    counts = {table: rows(written.path, question) for table, question in COUNTED.items()}
    names = {
        key: sum(bool(text) for text in (one.record.name, one.record.kana, one.record.alias))
        + bool(one.record.kanji_name)
        for key, one in SAMPLES.items()
    }

    everybody = len(SAMPLES)
    assert counts["records"] == counts["record_history"] == [(1, everybody)]
    assert counts["code_index"] == [(1, 2 * everybody)]
    assert counts["attribute_index"] == [(1, sum(names.values()))]


def test_households_of_the_same_number_are_one(written: SQLiteStore) -> None:
    resident = found(written, "yoshida-taro")
    members = written.read(
        lambda tx: tx.residents.household(resident.municipality, resident.household)
    )

    names = {one.record.name for one in members}
    assert {SAMPLES[key].record.name for key in ("yoshida-taro", "yoshida-hanako")} <= names
