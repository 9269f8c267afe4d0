"""Which card is meant: the newest of a resident that has not ended, or the one with a number.

A card of another municipality is not found, exactly as one that does not exist. A card whose holder
has moved with it is the new residence's from the move on, whether its use was continued or not:
there its holder lives, and there it is suspended, resumed, ended and handed in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.register import Card, CardKind, Cards, CardStatus
from juki_center.areas.cards.rules import as_of
from juki_center.areas.cards.window import Found, Window
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import PersonID, ResidenceState, Residents
from juki_center.errors import Reason, Refusal

ENDED: Final = frozenset(
    {CardStatus.REVOKED, CardStatus.LAPSED, CardStatus.RETURNED, CardStatus.VOID}
)
"""The states that no card leaves."""


@dataclass(frozen=True, slots=True)
class ByCode:
    """The newest card that has not ended, of whoever has this code."""

    code: ResidentCode = field(repr=False)


@dataclass(frozen=True, slots=True)
class ByNumber:
    """The card with this number on its face."""

    number: CardNumber


CardReference = ByCode | ByNumber


class ReferenceTx(Protocol):
    """What finding the card that is meant needs of a transaction."""

    @property
    def cards(self) -> Cards: ...

    @property
    def residents(self) -> Residents: ...


def find_own_card(tx: ReferenceTx, window: Window, found: Found, reference: CardReference) -> Card:
    """Return the card that a window of its municipality means.

    Raises Refusal: CARD_UNKNOWN, CODE_CHANGED.
    """
    match reference:
        case ByCode(code):
            card = newest(
                card for card in own_cards_of(tx, window, code) if card.status not in ENDED
            )
        case ByNumber(number):
            card = tx.cards.by_number(number)
    return own(tx, window, found, card)


def own_cards_of(tx: ReferenceTx, window: Window, code: ResidentCode) -> list[Card]:
    """Return the cards of a resident of the window's municipality, newest first.

    Raises Refusal: CARD_UNKNOWN, CODE_CHANGED.
    """
    holder = tx.residents.by_any_code(code)
    if holder is None or holder.where.municipality != window.register:
        raise Refusal(Reason.CARD_UNKNOWN)
    if holder.is_former:
        raise Refusal(Reason.CODE_CHANGED)
    cards = tx.cards.of_person(holder.where.person)
    return [as_of(card, window.now) for card in cards if _is_own(tx, card, window.register)]


def own(tx: ReferenceTx, window: Window, found: Found, card: Card | None) -> Card:
    """Return a card, as it counts today, if it is one of the window's municipality.

    Raises Refusal(CARD_UNKNOWN) otherwise.
    """
    if card is None or not _is_own(tx, card, window.register):
        raise Refusal(Reason.CARD_UNKNOWN)
    found.is_about(card.person, resource=card.number)
    return as_of(card, window.now)


def place_of(tx: ReferenceTx, card: Card) -> MunicipalityCode:
    """Return the municipality whose windows see to a card: its own, or where its holder lives now.

    A card that came with its holder is the new residence's, and so is one that has lapsed: there it
    is handed in.
    """
    if card.continue_until is None and card.status is not CardStatus.LAPSED:
        return card.municipality
    where = tx.residents.whereabouts(card.person)
    return card.municipality if where is None else where.municipality


def newest(cards: Iterable[Card]) -> Card | None:
    """Return the first of cards that come newest first; None where there is none."""
    return next(iter(cards), None)


def refuse_gone(tx: ReferenceTx, window: Window, person: PersonID) -> None:
    """Raise Refusal(CARD_REVOKED) where the holder is no active resident of the municipality.

    What ends a residence ends the cards in the same act; this is looked at all the same, because a
    card in the hands of somebody who is gone is worse than a refusal.
    """
    where = tx.residents.whereabouts(person)
    if where is None or (where.municipality, where.state) != (
        window.register,
        ResidenceState.ACTIVE,
    ):
        raise Refusal(Reason.CARD_REVOKED)


def _is_own(tx: ReferenceTx, card: Card, register: MunicipalityCode) -> bool:
    return card.kind is CardKind.RESIDENT and place_of(tx, card) == register


def refuse_not_meant(card: Card, meant: CardNumber | None, field: str) -> None:
    """Raise Refusal(FIELD_INVALID) for a card in the reader that is not the one that was named."""
    if meant not in {None, card.number}:
        raise Refusal(Reason.FIELD_INVALID, field=field, rule="OF_THE_CARD_IN_THE_READER")
