"""Sending a changing request: the same one again while that may help, and what its end means.

Each request carries its id, so that the center acts once however often it comes.
"""

from __future__ import annotations

import math
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from google.protobuf.message import Message

from juki_client.outcome import Problem, Retry

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer", bound=Message)

_OUTCOME_UNKNOWN: Final = frozenset(("CENTER_UNREACHABLE", "INTERNAL", "ANSWER_EXPIRED"))
"""After these the center may have acted."""
OF_THE_LOG: Final = frozenset(
    ("RECEIPT_MISSING", "RECEIPT_INVALID", "LOG_SHRANK", "LOG_FORKED", "LOG_NOT_TRUSTED")
)
"""With these the center has answered, or would have, and its answer does not count."""
_SAYS_NOTHING_OF_EARLIER_TRIES: Final = _OUTCOME_UNKNOWN | {
    "UNAUTHENTICATED",
    "ROLE_NOT_ALLOWED",
    "METHOD_UNKNOWN",
    "MESSAGE_TOO_LARGE",
    "OVERLOADED",
    "STORE_UNAVAILABLE",
    "SHUTTING_DOWN",
}
"""Every other refusal comes after the center has looked the request id up: it is the outcome."""


_LATER: Final = 0.1
"""Up to so much longer than told everybody waits, so that no two who were told the same meet."""
_UNTOLD_SECONDS: Final = 1.0
_chance: Final = secrets.SystemRandom().random


def told_seconds(problem: Problem, chance: Callable[[], float] = _chance) -> float | None:
    """Return how long the center has told to wait, and a little longer; None where it has not.

    >>> told_seconds(Problem("OVERLOADED", {"retryAfterSeconds": "2"}), lambda: 0.5)
    2.1
    """
    try:
        told = float(problem.metadata.get("retryAfterSeconds", ""))
    except ValueError:
        return None
    return told * (1 + _LATER * chance()) if math.isfinite(told) and told >= 0 else None


class Caller(Protocol):
    """A center as its callers hold it."""

    @property
    def seen_tree_size(self) -> int:
        """The size of the newest tree of the audit log that is known; 0 for none."""
        ...

    def call(
        self, method: Callable[..., Answer], request: Message, *, seen: int | None = None
    ) -> Answer:
        """Make one unary call with a deadline, and hold its answer to the audit log.

        `seen` is the size of the tree that was known when the request was sent first; None where it
        is sent first now. Raises Problem for every error of gRPC, and for what the log does not
        show.
        """
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the same request is sent again while the center does not serve it, in seconds."""

    seconds: float = 20.0
    pause: float = 0.5
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def pause_after(self, problem: Problem, left: float) -> float | None:
        """Return how long to wait before the next try, with so many seconds left; None: no more.

        A center that has too many calls says itself when to come back. Longer than the patience
        nobody waits, and what else passes only later is told to the clerk at once.
        """
        if problem.retry is Retry.SAME_REQUEST:
            return self.pause if left > 0 else None
        if problem.reason != "OVERLOADED":
            return None
        told = told_seconds(problem)
        wait = max(self.pause, _UNTOLD_SECONDS if told is None else told)
        return wait if wait <= left else None


def send(
    center: Caller,
    method: Callable[..., Answer],
    request: Message,
    patience: Patience,
    *,
    seen: int | None = None,
) -> Answer:
    """Send a request until it is answered or refused; raise the Problem of the last try.

    `seen` is the tree size that was known when it was sent first, where it was before.
    """
    return _send(center, method, request, _Tries(patience, seen))


def send_once_only(
    center: Caller,
    method: Callable[..., Answer],
    request: Message,
    patience: Patience,
    *,
    was_sent_before: bool = False,
    seen: int | None = None,
) -> Answer:
    """Send a request with a `request_id` until its outcome is known.

    `seen` is as with `send`. Raises Problem with the center's reason where it has refused, so that
    nothing was changed, and OUTCOME_UNKNOWN where it may have acted, now or when the same id was
    sent before.
    """
    tries = _Tries(patience, seen)
    try:
        return _send(center, method, request, tries)
    except Problem as problem:
        may_have_acted = was_sent_before or not _OUTCOME_UNKNOWN.isdisjoint(tries.reasons)
        if may_have_acted and problem.reason in _SAYS_NOTHING_OF_EARLIER_TRIES:
            key: str = getattr(request, "request_id", "")
            facts = {"requestId": key, "cause": problem.reason}
            raise Problem("OUTCOME_UNKNOWN", facts) from problem
        raise


@dataclass(slots=True)
class _Tries:
    """The tries of one request; `reasons` takes what each try in vain ended with."""

    patience: Patience
    seen: int | None
    reasons: list[str] = field(default_factory=list)


def _send(center: Caller, method: Callable[..., Answer], request: Message, tries: _Tries) -> Answer:
    # A later try may come upon what an earlier one has done: both say what was known before.
    seen = center.seen_tree_size if tries.seen is None else tries.seen
    patience = tries.patience
    end = patience.monotonic() + patience.seconds
    while True:
        try:
            return center.call(method, request, seen=seen)
        except Problem as problem:
            tries.reasons.append(problem.reason)
            pause = patience.pause_after(problem, end - patience.monotonic())
            if pause is None:
                raise
        patience.sleep(pause)
