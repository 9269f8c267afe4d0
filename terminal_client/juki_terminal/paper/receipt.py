"""The receipt that a person takes home after the notice of a move: who, where, when, what next.

It shows no resident record code and no verification code: it proves nothing at another office. The
words are in `receipt_words`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from juki_terminal.paper import receipt_words as words
from juki_terminal.paper.fitting import PRELUDE
from juki_terminal.paper.fonts import Fonts, clusters
from juki_terminal.paper.typesetting import Template, runs_of, typeset
from juki_terminal.paper.wording import era_day

if TYPE_CHECKING:
    from datetime import date

TEMPLATE: Final = Template((PRELUDE, "receipt.typ"), is_archival=True)


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """A person of a notice, in the words of the register."""

    name: str
    birth: str
    relationship: str

    def __repr__(self) -> str:
        """Show nothing: all of it is personal."""
        return "Person(***)"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was received; `rows` are label and text, `notes` say what comes next."""

    title: words.Title
    municipality: str
    received_on: date
    rows: tuple[tuple[str, str], ...] = field(repr=False)
    persons: tuple[Person, ...]
    notes: tuple[str, ...]
    number: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class RenderedReceipt:
    """A receipt whose characters the fonts have."""

    source: str
    fonts: Fonts

    def __repr__(self) -> str:
        """Show nothing: all of it is personal."""
        return "RenderedReceipt(***)"

    def pdf(self) -> bytes:
        """Return the receipt as PDF/A; raises RenderingFailed."""
        (pdf,) = typeset(TEMPLATE, self.source, self.fonts, "pdf")
        return pdf


def render_receipt(receipt: Receipt, *, fonts: Fonts | None = None) -> RenderedReceipt:
    """Set a receipt; raises CharacterUnsupported and FontMissing before anything is set."""
    fonts = Fonts.find() if fonts is None else fonts
    day = receipt.received_on
    number = ((words.NUMBER, receipt.number),) if receipt.number else ()
    rows = (*number, (words.RECEIVED, era_day(day)), *receipt.rows)
    data = {
        "heading": f"{receipt.title.value} {receipt.number}".strip(),
        "day": [day.year, day.month, day.day],
        "title": runs_of(receipt.title.value, "title", fonts),
        "statement": runs_of(words.statement(receipt.title), "statement", fonts),
        "rows": [
            {"label": runs_of(label, "label", fonts), "pieces": _pieces(text, label, fonts)}
            for label, text in rows
        ],
        "persons-title": runs_of(words.PERSONS, "persons", fonts),
        "head": [
            runs_of(label, "label", fonts)
            for label in (words.NAME, words.BIRTH, words.RELATIONSHIP)
        ],
        "persons": [
            _person(person, f"persons[{place}]", fonts)
            for place, person in enumerate(receipt.persons)
        ],
        "notes": [runs_of(note, "notes", fonts) for note in receipt.notes],
        "issued": runs_of(era_day(day), "received_on", fonts),
        "mayor": runs_of(f"{receipt.municipality}長", "municipality", fonts),
    }
    return RenderedReceipt(json.dumps(data, ensure_ascii=True), fonts)


def _person(person: Person, path: str, fonts: Fonts) -> list[list[list[dict[str, str]]]]:
    return [
        _pieces(person.name, f"{path}.name", fonts),
        _pieces(person.birth, f"{path}.birth", fonts),
        _pieces(person.relationship, f"{path}.relationship", fonts),
    ]


def _pieces(text: str, name: str, fonts: Fonts) -> list[list[dict[str, str]]]:
    """Return a text whose lines may break after each character, so that none leaves its cell."""
    return [
        [{"font": run.family, "text": cluster}]
        for run in fonts.runs(text, name)
        for cluster in clusters(run.text)
    ]
