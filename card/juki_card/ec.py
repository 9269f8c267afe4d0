"""Elliptic curves at fixed length: keys, points, agreement, and the mapped generator of PACE.

Every scalar multiplication is done by the cryptography package. Its ECDH gives the x coordinate
of k*P; y follows by a square root, and its sign by a second ECDH with k + 1. Affine arithmetic
here touches only points that are public or blinded by a fresh ephemeral key. Coordinates,
secrets and signatures keep their leading zeros: a lost one has broken whole card systems.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from juki_card.domains import (
    BRAINPOOL_P256R1,
    BRAINPOOL_P512R1,
    DOMAINS,
    P256,
    Domain,
    domain_of,
)
from juki_card.errors import AuthenticationFailed, CardError, ParseError

__all__ = [
    "BRAINPOOL_P256R1",
    "BRAINPOOL_P512R1",
    "DOMAINS",
    "P256",
    "Domain",
    "MappedGenerator",
    "PrivateKey",
    "PublicKey",
    "Scalar",
    "compress",
    "decode_point",
    "domain_of",
    "domain_of_key",
    "ecdh",
    "encode_point",
    "map_generator",
    "multiply",
    "private_key",
    "sign",
    "verify",
]

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey
PublicKey: TypeAlias = ec.EllipticCurvePublicKey
_Affine: TypeAlias = tuple[int, int]
_UNCOMPRESSED: Final = 0x04
_ECDH: Final = ec.ECDH()


class Scalar:
    """A secret number between 1 and n - 1."""

    __slots__ = ("domain", "number")

    def __init__(self, domain: Domain, number: int) -> None:
        if not 1 <= number < domain.order:
            raise CardError(f"scalar: out of range for {domain.name}")
        self.domain = domain
        self.number = number

    def __repr__(self) -> str:
        return f"Scalar({self.domain.name}, ***)"

    @classmethod
    def from_random(cls, domain: Domain, octets: bytes) -> Scalar:
        """Make a scalar from random octets, 8 more than the field has (FIPS 186-5, A.2.1)."""
        if len(octets) < domain.size + 8:
            raise CardError("scalar: too few random octets")
        return cls(domain, int.from_bytes(octets, "big") % (domain.order - 1) + 1)

    @classmethod
    def of_key(cls, key: PrivateKey) -> Scalar:
        """Return a private key's number."""
        return cls(domain_of_key(key), key.private_numbers().private_value)

    def key(self) -> PrivateKey:
        """Return the private key over the curve's own generator."""
        return private_key(self.domain, self.number)


@lru_cache(maxsize=8)
def _domain_by_curve(name: str) -> Domain | None:
    return next((domain for domain in DOMAINS if domain.curve.name == name), None)


def domain_of_key(key: PrivateKey | PublicKey) -> Domain:
    """Return the domain of a key; raise ParseError for a curve that we do not use."""
    domain = _domain_by_curve(key.curve.name)
    if domain is None:
        raise ParseError(f"key: curve {key.curve.name} is not used here")
    return domain


def private_key(domain: Domain, scalar: int) -> PrivateKey:
    """Return the private key with this number."""
    return ec.derive_private_key(scalar, domain.curve)


def encode_point(key: PublicKey) -> bytes:
    """Return the uncompressed point 04 || x || y (TR-03111, 3.2.1)."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def decode_point(domain: Domain, octets: bytes) -> PublicKey:
    """Parse an uncompressed point; raise ParseError where it is not on the curve."""
    if len(octets) != 2 * domain.size + 1 or octets[0] != _UNCOMPRESSED:
        raise ParseError(f"point: not an uncompressed point of {domain.name}")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(domain.curve, octets)
    except ValueError as error:
        raise ParseError(f"point: not on {domain.name}") from error


def compress(point: PublicKey | bytes) -> bytes:
    """Return Comp(point): the x coordinate at fixed length (TR-03110-3, A.2.2.3)."""
    octets = point if isinstance(point, bytes) else encode_point(point)
    return octets[1 : 1 + len(octets) // 2]


def ecdh(private: PrivateKey, public: PublicKey) -> bytes:
    """Return the shared secret: the x coordinate at fixed length (TR-03111, 4.3.1)."""
    try:
        return private.exchange(_ECDH, public)
    except ValueError as error:
        raise AuthenticationFailed("key agreement: the point does not fit the key") from error


def sign(private: PrivateKey, message: bytes, *, algorithm: hashes.HashAlgorithm) -> bytes:
    """Return the plain signature r || s (TR-03111, 5.2.1), deterministic (RFC 6979)."""
    der = private.sign(message, ec.ECDSA(algorithm, deterministic_signing=True))
    size = domain_of_key(private).size
    r, s = decode_dss_signature(der)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def verify(
    public: PublicKey, signature: bytes, message: bytes, *, algorithm: hashes.HashAlgorithm
) -> None:
    """Verify a plain signature r || s; raise AuthenticationFailed."""
    size = domain_of_key(public).size
    if len(signature) != 2 * size:
        raise AuthenticationFailed(f"signature: {len(signature)} octets, {2 * size} wanted")
    r, s = (int.from_bytes(half, "big") for half in (signature[:size], signature[size:]))
    try:
        public.verify(encode_dss_signature(r, s), message, ec.ECDSA(algorithm))
    except InvalidSignature:
        raise AuthenticationFailed("signature: does not verify") from None


def multiply(scalar: Scalar, point: PublicKey) -> PublicKey:
    """Return scalar * point as a whole point, not only its x coordinate."""
    domain = scalar.domain
    base = _affine(point)
    if scalar.number == domain.order - 1:
        return _point(domain, (base[0], domain.prime - base[1]))
    x = int.from_bytes(ecdh(scalar.key(), point), "big")
    y = domain.square_root(x)
    successor = ecdh(private_key(domain, scalar.number + 1), point)
    candidates = ((x, y), (x, domain.prime - y))
    for candidate in candidates:
        total = domain.add(candidate, base)
        if total is not None and total[0].to_bytes(domain.size, "big") == successor:
            return _point(domain, candidate)
    raise CardError("scalar multiplication: no sign fits")


@dataclass(frozen=True, slots=True)
class MappedGenerator:
    """The generator of PACE's second key agreement, G' = factor * base.

    G' itself is a secret of the protocol. It is kept as a product, so that keys over it come from
    one ECDH with the base, and it is never computed in the clear.
    """

    base: PublicKey
    factor: Scalar

    def __repr__(self) -> str:
        return "MappedGenerator(***)"

    def public_key(self, scalar: Scalar) -> PublicKey:
        """Return scalar * G'."""
        domain = self.factor.domain
        return multiply(
            Scalar(domain, scalar.number * self.factor.number % domain.order), self.base
        )

    def point(self) -> PublicKey:
        """Return G' itself, as worked examples print it."""
        return multiply(self.factor, self.base)


def map_generator(nonce: bytes, own: Scalar, peer: PublicKey) -> MappedGenerator:
    """Return G' = s*G + k*P for the nonce s, our key k, the peer's point P (TR-03110-3, A.3.5.1).

    It is computed as k*(P + (s/k)*G): the one addition is of a public point and of a point that
    the fresh k makes uniformly random. Raises AuthenticationFailed where the result is no point.
    """
    domain = own.domain
    factor = int.from_bytes(nonce, "big") * pow(own.number, -1, domain.order) % domain.order
    if factor == 0:
        return MappedGenerator(peer, own)
    blinded = _affine(private_key(domain, factor).public_key())
    total = domain.add(_affine(peer), blinded)
    if total is None:
        raise AuthenticationFailed("PACE mapping: the peer's point gives no generator")
    return MappedGenerator(_point(domain, total), own)


def _affine(point: PublicKey) -> _Affine:
    numbers = point.public_numbers()
    return numbers.x, numbers.y


def _point(domain: Domain, affine: _Affine) -> PublicKey:
    return ec.EllipticCurvePublicNumbers(affine[0], affine[1], domain.curve).public_key()
