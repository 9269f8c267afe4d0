"""The curves and their numbers (TR-03110-3, A.2.1.1; FIPS 186-5; RFC 5639).

Only public arithmetic stands here: the curve equation, a square root, one affine addition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from juki_card.errors import AuthenticationFailed, ParseError


@dataclass(frozen=True, slots=True)
class Domain:
    """A prime curve y^2 = x^3 + ax + b; `size` is the length of a coordinate in octets."""

    parameter_id: int
    name: str
    curve: ec.EllipticCurve
    prime: int
    a: int
    b: int
    generator: tuple[int, int]
    order: int

    def __repr__(self) -> str:
        """Show the name alone."""
        return f"Domain({self.name})"

    @property
    def size(self) -> int:
        """Octets of a coordinate."""
        return (self.prime.bit_length() + 7) // 8

    def square_root(self, x: int) -> int:
        """Return one y of the point at `x`; all our primes are 3 mod 4."""
        square = (x * x * x + self.a * x + self.b) % self.prime
        y = pow(square, (self.prime + 1) // 4, self.prime)
        if y * y % self.prime != square:
            raise AuthenticationFailed(f"point: no point of {self.name} has this x coordinate")
        return y

    def add(self, left: tuple[int, int], right: tuple[int, int]) -> tuple[int, int] | None:
        """Return the sum of two points that are public or blinded, None for infinity."""
        (x1, y1), (x2, y2) = left, right
        if x1 == x2:
            if (y1 + y2) % self.prime == 0:
                return None
            slope = (3 * x1 * x1 + self.a) * pow(2 * y1, -1, self.prime)
        else:
            slope = (y2 - y1) * pow(x2 - x1, -1, self.prime)
        x = (slope * slope - x1 - x2) % self.prime
        return x, (slope * (x1 - x) - y1) % self.prime


P256: Final = Domain(
    parameter_id=12,
    name="NIST P-256",
    curve=ec.SECP256R1(),
    prime=0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,
    a=0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFC,
    b=0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    generator=(
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    ),
    order=0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
)
BRAINPOOL_P256R1: Final = Domain(
    parameter_id=13,
    name="brainpoolP256r1",
    curve=ec.BrainpoolP256R1(),
    prime=0xA9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377,
    a=0x7D5A0975FC2C3057EEF67530417AFFE7FB8055C126DC5C6CE94A4B44F330B5D9,
    b=0x26DC5C6CE94A4B44F330B5D9BBD77CBF958416295CF7E1CE6BCCDC18FF8C07B6,
    generator=(
        0x8BD2AEB9CB7E57CB2C4B482FFC81B7AFB9DE27E1E3BD23C23A4453BD9ACE3262,
        0x547EF835C3DAC4FD97F8461A14611DC9C27745132DED8E545C1D54C72F046997,
    ),
    order=0xA9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7,
)
BRAINPOOL_P512R1: Final = Domain(
    parameter_id=17,
    name="brainpoolP512r1",
    curve=ec.BrainpoolP512R1(),
    prime=int(
        "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330871"
        "7d4d9b009bc66842aecda12ae6a380e62881ff2f2d82c68528aa6056583a48f3",
        16,
    ),
    a=int(
        "7830a3318b603b89e2327145ac234cc594cbdd8d3df91610a83441caea9863bc"
        "2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a72bf2c7b9e7c1ac4d77fc94ca",
        16,
    ),
    b=int(
        "3df91610a83441caea9863bc2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a7"
        "2bf2c7b9e7c1ac4d77fc94cadc083e67984050b75ebae5dd2809bd638016f723",
        16,
    ),
    generator=(
        int(
            "81aee4bdd82ed9645a21322e9c4c6a9385ed9f70b5d916c1b43b62eef4d0098e"
            "ff3b1f78e2d0d48d50d1687b93b97d5f7c6d5047406a5e688b352209bcb9f822",
            16,
        ),
        int(
            "7dde385d566332ecc0eabfa9cf7822fdf209f70024a57b1aa000c55b881f8111"
            "b2dcde494a5f485e5bca4bd88a2763aed1ca2b2fa8f0540678cd1e0f3ad80892",
            16,
        ),
    ),
    order=int(
        "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330870"
        "553e5c414ca92619418661197fac10471db1d381085ddaddb58796829ca90069",
        16,
    ),
)
DOMAINS: Final = (P256, BRAINPOOL_P256R1, BRAINPOOL_P512R1)


def domain_of(parameter_id: int) -> Domain:
    """Return the domain with a standardized number; raise ParseError for one that we lack."""
    for domain in DOMAINS:
        if domain.parameter_id == parameter_id:
            return domain
    raise ParseError(f"domain parameters {parameter_id}: not used here")
