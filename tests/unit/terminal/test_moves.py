"""`juki-terminal move …` without a card: what a clerk types, what is sent once, what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from juki_client.outcome import Language
from juki_terminal.cli.moves_words import REFUSALS, word
from jukinet.moves.v1 import move_pb2 as records
from jukinet.moves.v1 import move_service_pb2 as pb
from tests.support.pdf_text import pages_of
from tests.unit.terminal.clerk import ENTRIES, Run, group_runner
from tests.unit.terminal.moves_double import MOVE, VERIFICATION, WIFE, MovesDouble
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
        return run(command, *given, "--yes", *options, stdin=text, **named)

    return ask  # type: ignore[return-value]  # it has the runner's signature


def sent(moves: MovesDouble) -> object:
    (one,) = [one for one in moves.requests if not isinstance(one, pb.GetMoveRequest)]
    return one


@pytest.mark.parametrize("command", FORMS)
def test_form_is_sent_with_the_number_a_request_id_and_no_clerk(
    ask: Run, moves: MovesDouble, command: str
) -> None:
    moves.move.state = records.Move.STATE_LAPSED

    ended = ask(command)

    one = sent(moves)
    assert ended.code == 0, ended.err
    assert one.clerk_name == ""  # type: ignore[attr-defined]  # each has one
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
    assert f"転出届 {MOVE} を受理しました: 特例（カード）" in ended.out
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
    moves.faults = ["SPECIAL_NOT_POSSIBLE why=ABROAD"]

    ended = ask("out")

    assert (ended.code, ended.error("reason")) == (3, "SPECIAL_NOT_POSSIBLE")
    assert "国外への転出に特例と転出証明書はありません。通常の転出届として" in ended.err


def test_change_that_card_cannot_carry_offers_the_certificate(ask: Run, moves: MovesDouble) -> None:
    moves.faults = ["SPECIAL_NOT_POSSIBLE why=NO_USABLE_CARD"]

    ended = ask("out")

    assert "転出証明書で手続きできます" in ended.err


@pytest.mark.parametrize(
    ("field", "rule", "told"),
    [
        ("plan.planned_date", "RANGE", "1年以内"),
        ("notification.notice_date", "RANGE", "1年前まで"),
        ("plan.destination_code", "NO_MUNICIPALITY", "市区町村はありません"),
        ("plan.destination_code", "MUNICIPALITY_UNKNOWN", "市区町村はありません"),
        ("notification.notice_date", "FUTURE", "まだ来ていない日"),
    ],
)
def test_broken_rule_is_told_in_words_that_say_what_to_do(
    ask: Run, moves: MovesDouble, field: str, rule: str, told: str
) -> None:
    moves.faults = [f"FIELD_INVALID field={field} rule={rule}"]

    ended = ask("out")

    assert (ended.code, ended.error("reason")) == (3, "FIELD_INVALID")
    assert told in ended.err


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("TRANSFERRED", "取得から24時間たつと"),
        ("COMPLETED", "転入先の窓口です"),
        ("CANCELLED", "新しい届出が必要です"),
        ("CANCELLED_AFTER", "新しい届出が必要です"),
    ],
)
def test_state_that_forbids_an_act_is_told_with_what_is_possible(
    ask: Run, moves: MovesDouble, state: str, told: str
) -> None:
    moves.faults = [f"NOT_IN_THIS_STATE event=WITHDRAWN state={state}"]

    ended = ask("out")

    assert (ended.code, ended.error("reason")) == (3, "NOT_IN_THIS_STATE")
    assert told in ended.err


def test_rule_without_words_is_told_by_its_name_alone(ask: Run, moves: MovesDouble) -> None:
    moves.faults = ["FIELD_INVALID field=plan rule=ANOTHER_RULE"]

    ended = ask("out")

    assert (ended.code, ended.err) == (3, "")


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

    ended = run(command, *given, "--yes", stdin=form)

    metadata = ended.envelope["error"]["metadata"]  # type: ignore[index]  # an object
    assert (ended.code, ended.error("reason")) == (2, "USAGE_INVALID")
    assert metadata["field"] == field
    assert rule is None or metadata["rule"] == rule
    assert moves.requests == []


@pytest.mark.parametrize("number", ["M12345678909", "A123456789092", "123456789012"])
def test_number_that_is_none_is_refused_before_anything_is_sent(
    run: Run, moves: MovesDouble, number: str
) -> None:
    ended = run("show", number)

    assert (ended.code, ended.error("reason")) == (2, "USAGE_INVALID")
    assert moves.requests == []


def test_number_is_taken_as_people_type_it(run: Run) -> None:
    ended = run("show", "ｍ1234-5678 9092")

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

    ended = run("cancel", "M000000000195", "--yes")

    assert ended.result("repeated") is False


def test_journal_has_numbers_and_no_personal_datum(ask: Run, config: Path) -> None:
    ask("out")
    ask("take-back")

    written = "".join(path.read_text() for path in config.parent.glob("terminal.journal.moves*"))
    assert '"command":"out"' in written
    assert f'"subject":"{MOVE}"' in written
    for secret in (CODE, NAME, "並木"):
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
    given = ["certificate", MOVE, "--out", str(pdf)]
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

    ended = run("out", "--out", out, "--from", "-", "--yes", stdin=form)

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
    given = ["out", "--out", str(pdf), "--from", str(form)]
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


def test_planned_address_that_cannot_be_printed_is_flagged_before_the_act(ask: Run) -> None:
    plan = {**PLAN, "destination_address": "葛\U000e01ef城1番地"}

    ended = ask("out", form={**OUT, "plan": plan})

    assert ended.code == 0, ended.err
    assert (
        "注意: 転出先の住所に、この端末で印刷できない文字があります (U+845B U+E01EF)" in ended.err
    )


def test_receipt_that_cannot_be_set_is_told_and_the_notice_stands(
    ask: Run, residents: ResidentsDouble, tmp_path: Path
) -> None:
    residents.record.entries.name = UNPRINTABLE

    ended = ask("out", "--receipt", str(tmp_path / "r.pdf"), as_json=False)

    assert ended.code == 0
    assert "受理証を出力できませんでした" in ended.out


def test_correction_that_does_not_wait_is_refused(ask: Run, moves: MovesDouble) -> None:
    ended = ask("accept-correction", form={"code": "25208017643", "expected_version": 4})

    assert (ended.code, ended.error("reason")) == (3, "NO_CORRECTION")
    assert moves.of(pb.AcceptCorrectionRequest) == []


@pytest.mark.parametrize(
    ("lang", "said", "show"),
    [
        ("ja", "転入先にはまだ届いていません。", "順番に待っており、再び接続されると届きます。"),
        ("en", "does not have it yet", "the notice waits in its turn"),
    ],
)
def test_correction_that_waits_is_said_to_wait(
    ask: Run, moves: MovesDouble, lang: str, said: str, show: str
) -> None:
    moves.waits = True

    ended = ask("correct", as_json=False, lang=lang)

    assert ended.code == 0, ended.err
    assert said in ended.out
    assert show in ended.out
    assert f"juki-terminal move show {MOVE}" in ended.out


def test_what_needs_the_register_of_who_is_cut_off_is_taken_on_paper(
    ask: Run, moves: MovesDouble
) -> None:
    moves.faults = ["RESIDENCE_DISCONNECTED"]

    ended = ask("take-back")

    assert ended.error("reason") == "RESIDENCE_DISCONNECTED"
    assert "書面で受け付け" in ended.err


def test_late_form_is_refused_with_its_reason_wanted(ask: Run, moves: MovesDouble) -> None:
    moves.faults = ["LATE_REASON_REQUIRED"]

    ended = ask("within")

    assert (ended.code, ended.error("reason")) == (3, "LATE_REASON_REQUIRED")


def test_engineers_read_english(ask: Run) -> None:
    ended = ask("cancel", as_json=False, lang="en")

    assert f"Notice {MOVE} is withdrawn; records that hold again: 2." in ended.out
