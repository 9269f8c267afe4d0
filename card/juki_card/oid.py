"""Object identifiers of TR-03110, their DER, and the one arc of our own.

An identifier is its dotted string here; on the wire it is the value of a tag 06 (ITU-T X.690,
8.19), or, in MSE:Set AT, the same octets under tag 80.

>>> encode(PACE_ECDH_GM_AES_128).hex()
'04007f00070202040202'
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from juki_card import tlv
from juki_card.errors import ParseError

TAG: Final = 0x06

BSI: Final = "0.4.0.127.0.7"
STANDARDIZED_DOMAIN_PARAMETERS: Final = f"{BSI}.1.2"
"""TR-03110-3, A.2.1.1."""
CA_PUBLIC_KEY_ECDH: Final = f"{BSI}.2.2.1.2"
TA: Final = f"{BSI}.2.2.2"
TA_ECDSA_SHA_256: Final = f"{BSI}.2.2.2.2.3"
TA_ECDSA_SHA_384: Final = f"{BSI}.2.2.2.2.4"
TA_ECDSA_SHA_512: Final = f"{BSI}.2.2.2.2.5"
CA_ECDH: Final = f"{BSI}.2.2.3.2"
CA_ECDH_AES_128: Final = f"{BSI}.2.2.3.2.2"
PACE_ECDH_GM_AES_128: Final = f"{BSI}.2.2.4.2.2"
ROLE_INSPECTION: Final = f"{BSI}.3.1.2.1"
ROLE_AUTHENTICATION: Final = f"{BSI}.3.1.2.2"
ROLE_SIGNATURE: Final = f"{BSI}.3.1.2.3"
EXTENSION_DESCRIPTION: Final = f"{BSI}.3.1.3.1"
DESCRIPTION_PLAIN: Final = f"{BSI}.3.1.3.1.1"
SECURITY_OBJECT: Final = f"{BSI}.3.2.1"

JUKI_AUXILIARY: Final = "2.25.316474889554097652353444279887864904875.1"
"""Our auxiliary data of Terminal Authentication; the arc is a UUID (ITU-T X.667)."""


@lru_cache(maxsize=256)
def encode(dotted: str) -> bytes:
    """Return the value octets of an object identifier."""
    arcs = [int(arc) for arc in dotted.split(".")]
    numbers = [arcs[0] * 40 + arcs[1], *arcs[2:]]
    return b"".join(_base128(number) for number in numbers)


def encode_tlv(dotted: str) -> bytes:
    """Return an object identifier with its tag 06."""
    return tlv.encode(TAG, encode(dotted))


def decode(value: bytes) -> str:
    """Return the dotted form; raise ParseError where an arc is padded or cut off."""
    if not value or value[-1] & 0x80:
        raise ParseError("object identifier: empty or cut off")
    numbers: list[int] = []
    number, fresh = 0, True
    for octet in value:
        if fresh and octet == 0x80:
            raise ParseError("object identifier: an arc is padded")
        number = number << 7 | octet & 0x7F
        fresh = not octet & 0x80
        if fresh:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, numbers[0] - 40 * first, *numbers[1:]))


def _base128(number: int) -> bytes:
    octets = [number & 0x7F]
    while number := number >> 7:
        octets.append(number & 0x7F | 0x80)
    return bytes(reversed(octets))
