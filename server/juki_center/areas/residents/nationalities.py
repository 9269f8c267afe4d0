"""Which reasons of a correction go with which change of nationality."""

from __future__ import annotations

from itertools import product
from typing import Final

from juki_center.areas.residents.records import ChangeReason, Nationality, ResidenceRecord
from juki_center.errors import RuleBroken

# From which nationality to which each reason leads; a wrong entry may be corrected to any.
_SAME: Final = tuple((nationality, nationality) for nationality in Nationality)
_NATIONALITIES: Final = {
    ChangeReason.CORRECTION_EX_OFFICIO: frozenset(product(Nationality, repeat=2)),
    ChangeReason.NAME_CHANGE: frozenset(_SAME),
    ChangeReason.NATURALISATION: frozenset({(Nationality.FOREIGN, Nationality.JAPANESE)}),
    ChangeReason.NATIONALITY_LOST: frozenset({(Nationality.JAPANESE, Nationality.FOREIGN)}),
}


def refuse_nationality(reason: ChangeReason, old: ResidenceRecord, new: ResidenceRecord) -> None:
    """Raise RuleBroken: NOT_A_CORRECTION, REASON_AND_NATIONALITY."""
    if reason not in _NATIONALITIES:
        raise RuleBroken("NOT_A_CORRECTION", "reason")
    if (old.nationality, new.nationality) not in _NATIONALITIES[reason]:
        raise RuleBroken("REASON_AND_NATIONALITY", "reason")


def is_about_nationality(reason: ChangeReason) -> bool:
    """Tell whether a reason says that the nationality has changed."""
    return reason in {ChangeReason.NATURALISATION, ChangeReason.NATIONALITY_LOST}
