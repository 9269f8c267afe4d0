"""Answers about applications as octets: what is kept sealed for a request that comes again."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import cast

import cbor2

from juki_center.areas.cards.application_commands import (
    InquiryLetter,
    IssueNotice,
    Reissued,
    Taken,
)
from juki_center.areas.cards.application_rows import (
    Addressee,
    Application,
    ApplicationKind,
    ApplicationState,
    EndReason,
)
from juki_center.areas.cards.card_codec import decode_card, encode_card
from juki_center.areas.cards.numbers import ApplicationNumber, CardNumber, LetterNumber
from juki_center.areas.cards.register import CardStyle
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID

_Fields = dict[str, object]


def encode_taken(taken: Taken) -> bytes:
    """Encode an application without its papers, and what is to be printed for it."""
    return cbor2.dumps(_taken(taken), canonical=True)


def decode_taken(octets: bytes) -> Taken:
    """Decode what `encode_taken` has made."""
    return _read_taken(cast("_Fields", cbor2.loads(octets)))


def encode_reissued(reissued: Reissued) -> bytes:
    """Encode an application in place of a card, and that card."""
    parts = [encode_taken(reissued.taken), encode_card(reissued.old_card)]
    return cbor2.dumps(parts, canonical=True)


def decode_reissued(octets: bytes) -> Reissued:
    """Decode what `encode_reissued` has made."""
    taken, old_card = cast("list[bytes]", cbor2.loads(octets))
    return Reissued(decode_taken(taken), decode_card(old_card))


def _taken(taken: Taken) -> _Fields:
    letter, notice = taken.letter, taken.notice
    return {
        "application": _application(taken.application),
        "letter": None if letter is None else _letter(letter),
        "notice": None
        if notice is None
        else [*_whom(notice.addressee), str(notice.sent_on), notice.municipality_name],
    }


def _read_taken(fields: _Fields) -> Taken:
    letter, notice = fields["letter"], cast("list[str] | None", fields["notice"])
    return Taken(
        _read_application(cast("_Fields", fields["application"])),
        None if letter is None else _read_letter(cast("_Fields", letter)),
        None
        if notice is None
        else IssueNotice(Addressee(*notice[:2]), date.fromisoformat(notice[2]), notice[3]),
    )


def _letter(letter: InquiryLetter) -> _Fields:
    return {
        "number": str(letter.number),
        "to": _whom(letter.addressee),
        "sent_on": str(letter.sent_on),
        "reply_until": str(letter.reply_until),
        "registered": letter.registered_mail,
        "document": letter.document_required,
        "sender": letter.municipality_name,
    }


def _read_letter(fields: _Fields) -> InquiryLetter:
    return InquiryLetter(
        number=LetterNumber(cast("str", fields["number"])),
        addressee=Addressee(*cast("list[str]", fields["to"])),
        sent_on=date.fromisoformat(cast("str", fields["sent_on"])),
        reply_until=date.fromisoformat(cast("str", fields["reply_until"])),
        registered_mail=cast("bool", fields["registered"]),
        document_required=cast("bool", fields["document"]),
        municipality_name=cast("str", fields["sender"]),
    )


def _whom(addressee: Addressee) -> list[str]:
    return [addressee.name, addressee.address]


def _application(one: Application) -> _Fields:
    return {
        "number": str(one.number),
        "municipality": str(one.municipality),
        "person": one.person.octets,
        "state": str(one.state),
        "kind": str(one.kind),
        "style": str(one.style),
        "submitted_at": one.submitted_at.isoformat(),
        "reply_until": _text(one.reply_until),
        "ended_at": None if one.ended_at is None else one.ended_at.isoformat(),
        "end_reason": None if one.end_reason is None else str(one.end_reason),
        "card_number": None if one.card_number is None else str(one.card_number),
    }


def _read_application(fields: _Fields) -> Application:
    reply_until, ended_at = fields["reply_until"], fields["ended_at"]
    reason, card = fields["end_reason"], fields["card_number"]
    return Application(
        number=ApplicationNumber(cast("str", fields["number"])),
        municipality=MunicipalityCode(cast("str", fields["municipality"])),
        person=PersonID(cast("bytes", fields["person"])),
        state=ApplicationState(cast("str", fields["state"])),
        kind=ApplicationKind(cast("str", fields["kind"])),
        style=CardStyle(cast("str", fields["style"])),
        submitted_at=_moment(fields["submitted_at"]),
        papers=None,
        reply_until=None if reply_until is None else date.fromisoformat(cast("str", reply_until)),
        ended_at=None if ended_at is None else _moment(ended_at),
        end_reason=None if reason is None else EndReason(cast("str", reason)),
        card_number=None if card is None else CardNumber(cast("str", card)),
    )


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _moment(value: object) -> datetime:
    return datetime.fromisoformat(cast("str", value)).astimezone(UTC)
