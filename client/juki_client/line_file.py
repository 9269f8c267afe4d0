"""An append-only file of lines that survives crashes: synced, locked, its torn last line dropped.

What the lines mean is not here: journals keep their entries in such files.
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class LineFile:
    """The open file. Every method raises OSError where the system refuses."""

    def __init__(self, path: Path) -> None:
        """Open or make the file, readable for its owner only, and sync the folder's entry."""
        self._path = path
        self._descriptor = _open(path)

    def lock(self, *, wait: bool = False) -> None:
        """Hold the file; raise BlockingIOError where another program does, unless told to wait."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))

    def lines(self) -> list[bytes]:
        """Return all lines, after a line that a crash tore at the end was cut off."""
        octets = self._path.read_bytes()
        whole, _, torn = octets.rpartition(b"\n")
        if torn:
            os.ftruncate(self._descriptor, len(octets) - len(torn))
            os.fsync(self._descriptor)
        return whole.split(b"\n") if whole else []

    def append(self, line: bytes) -> None:
        """Write a line with its end, and sync it."""
        while line:
            line = line[os.write(self._descriptor, line) :]
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Let the file go."""
        os.close(self._descriptor)


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return descriptor
