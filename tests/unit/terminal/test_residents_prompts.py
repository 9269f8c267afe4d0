"""`juki-terminal resident` without a file: what is asked at the prompt, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from jukinet.residents.v1 import residence_record_pb2 as records
from jukinet.residents.v1 import resident_service_pb2 as pb
from tests.unit.terminal.clerk import Run, runner
from tests.unit.terminal.residents_double import CODE, NAME, ResidentsDouble


@pytest.fixture
def run(config: Path) -> Run:
    return runner(config)


def test_prompts_ask_for_a_code_and_for_no_clerk(run: Run, residents: ResidentsDouble) -> None:
    ended = run("show", stdin=f"{CODE}\n")

    (sent,) = residents.requests
    assert ended.code == 0
    assert sent == pb.GetRecordRequest(code=CODE)


def test_prompts_for_a_death_show_the_record_and_take_its_version(
    run: Run, residents: ResidentsDouble
) -> None:
    ended = run("death", stdin=f"{CODE}\n令和8年11月20日\n")

    look, sent = residents.requests
    assert isinstance(look, pb.GetRecordRequest)
    assert isinstance(sent, pb.RegisterDeathRequest)
    assert (sent.expected_version, sent.date_of_death.day) == (4, 20)
    assert NAME in ended.err


def test_prompts_for_a_correction_begin_with_what_stands(
    run: Run, residents: ResidentsDouble
) -> None:
    residents.record.entries.building_and_room = "一号室"
    answers = ["" for _ in residents.record.entries.DESCRIPTOR.fields]
    answers[0] = "葛󠄀城　良男"
    answers[8] = "-"

    run(
        "correct",
        stdin="\n".join([CODE, *answers, "氏名の変更", "2026-11-20", ""]),
    )

    sent = residents.requests[-1]
    assert isinstance(sent, pb.CorrectRecordRequest)
    assert sent.entries.name == "葛󠄀城　良男"
    assert sent.entries.building_and_room == ""
    assert sent.entries.date_of_birth == residents.record.entries.date_of_birth
    assert sent.reason == records.CHANGE_REASON_NAME_CHANGE


def test_prompts_for_a_household_take_members_until_an_empty_one(
    run: Run, residents: ResidentsDouble
) -> None:
    run("change-household", stdin=f"{CODE}\n世帯主\n\n\n2026-11-20\n")

    sent = residents.requests[-1]
    assert isinstance(sent, pb.ChangeHouseholdRequest)
    assert sent.new_household
    assert [one.relationship_to_householder for one in sent.members] == ["世帯主"]


def test_prompts_for_a_birth_ask_for_each_entry(run: Run, residents: ResidentsDouble) -> None:
    answers = ["葛󠄀城　桜", "カツラギ　サクラ", "", "", "", "令和8年11月1日", "女", "", "", "子"]
    answers += ["令和8年11月1日", "", "", "", "", "葛󠄀城　𠮷男"]

    ended = run("birth", stdin="\n".join([CODE, *answers, ""]))

    sent = residents.requests[-1]
    assert ended.code == 0, ended.err
    assert isinstance(sent, pb.RegisterBirthRequest)
    assert sent.entries.sex == records.Entries.SEX_FEMALE
    assert sent.entries.nationality == records.Entries.NATIONALITY_JAPANESE
    assert sent.entries.family_register_head == NAME


@pytest.mark.parametrize(
    ("command", "answers", "kind"),
    [
        ("delete", ["2026-11-20"], pb.DeleteRecordRequest),
        ("change-code", [], pb.ChangeResidentCodeRequest),
        ("cancel", [], pb.CancelEntryRequest),
        ("protect", ["令和9年11月20日"], pb.SetProtectiveMeasureRequest),
        ("end-protection", [], pb.SetProtectiveMeasureRequest),
    ],
)
def test_prompts_fill_each_change(
    run: Run, residents: ResidentsDouble, command: str, answers: list[str], kind: type
) -> None:
    approval = ["--approval", "0" * 16] if command == "end-protection" else []
    ended = run(command, *approval, stdin="\n".join([CODE, *answers, ""]))

    assert ended.code == 0, ended.err
    assert isinstance(residents.requests[-1], kind)
    assert "4" in str(residents.requests[-1])


def test_end_of_input_interrupts(run: Run) -> None:
    ended = run("death", stdin="")

    assert (ended.code, ended.error("reason")) == (130, "INTERRUPTED")
