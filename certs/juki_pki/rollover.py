"""Roll-over in three steps: renew publishes a successor, activate uses it, retire ends the old.

Between the steps lies the time that others need to hear of it; during it both are trusted. Every
step is refused while it would come too early, or while what is valid would lose its ground. Each
command changes the folder alone: a center that serves reads it again by itself.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from juki_pki import generations, successors
from juki_pki.certify import certificate_pem
from juki_pki.credential import load_certificate, load_certificates
from juki_pki.errors import NothingToRetire, NotStaged, StillNeeded, TooEarly
from juki_pki.files import exclusive, read_public, write_public
from juki_pki.foundations import require_nobody_below_issuing, require_nobody_below_root
from juki_pki.identity import PeerIdentity, Role
from juki_pki.profile import Kind
from juki_pki.publishing import CERTIFICATE, CHAIN, CROSS, refresh_trust
from juki_pki.renewal import issue_access, utc_day

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from cryptography import x509

    from juki_pki.folder import PKIFolder
    from juki_pki.generations import Predecessor
    from juki_pki.successors import Making

_CARDS_LIVE: Final = timedelta(days=3653)
"""How long a card is valid: ten years."""


class Rolling(StrEnum):
    """What is rolled over in three steps."""

    CENTER = "center"
    COPY_SIGNER = "copy-signer"
    CARD_SIGNER = "card-signer"
    LOG_SIGNER = "log-signer"
    ISSUING = "issuing"
    ROOT = "root"
    CVCA = "cvca"


@dataclass(frozen=True, slots=True)
class Overlap:
    """How long a successor is published before its use, and a predecessor trusted after it.

    Where `after_use` is None, a predecessor is trusted to the end of its certificate.
    """

    before_use: timedelta
    after_use: timedelta | None


OVERLAPS: Final[Mapping[Rolling, Overlap]] = {
    Rolling.CENTER: Overlap(timedelta(days=7), timedelta(days=7)),
    Rolling.COPY_SIGNER: Overlap(timedelta(days=7), None),
    Rolling.CARD_SIGNER: Overlap(timedelta(hours=1), _CARDS_LIVE),
    Rolling.LOG_SIGNER: Overlap(timedelta(days=7), _CARDS_LIVE),
    Rolling.ISSUING: Overlap(timedelta(days=7), timedelta(days=7)),
    Rolling.ROOT: Overlap(timedelta(days=30), timedelta(days=90)),
    Rolling.CVCA: Overlap(timedelta(days=7), _CARDS_LIVE),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what is rolled over, where and when; `node` is a center's.

    `at_once` leaves the waiting times out: for a key that got out, or a folder for development.
    """

    what: Rolling
    making: Making
    node: str | None = None
    at_once: bool = False
    further_peers: Sequence[x509.Certificate] = ()
    """Certificates that the folder does not have, such as those that terminals enrolled for."""

    @property
    def identity(self) -> PeerIdentity:
        """The center node; raise IdentityError where it has no name."""
        return PeerIdentity(Role.CENTER, self.node or "")

    @property
    def folder(self) -> PKIFolder:
        """The PKI folder."""
        return self.making.folder

    @property
    def path(self) -> Path:
        """Where it lies."""
        match self.what:
            case Rolling.CENTER:
                return self.folder.peer_path(self.identity)
            case Rolling.CVCA:
                return self.folder.cv_path(Kind.CVCA)
            case Rolling.LOG_SIGNER:
                return self.folder.log_signer_path
            case _:
                return self.folder.path / self.what


def renew(step: Step) -> None:
    """Make the successor and publish it; it is not used yet.

    Raises AlreadyStaged, and IssuerExpires where the authority itself has to be renewed first.
    """
    with exclusive(step.folder.path):
        if step.what is Rolling.CENTER:
            successors.stage_peer(step.making, step.identity)
            _forget_expired(step)
            # The descriptions come first: a terminal wants every leaf that it pins to be listed.
            issue_access(step.folder, step.making.profiles, utc_day(step.making.now))
        else:
            _STAGING[step.what](step.making)
        refresh_trust(step.folder)


def activate(step: Step) -> None:
    """Use the successor from now on; what it replaces stays trusted.

    Raises NotStaged, and TooEarly while others have not had their time to hear of it.
    """
    with exclusive(step.folder.path):
        if not generations.is_staged(step.path):
            raise NotStaged(step.path)
        if (step.path / generations.NEXT / generations.KEY).exists():
            _begin_use(step)
        generations.promote(step.path, step.making.now)
        if step.what is Rolling.CVCA:
            issue_access(step.folder, step.making.profiles, utc_day(step.making.now))
        refresh_trust(step.folder)


def _begin_use(step: Step) -> None:
    usable = generations.published_at(step.path) + OVERLAPS[step.what].before_use
    if step.making.now < usable and not step.at_once:
        raise TooEarly(f"{step.what} may be used", usable)
    if step.what is Rolling.ROOT:
        successors.certify_below_next_root(step.making)


def retire(step: Step) -> tuple[datetime, ...]:
    """Trust predecessors no more, and delete their keys; return when each had been replaced.

    The oldest goes first. Raises NothingToRetire; TooEarly or StillNeeded where not even that one
    may go.
    """
    gone: list[datetime] = []
    with exclusive(step.folder.path):
        for old in reversed(generations.predecessors(step.path)):
            try:
                _require_may_go(step, old)
            except (TooEarly, StillNeeded):
                if gone:
                    break
                raise
            _let_go(step, old)
            gone.append(old.replaced_at)
        refresh_trust(step.folder)
    if not gone:
        raise NothingToRetire(step.path)
    return tuple(gone)


def _require_may_go(step: Step, old: Predecessor) -> None:
    free = trusted_until(step.what, old)
    if step.making.now < free and not step.at_once:
        raise TooEarly(f"{step.what} replaced on {old.replaced_at:%Y-%m-%d} may be retired", free)
    if step.what is Rolling.ISSUING:
        require_nobody_below_issuing(step.folder, old.path, step.making.now, step.further_peers)
    if step.what is Rolling.ROOT:
        require_nobody_below_root(step.folder, old.path, step.making.now, step.further_peers)


def trusted_until(what: Rolling, old: Predecessor) -> datetime:
    """Return when a predecessor may be retired at the earliest."""
    overlap = OVERLAPS[what].after_use
    if overlap is None:
        return load_certificate(old.path / CERTIFICATE).not_valid_after_utc
    return old.replaced_at + overlap


def _let_go(step: Step, old: Predecessor) -> None:
    if step.what is Rolling.ROOT:
        _stand_on_other_roots(step.folder, load_certificate(old.path / CERTIFICATE))
    keep = CERTIFICATE if step.what is Rolling.CENTER else None
    generations.retire(step.path, old, keep=keep)


def _stand_on_other_roots(folder: PKIFolder, root: x509.Certificate) -> None:
    """Let issuing authorities, and those below them, show what a later root has certified."""
    for path in generations.living(folder.path / Kind.ISSUING):
        old = load_certificate(path / CERTIFICATE)
        if old.issuer == root.subject:
            _show(folder, old, load_certificate(path / CROSS))
            write_public(path / CERTIFICATE, read_public(path / CROSS))


def _show(folder: PKIFolder, old: x509.Certificate, new: x509.Certificate) -> None:
    peers = (peer for role in Role for peer in folder.peers(role))
    for place in (path for peer in peers for path in generations.living(folder.peer_path(peer))):
        chain = load_certificates(place / CHAIN)
        if old in chain:
            shown = (new if one == old else one for one in chain)
            write_public(place / CHAIN, b"".join(map(certificate_pem, shown)))


def _forget_expired(step: Step) -> None:
    for path in generations.retired(step.path):
        if load_certificate(path / CERTIFICATE).not_valid_after_utc < step.making.now:
            shutil.rmtree(path)


_STAGING: Final[Mapping[Rolling, Callable[[Making], None]]] = {
    Rolling.COPY_SIGNER: successors.stage_copy_signer,
    Rolling.CARD_SIGNER: successors.stage_card_signer,
    Rolling.LOG_SIGNER: successors.stage_log_signer,
    Rolling.ISSUING: successors.stage_issuing,
    Rolling.ROOT: successors.stage_root,
    Rolling.CVCA: successors.stage_cvca,
}
