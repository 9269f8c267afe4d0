"""A card as octets: how the answer to an act on it is kept (CBOR)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import cast

import cbor2

from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.register import Card, CardKind, CardStatus, CardStyle
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID

_Fields = Mapping[str, object]


def encode_card(card: Card) -> bytes:
    """Encode a card as an act has left it."""
    fields = {
        "serial": card.serial,
        "person": card.person.octets,
        "kind": str(card.kind),
        "status": str(card.status),
        "municipality": str(card.municipality),
        "valid_until": card.valid_until.isoformat(),
        "number": str(card.number),
        "made_on": card.made_on.isoformat(),
        "style": str(card.style),
        "pin_pending": card.pin_pending,
        "returned_at": None if card.returned_at is None else card.returned_at.isoformat(),
        "continue_until": None if card.continue_until is None else card.continue_until.isoformat(),
    }
    return cbor2.dumps(fields, canonical=True)


def decode_card(octets: bytes) -> Card:
    """Decode a card."""
    fields = cast("_Fields", cbor2.loads(octets))
    returned_at = cast("str | None", fields["returned_at"])
    # An answer that an earlier version of the program has kept does not say it.
    continue_until = cast("str | None", fields.get("continue_until"))
    return Card(
        serial=cast("bytes", fields["serial"]),
        person=PersonID(cast("bytes", fields["person"])),
        kind=CardKind(cast("str", fields["kind"])),
        status=CardStatus(cast("str", fields["status"])),
        municipality=MunicipalityCode(cast("str", fields["municipality"])),
        valid_until=date.fromisoformat(cast("str", fields["valid_until"])),
        number=CardNumber(cast("str", fields["number"])),
        made_on=date.fromisoformat(cast("str", fields["made_on"])),
        style=CardStyle(cast("str", fields["style"])),
        pin_pending=cast("bool", fields["pin_pending"]),
        returned_at=None if returned_at is None else datetime.fromisoformat(returned_at),
        continue_until=None if continue_until is None else date.fromisoformat(continue_until),
    )
