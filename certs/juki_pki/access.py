"""Card access: a CV certificate from a profile, a key and the issuer (TR-03110-3, C).

The holder reference counts up from 00001, so that a certificate issued again has a name of its
own. Nothing here reads or writes a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from juki_card import ec, oid
from juki_card.chat import CHAT, Right, Role
from juki_card.cv_key import CVPublicKey
from juki_card.cvc import CertificateBody, CVCertificate, Extension, make_certificate
from juki_card.description import CertificateDescription
from juki_pki.errors import IssuerExpires, PKIError
from juki_pki.profile import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from juki_pki.profile import CVProfile

_RIGHTS: Final = {
    "read_dg1": Right.READ_DG1,
    "pin_management": Right.PIN_MANAGEMENT,
    "can_allowed": Right.CAN_ALLOWED,
}
_ROLES: Final = {Kind.CVCA: Role.CVCA, Kind.DV: Role.DV_DOMESTIC}
_ALGORITHM: Final = oid.TA_ECDSA_SHA_256
_SEQUENCE_DIGITS: Final = 5


@dataclass(frozen=True, slots=True)
class CVIssuer:
    """Who signs: the certificate and its key."""

    certificate: CVCertificate
    key: ec.PrivateKey

    def __repr__(self) -> str:
        """Name the authority, never its key."""
        return f"CVIssuer({self.certificate.chr})"


def next_reference(profile: CVProfile, previous: CVCertificate | None) -> str:
    """Return a holder reference: country, mnemonic, and a number one above the previous one's."""
    stem = profile.holder.country + profile.holder.mnemonic
    number = 1
    counted = re.fullmatch(re.escape(stem) + r"([0-9]{5})", previous.chr) if previous else None
    if counted:
        number = int(counted[1]) + 1
    if number >= 10**_SEQUENCE_DIGITS:
        raise PKIError(f"{profile.kind}: sequence numbers are used up; change the mnemonic")
    return f"{stem}{number:0{_SEQUENCE_DIGITS}}"


def make_cvca(
    profile: CVProfile, key: ec.PrivateKey, today: date, previous: CVCertificate | None = None
) -> CVCertificate:
    """Make the trust point of all cards; a successor's reference counts on from `previous`."""
    reference = next_reference(profile, previous)
    public_key = CVPublicKey.of(key.public_key(), explicit=True, algorithm=_ALGORITHM)
    body = CertificateBody(
        reference, public_key, reference, _chat(profile), today, _ends(profile, today)
    )
    return make_certificate(body, key, algorithm=_ALGORITHM)


def make_link(successor: CVCertificate, issuer: CVIssuer) -> CVCertificate:
    """Certify a new CVCA by the old one: a card that trusts the old one learns the new one by it.

    Its dates are the successor's; cards take a link certificate also after its end (2.5).
    """
    body = replace(successor.body, car=issuer.certificate.chr)
    return make_certificate(body, issuer.key, algorithm=_ALGORITHM)


def make_below(
    profile: CVProfile,
    key: ec.PublicKey,
    issuer: CVIssuer,
    today: date,
    *,
    previous: CVCertificate | None = None,
    description: CertificateDescription | None = None,
) -> CVCertificate:
    """Make a DV or AT certificate; raise IssuerExpires where it would outlive its issuer."""
    ends = _ends(profile, today)
    if ends > issuer.certificate.body.expiration:
        raise IssuerExpires(profile.kind, ends, issuer.certificate.body.expiration)
    extensions = (Extension.description(description.digest()),) if description else ()
    body = CertificateBody(
        issuer.certificate.chr,
        CVPublicKey.of(key, explicit=False, algorithm=_ALGORITHM),
        next_reference(profile, previous),
        _chat(profile),
        today,
        ends,
        extensions,
    )
    return make_certificate(body, issuer.key, algorithm=_ALGORITHM)


def make_description(
    profile: CVProfile, center_leaves: Iterable[bytes]
) -> CertificateDescription | None:
    """Make what an AT certificate is for; `center_leaves` are SHA-256 of the TLS certificates."""
    text = profile.description
    if text is None:
        return None
    return CertificateDescription(
        issuer_name=text.issuer_name,
        subject_name=text.subject_name,
        terms=text.terms_of_usage.encode(),
        comm_certificates=tuple(sorted(center_leaves)),
        issuer_url=text.issuer_url,
        subject_url=text.subject_url,
    )


def _chat(profile: CVProfile) -> CHAT:
    rights = Right.NONE
    for name in profile.rights:
        rights |= _RIGHTS[name]
    return CHAT(_ROLES.get(profile.kind, Role.TERMINAL), rights)


def _ends(profile: CVProfile, today: date) -> date:
    return today + timedelta(days=profile.lifetime_days)
