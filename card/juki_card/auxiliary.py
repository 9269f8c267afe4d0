"""Our auxiliary data of Terminal Authentication: this session, this terminal, this purpose.

The card receives them in MSE:Set AT and the center signs over them (TR-03110-3, A.6.5 and B.14.3),
so that a plan made for one terminal's TLS certificate is of no use to another.

>>> AuxiliaryData(bytes(32), bytes(16), 1).encode().hex()[:4]
'674c'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from juki_card import oid, tlv
from juki_card.errors import ParseError

_AUTHENTICATED: Final = 0x67
_TEMPLATE: Final = 0x73
_DISCRETIONARY: Final = 0x53
_HASH_SIZE: Final = 32
SESSION_ID_SIZE: Final = 16
_PURPOSE_SIZE: Final = 1
_SIZE: Final = _HASH_SIZE + SESSION_ID_SIZE + _PURPOSE_SIZE


@dataclass(frozen=True, slots=True)
class AuxiliaryData:
    """What a session is bound to.

    `terminal_certificate_hash` is SHA-256 of the DER of the terminal's TLS certificate, 32 octets;
    `session_id` has 16 octets; `purpose` is the number of the purpose, 1 to 255.
    """

    terminal_certificate_hash: bytes
    session_id: bytes
    purpose: int

    def __post_init__(self) -> None:
        if len(self.terminal_certificate_hash) != _HASH_SIZE:
            raise ParseError("auxiliary data: the certificate hash has not 32 octets")
        if len(self.session_id) != SESSION_ID_SIZE:
            raise ParseError("auxiliary data: the session id has not 16 octets")
        if not 1 <= self.purpose <= 0xFF:
            raise ParseError("auxiliary data: the purpose is out of range")

    def encode(self) -> bytes:
        """Return 67 { 73 { 06 OID, 53 hash || session id || purpose } }."""
        content = self.terminal_certificate_hash + self.session_id + bytes((self.purpose,))
        template = oid.encode_tlv(oid.JUKI_AUXILIARY) + tlv.encode(_DISCRETIONARY, content)
        return tlv.encode(_AUTHENTICATED, tlv.encode(_TEMPLATE, template))

    @classmethod
    def decode(cls, octets: bytes) -> AuxiliaryData:
        """Parse what `encode` makes and nothing else; raise ParseError."""
        template = tlv.expect(tlv.expect(octets, _AUTHENTICATED), _TEMPLATE)
        identifier, rest = tlv.take(template, oid.TAG)
        content = tlv.expect(rest, _DISCRETIONARY)
        if oid.decode(identifier) != oid.JUKI_AUXILIARY or len(content) != _SIZE:
            raise ParseError("auxiliary data: not of this system")
        session_end = _HASH_SIZE + SESSION_ID_SIZE
        return cls(content[:_HASH_SIZE], content[_HASH_SIZE:session_end], content[-1])
