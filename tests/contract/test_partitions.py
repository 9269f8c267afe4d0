"""Tables in partitions on a server: what is asked by a key looks into one of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import AttributeQuery
from juki_center.storage.dialect import translated
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.migrations.versions.r0007_partitions import PARTITIONS
from juki_center.storage.postgresql_connection import PostgreSQLConnection
from juki_center.storage.schema_of import revision_of, step_back
from juki_center.storage.sql import Rows, Value
from juki_center.storage.transaction import Transaction
from tests.support.center import SAMPLES, open_test_store
from tests.support.postgresql import URL_FILE

pytestmark = pytest.mark.on_server

TOKOROZAWA = MunicipalityCode("112089")
YOSHIDA = SAMPLES["yoshida-taro"].record
_PARTED = ("records", "code_index", "attribute_index")
_READ = re.compile(rf"on ((?:{'|'.join(_PARTED)})_\d+_of_{PARTITIONS})\b[^\n]*actual time")


@pytest.fixture
def url(folder: Path) -> str:
    """Return the URL of a database with everybody in it."""
    return (folder / URL_FILE).read_text()


class Explained:
    """A connection that notes which partitions each statement has really looked into."""

    def __init__(self, sql: PostgreSQLConnection, beside: psycopg.Connection) -> None:
        self._sql = sql
        self._beside = beside
        self.most: dict[str, int] = {}

    def execute(self, statement: str, parameters: Sequence[Value] = (), /) -> Rows:
        """Run a statement, and once more to see how, as it is run once it is prepared."""
        if statement.startswith("SELECT"):
            said, values = translated(statement, parameters)
            with psycopg.RawCursor(self._beside) as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE) {said}".encode(), values)
                self._note("\n".join(str(row[0]) for row in cursor.fetchall()))
        return self._sql.execute(statement, parameters)

    def executemany(self, statement: str, rows: Sequence[Sequence[Value]], /) -> Rows:
        """Run a statement for each row."""
        return self._sql.executemany(statement, rows)

    def _note(self, plan: str) -> None:
        partitions = set(_READ.findall(plan))
        for table in _PARTED:
            number = sum(one.startswith(table) for one in partitions)
            self.most[table] = max(self.most.get(table, 0), number)


@pytest.fixture(params=["force_generic_plan", "force_custom_plan"])
def explained(url: str, request: pytest.FixtureRequest) -> Iterator[Explained]:
    """Give a connection that looks at its plans, prepared for any parameters or for these."""
    with closing(PostgreSQLConnection(url)) as sql, psycopg.connect(url) as beside:
        # Of a few dozen rows any plan is good; those of a country are found by an index.
        beside.execute("SET enable_seqscan = off")
        beside.execute("SET enable_hashjoin = off")
        beside.execute("SET enable_mergejoin = off")
        beside.execute(f"SET plan_cache_mode = {request.param}".encode())
        beside.prepare_threshold = 0
        yield Explained(sql, beside)


BY_KEY: dict[str, Callable[[Transaction], object]] = {
    "a code": lambda tx: tx.residents.by_code(YOSHIDA.code),
    "a former code": lambda tx: tx.residents.by_any_code(YOSHIDA.code),
    "a code and its record": lambda tx: tx.residents.by_codes([YOSHIDA.code]),
    "a household": lambda tx: tx.residents.household(
        TOKOROZAWA, tx.residents.by_codes([YOSHIDA.code])[YOSHIDA.code].resident().household
    ),
}


@pytest.mark.parametrize("asked", BY_KEY)
def test_question_by_a_key_looks_into_one_partition(
    explained: Explained, folder: Path, asked: str
) -> None:
    tx = Transaction(explained, KeyEncryptionKey.load(folder / "kek"))

    assert BY_KEY[asked](tx)

    assert max(explained.most.values()) == 1


def test_search_looks_into_no_more_partitions_than_it_has_tokens(
    explained: Explained, folder: Path
) -> None:
    tx = Transaction(explained, KeyEncryptionKey.load(folder / "kek"))
    query = AttributeQuery(YOSHIDA.name, "", YOSHIDA.birth)

    assert tx.residents.candidates("11", query)

    assert 1 <= explained.most["attribute_index"] <= 6
    assert explained.most["records"] == 1


def rows_of(url: str, table: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as sql:
        columns = {
            "records": "person, municipality, household, version, key_version, sealed",
            "code_index": "token, key_version, person, is_former",
            "attribute_index": "token, person, key_version",
        }[table]
        return sql.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2".encode()).fetchall()


def test_step_to_partitions_and_back_keeps_every_row(url: str, folder: Path) -> None:
    before = {table: rows_of(url, table) for table in _PARTED}

    assert step_back(url) == "0006"
    back = {table: rows_of(url, table) for table in _PARTED}
    with closing(open_test_store(folder)):
        again = {table: rows_of(url, table) for table in _PARTED}

    assert revision_of(url) == "0007"
    assert all(before.values())
    assert before == back == again


def test_person_cannot_have_a_second_record_in_another_municipality(url: str) -> None:
    other = (
        "INSERT INTO records (person, municipality, household, version, key_version, sealed)"
        " SELECT r.person, m.code, r.household, r.version, r.key_version, r.sealed"
        " FROM records r JOIN municipalities m ON m.code <> r.municipality LIMIT 1"
    )
    with psycopg.connect(url) as sql:
        sql.execute(other)

        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            sql.commit()


def test_record_cannot_be_where_the_directory_does_not_say(url: str) -> None:
    moved = (
        "UPDATE records SET municipality = (SELECT min(code) FROM municipalities"
        " WHERE code <> records.municipality)"
    )
    with psycopg.connect(url) as sql:
        sql.execute(moved)

        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            sql.commit()
