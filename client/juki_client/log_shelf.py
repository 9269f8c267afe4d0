"""Where a client keeps what it knows of the audit log: a file that survives cuts, or memory.

The file is replaced as a whole, and two programs that use it take turns. What its content means
is in `log_book`.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

_MOST_OCTETS = 1 << 22


class Shelf(Protocol):
    """Keeps one octet string."""

    def turn(self) -> AbstractContextManager[Content]:
        """Return a turn, in which the content is read and replaced, and nobody else has one."""
        ...

    def put_away(self, mark: str) -> str:
        """Begin anew; return under which name the content is kept, empty where it is not."""
        ...


class Content(Protocol):
    """What lies on the shelf during a turn."""

    def read(self) -> bytes:
        """Return the content; empty where nothing was kept yet."""
        ...

    def replace(self, octets: bytes) -> None:
        """Keep another content."""
        ...


class MemoryShelf:
    """Keeps the content as long as the program runs."""

    def __init__(self) -> None:
        self._octets = b""

    @contextmanager
    def turn(self) -> Iterator[MemoryShelf]:
        """Return itself: the program is the only one."""
        yield self

    def read(self) -> bytes:
        """Return the content."""
        return self._octets

    def replace(self, octets: bytes) -> None:
        """Keep another content."""
        self._octets = octets

    def put_away(self, mark: str) -> str:  # noqa: ARG002  # there is no other place
        """Forget the content."""
        self._octets = b""
        return ""


class FileShelf:
    """Keeps the content in a file, readable for its owner only, with a lock beside it.

    Every method raises Problem JOURNAL_DAMAGED, naming the file, where the system refuses.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def turn(self) -> Iterator[FileShelf]:
        """Wait until no other program has its turn."""
        lock = self._lock()
        try:
            yield self
        finally:
            os.close(lock)

    def read(self) -> bytes:
        """Return the content; empty where there is no file yet."""
        try:
            with self._path.open("rb") as stream:
                return stream.read(_MOST_OCTETS)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise self._damaged(error) from error

    def replace(self, octets: bytes) -> None:
        """Replace the file, synced: after a cut it has the old content or the new one."""
        new = self._path.with_name(self._path.name + ".new")
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(octets)
                stream.flush()
                os.fsync(stream.fileno())
            new.replace(self._path)
            self._sync_folder()
        except OSError as error:
            raise self._damaged(error) from error

    def put_away(self, mark: str) -> str:
        """Rename the file, so that it can be shown later; return its new name."""
        kept = self._path.with_name(f"{self._path.name}.{mark}")
        with self.turn():
            try:
                self._path.rename(kept)
                self._sync_folder()
            except FileNotFoundError:
                return ""
            except OSError as error:
                raise self._damaged(error) from error
        return kept.name

    def _lock(self) -> int:
        path = self._path.with_name(self._path.name + ".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError:
                os.close(lock)
                raise
        except OSError as error:
            raise self._damaged(error) from error
        return lock

    def _sync_folder(self) -> None:
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _damaged(self, error: OSError) -> Problem:
        facts = {"file": self._path.name, "problem": error.strerror or type(error).__name__}
        return Problem("JOURNAL_DAMAGED", facts)
