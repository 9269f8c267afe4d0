"""`juki-terminal move …` without a card: what a clerk types, what is sent once, what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from juki_client.outcome import Language
from juki_terminal.cli.moves_words import ALERTS, KINDS, REFUSALS, STATES, word
from jukinet.moves.v1 import move_pb2 as records
from jukinet.moves.v1 import move_service_pb2 as pb
from tests.support.pdf_text import pages_of
from tests.unit.terminal.clerk import CLERK, ENTRIES, Run, group_runner
from tests.unit.terminal.moves_double import ALERT, MOVE, VERIFICATION, WIFE, MovesDouble
from tests.unit.terminal.residents_double import CODE, NAME, ResidentsDouble

UNPRINTABLE = "葛\U000e01ef城　太郎"
PLAN = {
    "destination_code": "112089",
    "destination_address": "並木一丁目1番地の1",
    "planned_date": "令和8年11月20日",
}
MOVERS = [{"code": CODE, "expected_version": 4}]
OUT: dict[str, object] = {
    "kind": "KIND_SPECIAL",
    "notification": {"channel": "CHANNEL_POST", "filer": "FILER_SELF"},
    "plan": PLAN,
    "movers": MOVERS,
}
WITHIN: dict[str, object] = {
    "movers": [{**MOVERS[0], "relationship_to_householder": "世帯主"}],
    "place": {"address": "東京都千代田区神田一丁目1番1号"},
    "same_household": True,
    "moved_date": "2026-11-20",
}
FORMS: dict[str, dict[str, object]] = {
    "out": OUT,
    "change": {"expected_version": 1, "plan": PLAN, "movers": MOVERS},
    "cancel": {},
    "certificate": {},
    "correct": {"code": CODE, "entries": ENTRIES},
    "arrived": {"destination_code": "131121", "moved_date": "R8.11.20"},
    "take-back": {"moved": MOVERS},
    "accept-correction": {"code": CODE, "expected_version": 4},
    "within": WITHIN,
}
WITHOUT_FORM = ("cancel", "certificate")
WITHOUT_NUMBER = ("out", "within")


@pytest.fixture
def run(config: Path) -> Run:
    return group_runner(config, "move")


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    return tmp_path / "certificate.pdf"


@pytest.fixture
def ask(run: Run, pdf: Path) -> Run:
    """Run a command with its form on standard input."""

    def ask(command: str, *options: str, form: object = None, **named: object) -> object:
        given = [] if command in WITHOUT_NUMBER else [MOVE]
        if command in ("out", "change", "certificate"):
            given += ["--out", str(pdf)]
        given += [] if command in WITHOUT_FORM else ["--from", "-"]
        text = json.dumps(FORMS[command] if form is None else form)
        return run(command, *given, "--clerk", CLERK, "--yes", *options, stdin=text, **named)

    return ask  # type: ignore[return-value]  # it has the runner's signature


def sent(moves: MovesDouble) -> object:
    (one,) = [one for one in moves.requests if not isinstance(one, pb.GetMoveRequest)]
    return one


@pytest.mark.parametrize("command", FORMS)
def test_form_is_sent_with_the_number_the_clerk_and_a_request_id(
    ask: Run, moves: MovesDouble, command: str
) -> None:
    moves.move.state = records.Move.STATE_LAPSED

    ended = ask(command)

    one = sent(moves)
    assert ended.code == 0, ended.err
    assert one.clerk_name == CLERK  # type: ignore[attr-defined]  # each has one
    assert ended.result("request_id") == one.request_id  # type: ignore[attr-defined]  # each has one
    assert ended.result("repeated") is False
    assert ended.result("unprintable") == []
    if command not in WITHOUT_NUMBER:
        assert one.move_number == MOVE  # type: ignore[attr-defined]  # these have one


def test_days_are_sent_as_the_calendar_has_them(ask: Run, moves: MovesDouble) -> None:
    form = {**OUT, "notification": {"channel": "CHANNEL_COUNTER", "notice_date": "R8.11.10"}}

    ask("out", form=form)
    ask("arrived")

    out, arrived = moves.requests
    assert isinstance(out, pb.FileMoveOutRequest)
    assert isinstance(arrived, pb.RecordArrivalRequest)
    assert (out.plan.planned_date, out.notification.notice_date) == ("2026-11-20", "2026-11-10")
    assert arrived.moved_date == "2026-11-20"


def test_special_notice_prints_no_certificate_and_a_receipt_without_codes(
    ask: Run, pdf: Path, tmp_path: Path
) -> None:
    receipt = tmp_path / "receipt.pdf"

    ended = ask("out", "--receipt", str(receipt), as_json=False)

    (page,) = pages_of(receipt.read_bytes())
    assert ended.code == 0, ended.err
    assert f"転出届 {MOVE} を受理しました（特例（カード））。" in ended.out
    assert "転出証明書はありません" in ended.out
    assert not pdf.exists()
    assert page.startswith("転出届受理証")
    for shown in (MOVE, NAME, "埼玉県所沢市", "令和8年11月20日", "令和8年11月10日"):
        assert shown in page
    assert "昭和33年2月14日" in page
    assert CODE not in page
    assert VERIFICATION not in page


def test_ordinary_notice_prints_its_certificate(ask: Run, pdf: Path) -> None:
    ended = ask("out", form={**OUT, "kind": "KIND_ORDINARY"})

    (page,) = pages_of(pdf.read_bytes())
    assert ended.result("out") == str(pdf)
    assert "転出証明書" in page
    assert f"{MOVE}1234 5678 9012 3456 11" in page
    assert NAME in page
    assert WIFE in page
    assert "再交付" not in page


@pytest.mark.parametrize("why", sorted(REFUSALS))
def test_special_notice_that_becomes_an_ordinary_one_says_why_and_gives_the_paper(
    ask: Run, moves: MovesDouble, pdf: Path, why: int
) -> None:
    """Case 26: a suspended card is no way; the paper is offered."""
    moves.refused_because = why

    ended = ask("out", as_json=False)

    assert word(REFUSALS[why], Language.JAPANESE) in ended.out
    assert "通常の転出として受理しました。転出証明書を渡してください。" in ended.out
    assert pdf.exists()


def test_move_abroad_has_no_certificate(ask: Run, pdf: Path, tmp_path: Path) -> None:
    receipt = tmp_path / "receipt.pdf"
    plan = {"abroad": True, "planned_date": "2026-11-20"}

    ended = ask(
        "out", "--receipt", str(receipt), form={**OUT, "kind": "KIND_ORDINARY", "plan": plan}
    )

    (page,) = pages_of(receipt.read_bytes())
    assert ended.code == 0, ended.err
    assert not pdf.exists()
    assert "国外" in page


def test_special_notice_abroad_is_refused_and_offers_the_ordinary_way(
    ask: Run, moves: MovesDouble
) -> None:
    """Case 26: a move abroad has no special case."""
    moves.faults = ["SPECIAL_NOT_POSSIBLE"]

    ended = ask("out")

    assert (ended.code, ended.error("reason")) == (3, "SPECIAL_NOT_POSSIBLE")
    assert "転出証明書で手続きできます" in ended.err


@pytest.mark.parametrize(
    "reason",
    ["DESTINATION_IS_ORIGIN", "MOVE_OPEN", "NOT_SAME_HOUSEHOLD", "RESIDENCE_DISCONNECTED"],
)
def test_refusal_of_the_center_is_told_and_closes_the_change(
    ask: Run, moves: MovesDouble, reason: str
) -> None:
    moves.faults = [reason]

    refused, again = ask("out"), ask("out")

    assert (refused.code, refused.error("reason")) == (3, reason)
    assert again.result("repeated") is False


@pytest.mark.parametrize(
    ("command", "changes", "field", "rule"),
    [
        ("out", {"plan": {**PLAN, "planned_date": "2026-13-01"}}, "plan.planned_date", None),
        ("out", {"plan": {**PLAN, "planned_date": "来年の春"}}, "plan.planned_date", None),
        ("out", {"plan": {**PLAN, "planned_date": "2027年"}}, "plan.planned_date", None),
        ("out", {"plan": {**PLAN, "planned_date": "2027-02-29"}}, "plan.planned_date", None),
        ("out", {"plan": {**PLAN, "destination_code": "112080"}}, "plan.destination_code", None),
        ("out", {"plan": {**PLAN, "destination_code": "所沢"}}, "plan.destination_code", "112089"),
        ("arrived", {"destination_code": "13112"}, "destination_code", "112089"),
        ("within", {"moved_date": ""}, "moved_date", None),
        ("cancel", {}, "move_number", "CHECK_DIGITS"),
        ("out", {"destination": "所沢"}, "from", "unknown key 'destination'"),
        ("out", {"request_id": "1"}, "request_id", None),
        ("change", {"move_number": "M000000000195"}, "move_number", None),
    ],
)
def test_bad_input_is_named_by_its_field_and_nothing_is_sent(
    run: Run,
    moves: MovesDouble,
    pdf: Path,
    command: str,
    changes: dict[str, object],
    field: str,
    rule: str | None,
) -> None:
    number = [] if command in WITHOUT_NUMBER else [MOVE[:-1] + "1" if command == "cancel" else MOVE]
    given = [*number, *(["--out", str(pdf)] if command in ("out", "change") else [])]
    given += [] if command in WITHOUT_FORM else ["--from", "-"]
    form = json.dumps({**FORMS[command], **changes})

    ended = run(command, *given, "--clerk", CLERK, "--yes", stdin=form)

    metadata = ended.envelope["error"]["metadata"]  # type: ignore[index]  # an object
    assert (ended.code, ended.error("reason")) == (2, "USAGE_INVALID")
    assert metadata["field"] == field
    assert rule is None or metadata["rule"] == rule
    assert moves.requests == []


@pytest.mark.parametrize("number", ["M12345678909", "A123456789092", "123456789012"])
def test_number_that_is_none_is_refused_before_anything_is_sent(
    run: Run, moves: MovesDouble, number: str
) -> None:
    ended = run("show", number, "--clerk", CLERK)

    assert (ended.code, ended.error("reason")) == (2, "USAGE_INVALID")
    assert moves.requests == []


def test_number_is_taken_as_people_type_it(run: Run) -> None:
    ended = run("show", "ｍ1234-5678 9092", "--clerk", CLERK)

    assert ended.code == 0, ended.err


def test_form_on_standard_input_needs_yes(run: Run, moves: MovesDouble, pdf: Path) -> None:
    ended = run("out", "--out", str(pdf), "--from", "-", stdin=json.dumps(OUT))

    assert (ended.code, ended.error("reason")) == (2, "USAGE_INVALID")
    assert moves.requests == []


@pytest.mark.parametrize("fault", ["before", "after"])
@pytest.mark.parametrize("command", ["out", "within", "certificate", "arrived", "take-back"])
def test_cut_is_finished_by_the_same_command_and_done_once(
    ask: Run, moves: MovesDouble, command: str, fault: str
) -> None:
    moves.move.state = records.Move.STATE_LAPSED
    moves.faults = [fault]

    lost, again = ask(command), ask(command)

    assert (lost.code, lost.error("reason")) == (6, "OUTCOME_UNKNOWN")
    assert f"「move {command}」をもう一度実行" in lost.err
    assert (again.code, again.result("repeated")) == (0, True), again.err
    assert len(moves.acts) == 1


def test_paper_of_a_cut_notice_is_the_first_one(ask: Run, moves: MovesDouble, pdf: Path) -> None:
    moves.faults = ["after"]
    form = {**OUT, "kind": "KIND_ORDINARY"}

    lost, again = ask("out", form=form), ask("out", form=form)

    assert (lost.code, again.code) == (6, 0)
    assert "再交付" not in pages_of(pdf.read_bytes())[0]


def test_other_content_after_a_cut_says_that_the_first_stands(ask: Run, moves: MovesDouble) -> None:
    moves.faults = ["after"]
    ask("out")

    ended = ask("out", form={**OUT, "plan": {**PLAN, "planned_date": "2026-11-21"}})

    assert (ended.code, ended.error("reason")) == (3, "REQUEST_ID_REUSED")
    assert "今回の内容は処理されていません" in ended.err


def test_another_moves_cut_is_not_taken_for_this_one(
    run: Run, ask: Run, moves: MovesDouble
) -> None:
    moves.faults = ["before"]
    ask("cancel")

    ended = run("cancel", "M000000000195", "--clerk", CLERK, "--yes")

    assert ended.result("repeated") is False


def test_journal_has_numbers_and_no_personal_datum(ask: Run, config: Path) -> None:
    ask("out")
    ask("take-back")

    written = "".join(path.read_text() for path in config.parent.glob("terminal.journal.moves*"))
    assert '"command":"out"' in written
    assert f'"subject":"{MOVE}"' in written
    for secret in (CODE, CLERK, NAME, "並木"):
        assert secret not in written


def test_second_paper_is_marked_as_issued_again(ask: Run, moves: MovesDouble, pdf: Path) -> None:
    moves.move.state = records.Move.STATE_ORDINARY
    moves.move.certificate_count = 1

    ended = ask("certificate", as_json=False)

    assert "転出証明書を交付しました (2回目)" in ended.out
    assert "再交付（2回目）" in pages_of(pdf.read_bytes())[0]


def test_changed_ordinary_notice_prints_its_new_certificate(
    ask: Run, moves: MovesDouble, pdf: Path
) -> None:
    moves.move.kind = records.Move.KIND_ORDINARY

    ended = ask("change")

    assert ended.code == 0, ended.err
    assert pdf.exists()


def test_special_case_is_given_up_by_a_flag_or_by_an_answer_only(
    run: Run, ask: Run, moves: MovesDouble, pdf: Path
) -> None:
    refused = ask("certificate")
    given = ["certificate", MOVE, "--out", str(pdf), "--clerk", CLERK]
    asked = run(*given, stdin="はい\nはい\n")

    assert (refused.code, refused.error("reason")) == (3, "SPECIAL_MUST_BE_GIVEN_UP")
    assert asked.code == 0, asked.err
    assert "特例は利用できなくなります" in asked.err
    assert moves.move.state == records.Move.STATE_ORDINARY


def test_special_case_is_given_up_by_the_flag(ask: Run, moves: MovesDouble) -> None:
    ended = ask("certificate", "--give-up-special")

    assert ended.code == 0, ended.err
    assert moves.move.kind == records.Move.KIND_ORDINARY


def test_notice_stands_where_its_certificate_cannot_be_written(
    run: Run, moves: MovesDouble, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    out = str(tmp_path / "file" / "certificate.pdf")
    form = json.dumps({**OUT, "kind": "KIND_ORDINARY"})

    ended = run("out", "--out", out, "--from", "-", "--clerk", CLERK, "--yes", stdin=form)

    assert (ended.code, ended.error("reason")) == (4, "PRINTER_FAILED")
    assert f"juki-terminal move certificate {MOVE}" in ended.err
    assert ended.envelope["error"]["metadata"] == {"moveNumber": MOVE}  # type: ignore[index]  # an object
    assert len(moves.acts) == 1


def test_character_that_no_font_has_is_flagged_before_the_act(
    ask: Run, run: Run, residents: ResidentsDouble, moves: MovesDouble, pdf: Path
) -> None:
    residents.record.entries.name = UNPRINTABLE

    told = ask("out")
    form = pdf.with_suffix(".json")
    form.write_text(json.dumps(OUT), encoding="utf-8")
    given = ["out", "--out", str(pdf), "--from", str(form), "--clerk", CLERK]
    shown = run(*given, stdin="いいえ\n")

    assert told.result("unprintable") == [
        {"person": 0, "field": "name", "code_points": ["U+845B U+E01EF"]}
    ]
    assert (
        "1人目の「氏名」に、この端末で表示・印刷できない文字があります (U+845B U+E01EF)"
        in shown.err
    )
    assert (shown.code, shown.error("reason")) == (130, "INTERRUPTED")
    assert len(moves.of(pb.FileMoveOutRequest)) == 1


def test_receipt_that_cannot_be_set_is_told_and_the_notice_stands(
    ask: Run, residents: ResidentsDouble, tmp_path: Path
) -> None:
    residents.record.entries.name = UNPRINTABLE

    ended = ask("out", "--receipt", str(tmp_path / "r.pdf"), as_json=False)

    assert ended.code == 0
    assert "受理証を出力できませんでした" in ended.out


def test_prompts_choose_persons_from_their_household_and_show_all_before_the_act(
    run: Run, moves: MovesDouble, pdf: Path
) -> None:
    answers = [CODE, "1", "112089", "並木一丁目1番地の1", "令和8年11月20日", "はい", "1", "2", ""]

    ended = run("out", "--out", str(pdf), "--clerk", CLERK, stdin="\n".join([*answers, "はい", ""]))

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

    ended = run("out", "--out", str(pdf), "--clerk", CLERK, stdin="\n".join([*answers, ""]))

    (one,) = moves.of(pb.FileMoveOutRequest)
    assert ended.code == 0, ended.err
    assert one.plan.abroad
    assert one.kind == records.Move.KIND_ORDINARY
    assert len(one.movers) == 2


def test_nothing_is_sent_where_the_clerk_does_not_go_on(run: Run, moves: MovesDouble) -> None:
    ended = run("cancel", MOVE, "--clerk", CLERK, stdin="いいえ\n")

    assert (ended.code, ended.error("reason")) == (130, "INTERRUPTED")
    assert f"転出届 {MOVE} を取り消します。" in ended.err
    assert moves.of(pb.CancelMoveOutRequest) == []


def test_prompts_for_a_change_show_the_notice_and_take_its_version(
    run: Run, moves: MovesDouble, pdf: Path
) -> None:
    moves.move.notice_version = 3
    answers = [CODE, "1", "131121", "", "2026-11-25", "はい"]

    ended = run(
        "change", MOVE, "--out", str(pdf), "--clerk", CLERK, stdin="\n".join([*answers, ""])
    )

    (one,) = moves.of(pb.ChangeMoveOutRequest)
    assert ended.code == 0, ended.err
    assert one.expected_version == 3
    assert "東京都世田谷区" in ended.err


def test_prompts_for_an_arrival_and_for_taking_back(run: Run, moves: MovesDouble) -> None:
    arrived = run("arrived", MOVE, "--clerk", CLERK, stdin="131121\n令和8年11月19日\nはい\n")
    back = run("take-back", MOVE, "--clerk", CLERK, stdin=f"{CODE}\n\nはい\n")

    (one,) = moves.of(pb.RecordArrivalRequest)
    (other,) = moves.of(pb.CancelMoveInRequest)
    assert (arrived.code, back.code) == (0, 0), arrived.err + back.err
    assert (one.destination_code, one.moved_date) == ("131121", "2026-11-19")
    assert [(m.code, m.expected_version) for m in other.moved] == [(CODE, 4)]
    assert "失効したカードは戻りません" in back.err


def test_prompts_for_a_correction_begin_with_what_stands(run: Run, moves: MovesDouble) -> None:
    answers = [CODE, "葛󠄀城　良男", *[""] * 15, "はい"]

    ended = run("correct", MOVE, "--clerk", CLERK, stdin="\n".join([*answers, ""]))

    (one,) = moves.of(pb.CorrectMoveOutRequest)
    assert ended.code == 0, ended.err
    assert one.entries.name == "葛󠄀城　良男"
    assert one.entries.name_kana == "カツラギ　ヨシオ"


def test_correction_of_the_origin_is_shown_before_it_is_entered(
    run: Run, moves: MovesDouble
) -> None:
    ended = run("accept-correction", MOVE, "--clerk", CLERK, stdin=f"{CODE}\nはい\n")

    (one,) = moves.of(pb.AcceptCorrectionRequest)
    assert ended.code == 0, ended.err
    assert (one.code, one.expected_version) == (CODE, 4)
    assert NAME in ended.err


def test_correction_that_does_not_wait_is_refused(ask: Run, moves: MovesDouble) -> None:
    ended = ask("accept-correction", form={"code": "25208017643", "expected_version": 4})

    assert (ended.code, ended.error("reason")) == (3, "NO_CORRECTION")
    assert moves.of(pb.AcceptCorrectionRequest) == []


def test_move_within_keeps_a_whole_household_and_prints_its_receipt(
    run: Run, moves: MovesDouble, tmp_path: Path
) -> None:
    receipt = tmp_path / "receipt.pdf"
    answers = [CODE, "", "はい", "東京都千代田区神田一丁目1番1号", "五号室", "2026-11-20", "はい"]

    ended = run(
        "within",
        "--receipt",
        str(receipt),
        "--clerk",
        CLERK,
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

    ended = run("within", "--clerk", CLERK, stdin="\n".join([*answers, ""]))

    (one,) = moves.of(pb.RegisterMoveWithinRequest)
    assert ended.code == 0, ended.err
    assert one.place.new_household
    assert [m.relationship_to_householder for m in one.movers] == ["世帯主"]


def test_late_move_within_is_asked_for_its_reason_and_sent_again(
    run: Run, moves: MovesDouble
) -> None:
    moves.faults = ["LATE_REASON_REQUIRED"]
    answers = [CODE, "", "はい", "神田一丁目", "", "2026-10-01", "はい", "入院していたため"]

    ended = run("within", "--clerk", CLERK, stdin="\n".join([*answers, ""]), as_json=False)

    first, second = moves.of(pb.RegisterMoveWithinRequest)
    assert ended.code == 0, ended.err
    assert (first.late_reason, second.late_reason) == ("", "入院していたため")
    assert first.request_id != second.request_id
    assert "経過後の届出として記録しました" in ended.out


def test_late_form_is_refused_with_its_reason_wanted(ask: Run, moves: MovesDouble) -> None:
    moves.faults = ["LATE_REASON_REQUIRED"]

    ended = ask("within")

    assert (ended.code, ended.error("reason")) == (3, "LATE_REASON_REQUIRED")


def test_move_is_shown_with_what_there_is_to_do(run: Run) -> None:
    ended = run("show", MOVE, "--clerk", CLERK, as_json=False)

    assert ended.code == 0, ended.err
    for text in ("埼玉県所沢市", "東京都千代田区", "2026-12-21", f"{CODE} ", "訂正 ("):
        assert text in ended.out
    assert f"juki-terminal move certificate {MOVE}" in ended.out


def test_move_of_others_is_not_found(run: Run) -> None:
    ended = run("show", "M000000000195", "--clerk", CLERK)

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

    ended = run("list", *which, "--clerk", CLERK)

    first, second = moves.of(pb.ListMovesRequest)
    listed = ended.result("moves")
    assert isinstance(listed, list)
    assert [one["number"] for one in listed] == [MOVE, MOVE]
    assert (first.selection, first.page_token, second.page_token) == (selection, "", "more")


def test_list_that_is_unknown_is_a_wrong_call(run: Run, moves: MovesDouble) -> None:
    ended = run("list", "elsewhere", "--clerk", CLERK)

    assert ended.code == 2
    assert moves.requests == []


def test_missing_arrivals_are_listed(run: Run) -> None:
    ended = run("missing", "--clerk", CLERK, as_json=False)

    assert (ended.code, ended.out) == (0, "届出はありません。\n")


def test_alerts_are_listed_and_acknowledged(run: Run, moves: MovesDouble) -> None:
    listed = run("alerts", "--all", "--clerk", CLERK, as_json=False)
    seen = run("seen", ALERT, "--clerk", CLERK)
    unknown = run("seen", "alert-2", "--clerk", CLERK)

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
        (pb.FileMoveOutResponse.SpecialRefusal, REFUSALS),
    )

    for kind, words in tables:
        assert words.keys() == set(kind.values()) - {0}


def test_engineers_read_english(ask: Run) -> None:
    ended = ask("cancel", as_json=False, lang="en")

    assert f"Notice {MOVE} is withdrawn; records that hold again: 2." in ended.out
