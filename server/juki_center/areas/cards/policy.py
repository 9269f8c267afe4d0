"""What the configuration settles for applications and cards."""

from __future__ import annotations

from dataclasses import dataclass

from juki_center.areas.residents.municipalities import Municipalities
from juki_center.rule_sets import RuleSet

FEE_YEN = 500
"""The fee for a card of either style."""


@dataclass(frozen=True, slots=True)
class CardPolicy:
    """The law in force, the municipalities, and the fee for a card in yen."""

    rule_set: RuleSet
    municipalities: Municipalities
    fee_yen: int = FEE_YEN
