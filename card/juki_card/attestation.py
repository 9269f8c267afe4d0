"""What a terminal signs when it says that it saw a card (card session, step `ready`).

The signature itself is ECDSA with SHA-256 by the key of the terminal's TLS certificate, made and
verified at the edges.
"""

from __future__ import annotations

from typing import Final

from juki_card.errors import ParseError

LABEL: Final = b"juki-attestation-1\x00"
_SESSION_ID_SIZE: Final = 16
_ID_PICC_SIZE: Final = 32
_TIME_SIZE: Final = 8


def octets(session_id: bytes, id_picc: bytes, attested_at: int) -> bytes:
    """Return the signed octets: label, session id, ID_PICC, time.

    | octets | content |
    |---|---|
    | 19 | ASCII `juki-attestation-1` and one 00 |
    | 16 | session id |
    | 32 | ID_PICC |
    | 8  | seconds since 1970-01-01T00:00:00Z, unsigned, big endian |

    Raises ParseError where a part has another length.
    """
    if len(session_id) != _SESSION_ID_SIZE or len(id_picc) != _ID_PICC_SIZE:
        raise ParseError("attestation: session id or ID_PICC has a wrong length")
    if not 0 <= attested_at < 1 << (8 * _TIME_SIZE):
        raise ParseError("attestation: the time is out of range")
    return LABEL + session_id + id_picc + attested_at.to_bytes(_TIME_SIZE, "big")
