"""Requests of the register, field by field: what is taken, what refuses the rest, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from google.protobuf.duration_pb2 import Duration

from juki_center.areas.callers import Terminal
from juki_center.areas.residents import commands
from juki_center.areas.residents.civil_dates import Calendar, CivilDate, Era, Precision
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.imports import Finding, ReadLine, Totals
from juki_center.areas.residents.records import (
    ChangeInformation,
    ChangeReason,
    HouseholdID,
    Nationality,
    PersonID,
    ProtectiveMeasure,
    ResidenceState,
    Resident,
    Sex,
)
from juki_center.areas.residents.updates import Outcome
from juki_center.errors import Reason, Refusal
from juki_center.rpc import fields, import_translation
from juki_center.rpc import residents_translation as translate
from juki_center.rpc.interceptor import MESSAGE_LIMIT_BYTES
from juki_center.rpc.records_translation import entries, record_message
from jukinet.residents.v1 import civil_date_pb2
from jukinet.residents.v1 import residence_record_pb2 as records
from jukinet.residents.v1 import resident_service_pb2 as pb
from tests.support.register_service import (
    BIRTHDAY,
    CLERK,
    ask,
    birth,
    correction,
    death,
    foreigner,
    gregorian,
    new_code,
    newborn,
    reiwa,
    showa,
    update_row,
)

TERMINAL = Terminal("juki://municipality/131016/terminal/01", MunicipalityCode("131016"))
NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
CODE = "07215594348"
ADDRESS = "東京都千代田区九段南一丁目2番1号"


def resident(entry: records.Entries | None = None, **more: object) -> Resident:
    """Return a record with the entries of a message."""
    record = entries("entries", entry or newborn(address=ADDRESS)).of_new(ResidentCode(CODE))
    found = Resident(
        person=PersonID(bytes(16)),
        municipality=TERMINAL.municipality,
        household=HouseholdID(bytes(16)),
        state=ResidenceState.ACTIVE,
        version=3,
        record=record,
    )
    return replace(found, **more)  # type: ignore[arg-type]  # named per test


EVERY_TEXT = newborn(
    address=ADDRESS,
    building_and_room="グランドハイツ１０１号室",
    previous_address="埼玉県所沢市並木一丁目1番地の1",
    address_since=reiwa(8, 11, 2),
    notification_date=reiwa(8, 11, 3),
)


@pytest.mark.parametrize("message", [EVERY_TEXT, foreigner(name="NGUYỄN　THỊ　HÀ")])
def test_entries_come_back_octet_for_octet(message: records.Entries) -> None:
    back = record_message(resident(message), NOW).entries

    assert back.SerializeToString(deterministic=True) == message.SerializeToString(
        deterministic=True
    )


DATES = {
    "both ends of Meiji": civil_date_pb2.CivilDate(
        calendar=1, era=1, year=45, month=7, day=30, precision=1
    ),
    "no such day": showa(50, 2, 29),
    "month": civil_date_pb2.CivilDate(calendar=1, era=3, year=20, month=5, precision=2),
    "year": civil_date_pb2.CivilDate(calendar=1, era=3, year=20, precision=3),
    "unknown": civil_date_pb2.CivilDate(calendar=1, precision=4),
    "about": civil_date_pb2.CivilDate(
        calendar=1, era=3, year=20, precision=5, original_text="昭和20年春"
    ),
    "Gregorian": gregorian(1994, 5, 6),
}


@pytest.mark.parametrize("name", DATES)
def test_date_comes_back_with_its_parts_and_its_text(name: str) -> None:
    message = newborn(address=ADDRESS, resident_since=DATES[name])

    assert record_message(resident(message), NOW).entries.resident_since == DATES[name]


def test_record_goes_out_with_what_made_it() -> None:
    day = CivilDate(Calendar.ERA, Precision.DAY, 8, 11, 20, Era.REIWA)
    change = ChangeInformation(ChangeReason.CANCELLATION, day, NOW, cancels=2)
    found = resident(change=change)
    former = replace(found.record, former_codes=(ResidentCode("24727059608"),))

    message = record_message(replace(found, record=former), NOW)

    assert (message.code, message.municipality_code, message.version) == (CODE, "131016", 3)
    assert message.former_code_count == 1
    assert message.change.reason == records.CHANGE_REASON_CANCELLATION
    assert message.change.change_date == reiwa(8, 11, 20)
    assert message.change.record_time.ToDatetime(UTC) == NOW
    assert message.change.cancels_version == 2


def test_lift_is_shown_as_long_as_it_lasts() -> None:
    found = resident()
    until = NOW + timedelta(minutes=10)
    measure = ProtectiveMeasure(planned_end=date(2027, 11, 20), lifted_until=until)
    lifted = replace(found, record=replace(found.record, measure=measure))

    during = record_message(lifted, until - timedelta(microseconds=1)).protective_measure
    after = record_message(lifted, until).protective_measure

    assert during.lifted_until.ToDatetime(UTC) == until
    assert not after.HasField("lifted_until")
    assert after.planned_end == reiwa(9, 11, 20)


def test_kana_is_composed_and_the_space_is_one() -> None:
    taken = entries("entries", newborn(address=ADDRESS, name="辻 小春", name_kana="つし\u3099"))

    assert (taken.name, taken.kana) == ("辻　小春", "つじ")


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


def _corrected(**entry: object) -> pb.CorrectRecordRequest:
    record = records.ResidenceRecord(code=CODE, version=1, entries=EVERY_TEXT)
    return correction(record, **entry)


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


BAD_ENTRIES: dict[str, tuple[dict[str, object], str, str]] = {
    "long name": ({"name": _long(101)}, "name", "TOO_LONG"),
    "kana": ({"name_kana": "辻"}, "name_kana", "NO_KANA U+8FBB"),
    "address": ({"address": ""}, "address", "REQUIRED"),
    "long address": ({"address": _long(201)}, "address", "TOO_LONG"),
    "building": (
        {"building_and_room": "\u202e"},
        "building_and_room",
        "INVISIBLE_CHARACTER U+202E",
    ),
    "relationship": (
        {"relationship_to_householder": ""},
        "relationship_to_householder",
        "REQUIRED",
    ),
    "previous address": ({"previous_address": "\ue000"}, "previous_address", "PRIVATE_USE U+E000"),
    "domicile": (
        {"registered_domicile": "\u200d"},
        "registered_domicile",
        "INVISIBLE_CHARACTER U+200D",
    ),
    "head": ({"family_register_head": "관"}, "family_register_head", "HANGUL U+AD00"),
    "nationality": ({"nationality": 0}, "nationality", "REQUIRED"),
    "sex": ({"sex": 0}, "sex", "REQUIRED"),
    "unknown sex": ({"sex": 9}, "sex", "UNKNOWN_VALUE"),
    "no birth": ({"date_of_birth": None}, "date_of_birth", "REQUIRED"),
    "no first day": ({"resident_since": None}, "resident_since", "REQUIRED"),
    "a month of thirteen": ({"address_since": reiwa(8, 13, 1)}, "address_since", "MONTH"),
    "outside the era": ({"notification_date": showa(65, 1, 1)}, "notification_date", "OUTSIDE_ERA"),
}


@pytest.mark.parametrize("name", BAD_ENTRIES)
def test_bad_entry_names_its_path_and_its_rule_and_echoes_nothing(name: str) -> None:
    changes, field, rule = BAD_ENTRIES[name]

    with pytest.raises(Refusal) as raised:
        translate.correct_record(_corrected(**changes), TERMINAL)

    assert raised.value.metadata == {"field": f"entries.{field}", "rule": rule}
    assert "九段" not in repr(raised.value) + str(raised.value)


def test_history_is_cut_to_what_fits_into_a_message() -> None:
    long = resident(newborn(address=_long(200), previous_address=_long(200)))
    earlier = tuple(replace(long, version=version) for version in range(60, 0, -1))

    message = translate.record_read_message(commands.RecordRead(long, earlier), NOW)

    assert message.ByteSize() <= MESSAGE_LIMIT_BYTES
    assert 0 < len(message.earlier_versions) < 60
    versions = [one.version for one in message.earlier_versions]
    assert versions == list(range(60, 60 - len(versions), -1))


def test_row_becomes_an_update() -> None:
    row = update_row(CODE, 2, "007")

    (line,) = import_translation.lines(9, [row], TERMINAL.municipality)

    assert isinstance(line, ReadLine)
    assert line.update is not None
    assert (line.number, line.update.version, line.update.household_number) == (9, 2, "007")
    assert line.update.municipality == TERMINAL.municipality
    assert line.update.change is not None
    assert line.update.change.reason is ChangeReason.CORRECTION_EX_OFFICIO


def test_row_out_of_reach_of_numbers_is_refused() -> None:
    with pytest.raises(Refusal) as raised:
        import_translation.first_row(
            pb.ImportRecordsRequest.Rows(first_row=2**53 + 1, rows=[update_row(CODE)])
        )

    assert raised.value.metadata["field"] == "rows.first_row"


def test_results_and_totals_go_out() -> None:
    findings = [Finding(7, Outcome.HELD, missing=2), Finding(8, Outcome.REFUSED, "code", "X")]

    results = import_translation.results_message(findings).results.results
    totals = import_translation.totals_message(Totals(1, 2, 3, 4, freed=5)).totals

    assert [(one.row, one.missing_version, one.field, one.rule) for one in results] == [
        (7, 2, "", ""),
        (8, 0, "code", "X"),
    ]
    assert totals.row_count == totals.applied + totals.duplicate + totals.held + totals.refused


@pytest.mark.parametrize(
    ("members", "enum"),
    [
        (Sex, records.Entries.Sex.DESCRIPTOR),
        (Nationality, records.Entries.Nationality.DESCRIPTOR),
        (ResidenceState, records.ResidenceRecord.State.DESCRIPTOR),
        (ChangeReason, records.ChangeReason.DESCRIPTOR),
        (Outcome, pb.RowResult.Outcome.DESCRIPTOR),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_value_of_the_proto_has_its_member(members: type, enum: object) -> None:
    names = {value.name for value in enum.values if value.number}  # type: ignore[attr-defined]

    assert names == {fields.proto_name(member, enum) for member in members}  # type: ignore[attr-defined]


def test_child_of_today_has_its_birthday_as_it_was_sent() -> None:
    assert record_message(resident(), NOW).entries.date_of_birth == BIRTHDAY
