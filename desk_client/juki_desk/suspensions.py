"""One report of a loss, made once: what a report means, and how it is sent.

A report whose outcome stayed unknown is repeated under its own request id, and only where the desk
says so: the next caller may well mean another card.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, cast

from juki_client.card_numbers import NumberKind, read_number
from juki_client.changes import Answered, make_change
from juki_client.outcome import Problem
from jukinet.cards.v1 import card_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from juki_client.change_journal import Change, ChangeJournal
    from juki_client.changes import Changes
    from juki_desk.center import Center

COMMAND: Final = "suspend"
_ANSWERS_KEPT: Final = timedelta(hours=24)
_CODE_DIGITS: Final = 11
_NUMBER_DIGITS: Final = 12
_WAS_CARRIED_OUT: Final = frozenset(("REQUEST_ID_REUSED", "ANSWER_EXPIRED"))


@dataclass(frozen=True, slots=True)
class Suspended:
    """What the center has answered, and under which request id."""

    answer: pb.SuspendCardResponse
    request_id: str
    is_repeated: bool
    receipt_problem: Problem | None = None
    """Why the audit log does not show it, or not for certain; None where it does."""


def card_of(text: str) -> pb.CardReference:
    """Return which card a caller means: 12 digits are its number, 11 its holder's resident code.

    Spaces, hyphens and width do not count. A slip in a card number is found by its check digits.
    Raises Problem USAGE_INVALID; what was typed is not repeated.
    """
    digits = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text))
    if digits.isascii() and digits.isdecimal():
        if len(digits) == _NUMBER_DIGITS:
            return pb.CardReference(card_number=read_number(digits, NumberKind.CARD, "card"))
        if len(digits) == _CODE_DIGITS:
            return pb.CardReference(code=digits)
    raise Problem("USAGE_INVALID", {"field": "card", "rule": "11 or 12 digits"})


def unknown_reports(journal: ChangeJournal, now: datetime) -> tuple[Change, ...]:
    """Return the reports whose outcome is unknown and can still be learned, the oldest first."""
    since = int((now - _ANSWERS_KEPT).timestamp())
    return tuple(change for change in journal.open_changes(COMMAND) if change.at >= since)


def suspend(
    center: Center,
    changes: Changes,
    report: pb.SuspendCardRequest,
    *,
    earlier: Change | None = None,
    tell_of_earlier: Callable[[], None] = lambda: None,
) -> Suspended:
    """Send a report, under the request id of an earlier one where it is that one.

    Where the center says that the earlier one was carried out, and was not quite the same,
    `tell_of_earlier` is called and this one is sent too: a card that is stopped twice is stopped.
    Raises Problem as `make_change` does.
    """
    method = center.cards.SuspendCard
    try:
        answered = make_change(changes, COMMAND, method, report, earlier=earlier)
    except Problem as problem:
        if earlier is None or problem.reason not in _WAS_CARRIED_OUT:
            raise
        tell_of_earlier()
        answered = make_change(changes, COMMAND, method, report)
    return _suspended(answered, center.receipt_problem)


def _suspended(answered: Answered, receipt_problem: Problem | None) -> Suspended:
    answer = cast("pb.SuspendCardResponse", answered.message)
    return Suspended(answer, answered.request_id, answered.is_repeated, receipt_problem)
