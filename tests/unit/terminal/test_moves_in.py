"""`juki-terminal move in` and what belongs to it: card, paper, a clerk who stops, cuts."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
import pytest

from juki_client.change_journal import ChangeJournal
from juki_client.changes import Changes
from juki_client.outcome import Problem
from juki_client.patience import Patience
from juki_terminal import moves as library
from juki_terminal.channel import Center
from jukinet.moves.v1 import move_pb2 as records
from jukinet.moves.v1 import move_service_pb2 as pb
from jukinet.options.v1 import options_pb2
from tests.support.pdf_text import pages_of
from tests.unit.terminal.cards_double import CARD_NUMBER
from tests.unit.terminal.center_double import SessionDouble
from tests.unit.terminal.clerk import Ended, Run, group_runner
from tests.unit.terminal.conftest import PIN
from tests.unit.terminal.moves_double import (
    ALERT,
    MOVE,
    TRANSFER,
    WIFE,
    WIFE_CODE,
    MovesDouble,
)
from tests.unit.terminal.moves_forms import BY_CARD, TYPED_PLACE
from tests.unit.terminal.residents_double import CODE, NAME


@pytest.fixture
def run(config: Path) -> Run:
    return group_runner(config, "move")


@pytest.fixture
def pin(tmp_path: Path) -> str:
    path = tmp_path / "pin"
    path.write_text(f"{PIN}\n", encoding="ascii")
    return str(path)


@pytest.fixture
def by_card(run: Run, pin: str) -> Run:
    """Move in by card with a form."""

    def by_card(*options: str, form: object = None, **named: object) -> Ended:
        given = ["in", "--from", "-", "--pin-from", pin, "--yes", *options]
        return run(*given, stdin=json.dumps(BY_CARD if form is None else form), **named)

    return by_card


def test_card_opens_the_move_and_its_versions_are_named(
    by_card: Run, moves: MovesDouble, sessions: SessionDouble
) -> None:
    """Case 23: one card transfers the family in one session."""
    ended = by_card()

    (fetched,) = moves.of(pb.FetchTransferInformationRequest)
    (one,) = moves.of(pb.RegisterMoveInRequest)
    assert ended.code == 0, ended.err
    assert [hello.purpose for hello in sessions.hellos] == [options_pb2.PURPOSE_SPECIAL_MOVE_IN]
    assert fetched.by_card.session_id == sessions.finished[0]
    assert fetched.by_card.moved_date == "2026-11-21"
    assert one.fetched == pb.RegisterMoveInRequest.FetchedGround(
        transfer_id=TRANSFER, notice_version=1
    )
    assert [(a.code, a.expected_version) for a in one.arrivals] == [(CODE, 4), (WIFE_CODE, 4)]
    assert ended.result("request_id") == one.request_id


def test_receipt_names_each_person_and_no_code(by_card: Run, tmp_path: Path) -> None:
    receipt = tmp_path / "receipt.pdf"

    ended = by_card("--receipt", str(receipt), as_json=False)

    (page,) = pages_of(receipt.read_bytes())
    assert f"転入届 {MOVE} を登録しました。" in ended.out
    assert "失効したカード: 2枚" in ended.out
    assert "同じ氏名・生年月日で別の住民票コードの方がいます" in ended.out
    assert page.startswith("転入届受理証")
    for shown in (MOVE, NAME, WIFE, "埼玉県所沢市", "神田一丁目1番1号", "令和8年11月21日"):
        assert shown in page
    assert "失効しました" in page
    assert CODE not in page
    assert WIFE_CODE not in page


def test_card_to_continue_is_told_with_its_last_day(
    by_card: Run, moves: MovesDouble, tmp_path: Path
) -> None:
    moves.continue_until = "2027-02-19"
    receipt = tmp_path / "receipt.pdf"

    ended = by_card("--receipt", str(receipt), as_json=False)

    assert f"{NAME} さんのカードの継続利用: 2027-02-19まで" in ended.out
    assert "令和9年2月19日までに" in pages_of(receipt.read_bytes())[0]


def test_clerk_ticks_who_has_come_and_sees_who_stays(
    run: Run, pin: str, moves: MovesDouble
) -> None:
    """Case 23: one member stays."""
    moves.persons[0].returns = True
    moves.persons[0].is_protected = True
    answers = ["2026-11-21", "1", *TYPED_PLACE, "", CARD_NUMBER, "", "いいえ", "はい"]

    ended = run("in", "--pin-from", pin, stdin="\n".join([*answers, ""]))

    (one,) = moves.of(pb.RegisterMoveInRequest)
    assert ended.code == 0, ended.err
    assert [a.relationship_to_householder for a in one.arrivals] == ["世帯主"]
    assert list(one.handed_in_card_numbers) == [CARD_NUMBER]
    for line in (
        "転入届を受理します: 特例（カード）",
        "異動年月日: 2026-11-21",
        "特例による転入の期限: 2026-12-07",
        "新しい住所: 神田一丁目 三号室",
        "世帯: 新しい世帯",
        f"  {NAME}（世帯主）",
        f"  再転入: {NAME} さんは以前の住民票コードのまま記載します",
        f"  支援措置: {NAME} さんの措置は転入先に引き継がれます",
        f"  転入しない: {WIFE}",
        "カード: 返納 1枚。",
    ):
        assert line in ended.err
    assert CODE not in ended.err


def test_clerk_who_stops_may_give_the_information_back(
    run: Run, pin: str, moves: MovesDouble
) -> None:
    answers = ["2026-11-21", "", *TYPED_PLACE, "", "", "", "いいえ", "いいえ", "はい"]

    ended = run("in", "--pin-from", pin, stdin="\n".join([*answers, ""]))

    (one,) = moves.of(pb.AbandonMoveInRequest)
    assert ended.code == 3, ended.err
    assert ended.result("move")["state"] == "STATE_NOTIFIED"  # type: ignore[index]  # an object
    assert one.transfer_id == TRANSFER
    assert moves.of(pb.RegisterMoveInRequest) == []
    assert moves.move.state == records.Move.STATE_NOTIFIED


def test_clerk_who_stops_is_told_that_it_stays_fetched_and_may_abandon_later(
    run: Run, pin: str, moves: MovesDouble
) -> None:
    answers = ["2026-11-21", "", *TYPED_PLACE, "", "", "", "いいえ", "いいえ", "いいえ"]

    stopped = run("in", "--pin-from", pin, stdin="\n".join([*answers, ""]))
    abandoned = run("abandon", MOVE, stdin="はい\n", as_json=False)

    assert (stopped.code, stopped.error("reason")) == (130, "INTERRUPTED")
    assert f"juki-terminal move abandon {MOVE}" in stopped.err
    assert abandoned.code == 0, abandoned.err
    assert f"届出 {MOVE} の情報を返しました。もう一度取得できます。" in abandoned.out
    assert moves.move.state == records.Move.STATE_NOTIFIED


def test_what_is_given_back_to_an_origin_that_is_cut_off_says_when_it_is_told(
    run: Run, pin: str, moves: MovesDouble
) -> None:
    run("in", "--pin-from", pin, stdin="2026-11-21\n")
    moves.waits = True

    abandoned = run("abandon", MOVE, stdin="はい\n", as_json=False)

    assert abandoned.code == 0, abandoned.err
    assert "返したことは、再び接続されると転出元に知らされます。" in abandoned.out
    assert "move show" not in abandoned.out


def test_input_that_ends_leaves_the_information_fetched_and_says_so(run: Run, pin: str) -> None:
    ended = run("in", "--pin-from", pin, stdin="2026-11-21\n")

    assert (ended.code, ended.error("reason")) == (130, "INTERRUPTED")
    assert f"juki-terminal move abandon {MOVE}" in ended.err


def test_information_that_this_terminal_has_not_fetched_is_not_given_back(
    run: Run, moves: MovesDouble
) -> None:
    ended = run("abandon", MOVE, "--yes")

    assert (ended.code, ended.error("reason")) == (3, "TRANSFER_NOT_FOUND")
    assert moves.requests == []


def test_information_is_fetched_again_after_it_was_given_back(
    by_card: Run, run: Run, moves: MovesDouble
) -> None:
    moves.faults = ["", "NOT_OF_THE_MOVE"]
    refused = by_card()
    run("abandon", MOVE, "--yes")

    ended = by_card()

    assert (refused.code, refused.error("reason")) == (3, "NOT_OF_THE_MOVE")
    assert ended.code == 0, ended.err
    assert len(moves.of(pb.FetchTransferInformationRequest)) == 2


@pytest.mark.parametrize(
    "reason",
    ["NO_MOVE_OUT", "DEADLINE_14", "DEADLINE_30", "SPECIAL_LAPSED", "CARD_REVOKED", "CARD_EXPIRED"],
)
def test_special_case_that_is_closed_offers_the_paper(
    by_card: Run, moves: MovesDouble, reason: str
) -> None:
    """Cases 22, 24 and 26: refused, nothing changed, the paper is the way."""
    moves.faults = [reason]

    ended = by_card()

    assert (ended.code, ended.error("reason")) == (3, reason)
    assert "juki-terminal move in --paper" in ended.err
    assert moves.acts == {}


def test_suspended_card_offers_the_paper(by_card: Run, sessions: SessionDouble) -> None:
    """Case 26: a suspended card; the paper is offered."""
    sessions.refusal = (grpc.StatusCode.FAILED_PRECONDITION, "CARD_SUSPENDED")

    ended = by_card()

    assert (ended.code, ended.error("reason")) == (3, "CARD_SUSPENDED")
    assert "転出証明書があれば転入できます" in ended.err


@pytest.mark.parametrize(
    "reason", ["MOVE_TAKEN_ELSEWHERE", "MOVE_ALREADY_COMPLETED", "RESIDENCE_DISCONNECTED"]
)
def test_other_refusals_offer_no_paper(by_card: Run, moves: MovesDouble, reason: str) -> None:
    moves.faults = [reason]

    ended = by_card()

    assert (ended.code, ended.error("reason")) == (3, reason)
    assert "--paper" not in ended.err


def test_outdated_information_says_to_fetch_again(by_card: Run, moves: MovesDouble) -> None:
    moves.faults = ["", "TRANSFER_OUTDATED"]

    ended = by_card()

    assert (ended.code, ended.error("reason")) == (3, "TRANSFER_OUTDATED")
    assert "もう一度 move in を実行し" in ended.err


def test_person_who_is_not_in_the_notice_is_refused(by_card: Run, moves: MovesDouble) -> None:
    arrivals = [{"code": "25208017643", "relationship_to_householder": "子"}]

    ended = by_card(form={**BY_CARD, "arrivals": arrivals})

    assert (ended.code, ended.error("reason")) == (3, "NOT_OF_THE_MOVE")
    assert f"juki-terminal move abandon {MOVE}" in ended.err
    assert moves.of(pb.RegisterMoveInRequest) == []


def test_characters_that_the_window_lacks_are_flagged_before_registering(
    by_card: Run, moves: MovesDouble
) -> None:
    moves.persons[1].entries.name = "葛\U000e01ef城　花"

    ended = by_card()

    assert ended.code == 0
    assert "2人目の「氏名」" in ended.err
    assert "U+845B U+E01EF" in ended.err
    assert {"person": 1, "field": "name", "code_points": ["U+845B U+E01EF"]} in ended.result(  # type: ignore[operator]  # a list
        "unprintable"
    )


def test_registration_that_was_done_before_the_cut_is_found_without_a_card(
    by_card: Run, moves: MovesDouble, sessions: SessionDouble
) -> None:
    moves.faults = ["", "after"]

    lost, again = by_card(), by_card(as_json=False)

    assert (lost.code, lost.error("reason")) == (6, "OUTCOME_UNKNOWN")
    assert "move abandon" not in lost.err
    assert again.code == 0, again.err
    assert f"転入届 {MOVE} は、登録されていました。" in again.out
    assert len(sessions.hellos) == 1
    assert len(moves.of(pb.RegisterMoveInRequest)) == 1


def test_settled_registration_is_told_once(by_card: Run, moves: MovesDouble) -> None:
    moves.faults = ["", "after"]
    by_card()

    told, next_family = by_card(), by_card()

    assert told.result("repeated") is True
    assert "earlier" in told.envelope["result"]  # type: ignore[operator]  # an object
    assert "request_id" in next_family.envelope["result"]  # type: ignore[operator]  # an object


def test_registration_that_was_not_done_takes_its_request_id_again(
    by_card: Run, moves: MovesDouble
) -> None:
    moves.faults = ["", "before"]

    lost, again = by_card(), by_card()

    first, second = moves.of(pb.RegisterMoveInRequest)
    assert (lost.code, again.code) == (6, 0), again.err
    assert again.result("repeated") is True
    assert first.request_id == second.request_id
    assert len([a for a in moves.acts.values() if isinstance(a[1], pb.RegisterMoveInResponse)]) == 1


def test_earlier_move_that_cannot_be_asked_for_is_in_nobodys_way(
    by_card: Run, moves: MovesDouble
) -> None:
    moves.faults = ["", "after", "RESIDENCE_DISCONNECTED", "", "NOT_OF_THE_MOVE"]
    by_card()

    ended = by_card()

    assert (ended.code, ended.error("reason")) == (3, "NOT_OF_THE_MOVE")
    assert len(moves.of(pb.FetchTransferInformationRequest)) == 2


def test_clerk_may_send_the_same_request_again_at_once(
    run: Run, pin: str, moves: MovesDouble
) -> None:
    moves.faults = ["", "after"]
    answers = ["2026-11-21", "", *TYPED_PLACE, "", "", "", "いいえ", "はい", "はい"]

    ended = run("in", "--pin-from", pin, stdin="\n".join([*answers, ""]))

    first, second = moves.of(pb.RegisterMoveInRequest)
    assert ended.code == 0, ended.err
    assert first == second


def test_fetch_that_was_cut_is_never_taken_for_another_cards(
    by_card: Run, moves: MovesDouble, sessions: SessionDouble
) -> None:
    moves.faults = ["after"]

    lost, again = by_card(), by_card()

    first, second = moves.of(pb.FetchTransferInformationRequest)
    assert (lost.code, lost.error("reason")) == (6, "OUTCOME_UNKNOWN")
    assert again.code == 0, again.err
    assert first.request_id != second.request_id
    assert first.by_card.session_id != second.by_card.session_id
    assert len(sessions.finished) == 2


def test_journal_keeps_the_transfer_and_no_personal_datum(by_card: Run, config: Path) -> None:
    by_card()

    written = (config.parent / "terminal.journal.moves-in").read_text()
    assert f'"transfer":"{TRANSFER.hex()}"' in written
    for secret in (CODE, WIFE_CODE, NAME, "神田"):
        assert secret not in written


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"moved_date": ""}, "moved_date"),
        ({"moved_date": 3}, "moved_date"),
        ({"moved_date": "明日"}, "moved_date"),
        ({"fetched": {"notice_version": 1}}, "fetched"),
        ({"handed_in_card_numbers": ["482913057612"]}, "handed_in_card_numbers"),
        ({"names": []}, "from"),
    ],
)
def test_bad_form_by_card_is_named_before_the_card_is_asked_for(
    by_card: Run, moves: MovesDouble, sessions: SessionDouble, changes: object, field: str
) -> None:
    ended = by_card(form={**BY_CARD, **changes})  # type: ignore[dict-item]  # an object

    assert (ended.code, ended.error("reason")) == (2, "USAGE_INVALID")
    assert ended.envelope["error"]["metadata"]["field"] == field  # type: ignore[index]  # an object
    assert sessions.hellos == []
    assert moves.requests == []


def test_form_and_pins_are_not_both_on_standard_input(run: Run, moves: MovesDouble) -> None:
    ended = run("in", "--from", "-", "--pin-from", "-", "--yes", stdin="{}")

    assert (ended.code, ended.error("reason")) == (2, "USAGE_INVALID")
    assert moves.requests == []


def test_expected_move_is_looked_at_without_a_claim(run: Run, moves: MovesDouble) -> None:
    ended = run("look", MOVE, as_json=False)

    (one,) = moves.of(pb.FetchTransferInformationRequest)
    assert ended.code == 0, ended.err
    assert one.expected_move_number == MOVE
    assert WIFE in ended.out
    assert moves.move.state == records.Move.STATE_NOTIFIED


def test_library_registers_once_by_the_number_of_the_move(
    center: Center, moves: MovesDouble, tmp_path: Path
) -> None:
    request = pb.RegisterMoveInRequest()
    request.arrivals.add(code=CODE, expected_version=4, relationship_to_householder="世帯主")
    moves.faults = ["after"]

    with ChangeJournal(tmp_path / "journal") as journal:
        changes = Changes(center, journal, patience=Patience(seconds=0))
        with pytest.raises(Problem, match="OUTCOME_UNKNOWN"):
            library.register(center, changes, MOVE, request)
        again = library.register(center, changes, MOVE, request)

    assert again.is_repeated
    assert len(moves.acts) == 1
    assert ALERT in str(again.message)
