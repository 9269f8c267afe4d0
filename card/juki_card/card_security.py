"""EF.CardSecurity: the card's SecurityInfos, signed by the card signer (TR-03110-3, A.1.2.5).

A CMS SignedData (RFC 5652) over SecurityInfos that contain the public key of Chip Authentication.
Who may sign cards, and whether a card is in the register, is not decided here.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from asn1crypto import algos, cms, core, x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec as asymmetric
from cryptography.x509 import InvalidVersion, load_der_x509_certificate

from juki_card import ec, oid, tlv
from juki_card.card_access import CardAccess
from juki_card.errors import AuthenticationFailed, CertificateRefused, ParseError
from juki_card.files import CARD_SECURITY_MOST

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_SIGNED_DATA_VERSION: Final = "v3"
_SIGNER_BY_KEY_ID: Final = "v3"
_BIT_STRING: Final = 0x03
_NO_UNUSED_BITS: Final = b"\x00"
# Deterministic (RFC 6979), so that a card made from fixed keys is the same octet for octet.
_ECDSA: Final = asymmetric.ECDSA(hashes.SHA256(), deterministic_signing=True)
_ALGORITHMS: Final[dict[str, tuple[str, hashes.HashAlgorithm]]] = {
    "sha256_ecdsa": ("sha256", hashes.SHA256()),
    "sha384_ecdsa": ("sha384", hashes.SHA384()),
    "sha512_ecdsa": ("sha512", hashes.SHA512()),
}


@dataclass(frozen=True, slots=True)
class ChipKey:
    """The card's public key of Chip Authentication (TR-03110-3, A.1.1.3).

    `point` is uncompressed; `key_id` is None where the card has one key only.
    """

    domain_parameter: int
    point: bytes
    key_id: int | None = None

    def encode(self) -> bytes:
        """Return the ChipAuthenticationPublicKeyInfo, DER."""
        algorithm = oid.encode_tlv(oid.STANDARDIZED_DOMAIN_PARAMETERS)
        algorithm += tlv.encode_integer(self.domain_parameter)
        key = tlv.encode(tlv.SEQUENCE, algorithm) + tlv.encode(
            _BIT_STRING, _NO_UNUSED_BITS + self.point
        )
        info = oid.encode_tlv(oid.CA_PUBLIC_KEY_ECDH) + tlv.encode(tlv.SEQUENCE, key)
        if self.key_id is not None:
            info += tlv.encode_integer(self.key_id)
        return tlv.encode(tlv.SEQUENCE, info)

    def public_key(self) -> ec.PublicKey:
        """Return the key; raise ParseError where the point is not on the curve."""
        return ec.decode_point(ec.domain_of(self.domain_parameter), self.point)

    @property
    def serial(self) -> bytes:
        """The card's serial in the register: SHA-256 of the point, 32 octets."""
        return hashlib.sha256(self.point).digest()


@dataclass(frozen=True, slots=True)
class CardSecurity:
    """A parsed EF.CardSecurity; nothing is verified before `verify` returns.

    `signed` are the octets under the signature, `message_digest` the digest that they name.
    """

    security_infos: bytes
    signer_certificate: bytes
    signed: bytes
    message_digest: bytes
    signature: bytes
    digest_algorithm: str
    signature_algorithm: str

    def verify(self, signers: Iterable[bytes], at: datetime) -> None:
        """Check signer, validity at `at`, digest and signature.

        `signers` are the card signers' certificates, DER. Raises CertificateRefused where the
        signer is not one of them or not valid at `at`, AuthenticationFailed where the signature
        is wrong.
        """
        if not any(hmac.compare_digest(self.signer_certificate, known) for known in signers):
            raise CertificateRefused("EF.CardSecurity: an unknown card signer")
        try:
            certificate = load_der_x509_certificate(self.signer_certificate)
            key = certificate.public_key()
        except (ValueError, InvalidVersion, UnsupportedAlgorithm) as error:
            raise CertificateRefused("EF.CardSecurity: the signer's certificate") from error
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            raise CertificateRefused("EF.CardSecurity: the card signer is not valid at this time")
        if not isinstance(key, asymmetric.EllipticCurvePublicKey):
            raise CertificateRefused("EF.CardSecurity: the card signer's key is of another kind")
        self._verify_signature(key)

    def _verify_signature(self, key: asymmetric.EllipticCurvePublicKey) -> None:
        hash_name, algorithm = _ALGORITHMS.get(self.signature_algorithm, ("", hashes.SHA256()))
        if hash_name != self.digest_algorithm:
            raise AuthenticationFailed("EF.CardSecurity: algorithms that this profile refuses")
        digest = hashlib.new(hash_name, self.security_infos).digest()
        if not hmac.compare_digest(digest, self.message_digest):
            raise AuthenticationFailed("EF.CardSecurity: the content is not what was signed")
        try:
            key.verify(self.signature, self.signed, asymmetric.ECDSA(algorithm))
        except InvalidSignature as error:
            raise AuthenticationFailed("EF.CardSecurity: the signature is wrong") from error

    def chip_keys(self) -> tuple[ChipKey, ...]:
        """Return the card's keys of Chip Authentication over standardized domains."""
        infos = tlv.parse_all(tlv.expect(self.security_infos, tlv.SET))
        wanted = oid.encode(oid.CA_PUBLIC_KEY_ECDH)
        return tuple(
            _parse_chip_key(rest)
            for identifier, rest in (tlv.take(info.value, oid.TAG) for info in infos)
            if identifier == wanted
        )

    def covers(self, card_access: bytes) -> None:
        """Check that each SecurityInfo of EF.CardAccess is signed here as well.

        Raises AuthenticationFailed: somebody offered weaker protocols than the card has.
        """
        signed = set(tlv.parse_all(tlv.expect(self.security_infos, tlv.SET)))
        if not set(tlv.parse_all(tlv.expect(card_access, tlv.SET))) <= signed:
            raise AuthenticationFailed("EF.CardAccess is not what the card signer signed")


def _parse_chip_key(rest: bytes) -> ChipKey:
    key, rest = tlv.take(rest, tlv.SEQUENCE)
    algorithm, bits = tlv.take(key, tlv.SEQUENCE)
    identifier, parameters = tlv.take(algorithm, oid.TAG)
    if oid.decode(identifier) != oid.STANDARDIZED_DOMAIN_PARAMETERS:
        raise ParseError("EF.CardSecurity: a chip key without standardized domain parameters")
    point = tlv.expect(bits, _BIT_STRING)
    if point[:1] != _NO_UNUSED_BITS:
        raise ParseError("EF.CardSecurity: a chip key of broken octets")
    key_id = tlv.decode_integer(tlv.expect(rest, tlv.INTEGER)) if rest else None
    domain = tlv.decode_integer(tlv.expect(parameters, tlv.INTEGER))
    return ChipKey(domain, point[1:], key_id)


def make(security_infos: bytes, *, signer_certificate: bytes, signer_key: ec.PrivateKey) -> bytes:
    """Return EF.CardSecurity over `security_infos`, a DER SET; the certificate is DER."""
    certificate = x509.Certificate.load(signer_certificate)
    attributes = cms.CMSAttributes(
        [
            {"type": "content_type", "values": [oid.SECURITY_OBJECT]},
            {"type": "message_digest", "values": [hashlib.sha256(security_infos).digest()]},
        ]
    )
    signer = cms.SignerInfo(
        {
            "version": _SIGNER_BY_KEY_ID,
            "sid": cms.SignerIdentifier("subject_key_identifier", certificate.key_identifier),
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
            "signed_attrs": attributes,
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
            "signature": signer_key.sign(attributes.dump(), _ECDSA),
        }
    )
    signed_data = cms.SignedData(
        {
            "version": _SIGNED_DATA_VERSION,
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": "sha256"})],
            "encap_content_info": {
                "content_type": oid.SECURITY_OBJECT,
                "content": core.ParsableOctetString(security_infos),
            },
            "certificates": [certificate],
            "signer_infos": [signer],
        }
    )
    container = cms.ContentInfo({"content_type": "signed_data", "content": signed_data})
    octets: bytes = container.dump()
    return octets


def for_chip(key: ChipKey, *, signer_certificate: bytes, signer_key: ec.PrivateKey) -> bytes:
    """Return EF.CardSecurity of a card of ours: what EF.CardAccess offers, and the chip's key.

    The same key and signer give the same octets. Raises ParseError where it is too long for a card.
    """
    access = CardAccess.offering(ec.domain_of(key.domain_parameter))
    infos = tlv.expect(access.encode(), tlv.SET) + key.encode()
    made = make(
        tlv.encode(tlv.SET, infos), signer_certificate=signer_certificate, signer_key=signer_key
    )
    if len(made) > CARD_SECURITY_MOST:
        raise ParseError(f"EF.CardSecurity: {len(made)} octets, at most {CARD_SECURITY_MOST}")
    return made


def parse(octets: bytes) -> CardSecurity:
    """Parse EF.CardSecurity; raise ParseError. Octets after the structure are refused."""
    tlv.expect(octets, tlv.SEQUENCE)
    try:
        return _parse(octets)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        # asn1crypto parses lazily and reports malformed input by these.
        raise ParseError("EF.CardSecurity: not a CMS SignedData") from error


def _parse(octets: bytes) -> CardSecurity:
    container = cms.ContentInfo.load(octets, strict=True)
    if container["content_type"].native != "signed_data":
        raise ParseError("EF.CardSecurity: not a SignedData")
    data = container["content"]
    encapsulated = data["encap_content_info"]
    if encapsulated["content_type"].dotted != oid.SECURITY_OBJECT:
        raise ParseError("EF.CardSecurity: another content type")
    if len(data["signer_infos"]) != 1 or len(data["certificates"]) != 1:
        raise ParseError("EF.CardSecurity: exactly one signer and one certificate belong there")
    signer = data["signer_infos"][0]
    attributes = {item["type"].native: item["values"] for item in signer["signed_attrs"]}
    _check_content_type(attributes)
    return CardSecurity(
        security_infos=bytes(encapsulated["content"]),
        signer_certificate=data["certificates"][0].chosen.dump(),
        signed=signer["signed_attrs"].untag().dump(),
        message_digest=attributes["message_digest"][0].native,
        signature=signer["signature"].native,
        digest_algorithm=str(signer["digest_algorithm"]["algorithm"].native),
        signature_algorithm=str(signer["signature_algorithm"]["algorithm"].native),
    )


def _check_content_type(attributes: dict[str, core.SetOf]) -> None:
    values = attributes["content_type"]
    if len(values) != 1 or values[0].dotted != oid.SECURITY_OBJECT:
        raise ParseError("EF.CardSecurity: the signature is over another content type")
    if len(attributes["message_digest"]) != 1:
        raise ParseError("EF.CardSecurity: exactly one message digest belongs there")
