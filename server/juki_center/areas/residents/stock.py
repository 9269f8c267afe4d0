"""The stock of resident record codes from which a municipality assigns (article 30-2).

The center, as the designated organisation, puts codes into the stock that nobody has or had; a
municipality draws one at random. How a stock is filled and watched stands in `assignment`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode


class CodeStock(Protocol):
    """What the store keeps of codes that are not assigned yet."""

    def count(self, municipality: MunicipalityCode) -> int:
        """Return how many codes a municipality has left."""

    def draw(self, municipality: MunicipalityCode) -> ResidentCode | None:
        """Take one code at random, for good; None where the stock is empty.

        Raises Refusal(RESIDENCE_DISCONNECTED).
        """

    def add(self, municipality: MunicipalityCode, codes: Iterable[ResidentCode]) -> int:
        """Add codes; return how many. A code that anybody has, had, or has in stock is left out.

        Raises Refusal(RESIDENCE_DISCONNECTED).
        """
