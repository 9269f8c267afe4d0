"""The transcript of a card session, kept by terminal and center alike.

Both sides add the same commands and answers in the same order; an issued copy names the digest,
so that a terminal prints only what belongs to its own session.
"""

from __future__ import annotations

import hashlib
from typing import Final

from juki_card.errors import ParseError

LABEL: Final = b"juki-transcript-1\x00"
_SESSION_ID_SIZE: Final = 16
_HASH_SIZE: Final = 32
_LENGTH_SIZE: Final = 4


class Transcript:
    """A running hash over a session.

    | octets | content |
    |---|---|
    | 18 | ASCII `juki-transcript-1` and one 00 |
    | 16 | session id |
    | 32 | SHA-256 of the DER of the terminal's TLS certificate |

    Then, for each exchange: the length of the command in 4 octets, big endian, and the command;
    the length of the answer and the answer with its status word.
    """

    def __init__(self, session_id: bytes, terminal_certificate_hash: bytes) -> None:
        if len(session_id) != _SESSION_ID_SIZE or len(terminal_certificate_hash) != _HASH_SIZE:
            raise ParseError("transcript: session id or certificate hash has a wrong length")
        self._hash = hashlib.sha256(LABEL + session_id + terminal_certificate_hash)

    def add(self, command: bytes, answer: bytes) -> None:
        """Add one exchange, as the center sees it."""
        for part in (command, answer):
            self._hash.update(len(part).to_bytes(_LENGTH_SIZE, "big") + part)

    def digest(self) -> bytes:
        """Return SHA-256 over what was added so far, 32 octets."""
        return self._hash.digest()
