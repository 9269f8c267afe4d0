"""Letters and card faces of the center's answers, set on paper, with paper's errors as problems."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from juki_client.outcome import Problem
from juki_terminal.paper.errors import PaperError
from juki_terminal.paper.face import Bearer, Face, RenderedFace, render_face
from juki_terminal.paper.fonts import Fonts
from juki_terminal.paper.letter import Addressee, Inquiry, Notice, render_letter
from juki_terminal.paper_press import paper_problem
from juki_terminal.register_words import date_text
from jukinet.cards.v1 import card_application_pb2 as pb

if TYPE_CHECKING:
    from jukinet.cards.v1.card_pb2 import CardFace


def require_fonts() -> None:
    """Raise Problem CONFIGURATION_INVALID where a font is missing, before anything is done."""
    try:
        Fonts.find()
    except PaperError as error:
        raise paper_problem(error) from error


def inquiry_pdf(letter: pb.InquiryLetter, application_number: str) -> bytes:
    """Return the letter as PDF; raise Problem CHARACTER_NOT_PRINTABLE or TEXT_DOES_NOT_FIT."""
    return _pdf(
        Inquiry(
            addressee=Addressee(letter.name, letter.address),
            municipality=letter.municipality_name,
            number=letter.number,
            application_number=application_number,
            sent_on=_day(letter.sent_on),
            reply_until=_day(letter.reply_until),
            is_registered_mail=letter.registered_mail,
            needs_document=letter.document_required,
        )
    )


def notice_pdf(notice: pb.IssueNotice, application_number: str) -> bytes:
    """Return the notice as PDF; raise Problem CHARACTER_NOT_PRINTABLE or TEXT_DOES_NOT_FIT."""
    return _pdf(
        Notice(
            addressee=Addressee(notice.name, notice.address),
            municipality=notice.municipality_name,
            application_number=application_number,
            sent_on=_day(notice.sent_on),
        )
    )


def card_face(face: CardFace) -> RenderedFace:
    """Set a card's face; raise Problem CHARACTER_NOT_PRINTABLE or TEXT_DOES_NOT_FIT.

    PHOTO_REQUIRED where style 2 came without a photo, as after its time of keeping.
    """
    bearer = None
    if face.style == pb.CARD_STYLE_2:
        if not face.photo:
            raise Problem("PHOTO_REQUIRED")
        bearer = Bearer(date_text(face.birth_date), face.sex, face.address, face.photo)
    plain = Face(
        number=face.number,
        municipality=face.municipality_name,
        valid_until=_day(face.valid_until),
        name=face.name,
        access_number=face.card_access_number,
        bearer=bearer,
    )
    try:
        return render_face(plain)
    except PaperError as error:
        raise paper_problem(error) from error


def _pdf(letter: Inquiry | Notice) -> bytes:
    try:
        return render_letter(letter).pdf()
    except PaperError as error:
        raise paper_problem(error) from error


def _day(text: str) -> date:
    return date.fromisoformat(text)
