"""Room on the disk that is kept for the acts that must not wait for anybody to make some.

A file beside the store takes the room in good days. It is given up when the disk is full and a
card must be suspended or somebody cut off, and taken again when there is room.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

logger = logging.getLogger(__name__)

_OWNER_ONLY = 0o600


class Reserve:
    """The reserve of one store; of 0 octets it is always held, and never helps."""

    def __init__(self, path: Path, octets: int) -> None:
        self._path = path
        self._octets = octets

    @classmethod
    def beside(cls, store: Path, octets: int) -> Reserve:
        """Return the reserve of a store's file."""
        return cls(store.with_name(f"{store.name}-reserve"), octets)

    def is_held(self) -> bool:
        """Whether the room is taken; any process that uses the store may have given it up."""
        if not self._octets:
            return True
        try:
            return self._path.stat().st_size >= self._octets
        except FileNotFoundError:
            return False

    def hold(self) -> bool:
        """Take the room, really; tell whether there was enough."""
        if self.is_held():
            return True
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
            try:
                os.posix_fallocate(handle, 0, self._octets)
            finally:
                os.close(handle)
        except OSError as error:
            logger.warning("no room for the reserve: %s", error.strerror)
            # What was taken so far would only make the want worse.
            self._remove()
            return False
        return True

    def give_up(self) -> bool:
        """Leave the room to the store; tell whether there was any."""
        if not (self._octets and self._path.exists()):
            return False
        self._remove()
        return True

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink()
