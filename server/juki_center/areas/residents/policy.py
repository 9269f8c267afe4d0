"""What a center's configuration decides about registers."""

from __future__ import annotations

from dataclasses import dataclass

from juki_center.areas.residents.municipalities import Municipalities


@dataclass(frozen=True, slots=True)
class RegisterPolicy:
    """Given to each act: which offices exist, and below how many codes a stock is low."""

    municipalities: Municipalities
    low_stock: int
