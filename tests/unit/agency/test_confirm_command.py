"""`juki-agency confirm` and `doctor`: what is asked, what is shown, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
import pytest

from juki_pki.folder import PKIFolder
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from jukinet.residents.v1 import residence_record_pb2 as residents_pb
from jukinet.residents.v1.civil_date_pb2 import CivilDate
from tests.unit.agency.center_double import AgencyDouble, Line
from tests.unit.agency.conftest import Run, write_config

CODE = "24727059608"
PERSON = {
    "name": "髙橋　一郎",
    "birth": "昭和45年3月2日",
    "sex": "男",
    "address": "埼玉県所沢市並木1丁目",
}
BIRTH = CivilDate(
    calendar=CivilDate.CALENDAR_ERA,
    era=CivilDate.ERA_SHOWA,
    year=45,
    month=3,
    day=2,
    precision=CivilDate.PRECISION_DAY,
)


def told(line: Line) -> pb.Confirmation:
    """Answer with a name."""
    return pb.Confirmation(
        outcome=pb.Confirmation.OUTCOME_MATCH,
        information=pb.IdentityInformation(name="髙橋　一郎", date_of_birth=BIRTH),
        provision_id="17",
    )


def of(outcome: pb.Confirmation.Outcome.ValueType, **facts: object) -> pb.Confirmation:
    return pb.Confirmation(outcome=outcome, **facts)  # type: ignore[arg-type]  # by test


def test_question_by_code_comes_from_a_prompt_and_asks_for_the_items_alone(
    run: Run, double: AgencyDouble
) -> None:
    ended = run("confirm", "--affair", "passport", "--items", "name,birth", stdin=f"{CODE}\n")

    (asked,) = double.questions
    assert ended.code == 0
    assert isinstance(asked, pb.ConfirmByCodeRequest)
    assert (asked.affair, asked.code, asked.watch_changes) == ("passport", CODE, False)
    assert list(asked.items) == [pb.ITEM_NAME, pb.ITEM_DATE_OF_BIRTH]


def test_answer_is_the_golden_envelope(run: Run, double: AgencyDouble) -> None:
    double.answer = told

    ended = run("confirm", "--affair", "passport", "--items", "name,birth", stdin=f"{CODE}\n")

    assert ended.code == 0
    assert ended.envelope == {
        "schema": "juki/1",
        "command": "confirm",
        "ok": True,
        "result": {
            "outcome": "MATCH",
            "information": {"name": "髙橋　一郎", "birth": "昭和45年3月2日"},
            "provision": "17",
        },
    }


def test_question_by_attributes_comes_from_a_form(run: Run, double: AgencyDouble) -> None:
    ended = run(
        "confirm", "--affair", "passport", "--from", "-", "--watch", stdin=json.dumps(PERSON)
    )

    (asked,) = double.questions
    assert ended.code == 0
    assert isinstance(asked, pb.ConfirmByAttributesRequest)
    assert asked.watch_changes
    assert asked.attributes == pb.Attributes(
        name="髙橋　一郎",
        date_of_birth=BIRTH,
        sex=residents_pb.Entries.SEX_MALE,
        address="埼玉県所沢市並木1丁目",
    )


def test_attributes_are_asked_for_by_prompts(run: Run, double: AgencyDouble) -> None:
    answers = "髙橋　一郎\n\n昭和45年3月2日\n\n\n112089\n\n"

    ended = run("confirm", "--affair", "passport", "--attributes", stdin=answers, lang="ja")

    (asked,) = double.questions
    assert ended.code == 0
    assert isinstance(asked, pb.ConfirmByAttributesRequest)
    assert asked.attributes.municipality_code == "112089"
    assert "市区町村コード" in ended.err


@pytest.mark.parametrize(
    ("confirmation", "shown"),
    [
        (of(pb.Confirmation.OUTCOME_NO_MATCH), "該当なし"),
        (of(pb.Confirmation.OUTCOME_AMBIGUOUS, count=2), "複数該当"),
        (of(pb.Confirmation.OUTCOME_MATCH_WITH_VARIANT, varied=[pb.ITEM_NAME]), "異体字"),
        (
            of(
                pb.Confirmation.OUTCOME_DELETED,
                deletion_reason=residents_pb.CHANGE_REASON_DEATH,
                deletion_date=BIRTH,
            ),
            "DEATH",
        ),
        (of(pb.Confirmation.OUTCOME_CODE_CHANGED), "住民票コード変更"),
    ],
)
def test_anything_but_a_plain_match_is_shown_and_is_no_yes(
    run: Run, double: AgencyDouble, confirmation: pb.Confirmation, shown: str
) -> None:
    """A match by a variant is never accepted by a script that looks at the exit code."""
    double.answer = lambda _: confirmation

    ended = run("confirm", "--affair", "passport", stdin=f"{CODE}\n", as_json=False)

    assert ended.code == 3
    assert shown in ended.out
    assert pb.Confirmation.Outcome.Name(confirmation.outcome).removeprefix("OUTCOME_") in ended.out


def test_long_name_is_shown_whole(run: Run, double: AgencyDouble) -> None:
    name = "山" * 99 + "﨑"
    information = pb.IdentityInformation(name=name)
    double.answer = lambda _: of(pb.Confirmation.OUTCOME_MATCH, information=information)

    ended = run("confirm", "--affair", "passport", stdin=f"{CODE}\n", as_json=False)

    assert ended.out.count("山") == 99
    assert "﨑" in ended.out


def test_refusal_of_the_center_is_told_with_its_reason(run: Run, double: AgencyDouble) -> None:
    double.refusal = (grpc.StatusCode.PERMISSION_DENIED, "AFFAIR_NOT_AUTHORISED")

    ended = run("confirm", "--affair", "parking", stdin=f"{CODE}\n")

    assert (ended.code, ended.envelope["error"]["reason"]) == (3, "AFFAIR_NOT_AUTHORISED")


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"code": CODE, "name": "髙橋"}, "code"),
        ({"birth": "昭和45年3月2日"}, "name"),
        ({"name": "髙橋"}, "birth"),
        ({"name": "髙橋", "birth": "いつか"}, "birth"),
        ({**PERSON, "sex": "?"}, "sex"),
        ({"code": 5}, "code"),
        ({"salary": "1"}, "from"),
        ([], "from"),
    ],
)
def test_form_that_is_no_question_is_refused_by_its_field_and_not_repeated(
    run: Run, double: AgencyDouble, fields: object, wrong: str
) -> None:
    ended = run("confirm", "--affair", "passport", "--from", "-", stdin=json.dumps(fields))

    error = ended.envelope["error"]
    assert (ended.code, error["reason"], error["metadata"]["field"]) == (2, "USAGE_INVALID", wrong)
    assert not {"髙橋", "いつか", "salary"} & set(ended.out.split('"'))
    assert double.questions == []


@pytest.mark.parametrize("items", ["name,nose", "name,name"])
def test_items_that_are_none_are_refused(run: Run, double: AgencyDouble, items: str) -> None:
    ended = run("confirm", "--affair", "passport", "--items", items, stdin=f"{CODE}\n")

    assert (ended.code, ended.envelope["error"]["metadata"]["field"]) == (2, "items")
    assert double.questions == []


def test_center_that_is_not_there_is_exit_5(
    run: Run, config: Path, pki: PKIFolder, tmp_path: Path
) -> None:
    write_config(tmp_path, pki, "127.0.0.1:1")

    ended = run("confirm", "--affair", "passport", stdin=f"{CODE}\n")

    assert (ended.code, ended.envelope["error"]["reason"]) == (5, "CENTER_UNREACHABLE")


def test_unknown_key_of_the_configuration_is_named(run: Run, config: Path) -> None:
    with config.open("a", encoding="utf-8") as stream:
        stream.write('[reader]\nname = "x"\n')

    ended = run("doctor")

    assert ended.code == 2
    assert ended.envelope["error"]["metadata"]["key"] == "reader"


def test_doctor_finds_nothing_wrong(run: Run) -> None:
    ended = run("doctor")

    checks = ended.envelope["result"]["checks"]
    assert ended.code == 0
    assert checks["identity"].startswith("juki://agency/passport-1 until ")
    assert checks["center"].endswith(" answers")


def test_doctor_refuses_another_roles_certificate(
    run: Run, pki: PKIFolder, address: str, tmp_path: Path
) -> None:
    write_config(tmp_path, pki, address, "terminal/131016-01")

    ended = run("doctor")

    metadata = ended.envelope["error"]["metadata"]
    assert ended.code == 2
    assert (metadata["failed"], metadata["rule"]) == ("identity", "a certificate of role agency")
