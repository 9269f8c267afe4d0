"""Whether the log can be written, and what is tried until it can again.

Without its log no act may be done. Three things can be wrong: the disk is full, the reserve had to
be given up, or heads cannot be signed. Acts are refused meanwhile; urgent ones go on as they can.
"""

from __future__ import annotations

import time

from juki_center.storage.reserve import Reserve
from juki_center.storage.signing import Signing

PAUSE_SECONDS = 1.0
"""So long the writer waits before it tries again what failed."""


class LogCare:
    """The writer's knowledge of the log. Other threads may ask `is_writable`."""

    def __init__(self, signing: Signing | None, reserve: Reserve, *, is_signed: bool) -> None:
        self._signing = signing
        self._reserve = reserve
        self._is_full = False
        self._is_unsigned = signing is not None and not is_signed
        self._tried_at = time.monotonic()
        self._is_held = reserve.hold()

    @property
    def is_writable(self) -> bool:
        """Whether acts are taken at present, as far as is known."""
        return self._is_held and not self._is_full and not self._is_unsigned

    def may_try(self) -> bool:
        """Whether an act that is not urgent may be tried at all."""
        self._is_held = self._reserve.is_held() or self._hold_again()
        is_stalled = self._signing is not None and self._signing.is_stalled()
        self._is_unsigned = self._is_unsigned or is_stalled
        return self._is_held and not is_stalled

    def _hold_again(self) -> bool:
        if time.monotonic() < self._tried_at + PAUSE_SECONDS:
            return False
        self._tried_at = time.monotonic()
        return self._reserve.hold()

    def use_reserve(self) -> bool:
        """Give the reserve up for an urgent act; tell whether there was one."""
        if not self._reserve.give_up():
            return False
        self._is_held = False
        self._tried_at = time.monotonic()
        return True

    def was_full(self) -> None:
        """Note that there was no room."""
        self._is_full = True

    def was_unsigned(self) -> None:
        """Note that a head could not be signed."""
        self._is_unsigned = True

    def committed(self, *, is_signed: bool) -> None:
        """Note that there was room, and that the newest head was signed where it was."""
        self._is_full = False
        self._is_unsigned = self._is_unsigned and not is_signed
