"""`juki-terminal move continue-card`: a card goes on being used at the new residence."""

from __future__ import annotations

from pathlib import Path

import pytest

from jukinet.moves.v1 import move_service_pb2 as pb
from tests.unit.terminal.cards_double import CARD_NUMBER
from tests.unit.terminal.center_double import SessionDouble
from tests.unit.terminal.clerk import Run, group_runner
from tests.unit.terminal.conftest import PIN
from tests.unit.terminal.moves_double import (
    MovesDouble,
)

GROUPED = "4829-1305-7611"


@pytest.fixture
def run(config: Path) -> Run:
    return group_runner(config, "move")


@pytest.fixture
def pin(tmp_path: Path) -> str:
    path = tmp_path / "pin"
    path.write_text(f"{PIN}\n", encoding="ascii")
    return str(path)


def test_card_is_continued_by_its_pin(
    run: Run, pin: str, moves: MovesDouble, sessions: SessionDouble
) -> None:
    given = ["continue-card", GROUPED, "--pin-from", pin]

    ended = run(*given, stdin="はい\nはい\n", as_json=False)

    (one,) = moves.of(pb.ContinueCardRequest)
    assert ended.code == 0, ended.err
    assert (one.session_id, one.back_written) == (sessions.finished[0], True)
    assert f"カード {GROUPED} を引き続き使えます。" in ended.out


def test_back_that_is_not_written_is_refused(run: Run, pin: str) -> None:
    given = ["continue-card", CARD_NUMBER, "--pin-from", pin, "--yes"]

    refused, done = run(*given), run(*given, "--back-written")

    assert (refused.code, refused.error("reason")) == (3, "BACK_NOT_WRITTEN")
    assert done.code == 0, done.err


def test_another_card_than_the_one_named_is_told(run: Run, pin: str) -> None:
    given = ["continue-card", "123456789092", "--pin-from", pin, "--yes"]

    ended = run(*given, "--back-written", as_json=False)

    assert f"注意: 指定した番号 1234-5678-9092 ではなく、リーダーのカード {GROUPED}" in ended.out


def test_continuation_that_was_cut_asks_for_no_card_again(
    run: Run, pin: str, moves: MovesDouble, sessions: SessionDouble
) -> None:
    given = ["continue-card", CARD_NUMBER, "--pin-from", pin, "--yes"]
    moves.faults = ["after"]

    lost, again = run(*given, "--back-written"), run(*given, "--back-written")

    assert (lost.code, again.code) == (6, 0), again.err
    assert len(sessions.finished) == 1
