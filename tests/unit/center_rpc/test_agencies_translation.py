"""Questions of agencies, field by field: what is taken, and which rule refuses the rest."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from juki_center.areas.agencies import commands
from juki_center.areas.callers import Agency
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import ChangeReason, Sex
from juki_center.errors import Reason, Refusal
from juki_center.rpc import agencies_translation as translate
from juki_center.rpc import callers
from juki_pki.identity import PeerIdentity, Role
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from jukinet.residents.v1.civil_date_pb2 import CivilDate
from jukinet.residents.v1.residence_record_pb2 import CHANGE_REASON_DEATH, Entries
from tests.support.agencies import day
from tests.support.agency_service import attributes, by_attributes, by_code, hello, lines
from tests.support.center import SAMPLES

AGENCY = Agency("juki://agency/passport-1", "passport-1")
KEY = "takahashi-ichiro"
RECORD = SAMPLES[KEY].record


def test_question_by_code_becomes_the_command() -> None:
    command = translate.by_code(by_code(KEY, watch_changes=True), AGENCY)

    assert command == commands.Confirm(
        AGENCY,
        commands.AffairCode("passport"),
        commands.ByCode(RECORD.code),
        (Item.NAME, Item.DATE_OF_BIRTH, Item.SEX, Item.ADDRESS),
        watch=True,
    )


def test_leading_zero_of_a_code_survives_in_and_out() -> None:
    """Case 4."""
    request = pb.ConfirmByCodeRequest(affair="pension", code="07215594348")

    command = translate.by_code(request, AGENCY)
    told = commands.Confirmation(
        commands.Outcome.MATCH,
        information=commands.Information(code=ResidentCode("07215594348")),
    )

    assert command.question == commands.ByCode(ResidentCode("07215594348"))
    assert message_of(told).information.code == "07215594348"


def test_attributes_become_the_command() -> None:
    asked = attributes(KEY, name_kana=RECORD.kana, municipality_code="112089", prefecture_code="11")

    command = translate.by_attributes(by_attributes(asked), AGENCY)

    assert command.question == commands.ByAttributes(
        name=RECORD.name,
        birth=RECORD.birth,
        kana=RECORD.kana,
        sex=Sex.MALE,
        address=RECORD.address,
        municipality=MunicipalityCode("112089"),
        prefecture="11",
    )


@pytest.mark.parametrize(
    "name", ["𠮷田", "山﨑", "\ufa19谷", "葛󠄀城", "䶒藤󠄃　太朗󠄅", "渡𮞽", "NGUYỄN　THỊ　HÀ"]
)
def test_names_come_in_and_go_out_octet_for_octet(name: str) -> None:
    """Case 45."""
    command = translate.by_attributes(by_attributes(attributes(KEY, name=name)), AGENCY)
    told = commands.Confirmation(
        commands.Outcome.MATCH, information=commands.Information(name=name)
    )

    assert isinstance(command.question, commands.ByAttributes)
    assert command.question.name == name
    assert message_of(told).information.name.encode() == name.encode()


@pytest.mark.parametrize(
    ("name", "rule"),
    [("山田\u202e太郎", "202E"), ("a\u200db", "200D"), ("山田\0太郎", "0000"), ("㈱山田", "3231")],
)
def test_character_that_no_name_has_is_named_by_its_code_point(name: str, rule: str) -> None:
    """Case 46: the field and the code point, and not the text."""
    with pytest.raises(Refusal) as caught:
        translate.by_attributes(by_attributes(attributes(KEY, name=name)), AGENCY)

    assert caught.value.metadata["field"] == "attributes.name"
    assert rule in caught.value.metadata["rule"]
    assert "山田" not in str(caught.value.metadata)


def without_date() -> pb.Attributes:
    asked = attributes(KEY)
    asked.ClearField("date_of_birth")
    return asked


def with_day(number: int) -> pb.Attributes:
    asked = attributes(KEY)
    asked.date_of_birth.CopyFrom(
        CivilDate(
            calendar=CivilDate.CALENDAR_GREGORIAN,
            year=1970,
            month=3,
            day=number,
            precision=CivilDate.PRECISION_DAY,
        )
    )
    return asked


@pytest.mark.parametrize(
    ("asked", "field", "rule"),
    [
        (attributes(KEY, name=""), "attributes.name", "NAME_OR_KANA"),
        (attributes(KEY, name=" "), "attributes.name", "REQUIRED"),
        (attributes(KEY, name="あ" * 101), "attributes.name", "TOO_LONG"),
        (attributes(KEY, name_kana="漢字"), "attributes.name_kana", ""),
        (without_date(), "attributes.date_of_birth", "REQUIRED"),
        (with_day(32), "attributes.date_of_birth", ""),
        (pb.Attributes(name="山田", date_of_birth=CivilDate()), "attributes.date_of_birth", ""),
        (attributes(KEY, address="　"), "attributes.address", "REQUIRED"),
        (attributes(KEY, municipality_code="112080"), "attributes.municipality_code", "CHECK"),
        (attributes(KEY, prefecture_code="48"), "attributes.prefecture_code", "NO_PREFECTURE"),
        (attributes(KEY, prefecture_code="1"), "attributes.prefecture_code", "NO_PREFECTURE"),
        (attributes(KEY, prefecture_code="111"), "attributes.prefecture_code", "TOO_LONG"),
        (
            attributes(KEY, prefecture_code="13", municipality_code="112089"),
            "attributes.prefecture_code",
            "OTHER_PREFECTURE",
        ),
    ],
)
def test_attribute_that_breaks_its_rule_is_named(
    asked: pb.Attributes, field: str, rule: str
) -> None:
    with pytest.raises(Refusal) as caught:
        translate.by_attributes(by_attributes(asked), AGENCY)

    assert caught.value.reason is Reason.FIELD_INVALID
    assert caught.value.metadata["field"].startswith(field)
    assert rule in caught.value.metadata["rule"]


def test_question_without_attributes_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        translate.by_attributes(pb.ConfirmByAttributesRequest(affair="passport"), AGENCY)

    assert caught.value.metadata == {"field": "attributes", "rule": "REQUIRED"}


def test_unknown_sex_is_as_unknown_values_are() -> None:
    asked = attributes(KEY)
    asked.sex = 9  # type: ignore[assignment]  # a value of a newer client

    with pytest.raises(Refusal) as caught:
        translate.by_attributes(by_attributes(asked), AGENCY)

    assert caught.value.metadata == {"field": "attributes.sex", "rule": "UNKNOWN_VALUE"}


def test_opening_of_a_batch_becomes_the_command() -> None:
    message = hello(7, items=[pb.ITEM_RESIDENT_CODE], results_from_line=3).hello

    command = translate.hello(message, AGENCY)

    assert command == commands.OpenBatch(
        AGENCY,
        UUID(message.batch_id),
        commands.AffairCode("pension"),
        7,
        (Item.RESIDENT_CODE,),
        watch=False,
        results_from_line=3,
    )


def test_line_that_cannot_be_read_stays_in_its_place() -> None:
    good, bad = pb.ConfirmBatchRequest.Line(code=RECORD.code.digits), "25208017644"

    found = translate.lines(lines(1, good, pb.ConfirmBatchRequest.Line(code=bad), good).lines)

    assert found == (
        commands.ByCode(RECORD.code),
        commands.LineError(Reason.FIELD_INVALID, "code", "INVALID_CHECK_DIGIT"),
        commands.ByCode(RECORD.code),
    )


def test_deleted_record_is_told_with_reason_and_date() -> None:
    told = commands.Confirmation(
        commands.Outcome.DELETED,
        deletion=commands.Deletion(ChangeReason.DEATH, day("令和8年11月21日")),
        provision_id="5",
    )

    message = message_of(told)

    assert message.outcome == pb.Confirmation.OUTCOME_DELETED
    assert message.deletion_reason == CHANGE_REASON_DEATH
    assert (message.deletion_date.era, message.deletion_date.day) == (CivilDate.ERA_REIWA, 21)
    assert not message.HasField("information")


def test_information_holds_what_was_told_alone() -> None:
    told = commands.Confirmation(
        commands.Outcome.MATCH, information=commands.Information(sex=Sex.BLANK)
    )

    message = message_of(told)

    assert message.information == pb.IdentityInformation(sex=Entries.SEX_BLANK)


@pytest.mark.parametrize("outcome", commands.Outcome)
def test_each_outcome_has_its_number(outcome: commands.Outcome) -> None:
    number = translate.outcome_number(outcome)

    assert pb.Confirmation.Outcome.Name(number) == f"OUTCOME_{outcome.value}"


def test_word_that_all_is_told_names_what_waits() -> None:
    page = commands.Notices((), b"cursor", is_caught_up=True, waiting=(MunicipalityCode("112089"),))
    moment = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)

    message = translate.caught_up_message(page, moment)

    assert message.cursor == b"cursor"
    assert message.caught_up.as_of.ToDatetime(UTC) == moment
    assert list(message.caught_up.waiting_municipality_codes) == ["112089"]


@pytest.mark.parametrize(
    "identity", [PeerIdentity(Role.TERMINAL, "01", "131016"), PeerIdentity(Role.OPERATOR, "op")]
)
def test_nobody_but_an_agency_is_one(identity: PeerIdentity) -> None:
    with pytest.raises(Refusal) as caught:
        callers.agency(identity)

    assert caught.value.reason is Reason.ROLE_NOT_ALLOWED


def test_agency_is_known_by_the_name_in_its_certificate() -> None:
    assert callers.agency(PeerIdentity(Role.AGENCY, "passport-1")) == AGENCY


def message_of(told: commands.Confirmation) -> pb.Confirmation:
    message = pb.Confirmation()
    translate.fill_confirmation(message, told)
    return message
