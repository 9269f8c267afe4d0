"""The inside of a sealed record: a JSON list of its entries, each at a place of its own.

Version 2 is `[2, change, entry, ...]`, with what made this version of the record in front of the
entries of `_ENTRIES`. A new entry goes to the end, and is blank in records from before it. A list
and JSON because they are written in a fifth of the time of a CBOR map and are shorter; most
records stay below the 508 octets after which the next step of padding begins.

Version 1 is a CBOR map of names to entries, blanks left out. It is read, and written no more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Final, TypeVar, cast

import cbor2
import orjson

from juki_center.areas.residents.civil_dates import Calendar, CivilDate, Era, Precision
from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.records import (
    ChangeInformation,
    ChangeReason,
    Entries,
    Hold,
    Nationality,
    ProtectiveMeasure,
    ResidenceRecord,
    Sex,
)
from juki_center.storage.sql import from_micros, to_micros

Member = TypeVar("Member", bound=StrEnum)

_VERSION = 2
_MAP_VERSION = 1
_BLANK = {"name": "", "kana": "", "relationship": ""}
_ENTRIES = (
    "code",
    "name",
    "kana",
    "birth",
    "sex",
    "address",
    "resident_since",
    "relationship",
    "nationality",
    "building",
    "alias",
    "address_since",
    "notified",
    "previous_address",
    "registered_domicile",
    "family_register_head",
    "hold",
    "kanji_name",
    "former_codes",
    "measure",
)


def encode(record: ResidenceRecord, change: ChangeInformation | None = None) -> bytes:
    """Return the octets of a record and of what made it."""
    entries: list[object] = [_VERSION, _change_out(change) if change else None]
    for name in _ENTRIES:
        value = getattr(record, name)
        entries.append(value if not value or type(value) is str else _out(value))
    return orjson.dumps(entries)


def decode(octets: bytes) -> tuple[ResidenceRecord, ChangeInformation | None]:
    """Return the record and what made it. Raises ValueError for a version unknown here."""
    change, entries = _from_list(octets) if octets[:1] == b"[" else _from_map(octets)
    for name, inwards in _INWARDS.items():
        if (value := entries.get(name)) is not None:
            entries[name] = inwards(value)
    record = ResidenceRecord(**entries)  # type: ignore[arg-type]  # the names are the fields' own
    return record, _change_in(cast("list[object]", change)) if change else None


def entries(octets: bytes) -> Entries:
    """Return the entries that may be told, each read when it is asked for. Raises ValueError."""
    return _Kept(_from_list(octets)[1]) if octets[:1] == b"[" else decode(octets)[0]


class _Kept:
    """Entries as they are kept."""

    __slots__ = ("_entries",)

    def __init__(self, kept: Mapping[str, object]) -> None:
        self._entries = kept

    def __repr__(self) -> str:
        return "_Kept(***)"

    @property
    def name(self) -> str:
        return cast("str", self._entries["name"])

    @property
    def alias(self) -> str:
        return cast("str", self._entries.get("alias") or "")

    @property
    def birth(self) -> CivilDate:
        return decode_date(self._entries["birth"])

    @property
    def sex(self) -> Sex:
        return _member(_SEXES, Sex, self._entries["sex"])

    @property
    def address(self) -> str:
        return cast("str", self._entries["address"])

    @property
    def building(self) -> str:
        return cast("str", self._entries.get("building") or "")

    @property
    def code(self) -> ResidentCode:
        return ResidentCode(cast("str", self._entries["code"]))


def _from_list(octets: bytes) -> tuple[object, dict[str, object]]:
    version, change, *entries = cast("list[object]", orjson.loads(octets))
    if version != _VERSION:
        raise ValueError("unknown version of a residence record")
    return change, dict(zip(_ENTRIES, entries, strict=False))


def _from_map(octets: bytes) -> tuple[object, dict[str, object]]:
    entries = cast("dict[str, object]", cbor2.loads(octets))
    if entries.pop("v", None) != _MAP_VERSION:
        raise ValueError("unknown version of a residence record")
    if entries.get("hold") == Hold.PROTECTIVE_MEASURE:
        # What is a measure now was a mere hold, which nobody could have lifted or ended.
        del entries["hold"]
        entries["measure"] = (None, None)
    return entries.pop("change", None), {**_BLANK, **entries}


def encode_date(value: CivilDate) -> tuple[object, ...]:
    """Return a civil date as the parts that `decode_date` takes."""
    parts: tuple[object, ...] = (
        str(value.calendar),
        str(value.precision),
        value.year,
        value.month,
        value.day,
        None if value.era is None else str(value.era),
        value.original_text,
    )
    if value.earliest is None and value.latest is None:
        return parts
    return (*parts, value.earliest, value.latest)


def _change_out(change: ChangeInformation) -> tuple[object, ...]:
    recorded = to_micros(change.recorded_at)
    late = (change.late_reason,) if change.late_reason else ()
    return (
        str(change.reason),
        encode_date(change.date),
        recorded,
        change.cancels,
        change.clerk_name,
        *late,
    )


def _change_in(parts: list[object]) -> ChangeInformation:
    reason, day, recorded, cancels, clerk_name, *late = parts
    return ChangeInformation(
        reason=ChangeReason(str(reason)),
        date=decode_date(day),
        recorded_at=from_micros(cast("int", recorded)),
        cancels=cast("int", cancels),
        clerk_name=str(clerk_name),
        late_reason=str(late[0]) if late else "",
    )


def _measure_out(measure: ProtectiveMeasure) -> tuple[object, ...]:
    planned, lifted = measure.planned_end, measure.lifted_until
    return (
        planned.isoformat() if planned else None,
        to_micros(lifted) if lifted is not None else None,
    )


def _measure_in(parts: list[object]) -> ProtectiveMeasure:
    planned, lifted = parts
    return ProtectiveMeasure(
        planned_end=date.fromisoformat(str(planned)) if planned else None,
        lifted_until=_moment(lifted),
    )


def _moment(micros: object) -> datetime | None:
    return from_micros(micros) if isinstance(micros, int) else None


def _out(value: object) -> object:
    match value:
        case ResidentCode():
            return value.digits
        case CivilDate():
            return encode_date(value)
        case ProtectiveMeasure():
            return _measure_out(value)
        case tuple():
            return tuple(_out(one) for one in value)
        case StrEnum():
            return str(value)
        case _:
            return value


def _codes_in(codes: object) -> tuple[ResidentCode, ...]:
    return tuple(ResidentCode(str(code)) for code in cast("list[object]", codes))


def decode_date(parts: object) -> CivilDate:
    """Return the civil date of its parts. Raises ValueError for parts that are none."""
    # Records from before dates had a span of their own end with the text.
    calendar, precision, year, month, day, era, text, *span = cast("list[object]", parts)
    earliest, latest = span or (None, None)
    return CivilDate(
        calendar=_member(_CALENDARS, Calendar, calendar),
        precision=_member(_PRECISIONS, Precision, precision),
        year=cast("int | None", year),
        month=cast("int | None", month),
        day=cast("int | None", day),
        era=_member(_ERAS, Era, era) if era is not None else None,
        original_text=str(text),
        earliest=cast("int | None", earliest),
        latest=cast("int | None", latest),
    )


def _member(
    members: Mapping[object, Member], kind: Callable[[str], Member], value: object
) -> Member:
    """Return the member of an enumeration. Raises ValueError for what is none."""
    # Looked up, because asking an enumeration costs five times as much, fifteen times a record.
    found = members.get(value)
    return kind(str(value)) if found is None else found


_CALENDARS: Final[Mapping[object, Calendar]] = {str(one): one for one in Calendar}
_PRECISIONS: Final[Mapping[object, Precision]] = {str(one): one for one in Precision}
_ERAS: Final[Mapping[object, Era]] = {str(one): one for one in Era}
_SEXES: Final[Mapping[object, Sex]] = {str(one): one for one in Sex}
_INWARDS: Final[Mapping[str, Callable[[object], object]]] = {
    "code": lambda digits: ResidentCode(str(digits)),
    "birth": decode_date,
    "resident_since": decode_date,
    "address_since": decode_date,
    "notified": decode_date,
    "former_codes": _codes_in,
    "measure": lambda parts: _measure_in(cast("list[object]", parts)),
    "sex": lambda text: _member(_SEXES, Sex, text),
    "nationality": lambda text: Nationality(str(text)),
    "hold": lambda text: Hold(str(text)),
}
"""How the entries of a record come in that are no texts."""
