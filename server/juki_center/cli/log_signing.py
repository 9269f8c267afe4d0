"""Signs the log's heads by the key that lies in the PKI folder at the time.

The key is looked at before each signature, by its file's identity alone, and read again when that
is another. So a roll-over of the log's key needs no restart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from juki_pki.errors import PKIError
from juki_pki.log_signer import LogKey

if TYPE_CHECKING:
    from pathlib import Path

    from juki_audit.notes import VerifierKey


class LogSigning:
    """A signer of heads; raise PKIError where the folder's key cannot be read at the start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = self._identity()
        self._key = LogKey.load(folder)

    @property
    def origin(self) -> str:
        """The log's name, which its keys share."""
        return self._key.origin

    @property
    def verifiers(self) -> tuple[VerifierKey, ...]:
        """The keys by which a head of this log is known."""
        return self._key.verifiers

    def sign(self, text: str) -> bytes:
        """Return the text as a signed note."""
        self._look()
        return self._key.sign(text)

    def _look(self) -> None:
        seen = self._identity()
        if seen == self._seen or seen is None:
            return
        try:
            key = LogKey.load(self._folder)
        except PKIError:
            # A roll-over is under way: what was read goes on, and the next signature looks again.
            return
        # Another name would be another log; it is never taken over beside a store that has one.
        if key.origin == self._key.origin:
            self._key = key
        self._seen = seen

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = (self._folder / "key.pem").stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns
