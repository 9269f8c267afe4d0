"""What the center shows to cards: for each purpose a terminal certificate, its key and its chains.

The terminal certificates live one to three days, so the folder is read again while the center
runs; whoever renews them is not here.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.serialization import Encoding

from juki_card import ec
from juki_card.cvc import verify_chain
from juki_card.eac import Chain
from juki_card.errors import CertificateRefused
from juki_center.areas.cards.register import Purpose
from juki_pki.errors import PKIError
from juki_pki.profile import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from juki_card.chat import CHAT
    from juki_card.cvc import CVCertificate
    from juki_pki.credential import CVCredential
    from juki_pki.folder import PKIFolder
    from juki_pki.trust import Trust

DOMAIN: Final = ec.P256
_REREAD_AFTER: Final = timedelta(seconds=60)
_TERMINAL_CERTIFICATES: Final = {
    Purpose.CERTIFICATE_COPY: Kind.AT_CENTER_AUTH,
    # No right at all: a card then takes the PIN and nothing else, so the PIN was used.
    Purpose.PIN_PROOF: Kind.AT_CENTER_ID,
    Purpose.CLERK_SIGN_IN: Kind.AT_CENTER_ID,
    Purpose.SPECIAL_MOVE_IN: Kind.AT_CENTER_ID,
    Purpose.OWN_DISCLOSURE: Kind.AT_CENTER_ID,
    Purpose.CARD_CHECK: Kind.AT_CENTER_WINDOW,
    Purpose.PIN_UNLOCK: Kind.AT_CENTER_WINDOW,
}


@dataclass(frozen=True, slots=True)
class Access:
    """What a purpose may ask of a card, and the key that shows it."""

    key: ec.PrivateKey = field(repr=False)
    chat: CHAT
    description: bytes = field(repr=False)
    chains: tuple[Chain, ...]
    last_day: date
    """The last day on which a card takes the terminal certificate."""


@dataclass(frozen=True, slots=True)
class CardMaterial:
    """Everything of the PKI folder that a card session needs."""

    access: Mapping[Purpose, Access]
    card_signers: tuple[bytes, ...]
    """Certificates of the card signers, DER."""

    def is_valid(self, today: date) -> bool:
        """Whether every terminal certificate is still taken by cards."""
        return all(access.last_day >= today for access in self.access.values())


def load_material(folder: PKIFolder, today: date) -> CardMaterial:
    """Read and verify the material; raise PKIError or CertificateRefused."""
    trust = folder.trust()
    signers = tuple(signer.public_bytes(Encoding.DER) for signer in trust.card_signers)
    access = {
        purpose: _access(trust, folder.cv(kind), today)
        for purpose, kind in _TERMINAL_CERTIFICATES.items()
    }
    return CardMaterial(access, signers)


def _access(trust: Trust, credential: CVCredential, today: date) -> Access:
    chains = _chains(trust, credential.certificate)
    anchors = {anchor.chr: anchor for anchor in trust.cvcas}
    holders = [
        verify_chain(chain.certificates, anchors[chain.trust_point], today) for chain in chains
    ]
    description = credential.description
    return Access(
        key=credential.key,
        chat=holders[0].chat,
        description=description.encode() if description is not None else b"",
        chains=chains,
        last_day=min(trust.dv.expiration, credential.certificate.expiration),
    )


def _chains(trust: Trust, terminal: CVCertificate) -> tuple[Chain, ...]:
    """Return the chain for each CVCA that a card may trust, the newest first.

    A card that has not been here since the last roll-over is led on by link certificates. Raises
    CertificateRefused where the DV certificate stands below none of them.
    """
    known = {anchor.chr for anchor in trust.cvcas}
    links = {link.chr: link for link in trust.links}
    name, chains = trust.dv.car, []
    certificates: tuple[CVCertificate, ...] = (trust.dv, terminal)
    while name in known:
        chains.append(Chain(name, certificates))
        link = links.pop(name, None)
        if link is None:
            break
        name, certificates = link.car, (link, *certificates)
    if not chains:
        raise CertificateRefused(f"CV certificate {trust.dv.chr}: issued by {name}, not known")
    return tuple(chains)


class MaterialSource:
    """The material of a folder, read again every minute."""

    def __init__(self, folder: PKIFolder, now: datetime) -> None:
        self._folder = folder
        self._read_at = now
        self._material = load_material(folder, _day(now))

    def current(self, now: datetime) -> CardMaterial:
        """Return the material; what cannot be used, as in a renewal, stays as it was."""
        if now - self._read_at >= _REREAD_AFTER:
            self.reread(now)
        return self._material

    def reread(self, now: datetime) -> None:
        """Read the folder now, and not only when its minute is over."""
        self._read_at = now
        # What cannot be used goes on as it was; `ready` and `doctor` name the failure.
        with contextlib.suppress(PKIError, CertificateRefused):
            self._material = load_material(self._folder, _day(now))

    def is_valid(self, now: datetime) -> bool:
        """Whether cards take what the center shows them."""
        return self.current(now).is_valid(_day(now))


def _day(now: datetime) -> date:
    return now.astimezone(UTC).date()
