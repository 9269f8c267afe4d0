"""The memory of a card, or of a blank chip, as a JSON file of mode 0600.

The file holds everything that a chip would hold, PIN and keys too: it is a card for development,
tests and demonstrations. A save is durable before it returns: written beside, synced, renamed, and
the directory synced. How the memories become JSON is in `card_json`.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Final

from juki_card.errors import CardError
from juki_card.virtual.memory import CardMemory
from juki_cardbox.card_json import decode, encode
from juki_cardbox.errors import CardExists, CardFileError

if TYPE_CHECKING:
    from pathlib import Path

    from juki_card.virtual.turn import Memory

_MODE: Final = 0o600
_MOST_OCTETS: Final = 1 << 20


class CardFile:
    """One card file. Nothing is kept in memory between a load and a save."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> CardMemory:
        """Read a card; raise CardFileError where the file is broken, or holds a blank chip."""
        memory = self.read()
        if not isinstance(memory, CardMemory):
            raise CardFileError(self.path, "is a blank chip, not yet a card")
        return memory

    def read(self) -> Memory:
        """Read a card or a blank chip.

        Raises CardFileError, which names the field that is not as it should be.
        """
        try:
            text = self.path.read_bytes()[:_MOST_OCTETS]
            fields = json.loads(text)
        except OSError as error:
            raise CardFileError(self.path, error.strerror or "cannot be read") from error
        except (ValueError, RecursionError) as error:
            raise CardFileError(self.path, "is not JSON") from error
        try:
            return decode(fields)
        except KeyError as error:
            raise CardFileError(self.path, f"field {error.args[0]} is missing") from error
        except (CardError, ValueError, TypeError, OverflowError) as error:
            raise CardFileError(self.path, f"a field is not what it should be: {error}") from error

    def create(self, memory: Memory) -> None:
        """Write a new card; raise CardExists, or CardFileError where the folder takes no file."""
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        except FileExistsError:
            raise CardExists(self.path) from None
        except OSError as error:
            raise CardFileError(self.path, error.strerror or "cannot be made") from error
        os.close(descriptor)
        self.save(memory)

    def save(self, memory: Memory) -> None:
        """Replace the card's state; it is on the disk when this returns.

        Raises CardFileError where it cannot be written; the old state is there still.
        """
        octets = json.dumps(encode(memory), indent=1).encode("ascii")
        try:
            self._replace(octets)
        except OSError as error:
            raise CardFileError(self.path, error.strerror or "cannot be written") from error

    def _replace(self, octets: bytes) -> None:
        beside = self.path.with_name(f".{self.path.name}.new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)
        self._sync_directory()

    def _sync_directory(self) -> None:
        descriptor = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
