"""An X.509 certificate from a profile, a public key and the issuer (RFC 5280).

Nothing here reads or writes a file.
"""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from juki_pki.errors import IssuerExpires, PKIError

if TYPE_CHECKING:
    from juki_pki.identity import PeerIdentity
    from juki_pki.profile import X509Profile

_COMPACT_SERIALS: Final = (1 << 63) - 1
_EKU: Final = {
    "client_auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "server_auth": ExtendedKeyUsageOID.SERVER_AUTH,
}


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs: the certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def __repr__(self) -> str:
        """Name the authority, never its key."""
        return f"Issuer({self.certificate.subject.rfc4514_string()})"


def new_key() -> ec.EllipticCurvePrivateKey:
    """Make a P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Encode a private key as PKCS#8 PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """Encode a certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def self_signed(
    profile: X509Profile, key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.Certificate:
    """Make the root."""
    name = _subject(profile, None)
    begins, ends = _validity(profile, now)
    builder = _builder(profile, key.public_key(), name, begins, ends)
    builder = builder.issuer_name(name).add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
    )
    return builder.sign(key, hashes.SHA256())


def compact_self_signed(
    profile: X509Profile, key: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.Certificate:
    """Make the card signer's certificate, which every card carries, as short as it may be.

    It is its own anchor: cards' readers hold the certificate itself, so no issuer has to be named.
    Serial of 63 random bits; key identifier of 8 octets (RFC 5280, 4.2.1.2, method 2).
    """
    name = _subject(profile, None)
    begins, ends = _validity(profile, now)
    full = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest
    short = x509.SubjectKeyIdentifier(bytes((0x40 | full[-8] & 0x0F,)) + full[-7:])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1 + secrets.randbelow(_COMPACT_SERIALS))
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(_key_usage(profile), critical=True)
        .add_extension(short, critical=False)
    )
    return builder.sign(key, hashes.SHA256())


def signed(
    profile: X509Profile,
    public_key: ec.EllipticCurvePublicKey,
    issuer: Issuer,
    now: datetime,
    identity: PeerIdentity | None = None,
) -> x509.Certificate:
    """Make a certificate below `issuer`; raise IssuerExpires where it would outlive it."""
    begins, ends = _validity(profile, now)
    issuer_ends = issuer.certificate.not_valid_after_utc
    if ends > issuer_ends:
        raise IssuerExpires(profile.kind, ends.date(), issuer_ends.date())
    builder = _builder(profile, public_key, _subject(profile, identity), begins, ends)
    builder = builder.issuer_name(issuer.certificate.subject).add_extension(
        _authority_key(issuer), critical=False
    )
    names = _alternative_names(profile, identity)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer.key, hashes.SHA256())


def _validity(profile: X509Profile, now: datetime) -> tuple[datetime, datetime]:
    if now.tzinfo is None:
        raise PKIError("a time without a zone is no time to issue a certificate at")
    second = now.replace(microsecond=0)
    begins = second - timedelta(minutes=profile.backdate_minutes)
    return begins, second + timedelta(days=profile.lifetime_days)


def _subject(profile: X509Profile, identity: PeerIdentity | None) -> x509.Name:
    wanted = profile.subject
    parts = (
        (NameOID.COUNTRY_NAME, wanted.country),
        (NameOID.ORGANIZATION_NAME, wanted.organization),
        (NameOID.COMMON_NAME, _filled(wanted.common_name, identity)),
    )
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts if text])


def _filled(pattern: str, identity: PeerIdentity | None) -> str:
    if identity is None:
        return pattern
    return pattern.format(municipality=identity.municipality, name=identity.name)


def _builder(
    profile: X509Profile,
    public_key: ec.EllipticCurvePublicKey,
    subject: x509.Name,
    begins: datetime,
    ends: datetime,
) -> x509.CertificateBuilder:
    authority = profile.authority
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(
            x509.BasicConstraints(
                ca=authority is not None, path_length=authority.path_length if authority else None
            ),
            critical=True,
        )
        .add_extension(_key_usage(profile), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )
    if profile.extended_key_usage:
        usages = [_EKU[usage] for usage in profile.extended_key_usage]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if authority and authority.permitted_uri_hosts:
        hosts = [x509.UniformResourceIdentifier(host) for host in authority.permitted_uri_hosts]
        builder = builder.add_extension(x509.NameConstraints(hosts, None), critical=True)
    return builder


def _key_usage(profile: X509Profile) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature="digital_signature" in profile.key_usage,
        content_commitment="content_commitment" in profile.key_usage,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign="key_cert_sign" in profile.key_usage,
        crl_sign="crl_sign" in profile.key_usage,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_key(issuer: Issuer) -> x509.AuthorityKeyIdentifier:
    extension = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(extension.value)


def _alternative_names(
    profile: X509Profile, identity: PeerIdentity | None
) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    if profile.uri:
        names.append(x509.UniformResourceIdentifier(_filled(profile.uri, identity)))
    names += [x509.DNSName(name) for name in profile.dns_names]
    names += [x509.IPAddress(ipaddress.ip_address(text)) for text in profile.ip_addresses]
    return names
