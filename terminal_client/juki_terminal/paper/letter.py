"""Letters to residents about a card: the inquiry with its reply form, the same-day notice.

Name and address go through the same choice of fonts as on copies (see `fonts`), in the largest type
that fits the window of an envelope. The inquiry's number stands as text and as a QR code. The words
are in `letter_words`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from juki_terminal.paper import letter_words as words
from juki_terminal.paper.fitting import PRELUDE, Place, field_of, require_fit
from juki_terminal.paper.fonts import Fonts
from juki_terminal.paper.qr import qr_svg
from juki_terminal.paper.typesetting import Template, runs_of, typeset
from juki_terminal.paper.wording import era_day

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

TEMPLATE: Final = Template((PRELUDE, "letter.typ"), is_archival=True)
PIXELS_PER_INCH: Final = 150.0
ADDRESS: Final = Place(22.0, 27.0, 90.0, 21.0, 11.0, 7.0)
NAME: Final = Place(22.0, 50.0, 90.0, 15.0, 14.0, 7.0)


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a letter goes to, as the register has name and address."""

    name: str = field(repr=False)
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """The letter that asks whether the addressee has applied for a card."""

    addressee: Addressee
    municipality: str
    number: str = field(repr=False)
    application_number: str
    sent_on: date
    reply_until: date
    is_registered_mail: bool = False
    needs_document: bool = False
    """Whether the reply is brought with an identity document, and oral questions are asked."""


@dataclass(frozen=True, slots=True)
class Notice:
    """The letter that tells the registered address of a card issued on the same day."""

    addressee: Addressee
    municipality: str
    application_number: str
    sent_on: date


@dataclass(frozen=True, slots=True, repr=False)
class RenderedLetter:
    """A letter that fits."""

    source: str
    fonts: Fonts

    def __repr__(self) -> str:
        """Show nothing: all of it is personal."""
        return "RenderedLetter(***)"

    def pdf(self) -> bytes:
        """Return the letter as PDF/A; raises RenderingFailed."""
        (pdf,) = typeset(TEMPLATE, self.source, self.fonts, "pdf")
        return pdf

    def png(self, *, pixels_per_inch: float = PIXELS_PER_INCH) -> tuple[bytes, ...]:
        """Return a picture of each page; raises RenderingFailed."""
        return typeset(TEMPLATE, self.source, self.fonts, "png", pixels_per_inch=pixels_per_inch)


def render_letter(letter: Inquiry | Notice, *, fonts: Fonts | None = None) -> RenderedLetter:
    """Set a letter: two pages for an inquiry, one for a notice.

    Raises CharacterUnsupported and FontMissing before anything is set, TextTooLong where name or
    address does not fit in the smallest type, RenderingFailed.
    """
    fonts = Fonts.find() if fonts is None else fonts
    data = _inquiry(letter, fonts) if isinstance(letter, Inquiry) else _notice(letter, fonts)
    source = json.dumps(data, ensure_ascii=True)
    require_fit(TEMPLATE, source, fonts, {"address": ADDRESS, "name": NAME})
    return RenderedLetter(source, fonts)


def _frame(letter: Inquiry | Notice, title: str, fonts: Fonts) -> dict[str, object]:
    """Return what every letter has."""
    to = letter.addressee
    return {
        "heading": f"{title} {letter.application_number}",
        "day": [letter.sent_on.year, letter.sent_on.month, letter.sent_on.day],
        "day-text": runs_of(era_day(letter.sent_on), "sent_on", fonts),
        "sender": runs_of(words.mayor(letter.municipality), "municipality", fonts),
        "title": runs_of(title, "title", fonts),
        "fields": [
            field_of(ADDRESS, to.address, "address", fonts),
            field_of(NAME, to.name + words.HONORIFIC, "name", fonts),
        ],
    }


def _inquiry(letter: Inquiry, fonts: Fonts) -> dict[str, object]:
    needs_document, is_registered = letter.needs_document, letter.is_registered_mail
    return {
        **_frame(letter, words.INQUIRY_TITLE, fonts),
        "mark": runs_of(words.REGISTERED_MAIL, "mark", fonts) if is_registered else None,
        "paragraphs": _texts(words.INQUIRY, fonts),
        "rows": _rows(
            (
                ("照会番号", letter.number),
                ("申請番号", letter.application_number),
                ("回答期限", f"{era_day(letter.reply_until)}まで（当日を含みます）"),
            ),
            fonts,
        ),
        "bring-title": runs_of(words.BRING_TITLE, "bring", fonts),
        "bring": _texts(words.to_bring(needs_document=needs_document), fonts),
        "qr": qr_svg(letter.number).decode("ascii"),
        "reply": _reply_form(letter, fonts),
    }


def _reply_form(letter: Inquiry, fonts: Fonts) -> dict[str, object]:
    """Return the second page. Name and address are left blank: the applicant writes them."""
    office = words.office_rows(needs_document=letter.needs_document)
    return {
        "title": runs_of(words.REPLY_TITLE, "title", fonts),
        "addressee": runs_of(f"{words.mayor(letter.municipality)}　様", "municipality", fonts),
        "paragraphs": _texts(words.REPLY, fonts),
        "rows": _rows((("照会番号", letter.number), *words.REPLY_ROWS), fonts),
        "representative-title": runs_of(words.REPRESENTATIVE_TITLE, "reply", fonts),
        "representative": _rows(words.REPRESENTATIVE_ROWS, fonts),
        "office-title": runs_of(words.OFFICE_TITLE, "reply", fonts),
        "office": _rows(office, fonts),
    }


def _notice(letter: Notice, fonts: Fonts) -> dict[str, object]:
    return {
        **_frame(letter, words.NOTICE_TITLE, fonts),
        "mark": None,
        "paragraphs": _texts(words.NOTICE, fonts),
        "rows": _rows(
            (("申請番号", letter.application_number), ("受付日", era_day(letter.sent_on))), fonts
        ),
        "bring-title": [],
        "bring": [],
        "qr": None,
        "reply": None,
    }


def _texts(texts: Iterable[str], fonts: Fonts) -> list[list[dict[str, str]]]:
    return [runs_of(text, "text", fonts) for text in texts]


def _rows(rows: Iterable[tuple[str, str]], fonts: Fonts) -> list[dict[str, object]]:
    return [
        {"label": runs_of(label, "label", fonts), "runs": runs_of(text, label, fonts)}
        for label, text in rows
    ]
