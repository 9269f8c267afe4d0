"""The audit of the cards: what became of each follows from what became of its holder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from juki_center.areas.cards.register import Card
from juki_center.areas.residents.records import Resident
from juki_center.simulation.findings import Finding, Rule
from juki_center.simulation.ledger import Ledger

_GOOD: Final = frozenset({"MAKING", "MADE", "HELD", "ACTIVE", "SUSPENDED"})


def one_card(ledger: Ledger) -> Iterator[Finding]:
    """Nobody has two cards of which each is good by itself."""
    for person, cards in ledger.cards.items():
        good = [one for one in cards if one.status in _GOOD and ledger.today <= one.valid_until]
        if len(good) > 1:
            yield Finding(Rule.ONE_CARD, person.hex(), f"{len(good)} cards")


def card_follows(ledger: Ledger) -> Iterator[Finding]:
    """Who is nobody's resident has no good card, and no card is good in another municipality."""
    for person, cards in ledger.cards.items():
        holder = ledger.versions[person][-1]
        for card in cards:
            problem = _unlike(holder, card) if card.status in _GOOD else ""
            if problem:
                yield Finding(Rule.CARD_FOLLOWS, person.hex(), f"card {card.number} {problem}")
    for person in ledger.open_applications:
        if ledger.versions[person][-1].state != "ACTIVE":
            yield Finding(Rule.CARD_FOLLOWS, person.hex(), "an application is open")


def _unlike(holder: Resident, card: Card) -> str:
    if holder.state != "ACTIVE":
        return f"is {card.status}, its holder {holder.state}"
    if holder.municipality != card.municipality:
        return f"is of {card.municipality}, its holder of {holder.municipality}"
    return ""
