"""Traces: a sample of the calls, each with what it waited for, from the first APDU to the commit.

A trace shows methods, reasons and times; never who, and never what about. A call that is not
sampled costs one comparison.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from juki_center.areas.calls import Mark, current_call

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class TracedCall:
    """A call that has ended. Times are nanoseconds since 1970-01-01T00:00Z."""

    method: str
    code: str
    reason: str
    began: int
    ended: int
    marks: tuple[Mark, ...]


@contextmanager
def marked(name: str) -> Iterator[None]:
    """Mark what is waited for inside, where the current call is traced."""
    call = current_call()
    if call is None or call.marks is None:
        yield
        return
    began = time.time_ns()
    try:
        yield
    finally:
        call.marks.append(Mark(name, began, time.time_ns()))


class Tracing(Protocol):
    """Chooses the calls that are traced, and takes their traces."""

    def is_sampled(self) -> bool:
        """Tell whether the next call is traced."""

    def record(self, call: TracedCall) -> None:
        """Take a trace; it never waits and never raises."""


class _NoTracing:
    """Traces nothing."""

    def is_sampled(self) -> bool:
        """Tell that no call is traced."""
        return False

    def record(self, call: TracedCall) -> None:
        """Take nothing."""


NO_TRACING: Final[Tracing] = _NoTracing()
