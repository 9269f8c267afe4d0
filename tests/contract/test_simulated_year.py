"""A small simulated year ends clean, and its audit names what is corrupted afterwards."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from juki_center.simulation.audit import audit
from juki_center.simulation.errands import Column
from juki_center.simulation.findings import Rule
from juki_center.simulation.ledger import read_ledger
from juki_center.simulation.run import STORE, Outcome
from juki_center.storage.keys import KeyEncryptionKey
from tests.support.planned_year import YEAR, rates
from tests.support.simulated_year import live

OFTEN = 8
"""How much more happens to these few than to a real town."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("year")


@pytest.fixture(scope="module")
def outcome(folder: Path) -> Outcome:
    return live(folder, rates(OFTEN))


@pytest.fixture
def copied(folder: Path, outcome: Outcome, tmp_path: Path) -> Path:
    """A copy of the year's store, to be corrupted."""
    assert outcome.residents
    for name in (STORE, "kek"):
        shutil.copy(folder / name, tmp_path / name)
    return tmp_path


def corrupt(folder: Path, *statements: str) -> int:
    """Run statements behind the center's back; return how many rows the last one changed."""
    with closing(sqlite3.connect(folder / STORE)) as sql, sql:
        changed = [sql.execute(statement).rowcount for statement in statements]
    return changed[-1]


def found(folder: Path) -> set[Rule]:
    """Return the rules that the audit finds broken."""
    kek = KeyEncryptionKey.load(folder / "kek")
    return {one.rule for one in audit(read_ledger(folder / STORE, kek, YEAR.last))}


def test_small_year_ends_clean(outcome: Outcome) -> None:
    assert [str(finding) for finding in outcome.findings] == []


def test_small_year_has_something_of_everything(outcome: Outcome) -> None:
    lived = {Column.BIRTHS, Column.DEATHS, Column.CARDS, Column.COPIES}

    assert all(outcome.weeks.of_year(column) > 0 for column in lived)
    assert {"resume_card", "reissue_card", "record_reply", "hand_over"} <= outcome.acts.keys()


_ANYBODY = "(SELECT person FROM records ORDER BY person LIMIT 1)"
_HOLDER = "(SELECT person FROM cards WHERE status = 'ACTIVE' ORDER BY person LIMIT 1)"
_DEAD = "(SELECT person FROM directory WHERE state = 'DECEASED' ORDER BY person LIMIT 1)"
_CHANGED = "(SELECT person FROM record_history ORDER BY person LIMIT 1)"
CORRUPTIONS = {
    "a person whom the directory has lost": (
        Rule.ONE_PLACE,
        ("PRAGMA foreign_keys = OFF", f"DELETE FROM directory WHERE person = {_ANYBODY}"),
    ),
    "a directory that says another place": (
        Rule.ONE_PLACE,
        (
            "UPDATE directory SET municipality = (SELECT code FROM municipalities WHERE code <>"
            f" municipality LIMIT 1) WHERE person = {_ANYBODY}",
        ),
    ),
    "a version that is gone": (
        Rule.WHOLE_HISTORY,
        (f"DELETE FROM record_history WHERE person = {_CHANGED}",),
    ),
    "a person who died of nothing": (
        Rule.LAWFUL_STATES,
        (f"UPDATE record_history SET state = 'DELETED' WHERE person = {_CHANGED}",),
    ),
    "a dead person's card that is good": (
        Rule.CARD_FOLLOWS,
        ("UPDATE cards SET status = 'ACTIVE' WHERE status = 'LAPSED'",),
    ),
    "a card of another municipality": (
        Rule.CARD_FOLLOWS,
        (
            "UPDATE cards SET municipality = (SELECT code FROM municipalities WHERE code <>"
            f" municipality LIMIT 1) WHERE person = {_HOLDER}",
        ),
    ),
    "a second card that is good": (
        Rule.ONE_CARD,
        (
            "UPDATE cards SET person = (SELECT max(person) FROM cards WHERE status = 'ACTIVE')"
            f" WHERE person = {_HOLDER}",
        ),
    ),
    "a notice that is missing": (
        Rule.NOTICE_FOR_EACH,
        ("DELETE FROM changes WHERE position = (SELECT max(position) FROM changes)",),
    ),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_audit_names_what_is_corrupted(copied: Path, name: str) -> None:
    rule, statements = CORRUPTIONS[name]
    assert found(copied) == set()

    assert corrupt(copied, *statements) > 0

    assert rule in found(copied)
