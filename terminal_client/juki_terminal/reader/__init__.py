"""Card readers behind one method: `transmit` takes a command APDU and returns a response APDU.

`open_reader` makes one from its address, `pcsc:NAME` or `virtual:FILE`. Every reader raises
`Problem` with a reason of the reader or the card, never of the PIN: only the card's status word
in PACE says anything about a PIN, and that is not read here.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator


class Reader(Protocol):
    """A reader with one slot."""

    @property
    def name(self) -> str:
        """The address by which it was opened, with the reader's full name."""
        ...

    def connect(self, wait_seconds: float) -> bytes:
        """Take the card for this program alone and return its answer to reset.

        Waits up to `wait_seconds` for a card; raises Problem READER_NOT_FOUND, READER_FAILED,
        CARD_REMOVED (no card came) or CARD_TIMEOUT.
        """
        ...

    def transmit(self, command: bytes) -> bytes:
        """Send one command APDU of any length and return the response APDU with status word.

        Raises Problem CARD_REMOVED, CARD_TIMEOUT or READER_FAILED. Nothing is ever sent twice.
        """
        ...

    def close(self) -> None:
        """Reset the card, so that its keys die, and let the reader go. Never raises."""
        ...


@contextmanager
def connected(reader: Reader, wait_seconds: float) -> Iterator[bytes]:
    """Hold the card for the length of a session; gives the answer to reset."""
    try:
        yield reader.connect(wait_seconds)
    finally:
        reader.close()


def open_reader(address: str) -> Reader:
    """Return the reader at `pcsc:NAME` or `virtual:FILE`; nothing is connected yet.

    Raises Problem READER_NOT_FOUND for an address of another form.
    """
    scheme, _, name = address.partition(":")
    if name and scheme == "pcsc":
        # Each kind is loaded when it is wanted: pyscard needs libpcsclite, which a terminal with
        # virtual cards does not have.
        from juki_terminal.reader.pcsc import PCSCReader  # noqa: PLC0415

        return PCSCReader(name)
    if name and scheme == "virtual":
        from juki_terminal.reader.virtual import VirtualReader  # noqa: PLC0415

        return VirtualReader(Path(name))
    raise Problem("READER_NOT_FOUND", {"reader": address, "form": "pcsc:NAME or virtual:FILE"})
