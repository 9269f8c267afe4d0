"""Who a peer is: the one juki:// URI in its X.509 certificate, and nothing else.

Whether the certificate is genuine is for TLS; what the peer may do is for the authorisation table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec

from juki_pki.errors import IdentityError

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_CODE_WEIGHTS: Final = (6, 5, 4, 3, 2)
_SCHEME: Final = "juki://"
BROKEN: Final = (
    ValueError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What the parser raises, most of it only when a part is looked at."""


class Role(StrEnum):
    """What kind of peer somebody is."""

    CENTER = "center"
    TERMINAL = "terminal"
    DESK = "desk"
    AGENCY = "agency"
    OPERATOR = "operator"

    @property
    def is_municipal(self) -> bool:
        """Whether such a peer belongs to a municipality."""
        return self in (Role.TERMINAL, Role.DESK)


def check_municipality_code(code: str) -> None:
    """Raise IdentityError unless `code` is six digits with a right check digit (JIS X 0402).

    >>> check_municipality_code("131016")
    """
    if not re.fullmatch(r"[0-9]{6}", code):
        raise IdentityError(f"municipality code {code!r}: not six digits")
    weighed = sum(int(digit) * weight for digit, weight in zip(code, _CODE_WEIGHTS, strict=False))
    if int(code[5]) != (11 - weighed % 11) % 10:
        raise IdentityError(f"municipality code {code}: wrong check digit")


@dataclass(frozen=True, slots=True)
class PeerIdentity:
    """A peer's role, its name, and the municipality of a terminal or desk.

    >>> PeerIdentity(Role.TERMINAL, "01", "131016").uri
    'juki://municipality/131016/terminal/01'
    """

    role: Role
    name: str
    municipality: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise IdentityError(f"name {self.name!r}: 1 to 32 of a-z, 0-9 and inner hyphens")
        if self.role.is_municipal != (self.municipality is not None):
            raise IdentityError(f"a {self.role} and municipality {self.municipality}: do not fit")
        if self.municipality is not None:
            check_municipality_code(self.municipality)

    @property
    def uri(self) -> str:
        """The name that stands in the certificate (design.md 2)."""
        if self.municipality is not None:
            return f"{_SCHEME}municipality/{self.municipality}/{self.role}/{self.name}"
        return f"{_SCHEME}{self.role}/{self.name}"

    @property
    def folder(self) -> str:
        """Where its key lies below the PKI folder, with forward slashes."""
        leaf = f"{self.municipality}-{self.name}" if self.municipality else self.name
        return f"{self.role}/{leaf}"

    @classmethod
    def from_uri(cls, uri: str) -> PeerIdentity:
        """Parse a URI; raise IdentityError for any that `uri` would not have written."""
        match uri.removeprefix(_SCHEME).split("/"):
            case ["municipality", code, ("terminal" | "desk") as role, name]:
                identity = cls(Role(role), name, code)
            case [("center" | "agency" | "operator") as role, name]:
                identity = cls(Role(role), name)
            case _:
                raise IdentityError(f"URI {uri!r}: not a name of this network")
        if identity.uri != uri:
            raise IdentityError(f"URI {uri!r}: not a name of this network")
        return identity

    @classmethod
    def from_label(cls, role: Role, label: str) -> PeerIdentity:
        """Parse what a command line gives: CODE-ID for a terminal or desk, else ID."""
        if not role.is_municipal:
            return cls(role, label)
        code, _, name = label.partition("-")
        return cls(role, name, code)


def identity_from_certificate(certificate: x509.Certificate | bytes) -> PeerIdentity:
    """Return the identity in an end certificate, given parsed or as DER or PEM bytes.

    Raise IdentityError unless it is a P-256 end certificate with exactly one URI name, ours.
    """
    parsed = _parse(certificate) if isinstance(certificate, bytes) else certificate
    _check_end_certificate(parsed)
    return PeerIdentity.from_uri(_only_uri(parsed))


def _parse(octets: bytes) -> x509.Certificate:
    try:
        if octets.startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificate(octets)
        return x509.load_der_x509_certificate(octets)
    except BROKEN as error:
        raise IdentityError("not an X.509 certificate") from error


def _check_end_certificate(certificate: x509.Certificate) -> None:
    try:
        key = certificate.public_key()
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, *BROKEN) as error:
        raise IdentityError("certificate: key or basic constraints cannot be read") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise IdentityError("certificate: its key is not on P-256")
    if constraints.ca:
        raise IdentityError("certificate: an authority's, not a peer's")


def _only_uri(certificate: x509.Certificate) -> str:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, *BROKEN) as error:
        raise IdentityError("certificate: no alternative names") from error
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    if len(uris) != 1:
        raise IdentityError(f"certificate: {len(uris)} URI names, there must be exactly one")
    return uris[0]
