"""Card verifiable certificates and their chains (TR-03110-3, C and D; TR-03110-2, 2.2 to 2.5).

A chain goes from a trust point over link certificates, a document verifier and down to a terminal.
The card, the terminal and the center verify it with the same functions: the card one certificate
at a time against the date it knows, the others the whole chain against today.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from juki_card import chat, cv_key, ec, oid, tlv
from juki_card.chat import CHAT, Role
from juki_card.cv_key import CVPublicKey
from juki_card.errors import AuthenticationFailed, CertificateRefused, ParseError
from juki_card.tlv import TLV

if TYPE_CHECKING:
    from collections.abc import Sequence

CERTIFICATE: Final = 0x7F21
_BODY: Final = 0x7F4E
_PROFILE: Final = 0x5F29
_CAR: Final = 0x42
_CHR: Final = 0x5F20
_EXPIRATION: Final = 0x5F24
_EFFECTIVE: Final = 0x5F25
_EXTENSIONS: Final = 0x65
_EXTENSION: Final = 0x73
_DIGEST: Final = 0x80
_SIGNATURE: Final = 0x5F37
_PROFILE_1: Final = b"\x00"
_MAX_REFERENCE: Final = 16
_ISSUES: Final = {
    Role.CVCA: (Role.CVCA, Role.DV_DOMESTIC, Role.DV_FOREIGN),
    Role.DV_DOMESTIC: (Role.TERMINAL,),
    Role.DV_FOREIGN: (Role.TERMINAL,),
    Role.TERMINAL: (),
}


@dataclass(frozen=True, slots=True)
class Extension:
    """A discretionary data template: an identifier and its objects (TR-03110-3, C.3)."""

    identifier: str
    objects: tuple[TLV, ...]

    @classmethod
    def description(cls, digest: bytes) -> Extension:
        """Make the extension that binds a certificate to its description."""
        return cls(oid.EXTENSION_DESCRIPTION, (TLV(_DIGEST, digest),))

    def encode(self) -> bytes:
        """Return the object with tag 73."""
        return tlv.encode(
            _EXTENSION, oid.encode_tlv(self.identifier) + tlv.encode_all(self.objects)
        )

    @classmethod
    def decode_value(cls, value: bytes) -> Extension:
        """Parse what stands inside tag 73; raise ParseError."""
        identifier, rest = tlv.take(value, oid.TAG)
        return cls(oid.decode(identifier), tlv.parse_all(rest, unique=True))


@dataclass(frozen=True, slots=True)
class CertificateBody:
    """What an issuer signs. References are 1 to 16 printable characters of ISO 8859-1."""

    car: str
    public_key: CVPublicKey
    chr: str
    chat: CHAT
    effective: date
    expiration: date
    extensions: tuple[Extension, ...] = ()

    def encode(self) -> bytes:
        """Return the whole object with tag 7F4E."""
        value = (
            tlv.encode(_PROFILE, _PROFILE_1)
            + tlv.encode(_CAR, encode_reference(self.car))
            + self.public_key.encode()
            + tlv.encode(_CHR, encode_reference(self.chr))
            + self.chat.encode()
            + tlv.encode(_EFFECTIVE, encode_date(self.effective))
            + tlv.encode(_EXPIRATION, encode_date(self.expiration))
        )
        if self.extensions:
            templates = b"".join(extension.encode() for extension in self.extensions)
            value += tlv.encode(_EXTENSIONS, templates)
        return tlv.encode(_BODY, value)

    @classmethod
    def decode_value(cls, value: bytes) -> CertificateBody:
        """Parse what stands inside tag 7F4E; raise ParseError."""
        profile, rest = tlv.take(value, _PROFILE)
        if profile != _PROFILE_1:
            raise ParseError("CV certificate: unknown profile")
        car, rest = tlv.take(rest, _CAR)
        key, rest = tlv.take(rest, cv_key.TAG)
        holder, rest = tlv.take(rest, _CHR)
        template, rest = tlv.take(rest, chat.TAG)
        effective, rest = tlv.take(rest, _EFFECTIVE)
        expiration, rest = tlv.take(rest, _EXPIRATION)
        return cls(
            decode_reference(car),
            CVPublicKey.decode_value(key),
            decode_reference(holder),
            CHAT.decode_value(template),
            decode_date(effective),
            decode_date(expiration),
            _decode_extensions(rest),
        )


@dataclass(frozen=True, slots=True)
class CVCertificate:
    """A certificate. `signed` is the body as it came, `signature` is plain r || s."""

    body: CertificateBody
    signature: bytes
    signed: bytes

    @property
    def car(self) -> str:
        """Certification authority reference: who issued it."""
        return self.body.car

    @property
    def chr(self) -> str:
        """Certificate holder reference: whose it is."""
        return self.body.chr

    @property
    def public_key(self) -> CVPublicKey:
        """The holder's public key."""
        return self.body.public_key

    @property
    def chat(self) -> CHAT:
        """The holder's role and rights."""
        return self.body.chat

    @property
    def effective(self) -> date:
        """First day of validity."""
        return self.body.effective

    @property
    def expiration(self) -> date:
        """Last day of validity."""
        return self.body.expiration

    @property
    def extensions(self) -> tuple[Extension, ...]:
        """The certificate's extensions."""
        return self.body.extensions

    @property
    def description_digest(self) -> bytes | None:
        """The hash of the certificate's description, None where it names none."""
        for extension in self.extensions:
            if extension.identifier == oid.EXTENSION_DESCRIPTION:
                return next((o.value for o in extension.objects if o.tag == _DIGEST), None)
        return None

    def encode(self) -> bytes:
        """Return the whole certificate with tag 7F21."""
        return tlv.encode(CERTIFICATE, self.encode_value())

    def encode_value(self) -> bytes:
        """Return body and signature, as PSO: VERIFY CERTIFICATE carries them."""
        return self.signed + tlv.encode(_SIGNATURE, self.signature)

    @classmethod
    def decode(cls, octets: bytes) -> CVCertificate:
        """Parse a whole certificate; raise ParseError."""
        return cls.decode_value(tlv.expect(octets, CERTIFICATE))

    @classmethod
    def decode_value(cls, value: bytes) -> CVCertificate:
        """Parse body and signature; raise ParseError."""
        body, rest = tlv.take(value, _BODY)
        signature = tlv.expect(rest, _SIGNATURE)
        signed = value[: len(value) - len(rest)]
        return cls(CertificateBody.decode_value(body), signature, signed)


@dataclass(frozen=True, slots=True)
class Verified:
    """A certificate holder whose chain was verified, with the rights that the chain leaves."""

    certificate: CVCertificate
    domain: ec.Domain
    key: ec.PublicKey
    chat: CHAT
    accurate: bool
    """The chain is one whose effective dates move a card's date forward."""

    @property
    def reference(self) -> str:
        """The holder's reference."""
        return self.certificate.chr

    def verify(self, signature: bytes, message: bytes) -> None:
        """Verify a plain signature of the holder; raise AuthenticationFailed."""
        algorithm = self.certificate.public_key.hash_algorithm
        ec.verify(self.key, signature, message, algorithm=algorithm)


def make_certificate(body: CertificateBody, key: ec.PrivateKey, *, algorithm: str) -> CVCertificate:
    """Sign a body with the issuer's key; `algorithm` is that of the issuer's public key."""
    signed = body.encode()
    signer = CVPublicKey.of(key.public_key(), explicit=False, algorithm=algorithm)
    return CVCertificate(body, ec.sign(key, signed, algorithm=signer.hash_algorithm), signed)


def trust_point(certificate: CVCertificate) -> Verified:
    """Take a CVCA certificate as a trust point, without looking at signature and dates.

    Raises CertificateRefused where it is not a CVCA's, or its key is no point of its curve.
    """
    if certificate.chat.role is not Role.CVCA or not certificate.public_key.has_parameters:
        raise CertificateRefused(f"CV certificate {certificate.chr}: is not a CVCA's")
    try:
        domain = certificate.public_key.domain()
        key = certificate.public_key.key(domain)
    except ParseError as error:
        raise CertificateRefused(f"CV certificate {certificate.chr}: {error}") from error
    return Verified(certificate, domain, key, certificate.chat, accurate=True)


def verify_certificate(certificate: CVCertificate, issuer: Verified, card_date: date) -> Verified:
    """Verify one certificate as a card does (TR-03110-2, 2.5); raise CertificateRefused.

    `card_date` is the date that the card knows, which may lag; so a certificate is not refused
    for an effective date to come. Expired link certificates are accepted, others are not.
    """
    name = f"CV certificate {certificate.chr}"
    _check_place(certificate, issuer, name)
    if certificate.chat.role is not Role.CVCA and certificate.expiration < card_date:
        raise CertificateRefused(f"{name}: expired on {certificate.expiration}")
    try:
        issuer.verify(certificate.signature, certificate.signed)
    except AuthenticationFailed as error:
        raise CertificateRefused(f"{name}: {error}") from error
    return _verified(certificate, issuer)


def advanced(card_date: date, verified: Verified) -> date:
    """Return the card's date after a certificate was verified (TR-03110-2, 2.5.2)."""
    if not verified.accurate:
        return card_date
    return max(card_date, verified.certificate.effective)


def verify_chain(
    certificates: Sequence[CVCertificate], anchor: CVCertificate, today: date
) -> Verified:
    """Verify a chain from below a trust point; return its last holder.

    Unlike a card, the caller knows the day: a certificate that is not valid yet is refused too.
    Raises CertificateRefused.
    """
    holder = trust_point(anchor)
    for certificate in certificates:
        holder = verify_certificate(certificate, holder, today)
        if certificate.effective > today:
            raise CertificateRefused(
                f"CV certificate {certificate.chr}: not valid before {certificate.effective}"
            )
    return holder


def verify_self_signed(certificate: CVCertificate) -> None:
    """Verify that a CVCA certificate is signed with its own key; raise CertificateRefused."""
    verify_certificate(certificate, trust_point(certificate), certificate.effective)


def encode_reference(reference: str) -> bytes:
    """Return a holder's or authority's reference in ISO 8859-1; raise ParseError."""
    try:
        octets = reference.encode("iso-8859-1")
    except UnicodeEncodeError as error:
        raise ParseError("CV reference: not ISO 8859-1") from error
    decode_reference(octets)
    return octets


def decode_reference(octets: bytes) -> str:
    """Parse a reference: 1 to 16 printable characters of ISO 8859-1."""
    reference = octets.decode("iso-8859-1")
    if not 1 <= len(octets) <= _MAX_REFERENCE or not reference.isprintable():
        raise ParseError("CV reference: not 1 to 16 printable characters")
    return reference


def encode_date(day: date) -> bytes:
    """Return YYMMDD, one digit an octet (TR-03110-3, D.2.1.3)."""
    if not 2000 <= day.year <= 2099:
        raise ParseError("CV date: year is out of range")
    return bytes(int(digit) for digit in day.strftime("%y%m%d"))


def decode_date(octets: bytes) -> date:
    """Parse YYMMDD of this century; raise ParseError."""
    if len(octets) != 6 or max(octets) > 9:
        raise ParseError("CV date: not six digits")
    year, month, day = (10 * octets[i] + octets[i + 1] for i in (0, 2, 4))
    try:
        return date(2000 + year, month, day)
    except ValueError as error:
        raise ParseError("CV date: no such day") from error


def _decode_extensions(octets: bytes) -> tuple[Extension, ...]:
    if not octets:
        return ()
    templates = tlv.parse_all(tlv.expect(octets, _EXTENSIONS))
    if not templates or any(item.tag != _EXTENSION for item in templates):
        raise ParseError("CV certificate: extensions are none")
    extensions = tuple(Extension.decode_value(item.value) for item in templates)
    if len({extension.identifier for extension in extensions}) != len(extensions):
        raise ParseError("CV certificate: an extension comes twice")
    return extensions


def _check_place(certificate: CVCertificate, issuer: Verified, name: str) -> None:
    if certificate.car != issuer.reference:
        raise CertificateRefused(f"{name}: issued by {certificate.car}, not {issuer.reference}")
    if certificate.chat.kind is not issuer.chat.kind:
        raise CertificateRefused(f"{name}: for another kind of terminal than its issuer")
    if certificate.chat.role not in _ISSUES[issuer.chat.role]:
        raise CertificateRefused(
            f"{name}: a {issuer.chat.role.name} issues no {certificate.chat.role.name}"
        )
    if certificate.public_key.has_parameters is not (certificate.chat.role is Role.CVCA):
        raise CertificateRefused(f"{name}: curve parameters belong to CVCA certificates only")


def _verified(certificate: CVCertificate, issuer: Verified) -> Verified:
    # A link certificate makes a new trust point with rights and curve of its own.
    if certificate.chat.role is Role.CVCA:
        return trust_point(certificate)
    try:
        key = certificate.public_key.key(issuer.domain)
    except ParseError as error:
        raise CertificateRefused(f"CV certificate {certificate.chr}: {error}") from error
    rights = certificate.chat.limited_to(issuer.chat.rights)
    accurate = issuer.accurate and certificate.chat.role is not Role.DV_FOREIGN
    return Verified(certificate, issuer.domain, key, rights, accurate)
