"""The keys of blank chips: one of the issuer, from it one a chip, from that one a session.

All of it is AES-CMAC (NIST SP 800-38B) with a label of its own for each use; session keys follow
from the last CMAC as all others of this profile do (`kdf`). Which commands carry the challenges and
tokens is not here: see `blank`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.cmac import CMAC

from juki_card.errors import AuthenticationFailed, ParseError
from juki_card.secure_messaging import SessionKeys

KEY_SIZE: Final = 16
CHIP_SERIAL_SIZE: Final = 16
CHALLENGE_SIZE: Final = 16
TOKEN_SIZE: Final = 16
PEM_LABEL: Final = "JUKI PERSONALISATION KEY"
_CHIP: Final = b"JUKI-CHIP"
_CENTER_PROVES: Final = b"JUKI-BLANK-AUTH1"
_CHIP_PROVES: Final = b"JUKI-BLANK-AUTH2"
_SESSION: Final = b"JUKI-BLANK-KEYS1"
_PEM: Final = re.compile(
    rb"-----BEGIN " + PEM_LABEL.encode() + rb"-----\r?\n([A-Za-z0-9+/=]+)\r?\n"
    rb"-----END " + PEM_LABEL.encode() + rb"-----\s*"
)


class _Key:
    """An AES-128 key that shows itself to nobody and is compared in constant time."""

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes) -> None:
        if len(octets) != KEY_SIZE:
            raise ParseError(f"{type(self).__name__}: {KEY_SIZE} octets wanted")
        self._octets = octets

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Key) or type(other) is not type(self):
            return NotImplemented
        return hmac.compare_digest(self._octets, other._octets)

    __hash__ = None  # type: ignore[assignment]  # a secret is no dictionary key

    def octets(self) -> bytes:
        """Return the key itself, to be stored."""
        return self._octets

    def _cmac(self, message: bytes) -> bytes:
        mac = CMAC(algorithms.AES(self._octets))
        mac.update(message)
        return mac.finalize()


@dataclass(frozen=True, slots=True)
class Challenges:
    """What both tokens and the session keys are bound to: the chip and both ends' challenges."""

    chip_serial: bytes
    chip: bytes
    center: bytes

    def __post_init__(self) -> None:
        check_chip_serial(self.chip_serial)
        if (len(self.chip), len(self.center)) != (CHALLENGE_SIZE, CHALLENGE_SIZE):
            raise ParseError(f"blank chip: challenges have {CHALLENGE_SIZE} octets")

    def encode(self) -> bytes:
        """Return chip serial, the chip's challenge, the center's challenge."""
        return self.chip_serial + self.chip + self.center


class BlankKey(_Key):
    """The key that one blank chip and the center share until TERMINATE."""

    __slots__ = ()

    def center_token(self, challenges: Challenges) -> bytes:
        """Return what the center proves itself with, 16 octets."""
        return self._cmac(_CENTER_PROVES + challenges.encode())

    def chip_token(self, challenges: Challenges) -> bytes:
        """Return what the chip proves itself with, 16 octets."""
        return self._cmac(_CHIP_PROVES + challenges.encode())

    def session_keys(self, challenges: Challenges) -> SessionKeys:
        """Return the keys of the secure channel that follows."""
        return SessionKeys.derive(self._cmac(_SESSION + challenges.encode()))


class MasterKey(_Key):
    """The issuer's key, from which every blank chip's key is derived."""

    __slots__ = ()

    def blank_key(self, chip_serial: bytes) -> BlankKey:
        """Return the key of a chip: CMAC(master key, "JUKI-CHIP" || chip serial)."""
        check_chip_serial(chip_serial)
        return BlankKey(self._cmac(_CHIP + chip_serial))

    def encode(self) -> bytes:
        """Return the key as its file has it: base64 in a PEM block of its own label."""
        body = base64.b64encode(self._octets).decode("ascii")
        return f"-----BEGIN {PEM_LABEL}-----\n{body}\n-----END {PEM_LABEL}-----\n".encode("ascii")

    @classmethod
    def decode(cls, octets: bytes) -> MasterKey:
        """Parse a key file; raise ParseError, which never shows what is in it."""
        found = _PEM.fullmatch(octets)
        if found is None:
            raise ParseError("personalisation key: not a PEM block of its kind")
        try:
            return cls(base64.b64decode(found[1], validate=True))
        except binascii.Error:
            raise ParseError("personalisation key: not base64") from None


def check_chip_serial(chip_serial: bytes) -> None:
    """Raise ParseError where a chip serial is not 16 octets."""
    if len(chip_serial) != CHIP_SERIAL_SIZE:
        raise ParseError(f"blank chip: a chip serial has {CHIP_SERIAL_SIZE} octets")


def verify_token(expected: bytes, token: bytes, *, whose: str) -> None:
    """Compare a token in constant time; raise AuthenticationFailed where it is another."""
    if not hmac.compare_digest(expected, token):
        raise AuthenticationFailed(f"blank chip: the {whose}'s token is wrong")
