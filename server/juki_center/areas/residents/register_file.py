"""The register file: CSV in UTF-8, one line a person, as municipalities hand their registers over.

A line becomes a row whose entries are in the form in which the register stores them, or is refused
by column, rule and code point; a refusal never holds the text. Reading octets is the edge's part.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar

from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.names import accept_address, accept_kana, accept_name
from juki_center.areas.residents.records import (
    ChangeReason,
    Nationality,
    ResidenceRecord,
    ResidenceState,
    Sex,
)
from juki_center.areas.residents.rules import CheckedRecord, checked
from juki_center.areas.residents.updates import Update, UpdateReason
from juki_center.errors import RuleBroken

Entry = TypeVar("Entry")
Choice = TypeVar("Choice")

COLUMNS: Final = (
    "municipality",
    "code",
    "version",
    "household",
    "name",
    "kana",
    "kanji_name",
    "alias",
    "nationality",
    "birth",
    "sex",
    "address",
    "building",
    "relationship",
    "resident_since",
    "address_since",
    "notified",
    "previous_address",
    "registered_domicile",
    "family_register_head",
    "state",
    "reason",
    "change_date",
)
REQUIRED: Final = frozenset(
    {
        "municipality",
        "code",
        "household",
        "name",
        "kana",
        "birth",
        "sex",
        "address",
        "relationship",
        "resident_since",
    }
)
LONGEST_HOUSEHOLD_NUMBER: Final = 20
# The name of a newborn, its reading and a sex may be blank for a while.
_NEVER_BLANK: Final = tuple(
    column for column in COLUMNS if column in REQUIRED - {"name", "kana", "sex"}
)
COLUMNS_OF_ENTRIES: Final = {
    "name_kana": "kana",
    "date_of_birth": "birth",
    "building_and_room": "building",
    "relationship_to_householder": "relationship",
    "notification_date": "notified",
}
"""Entries that the rules call by another name than the file."""
_SEXES: Final = {
    "MALE": Sex.MALE,
    "男": Sex.MALE,
    "FEMALE": Sex.FEMALE,
    "女": Sex.FEMALE,
    "BLANK": Sex.BLANK,
    "": Sex.BLANK,
}
_NATIONALITIES: Final = {str(one): one for one in Nationality}
_STATES: Final = {str(one): one for one in ResidenceState}
_REASONS: Final = {str(one): one for one in ChangeReason}


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column stands where in a file."""

    columns: tuple[str, ...]

    @classmethod
    def parse(cls, header: str) -> Layout:
        """Read the header line.

        Raises RuleBroken naming the column that is unknown, missing or there twice. Where hardly
        any column is known the line is no header but somebody's entries, and nothing of it is
        named.
        """
        columns = tuple(name.strip() for name in split_line(header))
        if len(REQUIRED.intersection(columns)) * 2 < len(REQUIRED):
            raise RuleBroken("HEADER_MISSING")
        for column in columns:
            if column not in COLUMNS:
                raise RuleBroken("COLUMN_UNKNOWN", ascii(column)[:40])
            if columns.count(column) > 1:
                raise RuleBroken("COLUMN_TWICE", column)
        for column in COLUMNS:
            if column in REQUIRED and column not in columns:
                raise RuleBroken("COLUMN_MISSING", column)
        return cls(columns)

    def values(self, line: str) -> Mapping[str, str]:
        """Return a line's values by column.

        Raises RuleBroken: EMPTY_LINE, QUOTE_OPEN, or COLUMNS_MISSING and COLUMNS_TOO_MANY for
        another number of values than the header has.
        """
        values = split_line(line)
        if len(values) < len(self.columns):
            raise RuleBroken("COLUMNS_MISSING")
        if len(values) > len(self.columns):
            raise RuleBroken("COLUMNS_TOO_MANY")
        return dict(zip(self.columns, values, strict=True))


def split_line(line: str) -> list[str]:
    """Return the values of one line of CSV (RFC 4180), which holds no line's end.

    Raises RuleBroken(QUOTE_OPEN) for a quote that is not closed or closed too early.

    >>> split_line('a,"b,c",')
    ['a', 'b,c', '']
    """
    if not line:
        raise RuleBroken("EMPTY_LINE")
    if '"' not in line:
        return line.split(",")
    try:
        (values,) = csv.reader([line], strict=True)
    except (csv.Error, ValueError):
        raise RuleBroken("QUOTE_OPEN") from None
    return values


def parse_update(layout: Layout, line: str) -> Update:
    """Return what a line says, every entry in the form in which the register stores it.

    Raises RuleBroken with the column as its field, as far as one column is to blame, and never
    with the text.
    """
    values = layout.values(line)
    for column in _NEVER_BLANK:
        if not values[column]:
            raise RuleBroken("REQUIRED", column)
    return Update(
        municipality=_parsed("municipality", values, _municipality),
        household_number=_parsed("household", values, _household_number),
        version=_parsed("version", values, _version, "1"),
        state=_choice("state", values, _STATES, "ACTIVE"),
        record=_checked(_record(values)),
        change=_change(values),
    )


def _checked(record: ResidenceRecord) -> CheckedRecord:
    try:
        return checked(record)
    except RuleBroken as broken:
        column = COLUMNS_OF_ENTRIES.get(broken.field, broken.field)
        raise RuleBroken(broken.rule, column) from None


def _record(values: Mapping[str, str]) -> ResidenceRecord:
    nationality = _choice("nationality", values, _NATIONALITIES, "JAPANESE")

    def name(column: str, of: Nationality = nationality) -> str:
        return _parsed(column, values, lambda text: accept_name(text, of))

    def address(column: str) -> str:
        return _parsed(column, values, accept_address)

    return ResidenceRecord(
        code=_parsed("code", values, ResidentCode),
        name=name("name"),
        kana=_parsed("kana", values, accept_kana),
        birth=_parsed("birth", values, _day),
        sex=_choice("sex", values, _SEXES, ""),
        address=address("address"),
        resident_since=_parsed("resident_since", values, _day),
        relationship=address("relationship"),  # 夫（未届） has brackets
        nationality=nationality,
        building=address("building"),
        alias=name("alias"),
        address_since=_date("address_since", values),
        notified=_date("notified", values),
        previous_address=address("previous_address"),
        registered_domicile=address("registered_domicile"),
        family_register_head=name("family_register_head", Nationality.JAPANESE),
        kanji_name=name("kanji_name", Nationality.JAPANESE),
    )


def _change(values: Mapping[str, str]) -> UpdateReason | None:
    """Return the reason and its day; both or neither are given."""
    reason, day = values.get("reason", ""), _date("change_date", values)
    if not reason and day is None:
        return None
    if not reason or day is None:
        raise RuleBroken("REQUIRED", "change_date" if reason else "reason")
    return UpdateReason(_choice("reason", values, _REASONS, ""), day)


def _date(column: str, values: Mapping[str, str]) -> CivilDate | None:
    return _parsed(column, values, _day) if values.get(column) else None


def _choice(
    column: str, values: Mapping[str, str], choices: Mapping[str, Choice], blank: str
) -> Choice:
    found = choices.get(values.get(column, "") or blank)
    if found is None:
        raise RuleBroken("NO_CHOICE", column)
    return found


def _parsed(
    column: str, values: Mapping[str, str], parse: Callable[[str], Entry], blank: str = ""
) -> Entry:
    try:
        return parse(values.get(column, "") or blank)
    except RuleBroken as broken:
        raise RuleBroken(broken.rule, column) from None


# The days on which people of a register were born or moved are some tens of thousands, and its
# municipalities a few: what was understood once is not parsed again in every line.
@lru_cache(maxsize=1 << 16)
def _day(text: str) -> CivilDate:
    return parse_date(text)


@lru_cache(maxsize=1 << 11)
def _municipality(text: str) -> MunicipalityCode:
    return MunicipalityCode(text)


def _version(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) < 1:
        raise RuleBroken("NUMBER_FROM_1")
    return int(text)


def _household_number(text: str) -> str:
    if len(text) > LONGEST_HOUSEHOLD_NUMBER:
        raise RuleBroken("TOO_LONG")
    if not text.isprintable():
        raise RuleBroken("CONTROL_CHARACTER")
    return text
