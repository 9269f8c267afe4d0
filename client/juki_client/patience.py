"""Sending a changing request: the same one again while that may help, and what its end means.

Each request carries its id, so that the center acts once however often it comes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from google.protobuf.message import Message

from juki_client.outcome import Problem, Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Answer = TypeVar("Answer", bound=Message)

_OUTCOME_UNKNOWN: Final = frozenset(("CENTER_UNREACHABLE", "INTERNAL", "ANSWER_EXPIRED"))
"""After these the center may have acted."""
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

    def call(self, method: Callable[..., Answer], request: Message) -> Answer:
        """Make one unary call with a deadline; raise Problem for every error of gRPC."""
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
    center: Caller, method: Callable[..., Answer], request: Message, patience: Patience
) -> Answer:
    """Send a request until it is answered or refused; raise the Problem of the last try."""
    return _send(center, method, request, patience, [])


def send_once_only(
    center: Caller,
    method: Callable[..., Answer],
    request: Message,
    patience: Patience,
    *,
    was_sent_before: bool = False,
) -> Answer:
    """Send a request with a `request_id` until its outcome is known.

    Raises Problem with the center's reason where it has refused, so that nothing was changed, and
    OUTCOME_UNKNOWN where it may have acted, now or when the same id was sent before.
    """
    reasons: list[str] = []
    try:
        return _send(center, method, request, patience, reasons)
    except Problem as problem:
        may_have_acted = was_sent_before or not _OUTCOME_UNKNOWN.isdisjoint(reasons)
        if may_have_acted and problem.reason in _SAYS_NOTHING_OF_EARLIER_TRIES:
            key: str = getattr(request, "request_id", "")
            facts = {"requestId": key, "cause": problem.reason}
            raise Problem("OUTCOME_UNKNOWN", facts) from problem
        raise


def _send(
    center: Caller,
    method: Callable[..., Answer],
    request: Message,
    patience: Patience,
    reasons: list[str],
) -> Answer:
    """Send; `reasons` takes what each try in vain ended with."""
    last = Problem("CENTER_UNREACHABLE")
    for _ in patience.tries():
        try:
            return center.call(method, request)
        except Problem as problem:
            last = problem
        reasons.append(last.reason)
        if last.retry is not Retry.SAME_REQUEST:
            break
    raise last
