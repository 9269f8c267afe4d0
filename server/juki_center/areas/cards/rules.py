"""How a card's state may change, and which states a service refuses.

Expiry is no state: it follows from the printed date and the day in Japan. A card whose use was not
continued in time counts as lapsed from the next day on, whether or not that was written yet.
"""

from __future__ import annotations

import calendar
from dataclasses import replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from juki_center.areas.cards.register import Card, CardStatus
from juki_center.areas.days import day_in_japan
from juki_center.errors import NotAllowed, Reason, Refusal

VALID_YEARS = 10


class CardEvent(StrEnum):
    """What happens to a card. PROVED: it has shown by a session over the CAN that it was made."""

    PROVED = "PROVED"
    GIVEN_UP = "GIVEN_UP"
    HANDED_OVER = "HANDED_OVER"
    REPORTED_LOST = "REPORTED_LOST"
    RESUMED = "RESUMED"
    REVOKED = "REVOKED"
    CODE_CHANGED = "CODE_CHANGED"
    HOLDER_GONE = "HOLDER_GONE"
    HANDED_IN = "HANDED_IN"
    NOT_CONTINUED = "NOT_CONTINUED"


_ENDS: Final = {
    CardEvent.REVOKED: CardStatus.REVOKED,
    CardEvent.CODE_CHANGED: CardStatus.REVOKED,
    CardEvent.HOLDER_GONE: CardStatus.LAPSED,
    CardEvent.HANDED_IN: CardStatus.RETURNED,
}
_WHOLE: Final = (CardStatus.MADE, CardStatus.HELD, CardStatus.ACTIVE, CardStatus.SUSPENDED)
TRANSITIONS: Final = {
    (CardStatus.MAKING, CardEvent.PROVED): CardStatus.MADE,
    (CardStatus.MAKING, CardEvent.GIVEN_UP): CardStatus.VOID,
    (CardStatus.MAKING, CardEvent.CODE_CHANGED): CardStatus.VOID,
    (CardStatus.MAKING, CardEvent.HOLDER_GONE): CardStatus.VOID,
    (CardStatus.MADE, CardEvent.GIVEN_UP): CardStatus.VOID,
    (CardStatus.MADE, CardEvent.HANDED_OVER): CardStatus.ACTIVE,
    (CardStatus.MADE, CardEvent.REPORTED_LOST): CardStatus.HELD,
    (CardStatus.HELD, CardEvent.RESUMED): CardStatus.MADE,
    (CardStatus.HELD, CardEvent.GIVEN_UP): CardStatus.VOID,
    (CardStatus.ACTIVE, CardEvent.REPORTED_LOST): CardStatus.SUSPENDED,
    (CardStatus.SUSPENDED, CardEvent.RESUMED): CardStatus.ACTIVE,
    (CardStatus.ACTIVE, CardEvent.NOT_CONTINUED): CardStatus.LAPSED,
    (CardStatus.SUSPENDED, CardEvent.NOT_CONTINUED): CardStatus.LAPSED,
    **{(whole, event): end for whole in _WHOLE for event, end in _ENDS.items()},
}  # Anything else raises NotAllowed: a card that has ended never comes back.


def after(status: CardStatus, event: CardEvent) -> CardStatus:
    """Return the state after an event. Raises NotAllowed."""
    try:
        return TRANSITIONS[status, event]
    except KeyError:
        raise NotAllowed(status, event) from None


def last_valid_day(made_on: date) -> date:
    """Return the last day of a card's validity, the one that is printed on it.

    Ten years from the day it was made, ending on the day before the corresponding day; where that
    month has no such day, on its last day (Civil Code, article 143).
    """
    year = made_on.year + VALID_YEARS
    last_of_month = calendar.monthrange(year, made_on.month)[1]
    if made_on.day > last_of_month:
        return date(year, made_on.month, last_of_month)
    return date(year, made_on.month, made_on.day) - timedelta(days=1)


def refuse_expired(card: Card, now: datetime) -> None:
    """Raise Refusal(CARD_EXPIRED) after the last day, in Japan, that is printed on the card."""
    if day_in_japan(now) > card.valid_until:
        raise Refusal(Reason.CARD_EXPIRED)


def as_of(card: Card, now: datetime) -> Card:
    """Return a card as it counts today: LAPSED after the last day for continuing its use."""
    is_over = card.continue_until is not None and day_in_japan(now) > card.continue_until
    if is_over and (card.status, CardEvent.NOT_CONTINUED) in TRANSITIONS:
        return replace(card, status=after(card.status, CardEvent.NOT_CONTINUED))
    return card


def awaits_continuation(card: Card, now: datetime) -> bool:
    """Return whether a card's holder has moved and may still continue its use."""
    return card.continue_until is not None and as_of(card, now).status in _WHOLE


def refuse_not_continued(card: Card, now: datetime) -> None:
    """Raise Refusal(CARD_NOT_CONTINUED) while a card's use waits to be continued."""
    if card.continue_until is not None and awaits_continuation(card, now):
        last_day = card.continue_until.isoformat()
        raise Refusal(Reason.CARD_NOT_CONTINUED, continueUntil=last_day)


def is_expired(card: Card, now: datetime) -> bool:
    """Return whether a card's validity, and nothing else before it, has ended it."""
    return card.status in _WHOLE and day_in_japan(now) > card.valid_until


REFUSED: Final = {
    CardStatus.MAKING: Reason.CARD_NOT_ACTIVE,
    CardStatus.MADE: Reason.CARD_NOT_ACTIVE,
    CardStatus.HELD: Reason.CARD_SUSPENDED,
    CardStatus.SUSPENDED: Reason.CARD_SUSPENDED,
    CardStatus.REVOKED: Reason.CARD_REVOKED,
    CardStatus.LAPSED: Reason.CARD_REVOKED,
    CardStatus.RETURNED: Reason.CARD_REVOKED,
    CardStatus.VOID: Reason.CARD_REVOKED,
}
"""Why a service refuses a card in a state; of an active card nothing is refused for its state."""
