"""The passwords of PACE as secret types (TR-03110-3, A.2.2; password references: B.11.1).

A password shows itself to nobody: its `repr` is masked and its digits leave it only as the octets
that PACE derives a key from, or that a change of PIN sends under secure messaging.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import IntEnum
from typing import Final, TypeAlias

from juki_card import kdf
from juki_card.errors import ParseError

_MRZ_WEIGHTS: Final = (7, 3, 1)


class PasswordReference(IntEnum):
    """What MSE:Set AT names under tag 83."""

    MRZ = 1
    CAN = 2
    PIN = 3


class _Digits:
    """A secret of decimal digits, compared in constant time."""

    __slots__ = ("_octets",)
    lengths: tuple[int, ...] = ()
    reference: PasswordReference

    def __init__(self, digits: str) -> None:
        if len(digits) not in self.lengths or not (digits.isascii() and digits.isdigit()):
            wanted = " or ".join(str(length) for length in self.lengths)
            raise ParseError(f"{type(self).__name__}: {wanted} decimal digits wanted")
        self._octets = digits.encode("ascii")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Digits) or type(other) is not type(self):
            return NotImplemented
        return hmac.compare_digest(self._octets, other._octets)

    __hash__ = None  # type: ignore[assignment]  # a secret is no dictionary key

    def octets(self) -> bytes:
        """Return the digits as ASCII, as the norm wants them."""
        return self._octets

    def key(self) -> bytes:
        """Return the key of the encrypted nonce."""
        return kdf.password_key(self._octets)


class Pin(_Digits):
    """The holder's PIN: 4 digits, 6 in the nPA-like personalisation."""

    __slots__ = ()
    lengths = (4, 6)
    reference = PasswordReference.PIN


class TransportPin(_Digits):
    """The PIN of a card that was not handed over yet: 5 digits.

    It is the value of the PIN in the state TRANSPORT, so it has the PIN's reference.
    """

    __slots__ = ()
    lengths = (5,)
    reference = PasswordReference.PIN


class Can(_Digits):
    """The card access number printed on the card: 6 digits."""

    __slots__ = ()
    lengths = (6,)
    reference = PasswordReference.CAN


class Mrz:
    """Document number, birth date and expiry date of a machine readable zone (ICAO 9303-11, 9.7.2).

    Our cards have none; documents that do are read with the same protocol.
    """

    __slots__ = ("_seed",)
    reference: Final = PasswordReference.MRZ

    def __init__(self, document_number: str, birth: str, expiry: str) -> None:
        fields = (document_number.ljust(9, "<"), birth, expiry)
        text = "".join(field + _check_digit(field) for field in fields)
        self._seed = hashlib.sha1(text.encode("ascii")).digest()  # noqa: S324  # the norm's hash

    def __repr__(self) -> str:
        return "Mrz(***)"

    def octets(self) -> bytes:
        """Return the seed that keys are derived from."""
        return self._seed

    def key(self) -> bytes:
        """Return the key of the encrypted nonce."""
        return kdf.password_key(self._seed)


Password: TypeAlias = Pin | TransportPin | Can | Mrz


def _check_digit(field: str) -> str:
    total = sum(_mrz_value(c) * _MRZ_WEIGHTS[i % 3] for i, c in enumerate(field))
    return str(total % 10)


def _mrz_value(character: str) -> int:
    if character == "<":
        return 0
    if not (character.isascii() and character.isalnum()):
        raise ParseError("MRZ: a character that no machine readable zone has")
    return int(character, 36)
