"""The certificate description of a terminal certificate (TR-03110-3, C.3).

It tells a card holder who asks, and lists the hashes of the TLS certificates over which the asker
speaks: the knot that binds the card's protocol to the channel (commCertificates).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from juki_card import oid, tlv
from juki_card.errors import ParseError

_SEQUENCE: Final = 0x30
_SET: Final = 0x31
_OCTET_STRING: Final = 0x04
_UTF8: Final = 0x0C
_PRINTABLE: Final = 0x13
_IA5: Final = 0x16
_ISSUER_NAME: Final = 0xA1
_ISSUER_URL: Final = 0xA2
_SUBJECT_NAME: Final = 0xA3
_SUBJECT_URL: Final = 0xA4
_TERMS: Final = 0xA5
_REDIRECT_URL: Final = 0xA6
_COMM_CERTIFICATES: Final = 0xA7
_HASH_SIZES: Final = (20, 28, 32, 48, 64)


@dataclass(frozen=True, slots=True)
class CertificateDescription:
    """Who asks the card, on what terms, over which TLS certificates.

    `terms` are the octets of the terms as their type says: UTF-8 text for the plain type.
    `comm_certificates` are hashes; in this system SHA-256 of the DER of a TLS leaf certificate.
    """

    issuer_name: str
    subject_name: str
    terms: bytes
    comm_certificates: tuple[bytes, ...] = ()
    issuer_url: str | None = None
    subject_url: str | None = None
    redirect_url: str | None = None
    kind: str = oid.DESCRIPTION_PLAIN
    terms_tag: int = _UTF8

    def encode(self) -> bytes:
        """Return the DER."""
        fields = [
            oid.encode_tlv(self.kind),
            _explicit(_ISSUER_NAME, _UTF8, self.issuer_name.encode()),
            _url(_ISSUER_URL, self.issuer_url),
            _explicit(_SUBJECT_NAME, _UTF8, self.subject_name.encode()),
            _url(_SUBJECT_URL, self.subject_url),
            _explicit(_TERMS, self.terms_tag, self.terms),
            _url(_REDIRECT_URL, self.redirect_url),
            _hashes(self.comm_certificates),
        ]
        return tlv.encode(_SEQUENCE, b"".join(fields))

    @classmethod
    def decode(cls, octets: bytes) -> CertificateDescription:
        """Parse the DER strictly; raise ParseError."""
        rest = tlv.expect(octets, _SEQUENCE)
        kind, rest = tlv.take(rest, oid.TAG)
        issuer_name, rest = tlv.take(rest, _ISSUER_NAME)
        issuer_url, rest = tlv.take_optional(rest, _ISSUER_URL)
        subject_name, rest = tlv.take(rest, _SUBJECT_NAME)
        subject_url, rest = tlv.take_optional(rest, _SUBJECT_URL)
        terms, rest = tlv.take(rest, _TERMS)
        redirect_url, rest = tlv.take_optional(rest, _REDIRECT_URL)
        hashes, rest = tlv.take_optional(rest, _COMM_CERTIFICATES)
        if rest:
            raise ParseError("certificate description: an element that does not belong there")
        terms_object = tlv.parse_one(terms)
        return cls(
            issuer_name=_text(issuer_name),
            subject_name=_text(subject_name),
            terms=terms_object.value,
            comm_certificates=_parse_hashes(hashes),
            issuer_url=_parse_url(issuer_url),
            subject_url=_parse_url(subject_url),
            redirect_url=_parse_url(redirect_url),
            kind=oid.decode(kind),
            terms_tag=terms_object.tag,
        )

    @property
    def terms_text(self) -> str:
        """The terms as text; raise ParseError where they are of a type that is no text."""
        if self.terms_tag not in (_UTF8, _IA5):
            raise ParseError("certificate description: the terms are no text")
        return _decode_text(self.terms)

    def digest(self) -> bytes:
        """Return the SHA-256 that the terminal certificate carries (TR-03110-3, C.3.1)."""
        return hashlib.sha256(self.encode()).digest()

    def lists(self, tls_certificate: bytes) -> bool:
        """Say whether a TLS certificate, given as DER, is one that the asker speaks over."""
        return hashlib.sha256(tls_certificate).digest() in self.comm_certificates


def _explicit(tag: int, inner: int, value: bytes) -> bytes:
    return tlv.encode(tag, tlv.encode(inner, value))


def _url(tag: int, url: str | None) -> bytes:
    if url is None:
        return b""
    if not url.isascii():
        raise ParseError("certificate description: a URL is not ASCII")
    return _explicit(tag, _PRINTABLE, url.encode("ascii"))


def _hashes(hashes: tuple[bytes, ...]) -> bytes:
    if not hashes:
        return b""
    # The elements of a DER set stand in the order of their octets (ITU-T X.690, 11.6).
    members = sorted(tlv.encode(_OCTET_STRING, item) for item in hashes)
    return _explicit(_COMM_CERTIFICATES, _SET, b"".join(members))


def _decode_text(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ParseError("certificate description: text is not UTF-8") from error


def _text(explicit: bytes) -> str:
    return _decode_text(tlv.expect(explicit, _UTF8))


def _parse_url(explicit: bytes | None) -> str | None:
    if explicit is None:
        return None
    url = tlv.expect(explicit, _PRINTABLE)
    if not url.isascii():
        raise ParseError("certificate description: a URL is not ASCII")
    return url.decode("ascii")


def _parse_hashes(explicit: bytes | None) -> tuple[bytes, ...]:
    if explicit is None:
        return ()
    members = tlv.parse_all(tlv.expect(explicit, _SET))
    if not members:
        raise ParseError("certificate description: commCertificates is empty")
    if any(m.tag != _OCTET_STRING or len(m.value) not in _HASH_SIZES for m in members):
        raise ParseError("certificate description: an entry of commCertificates is no hash")
    hashes = tuple(member.value for member in members)
    if _hashes(hashes) != tlv.encode(_COMM_CERTIFICATES, explicit):
        raise ParseError("certificate description: commCertificates is not in DER's order")
    return hashes
