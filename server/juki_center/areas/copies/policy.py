"""What a center's configuration decides about copies."""

from __future__ import annotations

from dataclasses import dataclass

from juki_center.areas.copies.signature import CopySigner
from juki_center.areas.residents.municipalities import Municipalities


@dataclass(frozen=True, slots=True)
class CopyPolicy:
    """Given to each issue: is photo identification on, which municipalities exist, who signs."""

    photo_id_enabled: bool
    municipalities: Municipalities
    signer: CopySigner
