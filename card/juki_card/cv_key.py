"""Public keys as CV certificates carry them (TR-03110-3, D.3).

Curve parameters stand explicitly in the keys of a CVCA and nowhere else; the other keys of a chain
take them over. Keys on curves that we do not use are kept as they came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hashes

from juki_card import ec, oid, tlv
from juki_card.errors import CertificateRefused, ParseError
from juki_card.tlv import TLV

TAG: Final = 0x7F49
POINT: Final = 0x86
_EXPLICIT: Final = (0x81, 0x82, 0x83, 0x84, 0x85, POINT, 0x87)
_RSA_FIELDS: Final = (0x81, 0x82)
_RSA_ALGORITHMS: Final = f"{oid.TA}.1."
_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    oid.TA_ECDSA_SHA_256: hashes.SHA256(),
    oid.TA_ECDSA_SHA_384: hashes.SHA384(),
    oid.TA_ECDSA_SHA_512: hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class CVPublicKey:
    """Algorithm and fields of a public key; a certificate's holder signs with that algorithm."""

    algorithm: str
    fields: tuple[TLV, ...]

    def __post_init__(self) -> None:
        tags = tuple(item.tag for item in self.fields)
        if self.algorithm.startswith(_RSA_ALGORITHMS):
            if tags != _RSA_FIELDS:
                raise ParseError("CV public key: not the fields of an RSA key")
        elif tags not in ((POINT,), _EXPLICIT):
            raise ParseError("CV public key: not the fields of a curve key")

    @classmethod
    def of(
        cls, key: ec.PublicKey, *, explicit: bool, algorithm: str = oid.TA_ECDSA_SHA_256
    ) -> CVPublicKey:
        """Describe a key, with its curve parameters where it belongs to a CVCA."""
        point = TLV(POINT, ec.encode_point(key))
        if not explicit:
            return cls(algorithm, (point,))
        before, after = _parameters(ec.domain_of_key(key))
        return cls(algorithm, (*before, point, after))

    @property
    def has_parameters(self) -> bool:
        """Say whether the curve stands in the key."""
        return len(self.fields) == len(_EXPLICIT)

    @property
    def point(self) -> bytes:
        """The public point; ParseError for a key that is none on a curve."""
        for item in self.fields:
            if item.tag == POINT:
                return item.value
        raise ParseError("CV public key: has no point")

    @property
    def hash_algorithm(self) -> hashes.HashAlgorithm:
        """What the holder hashes with; CertificateRefused for one that we do not accept."""
        found = _HASHES.get(self.algorithm)
        if found is None:
            raise CertificateRefused(f"CV public key: algorithm {self.algorithm} is not accepted")
        return found

    def domain(self) -> ec.Domain:
        """Return the curve that stands in the key; CertificateRefused where we do not use it."""
        given = tuple(item for item in self.fields if item.tag != POINT)
        for domain in ec.DOMAINS:
            before, after = _parameters(domain)
            if given == (*before, after):
                return domain
        raise CertificateRefused("CV public key: curve parameters are not those of a known curve")

    def key(self, domain: ec.Domain) -> ec.PublicKey:
        """Return the key on this curve; raise ParseError where the point is not on it."""
        return ec.decode_point(domain, self.point)

    def encode(self) -> bytes:
        """Return the whole object with tag 7F49."""
        return tlv.encode(TAG, oid.encode_tlv(self.algorithm) + tlv.encode_all(self.fields))

    @classmethod
    def decode_value(cls, value: bytes) -> CVPublicKey:
        """Parse what stands inside tag 7F49; raise ParseError."""
        algorithm, rest = tlv.take(value, oid.TAG)
        return cls(oid.decode(algorithm), tlv.parse_all(rest))


def _parameters(domain: ec.Domain) -> tuple[tuple[TLV, ...], TLV]:
    """Return the fields before and after the point."""
    size = domain.size
    numbers = (domain.prime, domain.a, domain.b)
    x, y = domain.generator
    generator = b"\x04" + x.to_bytes(size, "big") + y.to_bytes(size, "big")
    values = (*(number.to_bytes(size, "big") for number in numbers), generator)
    before = tuple(TLV(tag, value) for tag, value in zip(_EXPLICIT, values, strict=False))
    order = TLV(_EXPLICIT[4], domain.order.to_bytes(size, "big"))
    return (*before, order), TLV(_EXPLICIT[6], b"\x01")
