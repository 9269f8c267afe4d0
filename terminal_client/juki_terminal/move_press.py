"""Papers of moves, made of the center's answers, and characters that this window cannot show.

Paper's errors come as problems. The words of papers are in `paper`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from juki_terminal.paper.errors import CharacterUnsupported, PaperError
from juki_terminal.paper.fonts import Fonts
from juki_terminal.paper.moving_out import Certificate, MovingPerson, render_certificate
from juki_terminal.paper.receipt import Person, Receipt, render_receipt
from juki_terminal.paper_press import paper_problem
from juki_terminal.register_words import date_text, entry_text
from jukinet.moves.v1 import move_pb2 as pb
from jukinet.residents.v1.residence_record_pb2 import Entries

if TYPE_CHECKING:
    from collections.abc import Sequence

HOUSEHOLDER: Final = "世帯主"
_SHOWN: Final = (
    "name",
    "name_kana",
    "kanji_name",
    "alias",
    "address",
    "building_and_room",
    "registered_domicile",
    "family_register_head",
    "relationship_to_householder",
)


@dataclass(frozen=True, slots=True)
class Unprintable:
    """An entry with characters that no font of this window has, by the place of its person."""

    person: int
    field: str
    code_points: tuple[str, ...]


def unprintable(persons: Sequence[Entries]) -> list[Unprintable]:
    """Return the entries that this window can neither show nor print.

    They are registered as they are; the clerk compares them with what the resident brings. Raises
    Problem CONFIGURATION_INVALID where a font is missing.
    """
    if not persons:
        return []
    fonts = _fonts()
    return [
        Unprintable(place, name, points)
        for place, entries in enumerate(persons)
        for name in _SHOWN
        if (points := _refused(getattr(entries, name), fonts))
    ]


def unprintable_in(text: str) -> tuple[str, ...]:
    """Return the characters of a text that no font of this window has, by their code points.

    Raises Problem CONFIGURATION_INVALID where a font is missing.
    """
    return _refused(text, _fonts()) if text else ()


def certificate_pdf(certificate: pb.MovingOutCertificate) -> bytes:
    """Return the certificate as PDF; raise Problem CHARACTER_NOT_PRINTABLE or TEXT_DOES_NOT_FIT."""
    one, kinds = certificate, pb.MovingOutCertificate
    try:
        return render_certificate(
            Certificate(
                number=one.move_number,
                verification_code=one.verification_code,
                count=one.count,
                origin=one.origin_name,
                destination=one.destination_name,
                destination_address=one.destination_address,
                planned_on=date.fromisoformat(one.planned_date),
                notified_on=date.fromisoformat(one.notice_date),
                issued_on=date.fromisoformat(one.issue_date),
                persons=_persons(one.persons),
                is_equivalent=one.document == kinds.DOCUMENT_EQUIVALENT,
            )
        ).pdf()
    except PaperError as error:
        raise paper_problem(error) from error


def receipt_pdf(receipt: Receipt) -> bytes:
    """Return a receipt as PDF; raise Problem CHARACTER_NOT_PRINTABLE."""
    try:
        return render_receipt(receipt).pdf()
    except PaperError as error:
        raise paper_problem(error) from error


def receipt_person(entries: Entries) -> Person:
    """Return a person as receipts show them."""
    return Person(
        entries.name, date_text(entries.date_of_birth), entries.relationship_to_householder
    )


def full_address(entries: Entries) -> str:
    """Return the address with building and room."""
    return "　".join(filter(None, (entries.address, entries.building_and_room)))


def _fonts() -> Fonts:
    try:
        return Fonts.find()
    except PaperError as error:
        raise paper_problem(error) from error


def _refused(text: str, fonts: Fonts) -> tuple[str, ...]:
    try:
        fonts.runs(text, "text")
    except CharacterUnsupported as error:
        return error.code_points
    return ()


def _persons(persons: Sequence[pb.MovingPerson]) -> tuple[MovingPerson, ...]:
    heads = [
        one.entries.name
        for one in persons
        if one.entries.relationship_to_householder == HOUSEHOLDER
    ]
    householder = heads[0] if len(heads) == 1 else ""
    return tuple(_person(one, householder) for one in persons)


def _person(one: pb.MovingPerson, householder: str) -> MovingPerson:
    entries = one.entries
    is_blank = entries.sex == Entries.SEX_BLANK
    return MovingPerson(
        name=entries.name,
        kana=entries.name_kana,
        birth=date_text(entries.date_of_birth),
        sex="" if is_blank else entry_text(entries, "sex"),
        relationship=entries.relationship_to_householder,
        householder=householder,
        resident_since=date_text(entries.resident_since),
        address=full_address(entries),
        code=one.code,
        domicile=entries.registered_domicile,
        register_head=entries.family_register_head,
        is_foreign=entries.nationality == Entries.NATIONALITY_FOREIGN,
        alias=entries.alias,
        kanji_name=entries.kanji_name,
    )
