"""Dates of the register between the wire and the areas, for every service that carries them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from juki_center.areas.residents.civil_date_texts import registered
from juki_center.areas.residents.civil_dates import (
    TEXT_LENGTH,
    Calendar,
    CivilDate,
    Era,
    Precision,
)
from juki_center.rpc import fields
from jukinet.residents.v1 import civil_date_pb2

if TYPE_CHECKING:
    from google.protobuf.message import Message

_MESSAGE: Final = civil_date_pb2.CivilDate


def civil_date(path: str, message: civil_date_pb2.CivilDate) -> CivilDate:
    """Check and translate a date; zero parts are unknown parts, unless the text has them.

    Raises FIELD_INVALID.
    """
    era = _era(path, message) if message.era else None
    original = fields.text(
        f"{path}.original_text", message.original_text, longest=TEXT_LENGTH, may_be_empty=True
    )
    calendar = fields.choice(
        f"{path}.calendar", message.calendar, _MESSAGE.Calendar.DESCRIPTOR, Calendar
    )
    precision = fields.choice(
        f"{path}.precision", message.precision, _MESSAGE.Precision.DESCRIPTOR, Precision
    )
    with fields.field(path):
        stated = CivilDate(
            calendar=calendar,
            precision=precision,
            year=message.year or None,
            month=message.month or None,
            day=message.day or None,
            era=era,
            original_text=original,
        )
        return registered(stated)


def _era(path: str, message: civil_date_pb2.CivilDate) -> Era:
    return fields.choice(f"{path}.era", message.era, _MESSAGE.Era.DESCRIPTOR, Era)


def required_date(holder: Message, name: str, path: str) -> CivilDate:
    """Check and translate the date in a field that must be present. Raises FIELD_INVALID."""
    fields.present(holder, name, path)
    return civil_date(path, getattr(holder, name))


def optional_date(holder: Message, name: str, path: str) -> CivilDate | None:
    """Check and translate the date in a field, None where it is absent. Raises FIELD_INVALID."""
    return civil_date(path, getattr(holder, name)) if holder.HasField(name) else None


def civil_date_message(date: CivilDate) -> civil_date_pb2.CivilDate:
    """Translate a date for the wire, part by part, with its registered text."""
    message = _MESSAGE()
    fill_civil_date(message, date)
    return message


def fill_civil_date(message: civil_date_pb2.CivilDate, date: CivilDate) -> None:
    """Write a date into a message that is new, such as another message's field."""
    message.calendar = _calendar_number(date.calendar)
    if date.era is not None:
        message.era = _era_number(date.era)
    message.year = date.year or 0
    message.month = date.month or 0
    message.day = date.day or 0
    message.precision = _precision_number(date.precision)
    message.original_text = date.original_text


@lru_cache(maxsize=16)
def _calendar_number(calendar: Calendar) -> civil_date_pb2.CivilDate.Calendar.ValueType:
    return _MESSAGE.Calendar.Value(fields.proto_name(calendar, _MESSAGE.Calendar.DESCRIPTOR))


@lru_cache(maxsize=16)
def _era_number(era: Era) -> civil_date_pb2.CivilDate.Era.ValueType:
    return _MESSAGE.Era.Value(fields.proto_name(era, _MESSAGE.Era.DESCRIPTOR))


@lru_cache(maxsize=16)
def _precision_number(precision: Precision) -> civil_date_pb2.CivilDate.Precision.ValueType:
    return _MESSAGE.Precision.Value(fields.proto_name(precision, _MESSAGE.Precision.DESCRIPTOR))
