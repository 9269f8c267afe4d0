"""The domain's register cases at the wire: codes, newborns, deaths, protection."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from juki_center.areas.cards.register import CardStatus
from juki_center.areas.residents.codes import ResidentCode, is_issuable
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb
from jukinet.residents.v1 import residence_record_pb2 as records
from jukinet.residents.v1 import resident_service_pb2 as pb
from tests.support.center import TOKOROZAWA as WINDOW
from tests.support.center import serial_of
from tests.support.leaves import leaves
from tests.support.register_answers import persons, refused
from tests.support.register_service import (
    CLERK,
    TOKOROZAWA,
    Office,
    ask,
    birth,
    code_of,
    correction,
    death,
    hello,
    new_code,
    reiwa,
    rows,
    update_row,
)

MAKOTO = "tsuji-makoto"
MISAKI = "tsuji-misaki"
KEN = "yamazaki-ken"

BEGIN = pb.SetProtectiveMeasureRequest.Begin

BAD_CODES = (
    "00000000000",
    "1234567890",
    "123456789012",
    "１２３４５６７８９０３",
    "1234567890a",
    " 12345678903",
)

CODE_FIELDS: dict[str, Callable[[str], tuple[str, Message]]] = {
    "code": lambda code: ("GetRecord", pb.GetRecordRequest(code=code, clerk_name=CLERK)),
    "household_of_code": lambda code: (
        "RegisterBirth",
        pb.RegisterBirthRequest(
            request_id=str(uuid4()),
            clerk_name=CLERK,
            household_of_code=code,
            entries=birth().entries,
        ),
    ),
    "members[0].code": lambda code: (
        "ChangeHousehold",
        pb.ChangeHouseholdRequest(
            request_id=str(uuid4()),
            clerk_name=CLERK,
            members=[pb.ChangeHouseholdRequest.Member(code=code, relationship_to_householder="子")],
        ),
    ),
}


@pytest.mark.parametrize("code", BAD_CODES)
@pytest.mark.parametrize("field", CODE_FIELDS)
async def test_case_3_bad_code_is_refused_and_nowhere_written(
    office: Office, caplog: pytest.LogCaptureFixture, field: str, code: str
) -> None:
    """Case 3: INVALID_ARGUMENT; the value is in no log and no error."""
    caplog.set_level(logging.DEBUG)
    method, request = CODE_FIELDS[field](code)
    async with office.stub() as stub:
        answer = await refused(stub, method, request)

    assert answer.code is grpc.StatusCode.INVALID_ARGUMENT
    assert (answer.reason, answer.facts["field"]) == ("FIELD_INVALID", field)
    written = office.edge.log_text() + caplog.text + str(leaves(office.center.store))
    assert code.strip() not in answer.everything
    assert code.strip() not in written


async def test_case_4_leading_zero_survives_every_call(office: Office) -> None:
    """Case 4: 07215594348 is given back with its zero, as digits and not as a number."""
    code = "07215594348"
    row = update_row(code)
    async with office.stub() as stub:
        stream = stub.ImportRecords()
        await stream.write(hello())
        await stream.read()
        await stream.write(rows(row))
        result = await stream.read()
        await stream.done_writing()
        record = await stub.GetRecord(pb.GetRecordRequest(code=code, clerk_name=CLERK))
        household = await stub.ListHousehold(pb.ListHouseholdRequest(code=code, clerk_name=CLERK))
        corrected = await stub.CorrectRecord(correction(record.record, building_and_room="一号"))

    assert result.results.results[0].outcome == pb.RowResult.OUTCOME_APPLIED
    assert record.record.code == code
    assert [one.code for one in household.records] == [code]
    assert corrected.record.code == code


async def test_case_6_new_code_revokes_the_card_and_the_old_code_is_known_as_changed(
    office: Office,
) -> None:
    """Case 6: the old code gives CODE_CHANGED at the residence without the new one, and nothing
    elsewhere; the history links both."""
    old = code_of(MAKOTO)
    async with office.stub() as stub, office.stub(office.terminal(TOKOROZAWA)) as elsewhere:
        changed = await stub.ChangeResidentCode(new_code(MAKOTO))
        at_home = await refused(stub, "GetRecord", ask(MAKOTO))
        away = await refused(elsewhere, "GetRecord", ask(MAKOTO))
        new = changed.record.code
        full = await stub.GetRecord(
            pb.GetRecordRequest(code=new, clerk_name=CLERK, with_history=True)
        )

    card = office.center.store.read(lambda tx: tx.cards.card(serial_of(MAKOTO)))
    assert new != old
    assert is_issuable(ResidentCode(new))
    assert changed.revoked_card_count == 1
    assert card is not None
    assert card.status is CardStatus.REVOKED
    assert at_home.reason == "CODE_CHANGED"
    assert new not in at_home.everything + away.everything
    assert away.reason == "RESIDENT_NOT_FOUND"
    assert full.record.former_code_count == 1
    assert full.record.change.reason == records.CHANGE_REASON_CODE_CHANGED
    assert [one.code for one in full.earlier_versions] == [old]


async def test_case_8_newborn_without_a_name_and_with_a_blank_sex_is_entered(
    office: Office,
) -> None:
    """Case 8: both blanks are lawful."""
    request = birth(name="", name_kana="", sex=records.Entries.SEX_BLANK)
    async with office.stub() as stub:
        born = await stub.RegisterBirth(request)
        found = await stub.GetRecord(pb.GetRecordRequest(code=born.record.code, clerk_name=CLERK))

    assert found.record.entries.name == ""
    assert found.record.entries.sex == records.Entries.SEX_BLANK


async def test_case_8_newborn_without_a_birth_date_is_refused(office: Office) -> None:
    """Case 8: the birth date is never blank."""
    request = birth(date_of_birth=None)
    async with office.stub() as stub:
        answer = await refused(stub, "RegisterBirth", request)

    assert answer.facts == {"field": "entries.date_of_birth", "rule": "REQUIRED"}


async def test_case_15_protected_person_is_refused_elsewhere_with_the_neutral_text(
    office: Office,
) -> None:
    """Case 15: nothing tells the refusal from another one, and the log has the true reason."""
    async with office.stub() as stub, office.copies(office.terminal(TOKOROZAWA)) as copies:
        await stub.SetProtectiveMeasure(protection(begin=BEGIN()))
        answer = await refused(copies, "IssueCopy", await copy_of(office, MAKOTO))

    leaf = leaves(office.center.store)[-1]
    assert (answer.reason, answer.facts) == ("ISSUE_SUPPRESSED", {})
    assert leaf["out"] == "PROTECTIVE_MEASURE"
    assert "PROTECTI" not in answer.everything + office.edge.log_text()


async def test_case_16_household_with_one_protected_member_is_refused_whole(
    office: Office,
) -> None:
    """Case 16: no list without the one, and the others alone are served as ever."""
    household = await copy_of(office, MISAKI, copies_pb.IssueCopyRequest.SCOPE_HOUSEHOLD)
    async with office.stub() as stub, office.copies(office.terminal(TOKOROZAWA)) as copies:
        await stub.SetProtectiveMeasure(protection(begin=BEGIN()))
        answer = await refused(copies, "IssueCopy", household)
        own = await copies.IssueCopy(await copy_of(office, MISAKI))

    assert answer.reason == "ISSUE_SUPPRESSED"
    assert len(persons(own.signed_content)) == 1


async def test_case_17_lift_ends_by_itself(office: Office) -> None:
    """Case 17: a lift of ten minutes serves for ten minutes, and no longer."""
    async with office.stub() as stub, office.copies(office.terminal(TOKOROZAWA)) as copies:
        await stub.SetProtectiveMeasure(protection(begin=BEGIN()))
        await stub.SetProtectiveMeasure(protection(2, lift=Duration(seconds=600)))
        during = await copies.IssueCopy(await copy_of(office, MAKOTO))
        office.clock.ahead = timedelta(minutes=11)
        later = await refused(copies, "IssueCopy", await copy_of(office, MAKOTO))

    assert len(persons(during.signed_content)) == 1
    assert later.reason == "ISSUE_SUPPRESSED"


async def test_case_17_measure_holds_after_its_planned_end_until_it_is_ended_by_hand(
    office: Office,
) -> None:
    """Case 17: the planned end is a reminder."""
    soon = office.clock() + timedelta(days=30)
    planned = reiwa(soon.year - 2018, soon.month, soon.day)
    async with office.stub() as stub, office.copies(office.terminal(TOKOROZAWA)) as copies:
        await stub.SetProtectiveMeasure(protection(begin=BEGIN(planned_end=planned)))
        office.clock.ahead = timedelta(days=60)
        after_the_end = await refused(copies, "IssueCopy", await copy_of(office, MAKOTO))
        await stub.SetProtectiveMeasure(protection(2, end=pb.SetProtectiveMeasureRequest.End()))
        by_hand = await copies.IssueCopy(await copy_of(office, MAKOTO))

    assert after_the_end.reason == "ISSUE_SUPPRESSED"
    assert len(persons(by_hand.signed_content)) == 1


async def test_case_36_card_of_the_dead_is_lapsed_before_the_next_request(office: Office) -> None:
    """Case 36: no copy is issued by a session that was finished before the death."""
    session = await office.center.session(MISAKI, WINDOW)
    async with office.stub() as stub, office.copies(office.terminal(TOKOROZAWA)) as copies:
        answer = await stub.RegisterDeath(death(MISAKI))
        request = copies_pb.IssueCopyRequest(
            request_id=str(uuid4()),
            card_session_id=session.session_id,
            scope=copies_pb.IssueCopyRequest.SCOPE_SELF,
        )
        no_copy = await refused(copies, "IssueCopy", request)

    card = office.center.store.read(lambda tx: tx.cards.card(serial_of(MISAKI)))
    assert answer.lapsed_card_count == 1
    assert card is not None
    assert card.status is CardStatus.LAPSED
    assert no_copy.reason in {"CARD_REVOKED", "RECORD_DELETED"}


def protection(version: int = 1, **step: object) -> pb.SetProtectiveMeasureRequest:
    """Return a step of a measure for the householder."""
    return pb.SetProtectiveMeasureRequest(
        request_id=str(uuid4()),
        clerk_name=CLERK,
        code=code_of(MAKOTO),
        expected_version=version,
        **step,  # type: ignore[arg-type]  # named per test
    )


async def copy_of(
    office: Office,
    key: str,
    scope: copies_pb.IssueCopyRequest.Scope.ValueType = copies_pb.IssueCopyRequest.SCOPE_SELF,
) -> copies_pb.IssueCopyRequest:
    """Return a request for a copy in Tokorozawa, by a card session that has just ended."""
    session = await office.center.session(key, WINDOW, office.clock())
    return copies_pb.IssueCopyRequest(
        request_id=str(uuid4()), card_session_id=session.session_id, scope=scope
    )
