"""Certificates and keys as the programs use them, read from their files and checked.

A key that does not fit its certificate, is not on P-256 or can be read by others is refused here,
once, so that nobody has to look again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from juki_card import tlv
from juki_card.cvc import CERTIFICATE, CVCertificate
from juki_card.description import CertificateDescription
from juki_card.ec import encode_point
from juki_card.errors import ParseError
from juki_pki.errors import Inconsistent, KeyUnsuited, Unreadable
from juki_pki.files import read_key, read_public
from juki_pki.identity import BROKEN, PeerIdentity, identity_from_certificate
from juki_pki.token_reference import is_reference, reference_in

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class X509Credential:
    """An X.509 certificate with its chain and private key."""

    certificate: x509.Certificate
    chain_pem: bytes
    """The certificate and, where one is needed, the issuing authority's, PEM."""
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    key_pem: bytes = field(repr=False)
    """PKCS#8 PEM; secret."""

    @property
    def certificate_sha256(self) -> bytes:
        """SHA-256 of the certificate's DER, 32 bytes."""
        return self.certificate.fingerprint(hashes.SHA256())

    @property
    def identity(self) -> PeerIdentity:
        """Who it names; raise IdentityError for a certificate that is not a peer's."""
        return identity_from_certificate(self.certificate)

    @classmethod
    def load(cls, folder: Path, *, in_token: bool = False) -> X509Credential:
        """Read certificate.pem, chain.pem where there is one, and key.pem of a folder.

        Where it may be `in_token`, key.pem may say in which token the key lies.
        """
        path = folder / "certificate.pem"
        certificate = load_certificate(path)
        octets, key = (load_any_key if in_token else load_key)(folder / "key.pem")
        if key.public_key() != certificate.public_key():
            raise Inconsistent(folder, "the key is not the certificate's")
        chain_path = folder / "chain.pem"
        chain = load_certificates(chain_path) if chain_path.exists() else (certificate,)
        if not chain or chain[0] != certificate:
            raise Inconsistent(chain_path, "does not begin with the certificate")
        pem = b"".join(entry.public_bytes(serialization.Encoding.PEM) for entry in chain)
        return cls(certificate, pem, key, octets)


@dataclass(frozen=True, slots=True)
class CVCredential:
    """A card-verifiable certificate with its private key and, for an AT, its description."""

    certificate: CVCertificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    description: CertificateDescription | None = None

    @classmethod
    def load(cls, folder: Path) -> CVCredential:
        """Read certificate.cvcert, key.pem and, where there is one, description.der."""
        certificate = load_cv_certificate(folder / "certificate.cvcert")
        _, key = load_key(folder / "key.pem")
        if encode_point(key.public_key()) != certificate.public_key.point:
            raise Inconsistent(folder, "the key is not the certificate's")
        path = folder / "description.der"
        description = load_description(path) if path.exists() else None
        digest = description.digest() if description else None
        if certificate.description_digest != digest:
            raise Inconsistent(path, "the certificate names another description")
        return cls(certificate, key, description)


def load_cv_certificate(path: Path) -> CVCertificate:
    """Read a card-verifiable certificate."""
    try:
        return CVCertificate.decode(read_public(path))
    except ParseError as error:
        raise Unreadable(str(path), f"not a CV certificate ({error})") from error


def load_cv_certificates(path: Path) -> tuple[CVCertificate, ...]:
    """Read the card-verifiable certificates that stand in a file one after the other."""
    octets, found = read_public(path), []
    try:
        while octets:
            value, octets = tlv.take(octets, CERTIFICATE)
            found.append(CVCertificate.decode_value(value))
    except ParseError as error:
        raise Unreadable(str(path), f"not CV certificates ({error})") from error
    return tuple(found)


def load_description(path: Path) -> CertificateDescription:
    """Read a certificate description."""
    try:
        return CertificateDescription.decode(read_public(path))
    except ParseError as error:
        raise Unreadable(str(path), f"not a certificate description ({error})") from error


def load_key(path: Path) -> tuple[bytes, ec.EllipticCurvePrivateKey]:
    """Read a private key file: its bytes and the key; raise unless it is P-256 with mode 0600."""
    octets = read_key(path)
    return octets, parse_key(octets, str(path))


def load_any_key(path: Path) -> tuple[bytes, ec.EllipticCurvePrivateKey]:
    """Read a private key file as `load_key`, or open the token that it refers to."""
    octets = read_key(path)
    if not is_reference(octets):
        return octets, parse_key(octets, str(path))
    # Only who keeps keys in a token has the library for it.
    from juki_pki.token_credential import token_key  # noqa: PLC0415

    return octets, token_key(reference_in(octets, path))


def parse_key(octets: bytes, source: str) -> ec.EllipticCurvePrivateKey:
    """Parse PKCS#8 PEM; raise Unreadable, which never repeats a byte of it."""
    try:
        key = serialization.load_pem_private_key(octets, password=None)
    except (ValueError, TypeError):
        # Without `from`: the parser's own message may quote what it could not read.
        raise Unreadable(source, "not an unencrypted PKCS#8 private key in PEM") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyUnsuited(source, "the key is not on P-256")
    return key


def load_certificate(path: Path) -> x509.Certificate:
    """Read the one certificate of a PEM file."""
    certificates = load_certificates(path)
    if len(certificates) != 1:
        raise Unreadable(str(path), f"{len(certificates)} certificates, there must be one")
    return certificates[0]


def load_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """Read all certificates of a PEM file, none for an empty one; each must be on P-256."""
    octets = read_public(path)
    if not octets.strip():
        return ()
    try:
        certificates = tuple(x509.load_pem_x509_certificates(octets))
        keys = [certificate.public_key() for certificate in certificates]
    except BROKEN as error:
        raise Unreadable(str(path), f"not X.509 certificates in PEM ({error})") from error
    for key in keys:
        on_p256 = isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1"
        if not on_p256:
            raise KeyUnsuited(str(path), "a certificate's key is not on P-256")
    return certificates
