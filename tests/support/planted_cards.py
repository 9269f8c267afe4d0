"""Cards that stand in a register for tests of the store alone."""

from __future__ import annotations

from datetime import date

from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.register import Card, CardKind, CardStatus
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID


def card(serial: bytes) -> Card:
    """Return a card that is not in the register."""
    return Card(
        serial=serial,
        person=PersonID(bytes(16)),
        kind=CardKind.RESIDENT,
        status=CardStatus.ACTIVE,
        municipality=MunicipalityCode("112089"),
        valid_until=date(2033, 8, 24),
        number=CardNumber.drawn(serial[-8:]),
        made_on=date(2023, 8, 25),
    )
