"""The inside of a sealed record: versioned CBOR, a field's name to its value, blanks left out."""

from __future__ import annotations

from dataclasses import fields
from enum import StrEnum
from typing import cast

import cbor2

from juki_center.areas.residents.civil_dates import Calendar, CivilDate, Era, Precision
from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.records import Hold, Nationality, ResidenceRecord, Sex

_VERSION = 1


def encode(record: ResidenceRecord) -> bytes:
    """Return a record's octets."""
    entries = {field.name: _out(getattr(record, field.name)) for field in fields(record)}
    kept = {name: value for name, value in entries.items() if value not in {None, ""}}
    return cbor2.dumps({"v": _VERSION, **kept}, canonical=True)


def decode(octets: bytes) -> ResidenceRecord:
    """Return the record. Raises ValueError for a version that is not known here."""
    entries = cast("dict[str, object]", cbor2.loads(octets))
    if entries.pop("v", None) != _VERSION:
        raise ValueError("unknown version of a residence record")
    return ResidenceRecord(**{name: _in(name, value) for name, value in entries.items()})  # type: ignore[arg-type]  # the names are the fields' own


def _out(value: object) -> object:
    match value:
        case ResidentCode():
            return value.digits
        case CivilDate():
            return tuple(
                str(part) if isinstance(part, StrEnum) else part
                for part in (
                    value.calendar,
                    value.precision,
                    value.year,
                    value.month,
                    value.day,
                    value.era,
                    value.original_text,
                )
            )
        case StrEnum():
            return str(value)
        case _:
            return value


def _in(name: str, value: object) -> object:
    match name:
        case "code":
            return ResidentCode(str(value))
        case "birth" | "resident_since" | "address_since" | "notified":
            return _date(cast("list[object]", value))
        case "sex":
            return Sex(str(value))
        case "nationality":
            return Nationality(str(value))
        case "hold":
            return Hold(str(value))
        case _:
            return value


def _date(parts: list[object]) -> CivilDate:
    calendar, precision, year, month, day, era, text = parts
    return CivilDate(
        calendar=Calendar(str(calendar)),
        precision=Precision(str(precision)),
        year=cast("int | None", year),
        month=cast("int | None", month),
        day=cast("int | None", day),
        era=Era(str(era)) if era is not None else None,
        original_text=str(text),
    )
