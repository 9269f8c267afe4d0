"""What a card's answers mean to the window: card errors as problems.

Only `PinWrong` and `PinLocked`, which the card's own status word in PACE made, become problems of
the PIN. A MAC that fails, a torn session or a signature says nothing about it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from juki_card.apdu import SW
from juki_card.errors import (
    AuthenticationFailed,
    CanWrong,
    CardError,
    CardRemoved,
    CertificateRefused,
    ParseError,
    PinLocked,
    PinWrong,
    SecureMessagingError,
    UnexpectedStatus,
)
from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def card_problems() -> Iterator[None]:
    """Turn the card errors that leave the block into problems."""
    try:
        yield
    except CardError as error:
        raise problem_of(error) from error


def problem_of(error: CardError) -> Problem:
    """Return the problem that a card error stands for."""
    match error:
        case PinWrong(tries_left=left) if left:
            return Problem("PIN_WRONG", {"attemptsRemaining": str(left)})
        case PinWrong() | PinLocked():
            return Problem("PIN_LOCKED", {"attemptsRemaining": "0"})
        case UnexpectedStatus(status_word=SW.REFERENCE_DATA_UNUSABLE, command="MSE:Set AT (PACE)"):
            # An unlock took the PIN away and no new one has come yet.
            return Problem("CARD_PIN_PENDING")
        case UnexpectedStatus(status_word=status_word, command=command):
            facts = {"statusWord": f"{status_word:04X}", "command": command}
            return Problem("CARD_REFUSED", facts)
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return Problem(reason)
    return Problem("TERMINAL_DEFECT", {"kind": type(error).__name__})


_REASONS: Final = (
    (CardRemoved, "CARD_REMOVED"),
    (CanWrong, "CARD_ACCESS_NUMBER_WRONG"),
    (CertificateRefused, "TRUST_POINT_UNKNOWN"),
    (SecureMessagingError, "CARD_REFUSED"),
    (AuthenticationFailed, "CARD_NOT_AUTHENTIC"),
    (ParseError, "CARD_REFUSED"),
)
"""Reasons by kind of error, the narrower kind first."""
