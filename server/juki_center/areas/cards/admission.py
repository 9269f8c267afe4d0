"""Which cards a session takes, for each purpose; the picture in docs/wire.md is this table.

The kind is looked at before anything else, so that nothing of another kind's card is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from juki_center.areas.cards.register import Card, CardKind, CardStatus, Purpose
from juki_center.areas.cards.rules import (
    REFUSED,
    as_of,
    refuse_expired,
    refuse_not_continued,
)
from juki_center.errors import Reason, Refusal


@dataclass(frozen=True, slots=True)
class Admission:
    """What a purpose asks of a card's row.

    `pin_may_be_pending` tells whether the card may still owe the proof of its PIN after an unlock;
    `may_be_expired` whether the day matters; `may_await` whether its holder may have moved without
    having continued its use.
    """

    kind: CardKind
    states: frozenset[CardStatus]
    pin_may_be_pending: bool = False
    may_be_expired: bool = False
    may_await: bool = False


_ACTIVE: Final = frozenset((CardStatus.ACTIVE,))
_IN_HAND: Final = frozenset((CardStatus.MADE, CardStatus.ACTIVE))
ADMISSIONS: Final[Mapping[Purpose, Admission]] = {
    Purpose.CERTIFICATE_COPY: Admission(CardKind.RESIDENT, _ACTIVE),
    # What continues the use of a card after a move is the proof of its PIN.
    Purpose.PIN_PROOF: Admission(
        CardKind.RESIDENT, _IN_HAND, pin_may_be_pending=True, may_await=True
    ),
    # A card that has ended is handed in, and a new one is proved, by the same session.
    Purpose.CARD_CHECK: Admission(
        CardKind.RESIDENT,
        frozenset(CardStatus) - {CardStatus.VOID},
        pin_may_be_pending=True,
        may_be_expired=True,
        may_await=True,
    ),
    Purpose.PIN_UNLOCK: Admission(CardKind.RESIDENT, _IN_HAND, pin_may_be_pending=True),
    Purpose.CLERK_SIGN_IN: Admission(CardKind.CLERK, _ACTIVE),
    Purpose.SPECIAL_MOVE_IN: Admission(CardKind.RESIDENT, _ACTIVE),
    Purpose.OWN_DISCLOSURE: Admission(CardKind.RESIDENT, _ACTIVE),
}

PROVE_THE_PIN: Final = frozenset(
    {
        Purpose.CERTIFICATE_COPY,
        Purpose.PIN_PROOF,
        Purpose.SPECIAL_MOVE_IN,
        Purpose.OWN_DISCLOSURE,
    }
)
"""The purposes whose sessions say that the holder knew the PIN."""


def admit(card: Card, purpose: Purpose, now: datetime) -> None:
    """Raise Refusal unless a session for the purpose may take the card now.

    Reasons: CARD_NOT_FOR_PURPOSE (before anything about its state), DISCONNECTED_CARD_BATCH,
    CARD_NOT_ACTIVE, CARD_SUSPENDED, CARD_REVOKED, CARD_EXPIRED, CARD_NOT_CONTINUED,
    CARD_PIN_PENDING.
    """
    admission = ADMISSIONS[purpose]
    if card.kind is not admission.kind:
        raise Refusal(Reason.CARD_NOT_FOR_PURPOSE)
    if card.is_cut_off:
        raise Refusal(Reason.DISCONNECTED_CARD_BATCH)
    status = as_of(card, now).status
    if status not in admission.states:
        raise Refusal(REFUSED[status])
    if not admission.may_be_expired:
        refuse_expired(card, now)
    if not admission.may_await:
        refuse_not_continued(card, now)
    if card.pin_pending and not admission.pin_may_be_pending:
        raise Refusal(Reason.CARD_PIN_PENDING)


def is_admitted(card: Card, purpose: Purpose, now: datetime) -> bool:
    """Return whether a session for the purpose may take the card now."""
    try:
        admit(card, purpose, now)
    except Refusal:
        return False
    return True
