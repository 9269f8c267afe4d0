"""Residence records at the wire: octet for octet, or refused by field and rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from juki_center.areas.residents.civil_dates import Calendar, CivilDate, Era, Precision
from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.records import (
    ChangeInformation,
    ChangeReason,
    Nationality,
    ProtectiveMeasure,
    ResidenceState,
    Sex,
)
from juki_center.areas.residents.updates import Outcome
from juki_center.errors import Refusal
from juki_center.rpc import fields
from juki_center.rpc.records_translation import entries, record_message
from jukinet.residents.v1 import civil_date_pb2
from jukinet.residents.v1 import residence_record_pb2 as records
from jukinet.residents.v1 import resident_service_pb2 as pb
from tests.support.register_records import ADDRESS, CODE, EVERY_TEXT, resident
from tests.support.register_service import (
    BIRTHDAY,
    changed,
    foreigner,
    gregorian,
    newborn,
    reiwa,
    showa,
)

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)


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


BAD_ENTRIES: dict[str, tuple[dict[str, object], str, str]] = {
    "long name": ({"name": "あ" * 101}, "name", "TOO_LONG"),
    "kana": ({"name_kana": "辻"}, "name_kana", "NO_KANA U+8FBB"),
    "address": ({"address": ""}, "address", "REQUIRED"),
    "long address": ({"address": "あ" * 201}, "address", "TOO_LONG"),
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
        entries("entries", changed(EVERY_TEXT, changes))

    assert raised.value.metadata == {"field": f"entries.{field}", "rule": rule}
    assert "九段" not in repr(raised.value) + str(raised.value)


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
