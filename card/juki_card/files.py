"""Reading elementary files (ISO/IEC 7816-4, 11.2 and 11.3): SELECT and READ BINARY.

Files of our profile begin with one data object that says how long their content is; what follows
it in the file is filling.
"""

from __future__ import annotations

from typing import Final

from juki_card import tlv
from juki_card.apdu import EXTENDED_NE, SHORT_NE, SW, CommandAPDU
from juki_card.errors import ParseError
from juki_card.flow import Flow, one

JUKI_AID: Final = bytes.fromhex("F04A554B4901")
"""The application that holds EF.DG1: a proprietary identifier, "JUKI", 01."""
CARD_ACCESS: Final = 0x1C
CARD_SECURITY: Final = 0x1D
CARD_SECURITY_MOST: Final = 800
"""Octets of EF.CardSecurity: four short reads (card-edge profile, clause 2)."""
DG1: Final = 0x01
READ_OK: Final = frozenset((SW.OK, SW.END_OF_FILE))
_SHORT_FILE: Final = 0x80
_MAX_CONTENT: Final = 0x2000


def select_application(aid: bytes = JUKI_AID) -> CommandAPDU:
    """SELECT by application identifier, no answer data."""
    return CommandAPDU(0x00, 0xA4, 0x04, 0x0C, aid)


def read_short_file(short_file_id: int, *, ne: int = SHORT_NE) -> CommandAPDU:
    """READ BINARY from the start of a file named by its short identifier; selects the file."""
    return CommandAPDU(0x00, 0xB0, _SHORT_FILE | short_file_id, 0x00, ne=ne)


def read_whole_file(short_file_id: int) -> CommandAPDU:
    """READ BINARY of a whole file in one extended answer."""
    return read_short_file(short_file_id, ne=EXTENDED_NE)


def read_on(offset: int, *, ne: int) -> CommandAPDU:
    """READ BINARY of the selected file from an offset, up to 32,767."""
    return CommandAPDU(0x00, 0xB0, offset >> 8, offset & 0xFF, ne=ne)


def content(octets: bytes) -> bytes:
    """Return the first data object of a file, without the filling; raise ParseError."""
    item, _ = tlv.split(octets)
    return item.encode()


def read_file(short_file_id: int, *, ne: int = SHORT_NE) -> Flow[bytes]:
    """Read a file's content, `ne` octets at a time; raise ParseError, UnexpectedStatus."""
    name = "READ BINARY"
    answer = yield from one(read_short_file(short_file_id, ne=ne), name, READ_OK)
    octets = answer.data
    while len(octets) < (size := _announced(octets)):
        command = read_on(len(octets), ne=min(ne, size - len(octets)))
        answer = yield from one(command, name, READ_OK)
        if not answer.data:
            raise ParseError("READ BINARY: the file is shorter than it says")
        octets += answer.data
    return octets[:size]


def _announced(octets: bytes) -> int:
    """Return the length of the data object that begins here, its head included."""
    size = tlv.announced_size(octets)
    if size > _MAX_CONTENT:
        raise ParseError("READ BINARY: the file says that it is too long")
    return size
