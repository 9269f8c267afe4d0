"""What signs the log's heads, as the store needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from juki_audit.notes import VerifierKey


class LogSigner(Protocol):
    """Signs heads of one log, for one store."""

    @property
    def origin(self) -> str:
        """The log's name, which every head begins with."""

    @property
    def verifiers(self) -> tuple[VerifierKey, ...]:
        """The keys by which a head of this log is known."""

    def sign(self, text: str) -> bytes:
        """Return the text as a signed note; may take long, and may raise whatever it meets."""
