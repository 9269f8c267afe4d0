"""Explains what belongs to card access: CV certificates, descriptions, and a card's own files."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Final

from cryptography import x509

from juki_card import card_security, cvc, oid, security_infos
from juki_card.chat import CHAT, Right, Role, TerminalType
from juki_card.cvc import CVCertificate
from juki_card.description import CertificateDescription
from juki_card.errors import CardError, CertificateRefused, ParseError
from juki_card.security_infos import CADomainParameters, CAInfo, OtherInfo, PACEInfo, TAInfo
from juki_pki.errors import Unreadable
from juki_pki.explanation import Explanation, Value, validity_remark
from juki_pki.identity import BROKEN

if TYPE_CHECKING:
    from juki_card.security_infos import SecurityInfo

_ROLES: Final = {
    Role.CVCA: "root of card access (CVCA)",
    Role.DV_DOMESTIC: "document verifier (DV)",
    Role.DV_FOREIGN: "foreign document verifier (DV)",
    Role.TERMINAL: "terminal",
}
_KINDS: Final = {
    TerminalType.INSPECTION: "inspection system",
    TerminalType.AUTHENTICATION: "authentication terminal",
    TerminalType.SIGNATURE: "signature terminal",
}
_RIGHTS: Final[dict[int, str]] = {
    Right.READ_DG1: "read DG1, the resident code",
    Right.PIN_MANAGEMENT: "manage the PIN",
    Right.CAN_ALLOWED: "open the card with its CAN",
}
_CURVES: Final = {12: "NIST P-256", 13: "brainpoolP256r1", 17: "brainpoolP512r1"}


def explain_cv_certificate(octets: bytes, source: str, now: datetime) -> Explanation:
    """Explain a card-verifiable certificate."""
    try:
        certificate = CVCertificate.decode(octets)
    except ParseError as error:
        raise Unreadable(source, f"like a CV certificate, broken ({error})") from error
    body = certificate.body
    remarks = validity_remark(now, _first_second(body.effective), _last_second(body.expiration))
    return Explanation(
        "cv-certificate",
        f"CV certificate of the {_ROLES[certificate.chat.role]} {certificate.chr}",
        _certificate_facts(certificate),
        remarks + _signature_remark(certificate),
    )


def _certificate_facts(certificate: CVCertificate) -> dict[str, Value]:
    key = certificate.public_key
    facts: dict[str, Value] = {
        "holder": certificate.chr,
        "signed_by": "itself" if certificate.car == certificate.chr else certificate.car,
        "valid_from": certificate.body.effective.isoformat(),
        "valid_to": certificate.body.expiration.isoformat(),
        "kind_of_terminal": _KINDS[certificate.chat.kind],
        "rights": _rights(certificate.chat),
        "curve": "stands in the certificate" if key.has_parameters else "as its issuer's",
        "public_key_sha256": hashlib.sha256(key.encode()).hexdigest(),
    }
    digest = certificate.description_digest
    if digest is not None:
        facts["description_sha256"] = digest.hex()
    return facts | {"certificate_sha256": hashlib.sha256(certificate.encode()).hexdigest()}


def _rights(chat: CHAT) -> tuple[str, ...]:
    if chat.kind is not TerminalType.AUTHENTICATION:
        return (f"bits {chat.rights:b}",) if chat.rights else ()
    bits = (1 << place for place in range(chat.rights.bit_length()))
    return tuple(_right(bit) for bit in reversed([bit for bit in bits if chat.rights & bit]))


def _right(bit: int) -> str:
    return _RIGHTS.get(bit) or f"bit {bit.bit_length() - 1}, unknown to our cards"


def _signature_remark(certificate: CVCertificate) -> tuple[str, ...]:
    if certificate.chat.role is not Role.CVCA or certificate.car != certificate.chr:
        return ()
    try:
        cvc.verify_self_signed(certificate)
    except CardError as error:
        return (f"Its own signature is NOT RIGHT: {error}.",)
    return ()


def _first_second(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _last_second(day: date) -> datetime:
    return datetime.combine(day, time(23, 59, 59), UTC)


def explain_description(octets: bytes, source: str, _now: datetime) -> Explanation:
    """Explain a certificate description."""
    try:
        description = CertificateDescription.decode(octets)
        terms = description.terms_text.strip()
    except ParseError as error:
        raise Unreadable(source, f"like a certificate description, broken ({error})") from error
    facts: dict[str, Value] = {
        "subject": description.subject_name,
        "subject_url": description.subject_url or "none",
        "issuer": description.issuer_name,
        "issuer_url": description.issuer_url or "none",
        "terms_of_usage": " ".join(terms.split()),
        "tls_certificates_sha256": tuple(item.hex() for item in description.comm_certificates),
        "description_sha256": hashlib.sha256(octets).hexdigest(),
    }
    return Explanation(
        "certificate-description",
        "Description of a card access certificate: who asks the card, and over which TLS"
        " certificates",
        facts,
    )


def explain_card_security(octets: bytes, source: str, now: datetime) -> Explanation:
    """Explain EF.CardSecurity. Whether its signer may sign cards is not judged."""
    try:
        parsed = card_security.parse(octets)
        keys = parsed.chip_keys()
        infos = security_infos.decode(parsed.security_infos)
        signer = x509.load_der_x509_certificate(parsed.signer_certificate)
        facts: dict[str, Value] = {
            "signed_by": signer.subject.rfc4514_string(),
            "signer_certificate_sha256": hashlib.sha256(parsed.signer_certificate).hexdigest(),
            "card_serials": tuple(key.serial.hex() for key in keys),
            "offers": tuple(_offer(info) for info in infos),
            "octets": len(octets),
        }
    except (CardError, *BROKEN) as error:
        raise Unreadable(source, f"like EF.CardSecurity, broken ({error})") from error
    return Explanation(
        "card-security",
        "EF.CardSecurity of one card: its Chip Authentication key, signed",
        facts,
        _card_signature_remarks(parsed, signer, now),
    )


def _card_signature_remarks(
    parsed: card_security.CardSecurity, signer: x509.Certificate, now: datetime
) -> tuple[str, ...]:
    begins, ends = signer.not_valid_before_utc, signer.not_valid_after_utc
    remarks = ["It identifies its card for good: treat it as personal."]
    try:
        parsed.verify([parsed.signer_certificate], begins)
    except CertificateRefused as error:
        remarks.append(f"The signature cannot be checked: {error}.")
    except CardError as error:
        remarks.append(f"The signature is NOT RIGHT: {error}.")
    return (*remarks, *validity_remark(now, begins, ends))


def explain_card_access(octets: bytes, source: str, _now: datetime) -> Explanation:
    """Explain EF.CardAccess."""
    try:
        infos = security_infos.decode(octets)
    except ParseError as error:
        raise Unreadable(source, f"like EF.CardAccess, broken ({error})") from error
    return Explanation(
        "card-access",
        "EF.CardAccess: the protocols that a card offers to everybody, not signed",
        {"offers": tuple(_offer(info) for info in infos), "octets": len(octets)},
    )


def _offer(info: SecurityInfo) -> str:
    match info:
        case PACEInfo(version=version, parameter_id=curve):
            return f"PACE {version} (ECDH, generic mapping, AES-128) on {_curve(curve)}"
        case TAInfo(version=version):
            return f"Terminal Authentication {version}"
        case CAInfo(version=version, key_id=key_id):
            return f"Chip Authentication {version} (ECDH, AES-128){_key(key_id)}"
        case CADomainParameters(parameter_id=curve, key_id=key_id):
            return f"Chip Authentication on {_curve(curve)}{_key(key_id)}"
        case OtherInfo(protocol=oid.CA_PUBLIC_KEY_ECDH):
            return "Chip Authentication public key"
        case OtherInfo(protocol=protocol):
            return f"{protocol}, not used here"


def _curve(parameter_id: int) -> str:
    return _CURVES.get(parameter_id, f"domain parameters {parameter_id}")


def _key(key_id: int | None) -> str:
    return "" if key_id is None else f" with key {key_id}"
