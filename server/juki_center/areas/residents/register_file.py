"""The register file: CSV in UTF-8, one line a person, as municipalities hand their registers over.

A line becomes a row whose entries are in the form in which the register stores them, or is refused
by column, rule and code point; a refusal never holds the text. Reading octets is the edge's part.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from juki_center.errors import RuleBroken

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
