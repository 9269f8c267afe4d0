"""What the configuration settles for moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.municipalities import Municipalities, Municipality
from juki_center.rule_sets import RuleSet


@dataclass(frozen=True, slots=True)
class MovePolicy:
    """The law in force, the municipalities, and whose card opens a special move.

    `householder_card_only` is the statute's wording; practice takes one card of anybody who moves.
    """

    cards: CardPolicy
    householder_card_only: bool = False

    @property
    def rule_set(self) -> RuleSet:
        """The law in force."""
        return self.cards.rule_set

    @property
    def municipalities(self) -> Municipalities:
        """The municipalities of the country."""
        return self.cards.municipalities

    def office_on(self, code: MunicipalityCode, day: date) -> Municipality:
        """Return what a known municipality is called on a day, or was called at last."""
        return self.municipalities.valid_on(code, day) or self.municipalities[code]

    @property
    def cards_continue(self) -> bool:
        """Tell whether a card may be kept after a special move (from 2012-07-09 on)."""
        return self.rule_set >= RuleSet.R2012_07_09

    @property
    def is_pushed(self) -> bool:
        """Tell whether the planned destination is told beforehand (from 2023-02-06 on)."""
        return self.rule_set >= RuleSet.R2023_02_06
