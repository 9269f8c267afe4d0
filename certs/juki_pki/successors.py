"""Makes the successor of each kind of key, as a folder that its predecessor's place will take.

When a successor may be used is in `rollover`, where its files go in `generations`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import NameOID

from juki_pki import generations
from juki_pki.access import CVIssuer, make_cvca, make_link
from juki_pki.certify import (
    Issuer,
    certificate_pem,
    compact_self_signed,
    key_pem,
    new_key,
    self_signed,
    signed,
)
from juki_pki.credential import X509Credential, load_certificate
from juki_pki.files import write_key, write_public
from juki_pki.log_signer import write_log_key
from juki_pki.profile import Kind
from juki_pki.publishing import CERTIFICATE, CHAIN, CROSS, CV_CERTIFICATE, LINK
from juki_pki.renewal import utc_day

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import ec

    from juki_pki.folder import PKIFolder
    from juki_pki.identity import PeerIdentity
    from juki_pki.profile import Profiles, X509Profile


@dataclass(frozen=True, slots=True)
class Making:
    """Where, by which profiles and when a successor is made."""

    folder: PKIFolder
    profiles: Profiles
    now: datetime

    @property
    def issuing(self) -> Issuer:
        """The issuing authority in use."""
        return _issuer(self.folder.issuing())


def stage_peer(making: Making, identity: PeerIdentity) -> None:
    """Make a peer's next key and certificate, beside those in use; raise Missing where none are."""
    load_certificate(making.folder.peer_path(identity) / CERTIFICATE)
    issuing, key = making.issuing, new_key()
    profile = making.profiles.x509[Kind(identity.role.value)]
    leaf = signed(profile, key.public_key(), issuing, making.now, identity)
    chain = certificate_pem(leaf) + certificate_pem(issuing.certificate)
    with generations.staging(making.folder.peer_path(identity), making.now) as new:
        _write(new, key, leaf)
        write_public(new / CHAIN, chain)


def stage_copy_signer(making: Making) -> None:
    """Make the next signer of certificate copies."""
    key = new_key()
    profile = making.profiles.x509[Kind.COPY_SIGNER]
    certificate = signed(profile, key.public_key(), making.issuing, making.now)
    with generations.staging(making.folder.path / Kind.COPY_SIGNER, making.now) as new:
        _write(new, key, certificate)


def stage_card_signer(making: Making) -> None:
    """Make the next signer of EF.CardSecurity, its own anchor as the first is."""
    key = new_key()
    certificate = compact_self_signed(making.profiles.x509[Kind.CARD_SIGNER], key, making.now)
    with generations.staging(making.folder.path / Kind.CARD_SIGNER, making.now) as new:
        _write(new, key, certificate)


def stage_log_signer(making: Making) -> None:
    """Make the log's next key; the log keeps its name, so that it stays the same log."""
    origin = making.folder.log_signer().origin
    with generations.staging(making.folder.log_signer_path, making.now) as new:
        write_log_key(new, origin)


def stage_issuing(making: Making) -> None:
    """Make the next issuing authority, below the root in use."""
    path = making.folder.path / Kind.ISSUING
    profile = _renamed(making.profiles.x509[Kind.ISSUING], load_certificate(path / CERTIFICATE))
    key = new_key()
    certificate = signed(profile, key.public_key(), _issuer(making.folder.root()), making.now)
    with generations.staging(path, making.now) as new:
        _write(new, key, certificate)


def stage_root(making: Making) -> None:
    """Make the next root."""
    path = making.folder.path / Kind.ROOT
    profile = _renamed(making.profiles.x509[Kind.ROOT], load_certificate(path / CERTIFICATE))
    key = new_key()
    with generations.staging(path, making.now) as new:
        _write(new, key, self_signed(profile, key, making.now))


def stage_cvca(making: Making) -> None:
    """Make the next CVCA, and the link certificate by which cards come to trust it."""
    current, key = making.folder.cv(Kind.CVCA), new_key()
    profile = making.profiles.cv[Kind.CVCA]
    successor = make_cvca(profile, key, utc_day(making.now), current.certificate)
    link = make_link(successor, CVIssuer(current.certificate, current.key))
    with generations.staging(making.folder.cv_path(Kind.CVCA), making.now) as new:
        write_key(new / generations.KEY, key_pem(key))
        write_public(new / CV_CERTIFICATE, successor.encode())
        write_public(new / LINK, link.encode())


def certify_below_next_root(making: Making) -> None:
    """Certify every issuing authority of an older root by the next one as well.

    So a certificate that was issued below the old root stands also when that one is retired.
    """
    root = _issuer(X509Credential.load(making.folder.path / Kind.ROOT / generations.NEXT))
    for path in generations.living(making.folder.path / Kind.ISSUING):
        issuing = load_certificate(path / CERTIFICATE)
        profile = _named(making.profiles.x509[Kind.ISSUING], _common_name(issuing))
        key = _public_key(issuing)
        cross = signed(profile, key, root, making.now)
        write_public(path / CROSS, certificate_pem(cross))


def _public_key(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    """Return a certificate's key, which reading it has found to be on P-256."""
    key: ec.EllipticCurvePublicKey = certificate.public_key()  # type: ignore[assignment]  # read by load_certificate
    return key


def _issuer(credential: X509Credential) -> Issuer:
    return Issuer(credential.certificate, credential.key)


def _write(path: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    write_key(path / generations.KEY, key_pem(key))
    write_public(path / CERTIFICATE, certificate_pem(certificate))


def _renamed(profile: X509Profile, current: x509.Certificate) -> X509Profile:
    """Number the successor's name, so that people and chain builders tell the two apart."""
    name = profile.subject.common_name
    counted = re.fullmatch(re.escape(name) + r" ([0-9]+)", _common_name(current))
    return _named(profile, f"{name} {int(counted[1]) + 1 if counted else 2}")


def _named(profile: X509Profile, common_name: str) -> X509Profile:
    return replace(profile, subject=replace(profile.subject, common_name=common_name))


def _common_name(certificate: x509.Certificate) -> str:
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(name.value)
