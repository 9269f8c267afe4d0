"""`juki-terminal move show`, `list`, `missing`, `alerts`, `seen`: what a window reads of moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from juki_terminal.cli.moves_words import ALERTS, KINDS, NOTICES, REFUSALS, STATES
from jukinet.moves.v1 import move_pb2 as records
from jukinet.moves.v1 import move_service_pb2 as pb
from tests.unit.terminal.clerk import Run, group_runner
from tests.unit.terminal.moves_double import ALERT, MOVE, MovesDouble
from tests.unit.terminal.residents_double import CODE


@pytest.fixture
def run(config: Path) -> Run:
    return group_runner(config, "move")


def test_move_is_shown_with_what_there_is_to_do(run: Run) -> None:
    ended = run("show", MOVE, as_json=False)

    assert ended.code == 0, ended.err
    for text in ("埼玉県所沢市", "東京都千代田区", "2026-12-21", f"{CODE} ", "訂正 ("):
        assert text in ended.out
    assert f"juki-terminal move certificate {MOVE}" in ended.out


@pytest.mark.parametrize(
    ("lang", "waits", "delivered"),
    [
        (
            "ja",
            "東京都千代田区への通知「転出元からの訂正」(2026-11-23 10:40:00 JST): 待機中",
            "(2026-11-24 14:26:40 JST): 届きました",
        ),
        (
            "en",
            "correction by the origin (2026-11-23 10:40:00 JST): waits",
            "(2026-11-24 14:26:40 JST): deliv",
        ),
    ],
)
def test_notices_that_wait_or_have_waited_are_shown(
    run: Run, moves: MovesDouble, lang: str, waits: str, delivered: str
) -> None:
    for state in ("STATE_WAITS", "STATE_DELIVERED"):
        one = moves.told.notices.add(receiver_code="131016", kind="KIND_CORRECTION", state=state)
        one.send_time.FromSeconds(1_795_398_000)
    one.end_time.FromSeconds(1_795_498_000)

    ended = run("show", MOVE, as_json=False, lang=lang)

    assert ended.code == 0, ended.err
    assert waits in ended.out
    assert delivered in ended.out


def test_move_of_others_is_not_found(run: Run) -> None:
    ended = run("show", "M000000000195")

    assert (ended.code, ended.error("reason")) == (3, "MOVE_NOT_FOUND")


@pytest.mark.parametrize(
    ("which", "selection"),
    [
        ((), pb.ListMovesRequest.SELECTION_OUT_OPEN),
        (("out-all",), pb.ListMovesRequest.SELECTION_OUT_ALL),
        (("in",), pb.ListMovesRequest.SELECTION_IN_OPEN),
        (("in-done",), pb.ListMovesRequest.SELECTION_IN_DONE),
        (("expected",), pb.ListMovesRequest.SELECTION_EXPECTED),
        (("lapsed",), pb.ListMovesRequest.SELECTION_LAPSED),
    ],
)
def test_all_pages_of_a_list_are_read(
    run: Run, moves: MovesDouble, which: tuple[str, ...], selection: int
) -> None:
    moves.pages = 2

    ended = run("list", *which)

    first, second = moves.of(pb.ListMovesRequest)
    listed = ended.result("moves")
    assert isinstance(listed, list)
    assert [one["number"] for one in listed] == [MOVE, MOVE]
    assert (first.selection, first.page_token, second.page_token) == (selection, "", "more")


def test_list_that_is_unknown_is_a_wrong_call(run: Run, moves: MovesDouble) -> None:
    ended = run("list", "elsewhere")

    assert ended.code == 2
    assert moves.requests == []


def test_missing_arrivals_are_listed(run: Run) -> None:
    ended = run("missing", as_json=False)

    assert (ended.code, ended.out) == (0, "届出はありません。\n")


def test_alerts_are_listed_and_acknowledged(run: Run, moves: MovesDouble) -> None:
    listed = run("alerts", "--all", as_json=False)
    seen = run("seen", ALERT)
    unknown = run("seen", "alert-2")

    (asked,) = moves.of(pb.ListMoveAlertsRequest)
    assert asked.with_acknowledged
    assert "転入通知" in listed.out
    assert seen.code == 0, seen.err
    assert (unknown.code, unknown.error("reason")) == (3, "ALERT_NOT_FOUND")


def test_every_value_has_a_word() -> None:
    tables = (
        (records.Move.Kind, KINDS),
        (records.Move.State, STATES),
        (records.MoveAlert.Kind, ALERTS),
        (records.MoveNotice.State, NOTICES),
        (pb.FileMoveOutResponse.SpecialRefusal, REFUSALS),
    )

    for kind, words in tables:
        assert words.keys() == set(kind.values()) - {0}
