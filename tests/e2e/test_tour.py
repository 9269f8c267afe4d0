"""The tour's scenarios, part by part; and that the tour can fail."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from tests.e2e import tour_search
from tests.e2e.telling import Scenario, Shown, perform, report
from tests.e2e.tour_agencies import AGENCIES
from tests.e2e.tour_import import IMPORT
from tests.e2e.tour_keys import KEYS
from tests.e2e.tour_register import REGISTER
from tests.e2e.tour_residents import LATER, RESIDENTS
from tests.e2e.tour_search import SEARCH, nothing_lies_in_the_clear
from tests.e2e.tour_stage import TourStage, opened_tour

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
PARTS = {"register": (*REGISTER, *RESIDENTS, *IMPORT, *LATER), "agencies": (*AGENCIES, *KEYS)}
SEARCHING = next(scenario for scenario in SEARCH if scenario.play is nothing_lies_in_the_clear)


def played(stage: TourStage, *scenarios: Scenario[TourStage]) -> list[Shown]:
    return perform(stage, scenarios, Console(quiet=True))


@pytest.mark.parametrize("part", PARTS)
def test_every_step_of_a_part_is_as_it_should_be(tmp_path: Path, part: str) -> None:
    with opened_tour(tmp_path) as stage:
        shown = played(stage, *PARTS[part], *SEARCH)

    assert [(step.claim, step.evidence) for step in shown if not step.ok] == []
    assert len(shown) == len(PARTS[part]) + len(SEARCH)


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TourStage]:
    """A center with its samples, and a backup of it."""
    with opened_tour(tmp_path_factory.mktemp("tour")) as stage:
        tour_search.backup_of_a_running_center(stage)
        yield stage


def test_an_unsealed_name_in_the_backup_fails_the_tour(
    backed_up: TourStage, tmp_path: Path
) -> None:
    tour_search.backup_of_a_running_center(backed_up)
    with closing(sqlite3.connect(backed_up.backup / tour_search.BACKUP)) as sql, sql:
        sql.execute("UPDATE audit_leaves SET salt = ?", ("𠮷田\u3000太郎".encode("utf-16-le"),))

    shown = played(backed_up, SEARCHING)

    assert [step.ok for step in shown] == [False]
    assert "utf-16-le" in shown[0].evidence
    assert "𠮷田" not in shown[0].evidence
    assert not report({"command": "tour"}, shown, tmp_path, Console(quiet=True))


def test_an_unsealed_code_in_a_log_fails_the_tour(backed_up: TourStage) -> None:
    tour_search.backup_of_a_running_center(backed_up)
    log = backed_up.state / "forgotten.log"
    log.write_text(f"refused {backed_up.code('yoshida-taro')}\n", encoding="ascii")

    shown = played(backed_up, SEARCHING)
    log.unlink()

    assert [step.ok for step in shown] == [False]
    assert "forgotten.log" in shown[0].evidence


def test_a_blind_search_fails_the_tour(
    backed_up: TourStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tour_search.backup_of_a_running_center(backed_up)
    monkeypatch.setattr(tour_search.ByteSearch, "hits", lambda *_: set())

    shown = played(backed_up, SEARCHING)

    assert [step.ok for step in shown] == [False]
    assert "blind" in shown[0].evidence
