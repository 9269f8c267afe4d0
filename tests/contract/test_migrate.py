from __future__ import annotations

import secrets
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.rules import last_valid_day
from juki_center.storage.migrate import HEAD, migrate


def revision(path: Path) -> str:
    with closing(sqlite3.connect(path)) as sql:
        (found,) = sql.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(found)


def test_the_head_that_a_start_looks_for_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", "juki_center.storage:migrations")

    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_an_empty_file_is_brought_to_the_head(tmp_path: Path) -> None:
    migrate(tmp_path / "center.sqlite")

    assert revision(tmp_path / "center.sqlite") == HEAD


def test_a_file_at_the_head_is_left_alone_without_alembic(tmp_path: Path) -> None:
    path = tmp_path / "center.sqlite"
    migrate(path)
    before = path.read_bytes()
    program = (
        "import sys; from pathlib import Path; from juki_center.storage.migrate import migrate;"
        "migrate(Path(sys.argv[1])); sys.exit('alembic' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False)

    assert done.returncode == 0
    assert path.read_bytes() == before


def store_of_before_applications(path: Path, cards: int) -> None:
    """Make a file at the revision before, with active cards in it."""
    config = Config()
    config.set_main_option("script_location", "juki_center.storage:migrations")
    with create_engine(f"sqlite:///{path}").begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
    rows = [(bytes([n]) * 32, bytes([n]) * 16) for n in range(cards)]
    with closing(sqlite3.connect(path)) as sql, sql:
        sql.executemany(
            "INSERT INTO cards (serial, person, kind, status, municipality, valid_until)"
            " VALUES (?, ?, 'RESIDENT', 'ACTIVE', '112089', '2013-08-24')",
            rows,
        )


def test_cards_of_before_get_a_number_and_the_day_they_were_made(tmp_path: Path) -> None:
    path = tmp_path / "center.sqlite"
    store_of_before_applications(path, cards=3)

    migrate(path)

    with closing(sqlite3.connect(path)) as sql:
        rows = sql.execute(
            "SELECT number, made_on, valid_until, status, style, pin_pending, returned_at"
            " FROM cards"
        ).fetchall()
    assert len({CardNumber(row[0]) for row in rows}) == 3
    assert {row[1:] for row in rows} == {("2003-08-25", "2013-08-24", "ACTIVE", "STYLE_1", 0, None)}
    assert last_valid_day(date(2003, 8, 25)) == date(2013, 8, 24)


def test_a_number_that_is_drawn_twice_is_drawn_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "center.sqlite"
    store_of_before_applications(path, cards=2)
    drawn = iter([5, 5, 6])
    monkeypatch.setattr(secrets, "randbelow", lambda _below: next(drawn))

    migrate(path)

    with closing(sqlite3.connect(path)) as sql:
        rows = sql.execute("SELECT number FROM cards ORDER BY number").fetchall()
    assert [row[0][:10] for row in rows] == ["0000000005", "0000000006"]
