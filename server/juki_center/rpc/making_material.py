"""What the center needs to make cards of blanks: the issuer's key, the card signer, trust points.

Cards are made seldom, so the folder is read for each one, and what was replaced counts at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from juki_card import card_security

if TYPE_CHECKING:
    from juki_card import ec
    from juki_card.blank_key import MasterKey
    from juki_card.card_security import ChipKey
    from juki_card.cvc import CVCertificate
    from juki_pki.folder import PKIFolder


@dataclass(frozen=True, slots=True)
class MakingMaterial:
    """Keys and certificates that go into cards, or open blanks.

    `trust_points` are the CVCA certificates that cards are to trust, the newest first.
    """

    master: MasterKey
    signer_certificate: bytes
    signer_key: ec.PrivateKey = field(repr=False)
    trust_points: tuple[CVCertificate, ...]

    def card_security(self, key: ChipKey) -> bytes:
        """Return EF.CardSecurity over a chip's key; the same however often."""
        return card_security.for_chip(
            key, signer_certificate=self.signer_certificate, signer_key=self.signer_key
        )


def load_making_material(folder: PKIFolder) -> MakingMaterial:
    """Read the material; raise PKIError, which names the file, where it cannot be used."""
    signer = folder.card_signer()
    return MakingMaterial(
        master=folder.personalisation_key(),
        signer_certificate=signer.certificate.public_bytes(Encoding.DER),
        signer_key=signer.key,
        trust_points=(folder.trust().cvca,),
    )
