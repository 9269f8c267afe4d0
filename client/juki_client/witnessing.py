"""A witness that goes on: it holds each head to the last one, and cosigns what is offered.

Heads grow faster than witnesses look. So the center offers all of them one head for a while; what
is newer is checked all the same, and cosigned when it is its turn.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from juki_audit import checkpoints
from juki_audit.errors import LogMalformed
from juki_client.log_book import Prover
from juki_client.outcome import Exit, Problem, Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from juki_client.witness import Witness


class Collector(Prover, Protocol):
    """The center as a witness meets it; every method raises Problem."""

    def offered(self) -> bytes:
        """Return the head that witnesses should cosign now."""
        ...

    def hand_in(self, note: bytes) -> tuple[int, int]:
        """Hand a cosigned head in; return its size, and that of the newest cosigned one."""
        ...


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A cosignature that the center has, and how far enough witnesses have cosigned."""

    size: int
    reached: int


@dataclass(frozen=True, slots=True)
class NotReached:
    """The center was not reached; it is tried again."""

    reason: str


AGAINST_THE_LOG: Final = frozenset(
    ("LOG_FORKED", "LOG_SHRANK", "LOG_SHORTER", "LOG_NOT_TRUSTED", "COSIGNED_HEAD_OTHER")
)
"""Reasons that speak against the center: somebody must be told at once."""


AGAIN_SECONDS: Final = 600.0
"""After so long a head that has not grown is cosigned again, so that it is seen to be watched."""


class Witnessing:
    """The rounds of one witness."""

    def __init__(
        self,
        witness: Witness,
        collector: Collector,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._witness = witness
        self._collector = collector
        self._now = now
        self._note = b""
        self._done = 0
        self._done_at = 0.0

    def rounds(self, wait: Callable[[], bool]) -> Iterator[HandedIn | NotReached]:
        """Go round by round while `wait` returns True, and tell what is worth telling.

        Raises Problem as `round` does, but for a center that cannot be reached.
        """
        while True:
            try:
                told: HandedIn | NotReached | None = self.round()
            except Problem as problem:
                if problem.exit is not Exit.UNREACHABLE and problem.retry is not Retry.AFTER:
                    raise
                told = NotReached(problem.reason)
            if told is not None:
                yield told
            if not wait():
                return

    def round(self) -> HandedIn | None:
        """Check the newest head; cosign and hand in what is offered; None where nothing was due.

        Raises Problem as `Witness.cosign` does, and what the center refuses.
        """
        if not self._note:
            offered = self._collector.offered()
            self._witness.check(self._collector)
            is_recent = self._done and self._now() - self._done_at < AGAIN_SECONDS
            if is_recent and _size_of(offered) == self._done == self._witness.size():
                return None
            self._note = self._witness.cosign(_Offer(self._collector, offered)).note
        size, reached = self._collector.hand_in(self._note)
        self._note, self._done, self._done_at = b"", size, self._now()
        return HandedIn(size, reached)


class _Offer:
    """Proves the offered head, or the newest one where the witness is ahead of the offer."""

    def __init__(self, prover: Prover, offered: bytes) -> None:
        self._prover = prover
        self._offered = offered

    def newest(self, first: int) -> tuple[bytes, Sequence[bytes]]:
        """Return the head to cosign, and the proof that it follows the tree of a size."""
        size = _size_of(self._offered)
        if size is None:
            # What it is not, the witness says, and remembers it.
            return self._offered, ()
        if size < first:
            return self._prover.newest(first)
        return self._offered, self.between(first, size) if 0 < first < size else ()

    def between(self, first: int, second: int) -> Sequence[bytes]:
        """Return the proof that the tree of the second size follows that of the first."""
        return self._prover.between(first, second)


def _size_of(note: bytes) -> int | None:
    try:
        return checkpoints.parse(note).checkpoint.head.size
    except LogMalformed:
        return None
