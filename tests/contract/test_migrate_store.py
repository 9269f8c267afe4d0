"""A file's content goes into a database whole, row by row compared, or not at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.cli.commands import app
from juki_center.errors import StoreUnusable
from juki_center.storage import moving_store
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.moving_store import move_store
from juki_center.storage.postgresql import PostgreSQLStore
from juki_center.storage.postgresql_connection import PostgreSQLConnection
from tests.support.center import enter_everybody, open_test_store
from tests.support.log_keys import log_key
from tests.support.postgresql import Databases
from tests.support.rows import change, number, peeking, rows, tables
from tests.support.whole_log import check_whole

pytestmark = pytest.mark.embedded
NOW = datetime(2026, 11, 24, tzinfo=UTC)
_CONFIG = """\
environment = "dev"
[listen]
http = "127.0.0.1:1"
[pki]
dir = "pki"
[keys]
kek = "kek"
[store]
url = "{url}"
"""


@pytest.fixture
def target(server: Databases) -> Iterator[str]:
    """Give the URL of a database with nothing in it."""
    name = server.copy("template0")
    yield server.server.url(name)
    server.drop(name)


@pytest.fixture
def file(folder: Path) -> Path:
    """Return the file of a closed store with everybody in it, whose head is signed."""
    open_test_store(folder, signer=log_key()).close()
    return folder / "center.db"


def move(file: Path, target: str) -> moving_store.Moved:
    return move_store(file, target, NOW, lambda _rows: None)


def content(place: object) -> dict[str, list[tuple[object, ...]]]:
    with peeking(place) as sql:
        names = [name for name in tables(sql) if name != "alembic_version"]
    return {name: sorted(rows(place, _question(name)), key=repr) for name in names}


def _question(name: str) -> str:
    order = "rowid, " if name == "cards" else ""
    columns = {"cards": "serial, person, number", "sign_in_failures": "subject, at"}
    return f'SELECT {order}{columns.get(name, "*")} FROM "{name}"'


def opened(target: str, folder: Path) -> PostgreSQLStore:
    key = KeyEncryptionKey.load(folder / "kek")
    return PostgreSQLStore(target, key, signer=log_key())


def without_order(found: dict[str, list[tuple[object, ...]]]) -> dict[str, int]:
    return {name: len(found[name]) for name in found}


def test_everything_is_there_and_the_center_goes_on(file: Path, target: str) -> None:
    before = content(file)

    moved = move(file, target)

    assert not file.exists()
    assert content(moved.aside) == before
    assert moved.rows == without_order(before)
    with closing(opened(target, file.parent)) as store:
        assert check_whole(store) == moved.leaves
        for name in ("cards", "directory", "code_index", "audit_leaves"):
            assert content(store)[name] == before[name]
        asyncio.run(store.act(lambda tx: tx.registers.host(MunicipalityCode("131024"))))
        (person,) = rows(store, "SELECT person FROM directory ORDER BY person LIMIT 1")[0]
        assert store.read(lambda tx: tx.residents.resident(PersonID(bytes(person)))) is not None


def test_numbers_go_on_behind_those_that_were_given(file: Path, target: str) -> None:
    given = number(file, "SELECT max(rowid) FROM cards")
    move(file, target)

    with closing(opened(target, file.parent)) as store:
        sequence = "SELECT nextval(pg_get_serial_sequence('cards', 'rowid'))"
        assert number(store, sequence) == given + 1


def test_a_database_with_rows_is_refused_and_the_file_stays(file: Path, target: str) -> None:
    with closing(opened(target, file.parent)) as store:
        asyncio.run(store.act(enter_everybody))
    before = content(file)

    with pytest.raises(StoreUnusable) as refused:
        move(file, target)

    assert "has rows" in refused.value.problem
    assert content(file) == before


def test_a_row_that_comes_out_otherwise_undoes_everything(file: Path, target: str) -> None:
    # The database trims what it is given: as a fault of the disk, or of a driver, would.
    with closing(opened(target, file.parent)) as store:
        change(store, "TRUNCATE municipalities, center_keys, audit_head, store_facts CASCADE")
        change(
            store,
            "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN NEW.sealed = substr(NEW.sealed, 2); RETURN NEW; END$$",
        )
        change(
            store,
            "CREATE TRIGGER spoil BEFORE INSERT ON records FOR EACH ROW EXECUTE FUNCTION spoil()",
        )

    with pytest.raises(StoreUnusable) as refused:
        move(file, target)

    assert "row 0 of records came out otherwise" in refused.value.problem
    assert file.exists()
    with closing(PostgreSQLConnection(target)) as sql:
        assert sql.execute("SELECT count(*) FROM center_keys").fetchone() == (0,)


def test_a_file_that_somebody_writes_to_is_refused(file: Path, target: str) -> None:
    with peeking(file) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnusable):
            move(file, target)

    assert file.exists()


def run(folder: Path, *arguments: str) -> Result:
    (folder / "center.toml").write_text(_CONFIG.format(url="sqlite:///center.db"))
    config = ["--config", str(folder / "center.toml"), "--json"]
    return CliRunner().invoke(app, ["migrate-store", *arguments, *config])


def test_the_command_says_what_was_moved(file: Path, target: str) -> None:
    done = run(file.parent, f"sqlite:///{file}", target)

    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["result"]
    assert found["rows"] == sum(found["tables"].values()) > 100
    assert Path(found["aside"]).exists()


@pytest.mark.parametrize(
    ("origin", "target"),
    [
        ("center.db", "postgresql:///center"),
        ("sqlite:///center.db", "sqlite:///other.db"),
        ("sqlite:///center.db", "postgresql://juki:geheim@db.example/center"),
    ],
)
def test_the_command_refuses_what_it_cannot_move(file: Path, origin: str, target: str) -> None:
    refused = run(file.parent, origin, target)

    assert refused.exit_code != 0
    assert "geheim" not in refused.output
    assert file.exists()
