"""Certificate holder authorization templates: role and rights (TR-03110-3, C.1.5 and C.4).

A terminal may do what every certificate of its chain and the template sent in PACE allow.

>>> CHAT(Role.TERMINAL, Right.READ_DG1).value().hex()
'0000000100'
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum, IntFlag
from typing import Final

from juki_card import oid, tlv
from juki_card.errors import ParseError

TAG: Final = 0x7F4C
_DISCRETIONARY: Final = 0x53


class TerminalType(Enum):
    """The kinds of terminals, by their object identifiers (TR-03110-3, C.4)."""

    INSPECTION = oid.ROLE_INSPECTION
    AUTHENTICATION = oid.ROLE_AUTHENTICATION
    SIGNATURE = oid.ROLE_SIGNATURE

    @property
    def size(self) -> int:
        """Octets of a template of this kind."""
        return 5 if self is TerminalType.AUTHENTICATION else 1


class Role(IntEnum):
    """The two highest bits of a template."""

    TERMINAL = 0
    DV_FOREIGN = 1
    DV_DOMESTIC = 2
    CVCA = 3


class Right(IntFlag):
    """The rights of an authentication terminal that our cards know (TR-03110-3, C.4.2)."""

    NONE = 0
    CAN_ALLOWED = 1 << 4
    PIN_MANAGEMENT = 1 << 5
    READ_DG1 = 1 << 8


@dataclass(frozen=True, slots=True)
class CHAT:
    """A template: `rights` is the whole bit field below the role, known bits or not."""

    role: Role
    rights: int
    kind: TerminalType = TerminalType.AUTHENTICATION

    def __post_init__(self) -> None:
        if not 0 <= self.rights < 1 << self._role_shift:
            raise ParseError("CHAT: a right is out of range")

    @property
    def _role_shift(self) -> int:
        return 8 * self.kind.size - 2

    def allows(self, right: Right) -> bool:
        """Say whether every bit of `right` is set."""
        return self.rights & right == right

    def limited_to(self, rights: int) -> CHAT:
        """Return the template with only those rights that `rights` has too."""
        return CHAT(self.role, self.rights & rights, self.kind)

    def value(self) -> bytes:
        """Return role and rights without object identifier, as a plan carries them."""
        return (self.role << self._role_shift | self.rights).to_bytes(self.kind.size, "big")

    def encode(self) -> bytes:
        """Return the whole object with tag 7F4C."""
        discretionary = tlv.encode(_DISCRETIONARY, self.value())
        return tlv.encode(TAG, oid.encode_tlv(self.kind.value) + discretionary)

    @classmethod
    def from_value(cls, value: bytes, kind: TerminalType = TerminalType.AUTHENTICATION) -> CHAT:
        """Parse role and rights; raise ParseError where the length is not that of the kind."""
        if len(value) != kind.size:
            raise ParseError(f"CHAT: {len(value)} octets, {kind.size} wanted")
        bits = int.from_bytes(value, "big")
        shift = 8 * kind.size - 2
        return cls(Role(bits >> shift), bits & (1 << shift) - 1, kind)

    @classmethod
    def decode(cls, octets: bytes) -> CHAT:
        """Parse the whole object with tag 7F4C; raise ParseError."""
        return cls.decode_value(tlv.expect(octets, TAG))

    @classmethod
    def decode_value(cls, value: bytes) -> CHAT:
        """Parse what stands inside tag 7F4C; raise ParseError."""
        identifier, rest = tlv.take(value, oid.TAG)
        try:
            kind = TerminalType(oid.decode(identifier))
        except ValueError as error:
            raise ParseError("CHAT: unknown kind of terminal") from error
        return cls.from_value(tlv.expect(rest, _DISCRETIONARY), kind)
