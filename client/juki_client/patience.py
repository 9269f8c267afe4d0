"""Sending a changing request: the same one again while that may help, and what its end means.

Each request carries its id, so that the center acts once however often it comes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from google.protobuf.message import Message

from juki_client.outcome import Problem, Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
    """How long the same request is sent again while the center does not answer, in seconds."""

    seconds: float = 20.0
    pause: float = 0.5
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def tries(self) -> Iterator[None]:
        """Yield once for each try."""
        end = self.monotonic() + self.seconds
        yield
        while self.monotonic() < end:
            self.sleep(self.pause)
            yield


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
    last = Problem("CENTER_UNREACHABLE")
    # A later try may come upon what an earlier one has done: both say what was known before.
    seen = center.seen_tree_size if tries.seen is None else tries.seen
    for _ in tries.patience.tries():
        try:
            return center.call(method, request, seen=seen)
        except Problem as problem:
            last = problem
        tries.reasons.append(last.reason)
        if last.retry is not Retry.SAME_REQUEST:
            break
    raise last
