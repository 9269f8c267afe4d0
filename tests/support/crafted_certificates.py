"""Client certificates that are wrong in one way each, for a server to refuse."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

    from juki_pki.credential import X509Credential
    from juki_pki.folder import PKIFolder

URI = "juki://municipality/131016/terminal/01"
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Crafted:
    """A certificate with its chain and a key, PEM; the key may be none of the certificate's."""

    chain: bytes
    key: bytes

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write chain and key for a library that reads files."""
        folder.mkdir(exist_ok=True)
        chain, key = folder / "chain.pem", folder / "key.pem"
        chain.write_bytes(self.chain)
        key.write_bytes(self.key)
        return chain, key


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to make; by default a terminal's certificate as it should be."""

    key: Key
    uris: tuple[str, ...] = (URI,)
    hosts: tuple[str, ...] = ()
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH
    begins: timedelta = timedelta(minutes=-5)
    ends: timedelta = timedelta(days=30)
    is_authority: bool = False


def right(pki: PKIFolder) -> Crafted:
    """Make one that is right, so that each test shows that its fault alone is refused."""
    return issued(pki, Wanted(p256()))


def p256() -> ec.EllipticCurvePrivateKey:
    """Make a key as it should be."""
    return ec.generate_private_key(ec.SECP256R1())


def issued(pki: PKIFolder, wanted: Wanted) -> Crafted:
    """Make what is wanted, signed by the issuing authority."""
    issuing = pki.issuing()
    certificate = _builder(wanted, issuing.certificate.subject).sign(issuing.key, hashes.SHA256())
    return Crafted(_pem(certificate, issuing.certificate), _key_pem(wanted.key))


def self_signed() -> Crafted:
    """Make one that is signed by itself."""
    wanted = Wanted(p256())
    certificate = _builder(wanted, _NAME).sign(wanted.key, hashes.SHA256())
    return Crafted(_pem(certificate), _key_pem(wanted.key))


def of_credential(credential: X509Credential) -> Crafted:
    """Take one that juki-pki has made."""
    return Crafted(credential.chain_pem, credential.key_pem)


def tampered(pki: PKIFolder) -> Crafted:
    """Turn the last bit of the certificate's signature."""
    good = right(pki)
    leaf, *above = x509.load_pem_x509_certificates(good.chain)
    octets = bytearray(leaf.public_bytes(serialization.Encoding.DER))
    octets[-1] ^= 1
    changed = x509.load_der_x509_certificate(bytes(octets))
    return replace(good, chain=_pem(changed, *above))


def of_another_key(pki: PKIFolder) -> Crafted:
    """Give a right chain a key file with its public and another private half.

    A library compares the public halves, so that only the proof in the handshake fails.
    """
    good = right(pki)
    leaf = x509.load_pem_x509_certificates(good.chain)[0]
    own = serialization.load_pem_private_key(good.key, None)
    assert isinstance(own, ec.EllipticCurvePrivateKey)
    scalar = own.private_numbers().private_value
    point = leaf.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    sec1 = own.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    other = p256().private_numbers().private_value
    changed = sec1.replace(scalar.to_bytes(32), other.to_bytes(32))
    assert point in changed
    return replace(good, key=_pem_block("EC PRIVATE KEY", changed))


_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "crafted")])


def _builder(wanted: Wanted, issuer: x509.Name) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(one) for one in wanted.uris]
    names += [x509.DNSName(host) for host in wanted.hosts]
    builder = (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(issuer)
        .public_key(wanted.key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + wanted.begins)
        .not_valid_after(now + wanted.ends)
        .add_extension(
            x509.BasicConstraints(ca=wanted.is_authority, path_length=None), critical=True
        )
        .add_extension(x509.ExtendedKeyUsage([wanted.usage]), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder


def _pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def _key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _pem_block(label: str, der: bytes) -> bytes:
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()
