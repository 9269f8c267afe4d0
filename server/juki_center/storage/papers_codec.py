"""Papers of cards as octets: what is sealed of applications, unlockings and chips (CBOR)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import cast

import cbor2

from juki_center.areas.cards.application_rows import Addressee, ApplicationPapers, Place
from juki_center.areas.cards.numbers import LetterNumber
from juki_center.areas.cards.personalisation_rows import ChipSecrets
from juki_center.areas.cards.unlock_rows import UnlockPapers
from juki_center.areas.evidence import DocumentKind, IdentityDocument, LegalRepresentative

_Fields = Mapping[str, object]


def encode_papers(papers: ApplicationPapers) -> bytes:
    """Encode the papers of an application."""
    fields = {
        "clerk": papers.clerk_name,
        "place": str(papers.place),
        "documents": _documents(papers.documents),
        "representative": _representative(papers.representative),
        "letter": None if papers.letter_number is None else str(papers.letter_number),
        "sent_on": _day(papers.letter_sent_on),
        "sent_to": _addressee(papers.letter_sent_to),
        "reply_documents": _documents(papers.reply_documents),
        "reply_clerk": papers.reply_clerk_name,
        "oral": papers.oral_questions_answered,
        "lapsed_card": papers.lapsed_card,
        "photo_taken_on": _day(papers.photo_taken_on),
    }
    return cbor2.dumps(fields, canonical=True)


def decode_papers(octets: bytes) -> ApplicationPapers:
    """Decode the papers of an application."""
    fields = cast("_Fields", cbor2.loads(octets))
    letter = cast("str | None", fields["letter"])
    return ApplicationPapers(
        clerk_name=cast("str", fields["clerk"]),
        place=Place(cast("str", fields["place"])),
        documents=_read_documents(fields["documents"]),
        representative=_read_representative(fields["representative"]),
        letter_number=None if letter is None else LetterNumber(letter),
        letter_sent_on=_read_day(fields["sent_on"]),
        letter_sent_to=_read_addressee(fields["sent_to"]),
        reply_documents=_read_documents(fields["reply_documents"]),
        reply_clerk_name=cast("str", fields["reply_clerk"]),
        oral_questions_answered=cast("bool", fields["oral"]),
        lapsed_card=cast("str", fields["lapsed_card"]),
        photo_taken_on=_read_day(fields["photo_taken_on"]),
    )


def encode_unlock(papers: UnlockPapers) -> bytes:
    """Encode the papers of an unlocking."""
    fields = {
        "clerk": papers.clerk_name,
        "documents": _documents(papers.documents),
        "representative": _representative(papers.representative),
    }
    return cbor2.dumps(fields, canonical=True)


def encode_secrets(secrets: ChipSecrets) -> bytes:
    """Encode what the center has drawn for a chip."""
    return cbor2.dumps([secrets.card_access_number, secrets.transport_pin], canonical=True)


def decode_secrets(octets: bytes) -> ChipSecrets:
    """Decode what the center has drawn for a chip."""
    number, pin = cast("list[str]", cbor2.loads(octets))
    return ChipSecrets(number, pin)


def _documents(documents: tuple[IdentityDocument, ...]) -> list[list[object]]:
    return [
        [str(one.kind), one.number_hash, one.number_salt, one.chip_verified] for one in documents
    ]


def _read_documents(value: object) -> tuple[IdentityDocument, ...]:
    rows = cast("list[tuple[str, bytes, bytes, bool]]", value)
    return tuple(
        IdentityDocument(DocumentKind(kind), digest, salt, chip_verified=verified)
        for kind, digest, salt, verified in rows
    )


def _representative(one: LegalRepresentative | None) -> list[str] | None:
    return None if one is None else [one.name, one.shown_by]


def _read_representative(value: object) -> LegalRepresentative | None:
    return None if value is None else LegalRepresentative(*cast("list[str]", value))


def _addressee(one: Addressee | None) -> list[str] | None:
    return None if one is None else [one.name, one.address]


def _read_addressee(value: object) -> Addressee | None:
    return None if value is None else Addressee(*cast("list[str]", value))


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _read_day(value: object) -> date | None:
    return None if value is None else date.fromisoformat(cast("str", value))
