"""The audit of the cards: what became of each follows from what became of its holder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from juki_center.areas.cards.register import Card
from juki_center.areas.days import day_in_japan
from juki_center.areas.residents.records import Resident
from juki_center.simulation.findings import Finding, Rule
from juki_center.simulation.ledger import Ledger

_GOOD: Final = frozenset({"MAKING", "MADE", "HELD", "ACTIVE", "SUSPENDED"})
_BY_CARD: Final = frozenset({"NOTIFIED", "TRANSFERRED"})
_ARRIVALS: Final = frozenset({"MOVE_IN", "SPECIAL_MOVE_IN"})
_CONTINUED_WITHIN: Final = 90


def one_card(ledger: Ledger) -> Iterator[Finding]:
    """Nobody has two cards of which each is good by itself."""
    for person, cards in ledger.cards.items():
        good = [one for one in cards if one.status in _GOOD and ledger.today <= one.valid_until]
        if len(good) > 1:
            yield Finding(Rule.ONE_CARD, person.hex(), f"{len(good)} cards")


def card_follows(ledger: Ledger) -> Iterator[Finding]:
    """Who is nobody's resident has no good card, and no card is good in another municipality.

    Two may be: of somebody who is about to move by that card, and, where the law lets it be used
    on, of somebody who has moved by it not long ago.
    """
    moving = _moving_by_card(ledger)
    for person, cards in ledger.cards.items():
        versions = ledger.versions.get(person, [])
        for card in cards:
            if versions and card.status in _GOOD:
                problem = _unlike(ledger, versions, card, is_moving=person in moving)
                if problem:
                    yield Finding(Rule.CARD_FOLLOWS, person.hex(), f"card {card.number} {problem}")
    for person in ledger.open_applications:
        newest = ledger.newest(person)
        if newest is not None and newest.state != "ACTIVE":
            yield Finding(Rule.CARD_FOLLOWS, person.hex(), "an application is open")


def _moving_by_card(ledger: Ledger) -> frozenset[bytes]:
    return frozenset(
        member.person.octets
        for move in ledger.moves
        if move.state in _BY_CARD
        for member in move.members
        if member.state == "MOVING"
    )


def _unlike(ledger: Ledger, versions: list[Resident], card: Card, *, is_moving: bool) -> str:
    holder = versions[-1]
    if holder.state != "ACTIVE" and not (holder.state == "MOVED_OUT" and is_moving):
        return f"is {card.status}, its holder {holder.state}"
    if card.continue_until is not None:
        return _unlike_waiting(ledger, versions, card)
    if holder.municipality != card.municipality:
        return f"is of {card.municipality}, its holder of {holder.municipality}"
    moved_in = _last_arrival(versions)
    if not ledger.cards_continue and moved_in is not None and card.made_on < moved_in:
        return "is older than its holder's arrival"
    return ""


def _unlike_waiting(ledger: Ledger, versions: list[Resident], card: Card) -> str:
    """Say what is wrong with a card that waits for its use to be continued."""
    moved_in = _last_arrival(versions)
    if card.continue_until is None or moved_in is None or not ledger.cards_continue:
        return "waits, and its holder has not moved by it"
    if (card.continue_until - moved_in).days != _CONTINUED_WITHIN:
        return f"waits until {card.continue_until.isoformat()}"
    return "has waited too long" if card.continue_until < ledger.today else ""


def _last_arrival(versions: list[Resident]) -> date | None:
    """Return the day on which the last arrival was entered; None where it was taken back."""
    place = versions[-1].municipality
    entered = [
        day_in_japan(one.change.recorded_at)
        for one in versions
        if one.change is not None
        and one.municipality == place
        and str(one.change.reason) in _ARRIVALS
    ]
    return entered[-1] if entered else None
