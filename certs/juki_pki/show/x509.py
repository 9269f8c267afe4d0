"""Explains an X.509 certificate: whose it is, what it may do, until when, and who signed it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from juki_pki.errors import IdentityError, Unreadable
from juki_pki.explanation import Explanation, Value, validity_remark
from juki_pki.identity import BROKEN, PeerIdentity, Role, identity_from_certificate
from juki_pki.profile import KEY_USAGES

if TYPE_CHECKING:
    from datetime import datetime

_E = TypeVar("_E", bound=x509.ExtensionType)
_PURPOSES: Final = {
    ExtendedKeyUsageOID.CLIENT_AUTH: "TLS client",
    ExtendedKeyUsageOID.SERVER_AUTH: "TLS server",
}
_ROLES: Final = {
    Role.CENTER: "center node",
    Role.TERMINAL: "window terminal",
    Role.DESK: "municipal desk",
    Role.AGENCY: "agency",
    Role.OPERATOR: "center operator",
}


def explain_certificate_pem(block: bytes, source: str, now: datetime) -> Explanation:
    """Explain a certificate in PEM."""
    try:
        certificate = x509.load_pem_x509_certificate(block)
    except BROKEN as error:
        raise Unreadable(source, f"an X.509 certificate in PEM, broken ({error})") from error
    return _explain(certificate, source, now)


def explain_certificate_der(octets: bytes, source: str, now: datetime) -> Explanation:
    """Explain a certificate in DER."""
    try:
        certificate = x509.load_der_x509_certificate(octets)
    except BROKEN as error:
        raise Unreadable(source, f"like an X.509 certificate in DER, broken ({error})") from error
    return _explain(certificate, source, now)


def _explain(certificate: x509.Certificate, source: str, now: datetime) -> Explanation:
    try:
        # The parser is lazy; reading every part here makes a broken one fail here.
        facts = _facts(certificate)
        headline = f"X.509 certificate of {_holder(certificate)}"
    except BROKEN as error:
        raise Unreadable(source, f"an X.509 certificate, broken inside ({error})") from error
    remarks = validity_remark(
        now, certificate.not_valid_before_utc, certificate.not_valid_after_utc
    )
    return Explanation("x509-certificate", headline, facts, remarks + _key_remark(certificate))


def _facts(certificate: x509.Certificate) -> dict[str, Value]:
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    facts: dict[str, Value] = {
        "subject": certificate.subject.rfc4514_string(),
        "signed_by": _signer(certificate),
        "valid_from": certificate.not_valid_before_utc.isoformat(),
        "valid_to": certificate.not_valid_after_utc.isoformat(),
        "names": _names(certificate),
        "may_be_used_for": _uses(certificate),
        "key": _key_name(certificate),
        "serial_number": f"{certificate.serial_number:x}",
        "public_key_sha256": hashlib.sha256(spki).hexdigest(),
        "certificate_sha256": certificate.fingerprint(hashes.SHA256()).hex(),
    }
    permitted = _permitted(certificate)
    return facts | {"may_certify_names": permitted} if permitted else facts


def _holder(certificate: x509.Certificate) -> str:
    if _is_authority(certificate):
        return "a certificate authority"
    try:
        identity = identity_from_certificate(certificate)
    except IdentityError:
        return "a signer, or of somebody outside of this network"
    return _peer(identity)


def _peer(identity: PeerIdentity) -> str:
    place = f" of municipality {identity.municipality}" if identity.municipality else ""
    return f"{_ROLES[identity.role]} {identity.name}{place}"


def _is_authority(certificate: x509.Certificate) -> bool:
    constraints = _extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def _extension(certificate: x509.Certificate, kind: type[_E]) -> _E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    names = _extension(certificate, x509.SubjectAlternativeName)
    return tuple(str(name.value) for name in names or ())


def _uses(certificate: x509.Certificate) -> tuple[str, ...]:
    usage = _extension(certificate, x509.KeyUsage)
    uses = [name.replace("_", " ") for name in KEY_USAGES if usage and getattr(usage, name)]
    purposes = _extension(certificate, x509.ExtendedKeyUsage) or ()
    return (*uses, *(_PURPOSES.get(purpose, purpose.dotted_string) for purpose in purposes))


def _permitted(certificate: x509.Certificate) -> tuple[str, ...]:
    constraints = _extension(certificate, x509.NameConstraints)
    permitted = constraints.permitted_subtrees if constraints else None
    return tuple(f"juki://{name.value}/..." for name in permitted or ())


def _signer(certificate: x509.Certificate) -> str:
    if certificate.issuer == certificate.subject:
        return "itself"
    return certificate.issuer.rfc4514_string()


def _key_name(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    return key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) else type(key).__name__


def _key_remark(certificate: x509.Certificate) -> tuple[str, ...]:
    if _key_name(certificate) == ec.SECP256R1.name:
        return ()
    return ("Its key is not on P-256: no program of this network accepts it.",)
