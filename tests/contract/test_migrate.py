from __future__ import annotations

import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from typer.testing import CliRunner

from juki_audit.leaf import Leaf, commitment
from juki_audit.merkle import root
from juki_audit.tree import Frontier, Head
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.rules import last_valid_day
from juki_center.cli.commands import app
from juki_center.cli.schema import refuse_forgetting
from juki_center.errors import LogBroken, StoreUnusable
from juki_center.storage.migrate import HEAD, go_back, migrate
from juki_center.storage.undoing import undone
from tests.support.center import NOW

pytestmark = pytest.mark.embedded


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


def store_with_leaves_of_before(path: Path, leaves: list[bytes]) -> list[bytes]:
    """Make a file at the revision before the log had a tree; return the leaves' commitments."""
    config = Config()
    config.set_main_option("script_location", "juki_center.storage:migrations")
    with create_engine(f"sqlite:///{path}").begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
    rows = [(n, bytes(32), leaf, commitment(bytes(32), leaf)) for n, leaf in enumerate(leaves)]
    with closing(sqlite3.connect(path)) as sql, sql:
        sql.executemany(
            "INSERT INTO audit_leaves (leaf_index, at, salt, content, commitment)"
            " VALUES (?, 0, ?, ?, ?)",
            rows,
        )
    return [row[3] for row in rows]


def leaf_about(*subjects: bytes) -> bytes:
    """Return the content of a leaf."""
    return Leaf("COPY_ISSUED", NOW, "juki://center/1", "DONE", subjects=subjects).encode()


def test_the_tree_is_built_over_the_leaves_of_before(tmp_path: Path) -> None:
    path, one, two = tmp_path / "center.sqlite", b"1" * 32, b"2" * 32
    contents = [leaf_about(*who) for who in ((one,), (), (two, one), (one, one), (two,))]
    # More than the step reads at once.
    committed = store_with_leaves_of_before(path, contents * 2_001)

    migrate(path)

    with closing(sqlite3.connect(path)) as sql:
        frontier, *signed = sql.execute(
            "SELECT frontier, signed_size, checkpoint FROM audit_head"
        ).fetchone()
        nodes = sql.execute("SELECT count(*) FROM audit_nodes").fetchone()[0]
        subjects = sql.execute(
            "SELECT * FROM audit_subjects WHERE leaf_index >= 10000 ORDER BY 1, 2"
        ).fetchall()
    assert Frontier.decode(frontier).head() == Head(10_005, root(committed))
    assert (signed, nodes) == ([0, None], sum(10_005 >> level for level in range(14)))
    assert subjects == [
        (who, 10_000 + place) for who, place in ((one, 0), (one, 2), (one, 3), (two, 2), (two, 4))
    ]


def test_leaves_of_before_that_do_not_hold_are_named(tmp_path: Path) -> None:
    for name, statement, row in (
        (
            "gap",
            "DELETE FROM audit_leaves WHERE leaf_index = 1",
            "row 1 of audit_leaves is missing",
        ),
        ("none", "UPDATE audit_leaves SET content = X'00' WHERE leaf_index = 2", "row 2 of"),
    ):
        path = tmp_path / name
        store_with_leaves_of_before(path, [leaf_about() for _ in range(3)])
        with closing(sqlite3.connect(path)) as sql, sql:
            sql.execute(statement)

        with pytest.raises(LogBroken) as broken:
            migrate(path)

        assert row in broken.value.problem
        assert revision(path) == "0004"


def schema_of(path: Path) -> set[tuple[str, str, str]]:
    """Return the kind, name and text of everything in a schema, spaces aside."""
    with closing(sqlite3.connect(path)) as sql:
        rows = sql.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
        ).fetchall()
    return {(kind, name, "".join((text or "").split())) for kind, name, text in rows}


def at(path: Path, wanted: str) -> Path:
    """Make a file at a revision."""
    return moved(path, command.upgrade, wanted)


def moved(path: Path, way: Callable[[Config, str], None], wanted: str) -> Path:
    """Take a file to a revision."""
    config = Config()
    config.set_main_option("script_location", "juki_center.storage:migrations")
    with create_engine(f"sqlite:///{path}").begin() as connection:
        config.attributes["connection"] = connection
        way(config, wanted)
    return path


def test_the_newest_step_goes_back_to_the_schema_before_and_forward_again(tmp_path: Path) -> None:
    before, path = at(tmp_path / "before.db", "0006"), tmp_path / "center.db"
    migrate(path)
    whole = schema_of(path)

    assert go_back(path) == "0006"
    assert schema_of(path) == schema_of(before)
    moved(before, command.downgrade, "0005")
    moved(path, command.downgrade, "0005")
    assert schema_of(path) == schema_of(before)

    migrate(path)
    assert schema_of(path) == whole


def test_leaves_stay_on_the_way_back_and_the_tree_grows_again_from_them(tmp_path: Path) -> None:
    path = at(tmp_path / "center.db", "0005")
    with closing(sqlite3.connect(path)) as sql, sql:
        for index in range(5):
            sql.execute(
                "INSERT INTO audit_leaves (leaf_index, at, commitment) VALUES (?, 0, ?)",
                (index, bytes([index]) * 32),
            )

    moved(path, command.downgrade, "0004")
    migrate(path)

    with closing(sqlite3.connect(path)) as sql:
        (frontier,) = sql.execute("SELECT frontier FROM audit_head").fetchone()
    leaves = [bytes([index]) * 32 for index in range(5)]
    assert Frontier.decode(frontier).root() == root(leaves)


def test_a_file_that_is_not_at_the_head_has_no_way_back_here(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable):
        go_back(at(tmp_path / "center.db", "0003"))


@pytest.mark.parametrize("statement", ["UPDATE answers SET sealed = NULL", "VACUUM", ""])
def test_what_makes_nothing_has_no_way_back(statement: str) -> None:
    with pytest.raises(ValueError, match="no way back"):
        undone(statement)


def configured(folder: Path) -> list[str]:
    """Return how commands name the configuration of a center whose store is at the head."""
    migrate(folder / "center.db")
    (folder / "center.toml").write_text(
        'environment = "test"\n[listen]\nhttp = "127.0.0.1:1"\n[pki]\ndir = "pki"\n'
        '[keys]\nkek = "kek"\n[store]\nurl = "sqlite:///center.db"\n'
    )
    return ["--config", str(folder / "center.toml")]


def test_the_way_back_keeps_what_waits(tmp_path: Path) -> None:
    config = configured(tmp_path)
    with closing(sqlite3.connect(tmp_path / "center.db")) as sql, sql:
        sql.execute("INSERT INTO municipalities VALUES ('112089', 0, 2)")
        sql.execute("INSERT INTO notice_queues VALUES ('112089', 'CLOSED', 0, 1, x'00', 1, x'00')")
        sql.execute(
            "INSERT INTO queued_notices (municipality, id, kind, about, at)"
            " VALUES ('112089', x'01', 'EXPECTED', 'M000000000195', 0)"
        )

    done = CliRunner().invoke(app, ["schema", "back", *config])

    assert done.exit_code == 0, done.output
    with closing(sqlite3.connect(tmp_path / "center.db")) as sql:
        assert sql.execute("SELECT count(*) FROM queued_notices").fetchone() == (1,)


def test_a_step_back_that_would_forget_a_row_is_refused(tmp_path: Path) -> None:
    configured(tmp_path)
    url = f"sqlite:///{tmp_path / 'center.db'}"
    refuse_forgetting(url, ("queued_notices", "cosignatures"))
    with closing(sqlite3.connect(tmp_path / "center.db")) as sql, sql:
        sql.execute("INSERT INTO cosignatures VALUES ('witness.test', x'01', 1, 0, 0, x'00')")

    with pytest.raises(StoreUnusable) as refused:
        refuse_forgetting(url, ("queued_notices", "cosignatures"))
    assert "cosignatures would be forgotten" in refused.value.problem


def test_who_is_cut_off_is_still_cut_off_after_the_way_back(tmp_path: Path) -> None:
    config = configured(tmp_path)
    with closing(sqlite3.connect(tmp_path / "center.db")) as sql, sql:
        sql.execute(
            "INSERT INTO disconnections VALUES ('AGENCY', 'juki://agency/a', 2, 'virus', 0, 'o')"
        )

    done = CliRunner().invoke(app, ["schema", "back", *config])
    shown = CliRunner().invoke(app, ["schema", "show", *config])

    assert done.exit_code == 0, done.output
    assert "store 0006" in shown.output
    with closing(sqlite3.connect(tmp_path / "center.db")) as sql:
        assert sql.execute("SELECT count(*) FROM disconnections").fetchone() == (1,)
