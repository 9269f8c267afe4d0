"""A call that is sent again, the same one, until a center that keeps dying has answered it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from juki_client.outcome import Problem

Answer = TypeVar("Answer")

_SECONDS = 60.0
_PAUSE = 0.1
# What a center says that goes, or cannot be asked; INTERNAL is a broken connection without a word.
_PASSING = frozenset({"CENTER_UNREACHABLE", "SHUTTING_DOWN", "STORE_UNAVAILABLE", "INTERNAL"})


def until_answered(call: Callable[[], Answer]) -> tuple[int, Answer]:
    """Return at which try it was answered, and the answer. Raises Problem, also after a minute."""
    end, tries = time.monotonic() + _SECONDS, 0
    while True:
        tries += 1
        try:
            return tries, call()
        except Problem as problem:
            if problem.reason not in _PASSING or time.monotonic() > end:
                raise
            time.sleep(_PAUSE)
