"""Residence records between the wire and the areas: entries in, records out.

Every text is taken in the form in which it is stored, or refused by its field, its rule and its
code point. Which entries a register may hold together is decided in the areas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.entries import Entries
from juki_center.areas.residents.era_days import civil_day
from juki_center.areas.residents.names import accept_address, accept_kana, accept_name
from juki_center.areas.residents.records import ChangeReason, Nationality, Sex
from juki_center.rpc import fields
from juki_center.rpc.civil_dates import (
    civil_date_message,
    optional_date,
    required_date,
)
from jukinet.residents.v1 import residence_record_pb2 as pb

if TYPE_CHECKING:
    from datetime import datetime

    from juki_center.areas.residents.records import (
        ChangeInformation,
        ProtectiveMeasure,
        ResidenceRecord,
        Resident,
    )

_TEXTS: Final = {
    "name": "name",
    "name_kana": "kana",
    "kanji_name": "kanji_name",
    "alias": "alias",
    "address": "address",
    "building_and_room": "building",
    "relationship_to_householder": "relationship",
    "previous_address": "previous_address",
    "registered_domicile": "registered_domicile",
    "family_register_head": "family_register_head",
}
"""The proto's names of the texts, and the record's."""
_NAMES: Final = frozenset(("name", "alias"))
_JAPANESE_NAMES: Final = frozenset(("kanji_name", "family_register_head"))
_OPTIONAL_DATES: Final = {"address_since": "address_since", "notification_date": "notified"}


def resident_code(path: str, digits: str) -> ResidentCode:
    """Parse a resident record code. Raises FIELD_INVALID."""
    with fields.field(path):
        return ResidentCode(digits)


def entries(path: str, message: pb.Entries, *, may_lack_address: bool = False) -> Entries:
    """Check and translate a person's entries. Raises FIELD_INVALID.

    A blank name (an unnamed newborn) and SEX_BLANK are lawful.
    """
    nationality = fields.choice(
        f"{path}.nationality",
        message.nationality,
        pb.Entries.Nationality.DESCRIPTOR,
        Nationality,
    )
    texts = {name: _text(path, message, name, nationality) for name in _TEXTS}
    fields.required(f"{path}.relationship_to_householder", texts["relationship_to_householder"])
    if not may_lack_address:
        fields.required(f"{path}.address", texts["address"])
    dates = {
        own: optional_date(message, name, f"{path}.{name}") for name, own in _OPTIONAL_DATES.items()
    }
    return Entries(
        birth=required_date(message, "date_of_birth", f"{path}.date_of_birth"),
        sex=fields.choice(f"{path}.sex", message.sex, pb.Entries.Sex.DESCRIPTOR, Sex),
        resident_since=required_date(message, "resident_since", f"{path}.resident_since"),
        nationality=nationality,
        **dates,  # type: ignore[arg-type]  # dates of that name
        **{own: texts[name] for name, own in _TEXTS.items()},  # type: ignore[arg-type]  # texts of that name
    )


def _text(path: str, message: pb.Entries, name: str, nationality: Nationality) -> str:
    text: str = getattr(message, name)
    if not text:
        return ""
    with fields.field(f"{path}.{name}"):
        if name in _NAMES:
            return accept_name(text, nationality)
        if name in _JAPANESE_NAMES:
            return accept_name(text, Nationality.JAPANESE)
        return accept_kana(text) if name == "name_kana" else accept_address(text)


def change_reason(path: str, reason: pb.ChangeReason.ValueType) -> ChangeReason:
    """Translate why an entry is made. Raises FIELD_INVALID."""
    return fields.choice(path, reason, pb.ChangeReason.DESCRIPTOR, ChangeReason)


def record_message(resident: Resident, now: datetime) -> pb.ResidenceRecord:
    """Translate one version of a record for the wire, as it stands now."""
    state = pb.ResidenceRecord.State
    message = pb.ResidenceRecord(
        code=resident.record.code.digits,
        municipality_code=str(resident.municipality),
        state=state.Value(fields.proto_name(resident.state, state.DESCRIPTOR)),
        version=resident.version,
        entries=entries_message(resident.record),
        former_code_count=len(resident.record.former_codes),
    )
    if resident.change is not None:
        message.change.CopyFrom(_change_message(resident.change))
    if resident.record.measure is not None:
        message.protective_measure.CopyFrom(_measure_message(resident.record.measure, now))
    return message


def entries_message(record: ResidenceRecord) -> pb.Entries:
    """Translate a record's entries for the wire, code point by code point."""
    nationality, sex = pb.Entries.Nationality, pb.Entries.Sex
    message = pb.Entries(
        nationality=nationality.Value(
            fields.proto_name(record.nationality, nationality.DESCRIPTOR)
        ),
        sex=sex.Value(fields.proto_name(record.sex, sex.DESCRIPTOR)),
        date_of_birth=civil_date_message(record.birth),
        resident_since=civil_date_message(record.resident_since),
        **{name: getattr(record, own) for name, own in _TEXTS.items()},
    )
    for name, own in _OPTIONAL_DATES.items():
        date = getattr(record, own)
        if date is not None:
            getattr(message, name).CopyFrom(civil_date_message(date))
    return message


def _change_message(change: ChangeInformation) -> pb.ChangeInformation:
    reason = pb.ChangeReason
    message = pb.ChangeInformation(
        reason=reason.Value(fields.proto_name(change.reason, reason.DESCRIPTOR)),
        change_date=civil_date_message(change.date),
        cancels_version=change.cancels,
    )
    message.record_time.FromDatetime(change.recorded_at)
    return message


def _measure_message(measure: ProtectiveMeasure, now: datetime) -> pb.ProtectiveMeasure:
    message = pb.ProtectiveMeasure()
    if measure.planned_end is not None:
        message.planned_end.CopyFrom(civil_date_message(civil_day(measure.planned_end)))
    if measure.lifted_until is not None and now < measure.lifted_until:
        message.lifted_until.FromDatetime(measure.lifted_until)
    return message
