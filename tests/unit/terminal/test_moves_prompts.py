"""`juki-terminal move …` without a file: what is asked at the prompt, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from jukinet.moves.v1 import move_pb2 as records
from jukinet.moves.v1 import move_service_pb2 as pb
from tests.support.pdf_text import pages_of
from tests.unit.terminal.clerk import Run, group_runner
from tests.unit.terminal.moves_double import MOVE, MovesDouble
from tests.unit.terminal.residents_double import CODE, NAME


@pytest.fixture
def run(config: Path) -> Run:
    return group_runner(config, "move")


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    return tmp_path / "certificate.pdf"


def test_prompts_choose_persons_from_their_household_and_show_all_before_the_act(
    run: Run, moves: MovesDouble, pdf: Path
) -> None:
    answers = [CODE, "1", "112089", "並木一丁目1番地の1", "令和8年11月20日", "はい", "1", "2", ""]

    ended = run("out", "--out", str(pdf), stdin="\n".join([*answers, "はい", ""]))

    (one,) = moves.of(pb.FileMoveOutRequest)
    assert ended.code == 0, ended.err
    assert [(m.code, m.expected_version) for m in one.movers] == [(CODE, 4)]
    assert one.kind == records.Move.KIND_SPECIAL
    assert one.notification.filer == records.Notification.FILER_HOUSEHOLDER
    for line in (
        "転出届を受理します: 特例（カード）",
        "東京都千代田区 → 埼玉県所沢市",
        "転出の予定年月日: 2026-11-20",
        "届出: 窓口、世帯主",
        f"{NAME} 昭和33年2月14日（世帯主）",
        "カード: 転入の届出まで使います。",
    ):
        assert line in ended.err
    assert CODE not in ended.err.partition("転出届を受理します")[2]


def test_prompts_for_a_move_abroad_ask_for_no_special_case(
    run: Run, moves: MovesDouble, pdf: Path
) -> None:
    answers = [CODE, "", "", "2026-11-20", "1", "1", "", "はい"]

    ended = run("out", "--out", str(pdf), stdin="\n".join([*answers, ""]))

    (one,) = moves.of(pb.FileMoveOutRequest)
    assert ended.code == 0, ended.err
    assert one.plan.abroad
    assert one.kind == records.Move.KIND_ORDINARY
    assert len(one.movers) == 2


def test_nothing_is_sent_where_the_clerk_does_not_go_on(run: Run, moves: MovesDouble) -> None:
    ended = run("cancel", MOVE, stdin="いいえ\n")

    assert (ended.code, ended.error("reason")) == (130, "INTERRUPTED")
    assert f"転出届 {MOVE} を取り消します。" in ended.err
    assert moves.of(pb.CancelMoveOutRequest) == []


def test_prompts_for_a_change_show_the_notice_and_take_its_version(
    run: Run, moves: MovesDouble, pdf: Path
) -> None:
    moves.move.notice_version = 3
    answers = [CODE, "1", "131121", "", "2026-11-25", "はい"]

    ended = run("change", MOVE, "--out", str(pdf), stdin="\n".join([*answers, ""]))

    (one,) = moves.of(pb.ChangeMoveOutRequest)
    assert ended.code == 0, ended.err
    assert one.expected_version == 3
    assert "東京都世田谷区" in ended.err


def test_prompts_for_an_arrival_and_for_taking_back(run: Run, moves: MovesDouble) -> None:
    arrived = run("arrived", MOVE, stdin="131121\n令和8年11月19日\nはい\n")
    back = run("take-back", MOVE, stdin=f"{CODE}\n\nはい\n")

    (one,) = moves.of(pb.RecordArrivalRequest)
    (other,) = moves.of(pb.CancelMoveInRequest)
    assert (arrived.code, back.code) == (0, 0), arrived.err + back.err
    assert (one.destination_code, one.moved_date) == ("131121", "2026-11-19")
    assert [(m.code, m.expected_version) for m in other.moved] == [(CODE, 4)]
    assert "失効したカードは戻りません" in back.err


def test_prompts_for_a_correction_begin_with_what_stands(run: Run, moves: MovesDouble) -> None:
    answers = [CODE, "葛󠄀城　良男", *[""] * 15, "はい"]

    ended = run("correct", MOVE, stdin="\n".join([*answers, ""]))

    (one,) = moves.of(pb.CorrectMoveOutRequest)
    assert ended.code == 0, ended.err
    assert one.entries.name == "葛󠄀城　良男"
    assert one.entries.name_kana == "カツラギ　ヨシオ"


def test_correction_of_the_origin_is_shown_before_it_is_entered(
    run: Run, moves: MovesDouble
) -> None:
    ended = run("accept-correction", MOVE, stdin=f"{CODE}\nはい\n")

    (one,) = moves.of(pb.AcceptCorrectionRequest)
    assert ended.code == 0, ended.err
    assert (one.code, one.expected_version) == (CODE, 4)
    assert NAME in ended.err


def test_move_within_keeps_a_whole_household_and_prints_its_receipt(
    run: Run, moves: MovesDouble, tmp_path: Path
) -> None:
    receipt = tmp_path / "receipt.pdf"
    answers = [CODE, "", "はい", "東京都千代田区神田一丁目1番1号", "五号室", "2026-11-20", "はい"]

    ended = run(
        "within",
        "--receipt",
        str(receipt),
        stdin="\n".join([*answers, ""]),
        as_json=False,
    )

    (one,) = moves.of(pb.RegisterMoveWithinRequest)
    (page,) = pages_of(receipt.read_bytes())
    assert ended.code == 0, ended.err
    assert one.same_household
    assert one.place.WhichOneof("household") is None
    assert "裏面に新しい住所を記載するカード: 2枚" in ended.out
    assert page.startswith("転居届受理証")
    assert "神田一丁目1番1号" in page
    assert CODE not in page


def test_member_who_moves_within_alone_founds_or_enters_a_household(
    run: Run, moves: MovesDouble
) -> None:
    answers = [CODE, "2", "神田一丁目", "", "", "世帯主", "2026-11-20", "はい"]

    ended = run("within", stdin="\n".join([*answers, ""]))

    (one,) = moves.of(pb.RegisterMoveWithinRequest)
    assert ended.code == 0, ended.err
    assert one.place.new_household
    assert [m.relationship_to_householder for m in one.movers] == ["世帯主"]


def test_late_move_within_is_asked_for_its_reason_and_sent_again(
    run: Run, moves: MovesDouble
) -> None:
    moves.faults = ["LATE_REASON_REQUIRED"]
    answers = [CODE, "", "はい", "神田一丁目", "", "2026-10-01", "はい", "入院していたため"]

    ended = run("within", stdin="\n".join([*answers, ""]), as_json=False)

    first, second = moves.of(pb.RegisterMoveWithinRequest)
    assert ended.code == 0, ended.err
    assert (first.late_reason, second.late_reason) == ("", "入院していたため")
    assert first.request_id != second.request_id
    assert "経過後の届出として記録しました" in ended.out
