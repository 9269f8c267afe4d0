"""The certificate of moving out: what the destination needs of each person, in boxes over pages.

Every text stands in the largest type that fits its cell, in fonts that have exactly its characters,
and a text that does not fit is refused, never cut. Nothing but the certificate goes in, so that the
same certificate is the same paper. The words are in `moving_out_words`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final

from juki_terminal.paper import moving_out_words as words
from juki_terminal.paper.fitting import PRELUDE, Place, field_of, require_fit
from juki_terminal.paper.fonts import Fonts
from juki_terminal.paper.typesetting import Template, runs_of, typeset
from juki_terminal.paper.wording import era_day

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

TEMPLATE: Final = Template((PRELUDE, "moving_out.typ"), is_archival=True)
PIXELS_PER_INCH: Final = 150.0
_LEFT: Final = 18.0
_WIDTH: Final = 174.0
_LABEL: Final = 31.0
_ROW: Final = 8.0
_NAME_ROW: Final = 12.0
_PADDING: Final = 1.2
_HEAD_TOP: Final = 40.0
_FIRST_BOX: Final = 95.0
_LATER_BOX: Final = 22.0
_BOX_PITCH: Final = 55.0
_BOXES_FIRST: Final = 3
_BOXES_LATER: Final = 4
_KANA_HEIGHT: Final = 4.0


@dataclass(frozen=True, slots=True, repr=False)
class MovingPerson:
    """The entries of a person who moves (article 7), in the words of the register."""

    name: str
    kana: str
    birth: str
    sex: str
    relationship: str
    householder: str
    resident_since: str
    address: str
    code: str
    domicile: str = ""
    register_head: str = ""
    is_foreign: bool = False
    alias: str = ""
    kanji_name: str = ""

    def __repr__(self) -> str:
        """Show nothing: all of it is personal."""
        return "MovingPerson(***)"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate of moving out; `count` is 1 for the first paper."""

    number: str
    verification_code: str = field(repr=False)
    count: int
    origin: str
    destination: str
    destination_address: str = field(repr=False)
    planned_on: date
    notified_on: date
    issued_on: date
    persons: tuple[MovingPerson, ...]
    is_equivalent: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class RenderedCertificate:
    """A certificate that fits."""

    source: str
    fonts: Fonts

    def __repr__(self) -> str:
        """Show nothing: all of it is personal."""
        return "RenderedCertificate(***)"

    def pdf(self) -> bytes:
        """Return the certificate as PDF/A; raises RenderingFailed."""
        (pdf,) = typeset(TEMPLATE, self.source, self.fonts, "pdf")
        return pdf

    def png(self, *, pixels_per_inch: float = PIXELS_PER_INCH) -> tuple[bytes, ...]:
        """Return a picture of each page; raises RenderingFailed."""
        return typeset(TEMPLATE, self.source, self.fonts, "png", pixels_per_inch=pixels_per_inch)


@dataclass(frozen=True, slots=True, repr=False)
class _Cell:
    """A text with its label in a grid; `name` is what an error calls it."""

    name: str
    label: str
    text: str
    left: float
    top: float
    width: float
    height: float = _ROW
    kana: str = ""

    @property
    def place(self) -> Place:
        """Where the text stands."""
        above = _KANA_HEIGHT if self.kana else 0.0
        return Place(
            self.left + _LABEL + _PADDING,
            self.top + above + _PADDING / 2,
            self.width - _LABEL - 2 * _PADDING,
            self.height - above - _PADDING,
            12.0 if self.height > _ROW else 10.5,
            4.25,
        )

    @property
    def kana_place(self) -> Place:
        """Where the reading stands, above the name."""
        place = self.place
        return Place(place.left, self.top + _PADDING / 2, place.width, _KANA_HEIGHT, 8.0, 4.0)

    def fields(self) -> Iterator[tuple[str, str, Place]]:
        """Yield the texts of the cell: name, text, place."""
        if self.kana:
            yield f"{self.name}_kana", self.kana, self.kana_place
        # A blank entry has no text: there is nothing to set.
        if self.text:
            yield self.name, self.text, self.place


def render_certificate(
    certificate: Certificate, *, fonts: Fonts | None = None
) -> RenderedCertificate:
    """Set a certificate of moving out.

    Raises CharacterUnsupported and FontMissing before anything is set, TextTooLong where a text
    does not fit its cell in the smallest type, RenderingFailed.
    """
    fonts = Fonts.find() if fonts is None else fonts
    pages = _cells(certificate)
    found = [one for page in pages for cell in page for one in cell.fields()]
    source = json.dumps(_data(certificate, pages, fonts), ensure_ascii=True)
    require_fit(TEMPLATE, source, fonts, {name: place for name, _, place in found})
    return RenderedCertificate(source, fonts)


def grouped(code: str) -> str:
    """Return a verification code as it is printed.

    >>> grouped("123456789012345678")
    '1234 5678 9012 3456 78'
    """
    return " ".join(code[start : start + 4] for start in range(0, len(code), 4))


def _cells(certificate: Certificate) -> list[list[_Cell]]:
    """Return the cells of each page."""
    pages = [list(_head(certificate))]
    persons = certificate.persons
    pages[0] += _boxes(persons[:_BOXES_FIRST], 0, _FIRST_BOX)
    later = range(_BOXES_FIRST, len(persons), _BOXES_LATER)
    pages += [list(_boxes(persons[at : at + _BOXES_LATER], at, _LATER_BOX)) for at in later]
    return pages


def _head(certificate: Certificate) -> Iterator[_Cell]:
    one, top = certificate, count(_HEAD_TOP, _ROW)
    half = _WIDTH / 2
    row, middle = next(top), _LEFT + half
    code = grouped(one.verification_code)
    yield _Cell("move_number", words.NUMBER, one.number, _LEFT, row, half)
    yield _Cell("verification_code", words.VERIFICATION_CODE, code, middle, row, half)
    yield _Cell("origin", words.ORIGIN, one.origin, _LEFT, next(top), _WIDTH)
    yield _Cell("destination", words.DESTINATION, one.destination, _LEFT, next(top), _WIDTH)
    address = one.destination_address
    yield _Cell("destination_address", words.DESTINATION_ADDRESS, address, _LEFT, next(top), _WIDTH)
    row = next(top)
    day = words.EQUIVALENT_DATE if one.is_equivalent else words.PLANNED_DATE
    yield _Cell("planned_date", day, era_day(one.planned_on), _LEFT, row, half)
    notified = era_day(one.notified_on)
    yield _Cell("notice_date", words.NOTICE_DATE, notified, middle, row, half)
    how_many = words.persons(len(one.persons))
    yield _Cell("count", words.COUNT, how_many, _LEFT, next(top), _WIDTH)


def _boxes(persons: Sequence[MovingPerson], first: int, top: float) -> Iterator[_Cell]:
    for place, person in enumerate(persons):
        yield from _box(person, f"persons[{first + place}]", top + place * _BOX_PITCH)


def _box(one: MovingPerson, path: str, top: float) -> Iterator[_Cell]:
    half = _WIDTH / 2
    yield _Cell(f"{path}.name", words.NAME, one.name, _LEFT, top, _WIDTH, _NAME_ROW, one.kana)
    head = f"{one.householder}　{one.relationship}" if one.householder else one.relationship
    fifth = (words.ALIAS, one.alias) if one.is_foreign else (words.DOMICILE, one.domicile)
    sixth = (
        (words.KANJI_NAME, one.kanji_name)
        if one.is_foreign
        else (words.REGISTER_HEAD, one.register_head)
    )
    rows = (
        (("birth", words.BIRTH, one.birth), ("sex", words.SEX, one.sex)),
        (
            ("relationship", words.RELATIONSHIP, head),
            ("since", words.RESIDENT_SINCE, one.resident_since),
        ),
        (("address", words.ADDRESS, one.address),),
        (("domicile", *fifth),),
        (("register_head", *sixth), ("code", words.CODE, one.code)),
    )
    for place, row in enumerate(rows):
        below = top + _NAME_ROW + place * _ROW
        for column, (name, label, text) in enumerate(row):
            left, width = (_LEFT + column * half, _WIDTH / len(row))
            yield _Cell(f"{path}.{name}", label, text, left, below, width)


def _data(certificate: Certificate, pages: list[list[_Cell]], fonts: Fonts) -> dict[str, object]:
    """Return all that the template shows, as plain data."""
    one = certificate
    title = words.EQUIVALENT_TITLE if one.is_equivalent else words.CERTIFICATE_TITLE
    statement = words.EQUIVALENT_STATEMENT if one.is_equivalent else words.CERTIFICATE_STATEMENT
    mark = words.reissue(one.count) if one.count > 1 else ""
    return {
        "heading": f"{title} {one.number}",
        "day": [one.issued_on.year, one.issued_on.month, one.issued_on.day],
        "title": runs_of(title, "title", fonts),
        "mark": runs_of(mark, "mark", fonts) if mark else None,
        "number": runs_of(one.number, "move_number", fonts),
        "statement": runs_of(statement, "statement", fonts),
        "issued": runs_of(era_day(one.issued_on), "issued_on", fonts),
        "mayor": runs_of(words.mayor(one.origin), "origin", fonts),
        "end": runs_of(words.END_OF_ENTRIES, "end", fonts),
        "end-top": _end_top(len(one.persons)),
        "left": _LEFT,
        "width": _WIDTH,
        "label-width": _LABEL,
        "pages": [
            {
                "number": runs_of(words.page(number, len(pages)), "page", fonts),
                "cells": [_cell(cell, fonts) for cell in page],
                "fields": [
                    field_of(place, text, name, fonts)
                    for cell in page
                    for name, text, place in cell.fields()
                ],
            }
            for number, page in enumerate(pages, start=1)
        ],
    }


def _cell(cell: _Cell, fonts: Fonts) -> dict[str, object]:
    return {
        "left": cell.left,
        "top": cell.top,
        "width": cell.width,
        "height": cell.height,
        "label": runs_of(cell.label, "label", fonts),
    }


def _end_top(persons: int) -> float:
    """Return where, on the last page, the boxes end."""
    if persons <= _BOXES_FIRST:
        return _FIRST_BOX + persons * _BOX_PITCH
    on_the_last = (persons - _BOXES_FIRST - 1) % _BOXES_LATER + 1
    return _LATER_BOX + on_the_last * _BOX_PITCH
