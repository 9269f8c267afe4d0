"""When everything ends that ends: each certificate of the folder, and how soon is too soon.

Only certificates are read, never a key, so that it works on every machine of the network. A
predecessor and a successor are told, and never judged: the one is meant to end, the other to begin.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from juki_pki.credential import load_certificate, load_cv_certificate
from juki_pki.generations import NEXT, living, predecessors
from juki_pki.identity import Role
from juki_pki.profile import ATS, Kind
from juki_pki.publishing import CERTIFICATE, CV_CERTIFICATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from cryptography import x509

    from juki_card.cvc import CVCertificate
    from juki_pki.folder import PKIFolder

_NAME_DIGITS: Final = 8


class Level(StrEnum):
    """How urgent an end is."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Notice:
    """How long before an end it is a warning, and how long before it a fault."""

    warning: timedelta
    fault: timedelta


def _days(warning: float, fault: float) -> Notice:
    return Notice(timedelta(days=warning), timedelta(days=fault))


_PEER: Final = _days(60, 14)
NOTICES: Final[Mapping[Kind, Notice]] = {
    Kind.ROOT: _days(730, 366),
    # A peer's certificate of a year is refused where it would outlive the authority.
    Kind.ISSUING: _days(730, 366),
    Kind.CENTER: _PEER,
    Kind.TERMINAL: _PEER,
    Kind.DESK: _PEER,
    Kind.AGENCY: _PEER,
    Kind.OPERATOR: _PEER,
    Kind.COPY_SIGNER: _days(365, 30),
    # A card is valid for ten years and is refused when its signer's certificate has run out.
    Kind.CARD_SIGNER: _days(3653 + 365, 3653),
    # A DV certificate of 92 days is refused where it would outlive the CVCA.
    Kind.CVCA: _days(365, 106),
    Kind.DV: _days(10, 3),
    Kind.AT_CENTER_AUTH: _days(1.5, 0.5),
    Kind.AT_CENTER_WINDOW: _days(1.5, 0.5),
    Kind.AT_CENTER_ID: _days(1.5, 0.5),
}


@dataclass(frozen=True, slots=True)
class Expiry:
    """When one certificate begins and ends; `in_use` is neither a successor nor a predecessor."""

    kind: Kind
    name: str
    begins: datetime
    ends: datetime
    in_use: bool = True

    def level(self, now: datetime) -> Level:
        """Say how urgent its end is."""
        if not self.in_use:
            return Level.OK
        notice = NOTICES[self.kind]
        if now < self.begins or self.ends - now <= notice.fault:
            return Level.FAULT
        return Level.WARNING if self.ends - now <= notice.warning else Level.OK


def expiries(folder: PKIFolder) -> Iterator[Expiry]:
    """Yield the end of everything that the folder has; raise PKIError for what is broken."""
    trust = folder.trust()
    yield from _of_all(Kind.ROOT, trust.roots)
    yield from _of_all(Kind.ISSUING, trust.issuings)
    yield from _of_all(Kind.CARD_SIGNER, trust.card_signers)
    yield from _of_all(Kind.COPY_SIGNER, trust.copy_signers)
    for number, cvca in enumerate(trust.cvcas):
        yield _of_cv(Kind.CVCA, cvca, in_use=number == 0)
    yield _of_cv(Kind.DV, trust.dv)
    for kind in ATS:
        yield _of_cv(kind, load_cv_certificate(folder.cv_path(kind) / CV_CERTIFICATE))
    for role in Role:
        for peer in folder.peers(role):
            yield from _of_peer(Kind(role.value), folder.peer_path(peer))


def _of_all(kind: Kind, certificates: Sequence[x509.Certificate]) -> Iterator[Expiry]:
    for number, certificate in enumerate(certificates):
        yield _of(kind, _name(certificate), certificate, in_use=number == 0)


def _name(certificate: x509.Certificate) -> str:
    """Tell generations apart whose subjects are alike."""
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return f"{name.value!s} {certificate.fingerprint(hashes.SHA256()).hex()[:_NAME_DIGITS]}"


def _of(kind: Kind, name: str, certificate: x509.Certificate, *, in_use: bool = True) -> Expiry:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return Expiry(kind, name, begins, ends, in_use)


def _of_cv(kind: Kind, certificate: CVCertificate, *, in_use: bool = True) -> Expiry:
    """CV certificates count whole days in UTC, and the last day still counts."""
    begins = datetime.combine(certificate.effective, time(), UTC)
    ends = datetime.combine(certificate.expiration + timedelta(days=1), time(), UTC)
    return Expiry(kind, certificate.chr, begins, ends, in_use)


def _of_peer(kind: Kind, path: Path) -> Iterator[Expiry]:
    yield _of(kind, path.name, load_certificate(path / CERTIFICATE))
    if path / NEXT in living(path):
        successor = load_certificate(path / NEXT / CERTIFICATE)
        yield _of(kind, f"{path.name} next", successor, in_use=False)
    for old in predecessors(path):
        name = f"{path.name} {old.path.name}"
        yield _of(kind, name, load_certificate(old.path / CERTIFICATE), in_use=False)
