"""A desk stops a card that is being used: whatever is under way ends without a paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from juki_client.outcome import Problem
from juki_terminal.application import CardProof
from tests.e2e.storm import Fuse
from tests.e2e.suspension_race import Desk, opened_desk, race
from tests.e2e.window import Window, opened_window
from tests.support.center import SAMPLES
from tests.support.center_process import CenterProcess

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A center that runs: its folder and its address."""
    with CenterProcess(tmp_path_factory.mktemp("race")) as center:
        yield center.folder, center.address


@pytest.fixture
def window(folder: tuple[Path, str]) -> Iterator[Window]:
    with opened_window(*folder, Fuse(lambda _: None)) as opened:
        yield opened


@pytest.fixture
def desk(folder: tuple[Path, str]) -> Iterator[Desk]:
    with opened_desk(folder[0] / "desk.toml") as opened:
        yield opened


def code(key: str) -> str:
    return SAMPLES[key].record.code.digits


def test_suspension_between_authentication_and_issue_wins(window: Window, desk: Desk) -> None:
    """The issue reads the card's state anew in its own transaction."""
    key = "sato-kazu"
    card = window.authenticate(window.card(key))
    desk.stop(code(key))

    with pytest.raises(Problem) as refused:
        window.issue_to(CardProof(card.session_id, card.transcript_hash))

    assert refused.value.reason == "CARD_SUSPENDED"
    assert window.printer.papers == {}


def test_card_in_use_is_refused_at_once_and_no_later_session_ends_well(
    window: Window, desk: Desk
) -> None:
    key = "takahashi-ichiro"

    stopped = race(window, desk, key, code(key), after_seconds=0.05)

    assert stopped.sessions >= 1
    assert stopped.late == 0
    assert stopped.refused < 5


def test_card_of_another_municipality_is_stopped_too(window: Window, desk: Desk) -> None:
    """The desk of Tokorozawa stops a card of Sapporo."""
    key = "sato-kasu"

    suspended = desk.stop(code(key))
    again = desk.stop(code(key))

    assert suspended.answer.suspend_time == again.answer.suspend_time
    with pytest.raises(Problem) as refused:
        window.authenticate(window.card(key))
    assert refused.value.reason == "CARD_SUSPENDED"
