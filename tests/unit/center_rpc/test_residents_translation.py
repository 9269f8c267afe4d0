"""Requests of the register, field by field: what is taken, what refuses the rest, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from google.protobuf.duration_pb2 import Duration

from juki_center.areas.callers import Terminal
from juki_center.areas.residents import commands
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import (
    Nationality,
    Sex,
)
from juki_center.errors import Reason, Refusal
from juki_center.rpc import residents_translation as translate
from juki_center.rpc.options import MESSAGE_LIMIT_BYTES
from jukinet.residents.v1 import residence_record_pb2 as records
from jukinet.residents.v1 import resident_service_pb2 as pb
from tests.support.register_records import CODE, EVERY_TEXT, resident
from tests.support.register_service import (
    CLERK,
    ask,
    birth,
    correction,
    death,
    new_code,
    newborn,
    reiwa,
)

TERMINAL = Terminal("juki://municipality/131016/terminal/01", MunicipalityCode("131016"))
NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)


def test_birth_becomes_the_command() -> None:
    request = birth()

    command = translate.register_birth(request, TERMINAL)

    assert command.request_id == UUID(request.request_id)
    assert (command.terminal, command.clerk_name) == (TERMINAL, CLERK)
    assert command.entries.address == ""
    assert command.entries.sex is Sex.FEMALE
    assert command.entries.nationality is Nationality.JAPANESE


def test_edit_names_version_and_lock() -> None:
    request = death()
    request.lock_id = bytes(range(16))

    edit = translate.register_death(request, TERMINAL).edit

    assert (edit.expected_version, edit.lock_id) == (1, bytes(range(16)))


def test_edit_without_a_lock_has_none() -> None:
    assert translate.change_resident_code(new_code(), TERMINAL).edit.lock_id is None


STEPS: dict[str, tuple[dict[str, object], object]] = {
    "begin": ({"begin": pb.SetProtectiveMeasureRequest.Begin()}, commands.BeginMeasure()),
    "lift": ({"lift": Duration(seconds=600)}, commands.LiftMeasure(timedelta(minutes=10))),
    "end": ({"end": pb.SetProtectiveMeasureRequest.End()}, commands.EndMeasure()),
}


def measure(**step: object) -> pb.SetProtectiveMeasureRequest:
    return pb.SetProtectiveMeasureRequest(
        request_id=str(uuid4()),
        clerk_name=CLERK,
        code=CODE,
        expected_version=1,
        **step,  # type: ignore[arg-type]  # named per test
    )


@pytest.mark.parametrize("name", STEPS)
def test_step_of_a_measure_becomes_the_command(name: str) -> None:
    step, wanted = STEPS[name]

    assert translate.set_protective_measure(measure(**step), TERMINAL).step == wanted


def household(**changes: object) -> pb.ChangeHouseholdRequest:
    member = pb.ChangeHouseholdRequest.Member(
        code=CODE, expected_version=1, relationship_to_householder="子"
    )
    request = pb.ChangeHouseholdRequest(
        request_id=str(uuid4()),
        clerk_name=CLERK,
        members=[member],
        household_of_code="24727059608",
        change_date=reiwa(8, 11, 20),
    )
    for name, value in changes.items():
        if value is None:
            request.ClearField(name)  # type: ignore[arg-type]  # a field's name
        else:
            setattr(request, name, value)
    return request


def _member(**changes: object) -> pb.ChangeHouseholdRequest:
    request = household()
    for name, value in changes.items():
        setattr(request.members[0], name, value)
    return request


def _crowd() -> pb.ChangeHouseholdRequest:
    request = household()
    request.members.extend([request.members[0]] * 20)
    return request


def test_change_of_households_becomes_the_command() -> None:
    into = translate.change_household(household(), TERMINAL)
    new = translate.change_household(household(new_household=True), TERMINAL)

    assert into.household_of == ResidentCode("24727059608")
    assert new.household_of is None
    assert into.members == (commands.Member(ResidentCode(CODE), 1, "子"),)


def _death(**changes: object) -> pb.RegisterDeathRequest:
    request = death()
    for name, value in changes.items():
        if value is None:
            request.ClearField(name)  # type: ignore[arg-type]  # a field's name
        else:
            setattr(request, name, value)
    return request


def _correction(**changes: object) -> pb.CorrectRecordRequest:
    request = correction(records.ResidenceRecord(code=CODE, version=1, entries=EVERY_TEXT))
    for name, value in changes.items():
        if value is None:
            request.ClearField(name)  # type: ignore[arg-type]  # a field's name
        else:
            setattr(request, name, value)
    return request


def _read(request: pb.GetRecordRequest) -> object:
    return translate.get_record(request, TERMINAL)


def _long(characters: int) -> str:
    return "あ" * characters


BAD: dict[str, tuple[Callable[[], object], str, str]] = {
    "no code": (lambda: _read(pb.GetRecordRequest()), "code", "ELEVEN_DIGITS"),
    "check digit": (
        lambda: _read(pb.GetRecordRequest(code="25208017644")),
        "code",
        "INVALID_CHECK_DIGIT",
    ),
    "long clerk": (
        lambda: _read(ask(clerk_name=_long(61))),
        "clerk_name",
        "TOO_LONG",
    ),
    "clerk's line": (lambda: _read(ask(clerk_name="a\nb")), "clerk_name", "CONTROL_CHARACTER"),
    "household code": (
        lambda: translate.list_household(pb.ListHouseholdRequest(code="1"), TERMINAL),
        "code",
        "ELEVEN_DIGITS",
    ),
    "request id": (
        lambda: translate.register_death(_death(request_id="x"), TERMINAL),
        "request_id",
        "UUID_V4",
    ),
    "version": (
        lambda: translate.register_death(_death(expected_version=0), TERMINAL),
        "expected_version",
        "RANGE_1_4294967295",
    ),
    "lock": (
        lambda: translate.register_death(_death(lock_id=b"1"), TERMINAL),
        "lock_id",
        "BYTES_16",
    ),
    "no death": (
        lambda: translate.register_death(_death(date_of_death=None), TERMINAL),
        "date_of_death",
        "REQUIRED",
    ),
    "no day of deletion": (
        lambda: translate.delete_record(
            pb.DeleteRecordRequest(request_id=str(uuid4()), code=CODE, expected_version=1), TERMINAL
        ),
        "change_date",
        "REQUIRED",
    ),
    "no entries": (
        lambda: translate.correct_record(_correction(entries=None), TERMINAL),
        "entries",
        "REQUIRED",
    ),
    "no child": (
        lambda: translate.register_birth(pb.RegisterBirthRequest(), TERMINAL),
        "entries",
        "REQUIRED",
    ),
    "no reason": (
        lambda: translate.correct_record(_correction(reason=0), TERMINAL),
        "reason",
        "REQUIRED",
    ),
    "unknown reason": (
        lambda: translate.correct_record(_correction(reason=99), TERMINAL),
        "reason",
        "UNKNOWN_VALUE",
    ),
    "no day of change": (
        lambda: translate.correct_record(_correction(change_date=None), TERMINAL),
        "change_date",
        "REQUIRED",
    ),
    "no members": (
        lambda: translate.change_household(household(members=None), TERMINAL),
        "members",
        "RANGE_1_20",
    ),
    "many members": (
        lambda: translate.change_household(_crowd(), TERMINAL),
        "members",
        "RANGE_1_20",
    ),
    "no target": (
        lambda: translate.change_household(household(household_of_code=None), TERMINAL),
        "target",
        "REQUIRED",
    ),
    "no new household": (
        lambda: translate.change_household(household(new_household=False), TERMINAL),
        "target",
        "REQUIRED",
    ),
    "member's version": (
        lambda: translate.change_household(_member(expected_version=0), TERMINAL),
        "members[0].expected_version",
        "RANGE_1_4294967295",
    ),
    "member's relationship": (
        lambda: translate.change_household(_member(relationship_to_householder=" "), TERMINAL),
        "members[0].relationship_to_householder",
        "REQUIRED",
    ),
    "member's lock": (
        lambda: translate.change_household(_member(lock_id=b"1"), TERMINAL),
        "members[0].lock_id",
        "BYTES_16",
    ),
    "cancelled version": (
        lambda: translate.cancel_entry(
            pb.CancelEntryRequest(request_id=str(uuid4()), code=CODE), TERMINAL
        ),
        "cancelled_version",
        "RANGE_1_4294967295",
    ),
    "no step": (
        lambda: translate.set_protective_measure(measure(), TERMINAL),
        "step",
        "REQUIRED",
    ),
    "short lift": (
        lambda: translate.set_protective_measure(measure(lift=Duration(seconds=59)), TERMINAL),
        "lift",
        "SECONDS_60_86400",
    ),
    "long lift": (
        lambda: translate.set_protective_measure(
            measure(lift=Duration(seconds=86_400, nanos=1)), TERMINAL
        ),
        "lift",
        "SECONDS_60_86400",
    ),
    "broken lift": (
        lambda: translate.set_protective_measure(
            measure(lift=Duration(seconds=600, nanos=1_000_000_000)), TERMINAL
        ),
        "lift",
        "NANOS",
    ),
    "planned end": (
        lambda: translate.set_protective_measure(
            measure(begin=pb.SetProtectiveMeasureRequest.Begin(planned_end=reiwa(9, 13, 1))),
            TERMINAL,
        ),
        "begin.planned_end",
        "MONTH",
    ),
    "lock to take": (
        lambda: translate.lock_record(pb.LockRecordRequest(code="1"), TERMINAL),
        "code",
        "ELEVEN_DIGITS",
    ),
    "lock to give back": (
        lambda: translate.unlock_record(pb.UnlockRecordRequest(), TERMINAL),
        "lock_id",
        "BYTES_16",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_request_names_field_and_rule(name: str) -> None:
    act, field, rule = BAD[name]

    with pytest.raises(Refusal) as raised:
        act()

    assert raised.value.reason is Reason.FIELD_INVALID
    assert raised.value.metadata == {"field": field, "rule": rule}


def test_history_is_cut_to_what_fits_into_a_message() -> None:
    long = resident(newborn(address=_long(200), previous_address=_long(200)))
    earlier = tuple(replace(long, version=version) for version in range(60, 0, -1))

    message = translate.record_read_message(commands.RecordRead(long, earlier), NOW)

    assert message.ByteSize() <= MESSAGE_LIMIT_BYTES
    assert 0 < len(message.earlier_versions) < 60
    versions = [one.version for one in message.earlier_versions]
    assert versions == list(range(60, 60 - len(versions), -1))


def test_a_change_of_long_records_is_told_as_far_as_it_fits_into_a_message() -> None:
    long = resident(newborn(address=_long(200), previous_address=_long(200)))

    message = translate.household_change_message(
        commands.HouseholdChanged((long,) * 60, household_needs_head=True), NOW
    )

    assert message.ByteSize() <= MESSAGE_LIMIT_BYTES
    assert 0 < len(message.records) < 60
    assert message.household_needs_head
