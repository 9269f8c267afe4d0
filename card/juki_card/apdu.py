"""Command and response APDUs (ISO/IEC 7816-4, clause 5).

Short and extended length, and command chaining for readers that know only short commands. What a
command means is not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from juki_card.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORT_NC: Final = 255
SHORT_NE: Final = 256
EXTENDED_NC: Final = 65_535
EXTENDED_NE: Final = 65_536
CHAINING: Final = 0x10
_HEADER: Final = 4


class SW:
    """Status words that this profile uses (ISO/IEC 7816-4, table 5 and 6; TR-03110-3 B.14)."""

    OK: Final = 0x9000
    END_OF_FILE: Final = 0x6282
    AUTHENTICATION_FAILED: Final = 0x6300
    """A token, a signature or a certificate does not verify."""
    PIN_BLOCKED: Final = 0x63C0
    PIN_SUSPENDED: Final = 0x63C1
    WRONG_LENGTH: Final = 0x6700
    SM_NOT_SUPPORTED: Final = 0x6882
    SECURITY_NOT_SATISFIED: Final = 0x6982
    METHOD_BLOCKED: Final = 0x6983
    REFERENCE_DATA_UNUSABLE: Final = 0x6984
    CONDITIONS_NOT_SATISFIED: Final = 0x6985
    SM_MISSING: Final = 0x6987
    SM_INCORRECT: Final = 0x6988
    WRONG_DATA: Final = 0x6A80
    FUNCTION_NOT_SUPPORTED: Final = 0x6A81
    FILE_NOT_FOUND: Final = 0x6A82
    WRONG_P1P2: Final = 0x6A86
    REFERENCED_DATA_NOT_FOUND: Final = 0x6A88
    FILE_EXISTS: Final = 0x6A89
    WRONG_OFFSET: Final = 0x6B00
    INS_NOT_SUPPORTED: Final = 0x6D00
    CLA_NOT_SUPPORTED: Final = 0x6E00
    INTERNAL: Final = 0x6F00


def tries_left(status_word: int) -> int | None:
    """Return the counter in a 63Cx status word, None for any other (ISO/IEC 7816-4, table 6)."""
    return status_word & 0xF if status_word & 0xFFF0 == SW.PIN_BLOCKED else None


@dataclass(frozen=True, slots=True)
class CommandAPDU:
    """One command. `ne` is the greatest number of answer bytes expected, 0 for none."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    ne: int = 0

    def __post_init__(self) -> None:
        if not all(0 <= byte <= 0xFF for byte in (self.cla, self.ins, self.p1, self.p2)):
            raise ParseError("APDU header: a byte is out of range")
        if len(self.data) > EXTENDED_NC or not 0 <= self.ne <= EXTENDED_NE:
            raise ParseError("APDU: Nc or Ne is out of range")

    def __repr__(self) -> str:
        """Show the header and the lengths; data may be secret."""
        return f"CommandAPDU({self.header.hex()}, nc={len(self.data)}, ne={self.ne})"

    @property
    def header(self) -> bytes:
        """CLA INS P1 P2."""
        return bytes((self.cla, self.ins, self.p1, self.p2))

    @property
    def is_extended(self) -> bool:
        """Whether the command needs extended length fields."""
        return len(self.data) > SHORT_NC or self.ne > SHORT_NE

    def encode(self) -> bytes:
        """Return the octets, with extended length fields only where they are needed.

        >>> CommandAPDU(0x00, 0xB0, 0x9C, 0x00, ne=256).encode().hex()
        '00b09c0000'
        """
        return self.header + (self._extended() if self.is_extended else self._short())

    def _short(self) -> bytes:
        body = bytes((len(self.data),)) + self.data if self.data else b""
        return body + (bytes((self.ne & 0xFF,)) if self.ne else b"")

    def _extended(self) -> bytes:
        body = len(self.data).to_bytes(2, "big") + self.data if self.data else b""
        return b"\x00" + body + ((self.ne & 0xFFFF).to_bytes(2, "big") if self.ne else b"")

    def chained(self, block: int = SHORT_NC) -> Iterator[CommandAPDU]:
        """Yield the command as a chain of short ones (ISO/IEC 7816-4, 5.3.3)."""
        pieces = [self.data[i : i + block] for i in range(0, len(self.data), block)] or [b""]
        for piece in pieces[:-1]:
            yield CommandAPDU(self.cla | CHAINING, self.ins, self.p1, self.p2, piece)
        last_ne = min(self.ne, SHORT_NE)
        yield CommandAPDU(self.cla, self.ins, self.p1, self.p2, pieces[-1], last_ne)

    @classmethod
    def decode(cls, octets: bytes) -> CommandAPDU:
        """Parse a command APDU; raise ParseError where the length fields do not fit."""
        if len(octets) < _HEADER:
            raise ParseError("command APDU: shorter than its header")
        header, body = octets[:_HEADER], octets[_HEADER:]
        data, ne = _decode_body(body)
        return cls(header[0], header[1], header[2], header[3], data, ne)


def _decode_body(body: bytes) -> tuple[bytes, int]:
    if not body:
        return b"", 0
    if len(body) == 1:
        return b"", body[0] or SHORT_NE
    if body[0]:
        return _split(body[1:], nc=body[0], le_size=1)
    return _decode_extended(body[1:])


def _decode_extended(rest: bytes) -> tuple[bytes, int]:
    if len(rest) < 2:
        raise ParseError("command APDU: extended length is cut off")
    number = int.from_bytes(rest[:2], "big")
    if len(rest) == 2:
        return b"", number or EXTENDED_NE
    if number == 0:
        raise ParseError("command APDU: extended Lc is zero")
    return _split(rest[2:], nc=number, le_size=2)


def _split(rest: bytes, *, nc: int, le_size: int) -> tuple[bytes, int]:
    data, le = rest[:nc], rest[nc:]
    if len(data) != nc or len(le) not in (0, le_size):
        raise ParseError("command APDU: Lc does not fit the length")
    if not le:
        return data, 0
    return data, int.from_bytes(le, "big") or (SHORT_NE if le_size == 1 else EXTENDED_NE)


@dataclass(frozen=True, slots=True)
class ResponseAPDU:
    """One answer: data and status word."""

    data: bytes
    sw: int

    def __repr__(self) -> str:
        """Show length and status word; data may be secret."""
        return f"ResponseAPDU(nr={len(self.data)}, sw={self.sw:04X})"

    def encode(self) -> bytes:
        """Return the octets."""
        return self.data + self.sw.to_bytes(2, "big")

    @classmethod
    def decode(cls, octets: bytes) -> ResponseAPDU:
        """Parse a response APDU; raise ParseError where it is shorter than a status word."""
        if not 2 <= len(octets) <= EXTENDED_NE + 2:
            raise ParseError("response APDU: length is out of range")
        return cls(octets[:-2], int.from_bytes(octets[-2:], "big"))
