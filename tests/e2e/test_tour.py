"""That the tour can fail; its scenarios are played by `make tour`, one after the other."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from unicodedata import normalize

import pytest
from rich.console import Console

from tests.e2e import tour, tour_import, tour_search
from tests.e2e.telling import Scenario, Shown, perform, report
from tests.e2e.tour_search import SEARCH, nothing_lies_in_the_clear
from tests.e2e.tour_stage import TourStage, opened_tour

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
SEARCHING = next(scenario for scenario in SEARCH if scenario.play is nothing_lies_in_the_clear)


def played(stage: TourStage, *scenarios: Scenario[TourStage]) -> list[Shown]:
    return perform(stage, scenarios, Console(quiet=True))


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


@pytest.mark.parametrize(
    "written", [b'{"can":"604718"}\n', b"x" * 5000 + tour_search.CANARY_PICTURE]
)
def test_an_unsealed_number_or_photo_of_a_card_fails_the_tour(
    backed_up: TourStage, written: bytes
) -> None:
    tour_search.backup_of_a_running_center(backed_up)
    log = backed_up.state / "forgotten.log"
    log.write_bytes(written)

    shown = played(backed_up, Scenario("cards", tour_search.nothing_of_a_card_lies_in_the_clear))
    log.unlink()

    assert [step.ok for step in shown] == [False]
    assert "forgotten.log" in shown[0].evidence
    assert "604718" not in shown[0].evidence


def test_a_blind_search_fails_the_tour(
    backed_up: TourStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tour_search.backup_of_a_running_center(backed_up)
    monkeypatch.setattr(tour_search.ByteSearch, "hits", lambda *_: set())

    shown = played(backed_up, SEARCHING)

    assert [step.ok for step in shown] == [False]
    assert "blind" in shown[0].evidence


def test_a_character_that_is_replaced_on_its_way_fails_the_tour(
    backed_up: TourStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = tour_import.write_rows

    def write_normalised(path: Path, rows: Iterable[tour_import.Row]) -> None:
        write(path, [{**row, "name": normalize("NFC", row["name"])} for row in rows])

    monkeypatch.setattr(tour_import, "write_rows", write_normalised)

    shown = played(backed_up, Scenario("characters", tour_import.odd_characters_and_dates))

    assert [step.ok for step in shown] == [False]


def all_is_well(stage: TourStage) -> str:
    """Nothing is looked at."""
    return f"a center at {stage.center.address}"


def all_is_not_well(stage: TourStage) -> str:
    """Something is not as it should be."""
    raise AssertionError("seen")


@pytest.mark.parametrize(
    ("scenarios", "status", "last"),
    [
        ((all_is_well,), 0, "tour: ok"),
        ((all_is_well, all_is_not_well), 1, "tour: failed"),
        ((), 1, "tour: failed"),
    ],
)
def test_the_exit_status_and_the_last_line_tell_how_the_tour_was(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    scenarios: tuple[Callable[[TourStage], str], ...],
    status: int,
    last: str,
) -> None:
    monkeypatch.setattr(tour, "FOLDER", tmp_path / "tour")
    monkeypatch.setattr(tour, "SCENARIOS", tuple(Scenario("it", play) for play in scenarios))

    ended = tour.main()

    assert ended == status
    assert capsys.readouterr().out.splitlines()[-1] == last
    told = json.loads((tmp_path / "tour" / "report.json").read_text(encoding="utf-8"))
    assert told["ok"] == (status == 0)
    assert len(told["result"]["steps"]) == len(scenarios)
