"""The written answer to a resident who asked for a disclosure: rows, and a table of provisions.

The words come from whoever makes it; nothing is left out and nothing is added here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from juki_terminal.paper.fitting import PRELUDE
from juki_terminal.paper.fonts import Fonts, clusters
from juki_terminal.paper.typesetting import Template, runs_of, typeset
from juki_terminal.paper.wording import era_day

if TYPE_CHECKING:
    from datetime import date

TEMPLATE: Final = Template((PRELUDE, "disclosure.typ"), is_archival=True)
_DAY: Final = "開示年月日"


@dataclass(frozen=True, slots=True)
class DisclosurePaper:
    """What is disclosed: label and text of each row; a head and lines of cells; a last sentence."""

    title: str
    statement: str
    disclosed_on: date
    rows: tuple[tuple[str, str], ...] = field(repr=False)
    head: tuple[str, ...] = ()
    lines: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    note: str = ""


def disclosure_pdf(paper: DisclosurePaper, *, fonts: Fonts | None = None) -> bytes:
    """Return the paper as PDF/A.

    Raises CharacterUnsupported and FontMissing before anything is set, and RenderingFailed.
    """
    fonts = Fonts.find() if fonts is None else fonts
    day = paper.disclosed_on
    rows = (*paper.rows, (_DAY, era_day(day)))
    data = {
        "heading": paper.title,
        "day": [day.year, day.month, day.day],
        "title": runs_of(paper.title, "title", fonts),
        "statement": runs_of(paper.statement, "statement", fonts),
        "rows": [
            {"label": runs_of(label, "label", fonts), "pieces": _pieces(text, label, fonts)}
            for label, text in rows
        ],
        "head": [runs_of(label, "head", fonts) for label in paper.head],
        "lines": [
            [_pieces(cell, f"lines[{place}]", fonts) for cell in line]
            for place, line in enumerate(paper.lines)
        ],
        "note": runs_of(paper.note, "note", fonts) if paper.note else [],
    }
    (pdf,) = typeset(TEMPLATE, json.dumps(data, ensure_ascii=True), fonts, "pdf")
    return pdf


def _pieces(text: str, name: str, fonts: Fonts) -> list[list[dict[str, str]]]:
    """Return a text whose lines may break after each character, so that none leaves its cell."""
    return [
        [{"font": run.family, "text": cluster}]
        for run in fonts.runs(text, name)
        for cluster in clusters(run.text)
    ]
