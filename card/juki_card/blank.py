"""The commands of a blank chip, both ends (card-edge profile, clause 4, "Personalisation").

| command | in the clear or protected | data, answer |
|---|---|---|
| `80 E0 00 00` GET STATE | both | answer: the state; protected, with the key and digests |
| `80 E2 00 00` GET CHALLENGE | clear | answer: 16 octets |
| `80 E4 00 00` MUTUAL AUTHENTICATE | clear | the center's challenge and token; answer: the chip's |
| `80 E6 00 00` GENERATE KEY | protected | answer: `7F49 { 86 point }`, the same however often |
| `80 E8 xx 00` PUT CONTENT | protected | what the part `xx` is to hold |
| `80 EE 00 00` TERMINATE | protected | none; the blank is a card from here on |

Nothing here decides; the center's side is in `personalisation`, the chip's in `virtual.blank`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING, Final

from juki_card import cvc, ec, resident_code, tlv
from juki_card.apdu import SHORT_NE, CommandAPDU
from juki_card.blank_key import CHALLENGE_SIZE, TOKEN_SIZE, check_chip_serial
from juki_card.errors import ParseError
from juki_card.files import CARD_SECURITY_MOST
from juki_card.passwords import Can, TransportPin

if TYPE_CHECKING:
    from datetime import date

    from juki_card.cvc import CVCertificate

CLA: Final = 0x80
VERSION: Final = 1
MOST_TRUST_POINTS: Final = 2
_STATE: Final = 0xE1
_VERSION: Final = 0x80
_CHIP_SERIAL: Final = 0x81
_DONE: Final = 0x82
_POINT: Final = 0x86
_TRUST_DIGEST: Final = 0x91
_SECURITY_DIGEST: Final = 0x93
_DIGEST_SIZE: Final = 32
_PUBLIC_KEY: Final = 0x7F49
_EFFECTIVE: Final = 0x5F25
_CERTIFICATE: Final = 0x7F21


class Instruction(IntEnum):
    """The instructions that a blank obeys, class 80; a card knows none of them."""

    GET_STATE = 0xE0
    GET_CHALLENGE = 0xE2
    MUTUAL_AUTHENTICATE = 0xE4
    GENERATE_KEY = 0xE6
    PUT_CONTENT = 0xE8
    TERMINATE = 0xEE


class Part(IntFlag):
    """What a chip has to hold before TERMINATE; the values are the bits of GET STATE."""

    CHIP_KEY = 0x01
    TRUST = 0x02
    DG1 = 0x04
    CARD_SECURITY = 0x08
    CAN = 0x10
    TRANSPORT_PIN = 0x20


NOTHING: Final = Part(0)
EVERYTHING: Final = (
    Part.CHIP_KEY | Part.TRUST | Part.DG1 | Part.CARD_SECURITY | Part.CAN | Part.TRANSPORT_PIN
)
NUMBERS: Final = {
    Part.TRUST: 1,
    Part.DG1: 2,
    Part.CARD_SECURITY: 3,
    Part.CAN: 4,
    Part.TRANSPORT_PIN: 5,
}
"""P1 of PUT CONTENT for each part."""


@dataclass(frozen=True, slots=True)
class ChipState:
    """The answer to GET STATE.

    In the clear it has the serial and the parts that are done. Protected it also has the point of
    the chip's key and the SHA-256 of what was put into TRUST and CARD_SECURITY. There is no digest
    of the resident code, the CAN or the transport PIN, which anybody could find by trying all: the
    chip itself compares them (PUT CONTENT again).
    """

    chip_serial: bytes = field(repr=False)
    done: Part
    point: bytes | None = field(default=None, repr=False)
    trust_digest: bytes | None = None
    security_digest: bytes | None = None

    def __post_init__(self) -> None:
        check_chip_serial(self.chip_serial)

    def encode(self) -> bytes:
        """Return E1 { 80 version, 81 chip serial, 82 parts, [86 point, 91 and 93 digests] }."""
        objects = tlv.encode(_VERSION, bytes((VERSION,)))
        objects += tlv.encode(_CHIP_SERIAL, self.chip_serial)
        objects += tlv.encode(_DONE, bytes((self.done,)))
        for tag, value in (
            (_POINT, self.point),
            (_TRUST_DIGEST, self.trust_digest),
            (_SECURITY_DIGEST, self.security_digest),
        ):
            objects += b"" if value is None else tlv.encode(tag, value)
        return tlv.encode(_STATE, objects)

    @classmethod
    def decode(cls, octets: bytes) -> ChipState:
        """Parse the answer to GET STATE; raise ParseError."""
        version, rest = tlv.take(tlv.expect(octets, _STATE), _VERSION)
        if version != bytes((VERSION,)):
            raise ParseError("blank chip: a version that we do not speak")
        chip_serial, rest = tlv.take(rest, _CHIP_SERIAL)
        done, rest = tlv.take(rest, _DONE)
        if len(done) != 1 or done[0] & ~int(EVERYTHING):
            raise ParseError("blank chip: parts that there are not")
        point, rest = tlv.take_optional(rest, _POINT)
        trust, rest = tlv.take_optional(rest, _TRUST_DIGEST)
        security, rest = tlv.take_optional(rest, _SECURITY_DIGEST)
        if rest or any(d is not None and len(d) != _DIGEST_SIZE for d in (trust, security)):
            raise ParseError("blank chip: a state with something that does not belong there")
        return cls(chip_serial, Part(done[0]), point, trust, security)


@dataclass(frozen=True, slots=True)
class TrustContent:
    """The CVCA certificates that a card trusts, the newest first, and the date it begins with."""

    trust_points: tuple[CVCertificate, ...]
    today: date

    def __post_init__(self) -> None:
        if not 1 <= len(self.trust_points) <= MOST_TRUST_POINTS:
            raise ParseError(f"blank chip: 1 to {MOST_TRUST_POINTS} trust points")

    def encode(self) -> bytes:
        """Return 5F25 with the date and each certificate, 7F21."""
        anchors = b"".join(anchor.encode() for anchor in self.trust_points)
        return tlv.encode(_EFFECTIVE, cvc.encode_date(self.today)) + anchors

    @classmethod
    def decode(cls, octets: bytes) -> TrustContent:
        """Parse and verify that each certificate is signed by itself.

        Raises ParseError, AuthenticationFailed.
        """
        day, rest = tlv.take(octets, _EFFECTIVE)
        objects = tlv.parse_all(rest)
        if any(item.tag != _CERTIFICATE for item in objects):
            raise ParseError("blank chip: something else than a trust point")
        anchors = tuple(cvc.CVCertificate.decode(item.encode()) for item in objects)
        for anchor in anchors:
            cvc.verify_self_signed(anchor)
        return cls(anchors, cvc.decode_date(day))


def digest(content: bytes) -> bytes:
    """Return what GET STATE tells of a content: its SHA-256."""
    return hashlib.sha256(content).digest()


def get_state() -> CommandAPDU:
    """GET STATE."""
    return CommandAPDU(CLA, Instruction.GET_STATE, 0x00, 0x00, ne=SHORT_NE)


def get_challenge() -> CommandAPDU:
    """GET CHALLENGE of a blank: 16 octets."""
    return CommandAPDU(CLA, Instruction.GET_CHALLENGE, 0x00, 0x00, ne=CHALLENGE_SIZE)


def mutual_authenticate(challenge: bytes, token: bytes) -> CommandAPDU:
    """MUTUAL AUTHENTICATE: the center's challenge and token, 16 octets each."""
    data = challenge + token
    return CommandAPDU(CLA, Instruction.MUTUAL_AUTHENTICATE, 0x00, 0x00, data, TOKEN_SIZE)


def decode_mutual_authenticate(data: bytes) -> tuple[bytes, bytes]:
    """Return the center's challenge and token; raise ParseError."""
    if len(data) != CHALLENGE_SIZE + TOKEN_SIZE:
        raise ParseError("MUTUAL AUTHENTICATE: 32 octets wanted")
    return data[:CHALLENGE_SIZE], data[CHALLENGE_SIZE:]


def generate_key() -> CommandAPDU:
    """GENERATE KEY: the chip's key of Chip Authentication, made at the first call only."""
    return CommandAPDU(CLA, Instruction.GENERATE_KEY, 0x00, 0x00, ne=SHORT_NE)


def encode_public_key(point: bytes) -> bytes:
    """Return the answer to GENERATE KEY: 7F49 { 86 point } (ISO/IEC 7816-8, 11.1)."""
    return tlv.encode(_PUBLIC_KEY, tlv.encode(_POINT, point))


def decode_public_key(data: bytes, domain: ec.Domain) -> bytes:
    """Return the point, uncompressed; raise ParseError where it is not on the curve."""
    point = tlv.expect(tlv.expect(data, _PUBLIC_KEY), _POINT)
    ec.decode_point(domain, point)
    return point


def put_content(part: Part, content: bytes) -> CommandAPDU:
    """PUT CONTENT: what one part is to hold, once; the same content again is no error."""
    return CommandAPDU(CLA, Instruction.PUT_CONTENT, NUMBERS[part], 0x00, content)


def terminate() -> CommandAPDU:
    """TERMINATE: the blank becomes a card, for ever."""
    return CommandAPDU(CLA, Instruction.TERMINATE, 0x00, 0x00)


def decode_dg1(content: bytes) -> bytes:
    """Return EF.DG1 as it is; raise ParseError where it is none."""
    resident_code.decode_dg1(content)
    return content


def decode_card_security(content: bytes, point: bytes) -> bytes:
    """Return EF.CardSecurity as it is; raise ParseError where it cannot be this chip's.

    A chip parses no CMS, but it does not take a file that is of another length than it says, too
    long, or that does not have the chip's own key in it.
    """
    tlv.expect(content, tlv.SEQUENCE)
    if len(content) > CARD_SECURITY_MOST:
        raise ParseError(f"EF.CardSecurity: at most {CARD_SECURITY_MOST} octets")
    if point not in content:
        raise ParseError("EF.CardSecurity: is not over the key of this chip")
    return content


def decode_can(content: bytes) -> Can:
    """Return the CAN; raise ParseError."""
    return Can(_digits(content))


def decode_transport_pin(content: bytes) -> TransportPin:
    """Return the transport PIN; raise ParseError."""
    return TransportPin(_digits(content))


def _digits(content: bytes) -> str:
    try:
        return content.decode("ascii")
    except UnicodeDecodeError:
        raise ParseError("blank chip: digits wanted") from None
