"""Makes the whole hierarchy, or one peer more.

`init` builds a complete folder or none at all; `issue_peer` adds one peer. Nothing here overwrites
a key. The time is an argument, so that tests make certificates that have expired. Issuing the
short-lived certificates again is in `renewal`.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from juki_card.blank_key import KEY_SIZE, MasterKey
from juki_pki.access import CVIssuer, make_below, make_cvca, make_description
from juki_pki.certify import (
    Issuer,
    certificate_pem,
    compact_self_signed,
    key_pem,
    new_key,
    self_signed,
    signed,
)
from juki_pki.files import exclusive, new_folder, write_key, write_public
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from juki_pki.log_signer import make_log_key
from juki_pki.profile import ATS, Kind
from juki_pki.publishing import refresh_trust
from juki_pki.renewal import (
    center_leaf_hashes,
    issue_access,
    utc_day,
    write_access,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime
    from pathlib import Path

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    from juki_card.cvc import CVCertificate
    from juki_card.description import CertificateDescription
    from juki_pki.credential import X509Credential
    from juki_pki.profile import Profiles

DEFAULT_PEERS: Final = (
    PeerIdentity(Role.CENTER, "center-1"),
    PeerIdentity(Role.TERMINAL, "01", "131016"),
    PeerIdentity(Role.AGENCY, "passport-1"),
    PeerIdentity(Role.OPERATOR, "operator-1"),
)


def init(
    path: Path, profiles: Profiles, now: datetime, peers: Iterable[PeerIdentity] = DEFAULT_PEERS
) -> PKIFolder:
    """Make a new PKI folder with both hierarchies and `peers`.

    Raise AlreadyExists where `path` has anything in it. On any error nothing is left behind.
    """
    with new_folder(path) as temporary:
        folder = PKIFolder(temporary)
        _make_authorities(folder, profiles, now)
        _make_personalisation_key(folder)
        make_log_key(folder.log_signer_path)
        for identity in peers:
            _make_peer(folder, identity, profiles, now)
        # The descriptions of the access certificates list the center's TLS certificates.
        _make_access(folder, profiles, utc_day(now))
        folder.trust_path.mkdir()
        refresh_trust(folder)
    return PKIFolder(path)


def issue_peer(
    folder: PKIFolder, identity: PeerIdentity, profiles: Profiles, now: datetime
) -> X509Credential:
    """Make one peer's key and certificate; raise AlreadyExists where the peer has them.

    A new center node's certificate is listed in the descriptions of the center's card access
    certificates, so those are issued again.
    """
    with exclusive(folder.path):
        _make_peer(folder, identity, profiles, now)
        if identity.role is Role.CENTER:
            issue_access(folder, profiles, utc_day(now))
        refresh_trust(folder)
    return folder.peer(identity)


def issue_personalisation_key(folder: PKIFolder) -> None:
    """Make the key of blank chips in a folder without one; raise AlreadyExists, Missing.

    It is made once: chips that were made with it know no other.
    """
    with exclusive(folder.path):
        _make_personalisation_key(folder)


def issue_log_signer(folder: PKIFolder) -> None:
    """Make the audit log's key in a folder without one; raise AlreadyExists, Missing."""
    with exclusive(folder.path):
        make_log_key(folder.log_signer_path)
        refresh_trust(folder)


def _make_personalisation_key(folder: PKIFolder) -> None:
    key = MasterKey(secrets.token_bytes(KEY_SIZE))
    write_key(folder.personalisation_key_path, key.encode())


def _make_authorities(folder: PKIFolder, profiles: Profiles, now: datetime) -> None:
    root_key, issuing_key = new_key(), new_key()
    root = self_signed(profiles.x509[Kind.ROOT], root_key, now)
    root_issuer = Issuer(root, root_key)
    issuing = signed(profiles.x509[Kind.ISSUING], issuing_key.public_key(), root_issuer, now)
    _store(folder.path / Kind.ROOT, root_key, root)
    _store(folder.path / Kind.ISSUING, issuing_key, issuing)
    _make_signers(folder, profiles, Issuer(issuing, issuing_key), now)


def _make_signers(folder: PKIFolder, profiles: Profiles, issuing: Issuer, now: datetime) -> None:
    copy_key, card_key = new_key(), new_key()
    copies = signed(profiles.x509[Kind.COPY_SIGNER], copy_key.public_key(), issuing, now)
    cards = compact_self_signed(profiles.x509[Kind.CARD_SIGNER], card_key, now)
    _store(folder.path / Kind.COPY_SIGNER, copy_key, copies)
    _store(folder.path / Kind.CARD_SIGNER, card_key, cards)


def _make_peer(
    folder: PKIFolder, identity: PeerIdentity, profiles: Profiles, now: datetime
) -> None:
    issuing = folder.issuing()
    issuer = Issuer(issuing.certificate, issuing.key)
    key = new_key()
    profile = profiles.x509[Kind(identity.role.value)]
    certificate = signed(profile, key.public_key(), issuer, now, identity)
    chain = certificate_pem(certificate) + certificate_pem(issuing.certificate)
    _store(folder.peer_path(identity), key, certificate, chain)


def _make_access(folder: PKIFolder, profiles: Profiles, today: date) -> None:
    cvca_key, dv_key = new_key(), new_key()
    cvca = CVIssuer(make_cvca(profiles.cv[Kind.CVCA], cvca_key, today), cvca_key)
    dv = CVIssuer(make_below(profiles.cv[Kind.DV], dv_key.public_key(), cvca, today), dv_key)
    _store_access(folder.cv_path(Kind.CVCA), cvca_key, cvca.certificate, None)
    _store_access(folder.cv_path(Kind.DV), dv_key, dv.certificate, None)
    for kind in ATS:
        key = new_key()
        description = make_description(profiles.cv[kind], center_leaf_hashes(folder))
        certificate = make_below(
            profiles.cv[kind], key.public_key(), dv, today, description=description
        )
        _store_access(folder.cv_path(kind), key, certificate, description)


def _store_access(
    path: Path,
    key: ec.EllipticCurvePrivateKey,
    certificate: CVCertificate,
    description: CertificateDescription | None,
) -> None:
    with new_folder(path) as temporary:
        write_key(temporary / "key.pem", key_pem(key))
        write_access(temporary, certificate, description)


def _store(
    path: Path,
    key: ec.EllipticCurvePrivateKey,
    certificate: x509.Certificate,
    chain: bytes | None = None,
) -> None:
    with new_folder(path) as temporary:
        write_key(temporary / "key.pem", key_pem(key))
        write_public(temporary / "certificate.pem", certificate_pem(certificate))
        if chain is not None:
            write_public(temporary / "chain.pem", chain)
