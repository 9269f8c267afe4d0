"""`juki-terminal resident`: what a clerk types, what is sent once, and what a clerk reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from juki_terminal.cli import app
from juki_terminal.residents import CALLS
from jukinet.residents.v1 import resident_service_pb2 as pb
from jukinet.residents.v1.civil_date_pb2 import CivilDate
from tests.unit.terminal.clerk import DEATH, FORMS, Ended, Run, runner
from tests.unit.terminal.residents_double import CODE, NAME, ResidentsDouble, day

APPROVAL = "0123456789abcdef"
NEED_TWO = ("lift", "end-protection")


@pytest.fixture
def run(config: Path) -> Run:
    return runner(config)


@pytest.fixture
def ask(run: Run) -> Run:
    """Run a command with its form on standard input."""

    def ask(command: str, *options: str, **named: object) -> Ended:
        form = json.dumps(named.pop("form", FORMS.get(command)))
        return run(command, "--from", "-", *options, stdin=form, **named)

    return ask


def journal_of(config: Path) -> list[dict[str, object]]:
    text = (config.parent / "terminal.journal.residents").read_text(encoding="ascii")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("command", FORMS)
def test_form_is_sent_as_it_is_with_a_request_id_and_no_clerk(
    ask: Run, residents: ResidentsDouble, command: str
) -> None:
    ended = ask(command, *(("--approval", APPROVAL) if command in NEED_TWO else ()))

    (sent,) = residents.requests
    assert ended.code == 0, ended.err
    assert type(sent) is CALLS[command].request
    assert sent.clerk_name == ""  # type: ignore[attr-defined]  # each has one
    if CALLS[command].changes:
        assert ended.result("request_id") == sent.request_id  # type: ignore[attr-defined]  # these have one
    for name in FORMS[command]:
        assert any(field.name == name for field, _ in sent.ListFields())


def test_dates_of_a_form_are_texts_or_messages(ask: Run, residents: ResidentsDouble) -> None:
    ask("correct")

    (sent,) = residents.requests
    assert isinstance(sent, pb.CorrectRecordRequest)
    assert sent.entries.date_of_birth == day(33, 2, 14)
    assert sent.entries.resident_since == day(60, 4, 1)
    assert sent.change_date.calendar == CivilDate.CALENDAR_GREGORIAN
    assert sent.entries.name.encode() == NAME.encode()


@pytest.mark.parametrize(
    ("form", "field", "rule"),
    [
        ({"code": CODE, "names": "x"}, "from", "unknown key 'names'"),
        ({"entries": {"naem": "x"}}, "entries", "unknown key 'naem'"),
        ({"request_id": "x"}, "request_id", "made by the program"),
        ([], "from", "a JSON object"),
        ({"entries": []}, "entries", "a JSON object"),
        ({"entries": {"date_of_birth": []}}, "entries.date_of_birth", "a JSON object"),
        ({"entries": {"sex": "秘密"}}, "entries.sex", "a value of CorrectRecordRequest"),
        ({"code": 5}, "code", "a value of CorrectRecordRequest"),
        ({"entries": {"name": "\ud842"}}, "entries.name", "a value of CorrectRecordRequest"),
    ],
)
def test_form_that_is_no_request_is_refused_by_name_and_nothing_is_sent(
    ask: Run, residents: ResidentsDouble, form: object, field: str, rule: str
) -> None:
    ended = ask("correct", form=form)

    assert ended.code == 2
    assert ended.error("reason") == "USAGE_INVALID"
    assert ended.error("metadata") == {"field": field, "rule": rule}
    assert "秘密" not in ended.out + ended.err
    assert residents.requests == []


def test_members_of_a_form_are_a_list(ask: Run) -> None:
    ended = ask("change-household", form={"members": {"code": CODE}})

    assert ended.error("metadata") == {"field": "members", "rule": "a JSON list"}


def test_date_of_a_form_that_is_none_is_refused_without_its_text(
    ask: Run, residents: ResidentsDouble
) -> None:
    ended = ask("death", form={**DEATH, "date_of_death": "いつか"})

    assert ended.error("metadata") == {
        "field": "date_of_death",
        "rule": "昭和45年3月2日 / 1970-03-02",
    }
    assert "いつか" not in ended.out + ended.err
    assert residents.requests == []


def test_text_that_is_no_json_is_refused(run: Run) -> None:
    ended = run("show", "--from", "-", stdin="{")

    assert (ended.code, ended.error("metadata")) == (
        2,
        {"field": "from", "rule": "a JSON object"},
    )


def test_change_is_journalled_before_and_after_it_is_sent_without_personal_data(
    ask: Run, config: Path
) -> None:
    ended = ask("death")

    lines = journal_of(config)
    assert [line["state"] for line in lines] == ["asked", "done"]
    assert {line["request"] for line in lines} == {ended.result("request_id")}
    assert CODE not in str(lines)


def test_look_leaves_no_journal(ask: Run, config: Path) -> None:
    ask("show")

    assert not (config.parent / "terminal.journal.residents").exists()


@pytest.mark.parametrize("cut", ["before", "after"])
def test_change_that_was_cut_is_done_once_by_running_it_again(
    ask: Run, residents: ResidentsDouble, config: Path, cut: str
) -> None:
    residents.faults = [cut]

    lost = ask("death")
    again = ask("death")
    later = ask("death")

    ids = [request.request_id for request in residents.requests]  # type: ignore[attr-defined]  # deaths
    assert (lost.code, lost.error("reason")) == (6, "OUTCOME_UNKNOWN")
    assert "もう一度実行" in lost.err
    assert again.code == 0
    assert again.result("repeated") is True
    assert ids[0] == ids[1] == again.result("request_id")
    assert ids[2] != ids[0]
    assert later.result("repeated") is False
    assert len(residents.acts) == 2
    assert [line["state"] for line in journal_of(config)][:4] == ["asked", "asked", "asked", "done"]


def test_other_content_after_a_cut_is_not_done_where_the_first_was(
    ask: Run, residents: ResidentsDouble
) -> None:
    residents.faults = ["after"]
    ask("death")

    other = ask("death", form={**DEATH, "expected_version": 5})
    again = ask("death", form={**DEATH, "expected_version": 5})

    assert (other.code, other.error("reason")) == (3, "REQUEST_ID_REUSED")
    assert "処理済み" in other.err
    assert again.code == 0
    assert len(residents.acts) == 2


def test_refused_change_is_closed(ask: Run, residents: ResidentsDouble, config: Path) -> None:
    residents.faults = ["RECORD_LOCKED"]

    ended = ask("death")
    again = ask("death")

    assert (ended.code, ended.error("reason")) == (3, "RECORD_LOCKED")
    assert again.result("repeated") is False
    assert [line["state"] for line in journal_of(config)][:2] == ["asked", "refused"]


def test_refused_field_says_nothing_of_the_run_before(ask: Run, residents: ResidentsDouble) -> None:
    residents.faults = ["before", "FIELD_INVALID"]
    ask("death")

    wrong = ask("death", form={**DEATH, "code": "1"})
    right = ask("death")

    assert wrong.error("reason") == "FIELD_INVALID"
    assert right.result("repeated") is True


def test_answer_that_is_kept_no_longer_settles_the_change(
    ask: Run, residents: ResidentsDouble, config: Path
) -> None:
    residents.faults = ["after", "ANSWER_EXPIRED"]
    ask("death")

    ended = ask("death")

    assert (ended.code, ended.error("reason")) == (3, "ANSWER_EXPIRED")
    assert "処理済み" in ended.err
    assert "もう一度実行してください。二重" not in ended.err
    assert journal_of(config)[-1]["state"] == "done"


def test_damaged_journal_is_a_defect_and_nothing_is_sent(
    ask: Run, residents: ResidentsDouble, config: Path
) -> None:
    (config.parent / "terminal.journal.residents").write_bytes(b"{}\n")

    ended = ask("death")

    assert (ended.code, ended.error("reason")) == (1, "JOURNAL_DAMAGED")
    assert residents.requests == []


def test_command_stands_for_one_step_of_a_measure(ask: Run, residents: ResidentsDouble) -> None:
    wrong = ask("end-protection", form={**FORMS["end-protection"], "lift": "600s"})
    no_time = ask("lift", form=FORMS["end-protection"])
    ask("lift", "--minutes", "10", "--approval", APPROVAL, form=FORMS["end-protection"])

    (sent,) = residents.requests
    assert isinstance(sent, pb.SetProtectiveMeasureRequest)
    assert wrong.error("metadata") == {"field": "step", "rule": "end"}
    assert no_time.error("metadata") == {"field": "minutes"}
    assert sent.lift.seconds == 600
    assert sent.approval_id == APPROVAL


def test_lock_is_named_in_hexadecimal(ask: Run, run: Run, residents: ResidentsDouble) -> None:
    locked = ask("lock", as_json=False)
    ask("death", "--lock", bytes(range(16)).hex())
    given_back = run("unlock", bytes(range(16)).hex())
    wrong = run("unlock", "0011")

    _, died, unlocked = residents.requests
    assert bytes(range(16)).hex() in locked.out
    assert died.lock_id == unlocked.lock_id == bytes(range(16))  # type: ignore[attr-defined]  # both have it
    assert given_back.code == 0
    assert wrong.error("metadata") == {"field": "lock", "rule": "32 hexadecimal digits"}


def test_record_is_shown_in_the_words_of_the_register(ask: Run) -> None:
    ended = ask("show", "--history", as_json=False)

    for word in (
        "住民票コード",
        CODE,
        NAME,
        "昭和33年2月14日",
        "男",
        "世帯主",
        "住民票コードの変更",
        "旧コードの数",
        "第3版",
    ):
        assert word in ended.out
    assert "方書" not in ended.out


def test_household_is_shown_one_member_a_line(ask: Run) -> None:
    ended = ask("household", as_json=False)

    lines = [line for line in ended.out.splitlines() if NAME in line]
    assert len(lines) == 2
    assert "続柄" in ended.out


def test_texts_come_out_whole_on_a_narrow_screen(
    ask: Run, residents: ResidentsDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    residents.record.entries.name = "葛󠄀" * 50

    assert "葛󠄀" * 50 in ask("show", as_json=False).out


def test_name_is_no_markup(ask: Run, residents: ResidentsDouble) -> None:
    residents.record.entries.name = "[bold]山田[/bold]"

    assert "[bold]山田[/bold]" in ask("show", as_json=False).out


def test_clerk_is_told_what_else_follows(ask: Run, residents: ResidentsDouble) -> None:
    residents.low_stock = True

    death = ask("death", as_json=False)
    birth = ask("birth", as_json=False)

    assert "失効した住基カード: 1枚" in death.out
    assert "世帯主を定めてください" in death.out
    assert "在庫が少なく" in birth.out


def test_measure_is_shown_in_force_or_lifted(ask: Run, residents: ResidentsDouble) -> None:
    residents.record.protective_measure.planned_end.CopyFrom(day(64, 1, 7))
    in_force = ask("show", as_json=False)
    residents.record.protective_measure.lifted_until.FromSeconds(1_795_392_600)
    lifted = ask("show", as_json=False)

    assert "実施中、終期の予定 昭和64年1月7日" in in_force.out
    assert "一時解除中 (2026-11-23 09:10:00 JSTまで)" in lifted.out


def test_trace_shows_the_form_of_messages_and_no_datum(config: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    options = ["--config", str(config), "--trace", str(trace), "resident", "death"]
    form = json.dumps(DEATH)

    CliRunner().invoke(app, [*options, "--from", "-"], input=form)

    text = trace.read_text(encoding="utf-8")
    assert "RegisterDeathRequest" in text
    for datum in (CODE, NAME, "REIWA"):
        assert datum not in text


def test_unreachable_center_ends_a_look_with_its_own_exit_code(
    ask: Run, residents: ResidentsDouble
) -> None:
    residents.faults = ["before"]

    ended = ask("show")

    assert (ended.code, ended.error("reason")) == (5, "CENTER_UNREACHABLE")
