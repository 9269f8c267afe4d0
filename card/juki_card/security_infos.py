"""SecurityInfos: what a card says of its protocols and curves (TR-03110-3, A.1).

SecurityInfos ::= SET OF SEQUENCE { protocol OBJECT IDENTIFIER, ... }. Entries that we do not know
are kept as they came, in their order, so that what was parsed encodes back to the same octets. The
key of Chip Authentication is one of them here; `card_security` reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from juki_card import oid, tlv
from juki_card.errors import ParseError
from juki_card.tlv import INTEGER, SEQUENCE, SET


@dataclass(frozen=True, slots=True)
class PACEInfo:
    """A variant of PACE and the standardized curve that it runs on (A.1.1.1)."""

    protocol: str
    version: int
    parameter_id: int

    def body(self) -> bytes:
        """Return the value octets of the entry."""
        numbers = tlv.encode_integer(self.version) + tlv.encode_integer(self.parameter_id)
        return oid.encode_tlv(self.protocol) + numbers


@dataclass(frozen=True, slots=True)
class TAInfo:
    """Terminal Authentication and its version (A.1.1.3)."""

    version: int

    def body(self) -> bytes:
        """Return the value octets of the entry."""
        return oid.encode_tlv(oid.TA) + tlv.encode_integer(self.version)


@dataclass(frozen=True, slots=True)
class CAInfo:
    """A variant of Chip Authentication and the key that it uses (A.1.1.2)."""

    protocol: str
    version: int
    key_id: int | None

    def body(self) -> bytes:
        """Return the value octets of the entry."""
        version = oid.encode_tlv(self.protocol) + tlv.encode_integer(self.version)
        return version + _encode_optional(self.key_id)


@dataclass(frozen=True, slots=True)
class CADomainParameters:
    """The standardized curve of a Chip Authentication key (A.1.1.2)."""

    parameter_id: int
    key_id: int | None

    def body(self) -> bytes:
        """Return the value octets of the entry."""
        algorithm = _encode_algorithm(self.parameter_id)
        return oid.encode_tlv(oid.CA_ECDH) + algorithm + _encode_optional(self.key_id)


@dataclass(frozen=True, slots=True)
class OtherInfo:
    """An entry that we do not know, or whose form is another than ours."""

    protocol: str
    octets: bytes

    def body(self) -> bytes:
        """Return the value octets of the entry."""
        return self.octets


SecurityInfo: TypeAlias = PACEInfo | TAInfo | CAInfo | CADomainParameters | OtherInfo


def encode(infos: tuple[SecurityInfo, ...]) -> bytes:
    """Return the SET OF entries, in the order given."""
    return tlv.encode(SET, b"".join(tlv.encode(SEQUENCE, info.body()) for info in infos))


def decode(octets: bytes) -> tuple[SecurityInfo, ...]:
    """Parse a SET OF entries and nothing after it; raise ParseError."""
    entries = tlv.parse_all(tlv.expect(octets, SET))
    if any(entry.tag != SEQUENCE for entry in entries):
        raise ParseError("SecurityInfos: an entry is no sequence")
    return tuple(_decode_info(entry.value) for entry in entries)


def _decode_info(body: bytes) -> SecurityInfo:
    identifier, rest = tlv.take(body, oid.TAG)
    protocol = oid.decode(identifier)
    try:
        known = _decode_known(protocol, rest)
    except ParseError:
        # Old cards give explicit curves and extra fields here; they are kept, not used.
        known = None
    if known is None or known.body() != body:
        return OtherInfo(protocol, body)
    return known


def _decode_known(protocol: str, rest: bytes) -> SecurityInfo | None:
    match protocol:
        case oid.PACE_ECDH_GM_AES_128:
            version, rest = _take_integer(rest)
            return PACEInfo(protocol, version, _only_integer(rest))
        case oid.TA:
            return TAInfo(_only_integer(rest))
        case oid.CA_ECDH_AES_128:
            version, rest = _take_integer(rest)
            return CAInfo(protocol, version, _optional_integer(rest))
        case oid.CA_ECDH:
            parameter_id, rest = _take_algorithm(rest)
            return CADomainParameters(parameter_id, _optional_integer(rest))
        case _:
            return None


def _encode_algorithm(parameter_id: int) -> bytes:
    identifier = oid.encode_tlv(oid.STANDARDIZED_DOMAIN_PARAMETERS)
    return tlv.encode(SEQUENCE, identifier + tlv.encode_integer(parameter_id))


def _take_algorithm(octets: bytes) -> tuple[int, bytes]:
    algorithm, rest = tlv.take(octets, SEQUENCE)
    identifier, parameters = tlv.take(algorithm, oid.TAG)
    if oid.decode(identifier) != oid.STANDARDIZED_DOMAIN_PARAMETERS:
        raise ParseError("algorithm: not standardized domain parameters")
    return _only_integer(parameters), rest


def _encode_optional(number: int | None) -> bytes:
    return b"" if number is None else tlv.encode_integer(number)


def _take_integer(octets: bytes) -> tuple[int, bytes]:
    value, rest = tlv.take(octets, INTEGER)
    return tlv.decode_integer(value), rest


def _only_integer(octets: bytes) -> int:
    return tlv.decode_integer(tlv.expect(octets, INTEGER))


def _optional_integer(octets: bytes) -> int | None:
    return _only_integer(octets) if octets else None
