"""A household on paper: who heads it, and in which order its members stand (STD-5.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from juki_center.areas.residents.records import ResidenceState, Resident

HOUSEHOLDER: Final = "世帯主"
# Anybody else comes last, in the order of birth.
_ORDER: Final = (HOUSEHOLDER, "夫", "妻", "夫（未届）", "妻（未届）", "子")


def in_paper_order(members: Iterable[Resident]) -> list[Resident]:
    """Return the members: householder, spouse, children by birth, others by birth."""
    return sorted(members, key=_place)


def living(members: Iterable[Resident]) -> list[Resident]:
    """Return the members whose records are not deleted."""
    return [one for one in members if one.state is ResidenceState.ACTIVE]


def householder_of(members: Sequence[Resident]) -> str:
    """Return the householder's name, or nothing where the household has none at present."""
    heads = (one for one in living(members) if one.record.relationship == HOUSEHOLDER)
    return next((head.record.name for head in heads), "")


def needs_head(members: Sequence[Resident]) -> bool:
    """Tell whether a household has members and not exactly one who heads it."""
    here = living(members)
    return bool(here) and sum(one.record.relationship == HOUSEHOLDER for one in here) != 1


def _place(resident: Resident) -> tuple[int, int]:
    relationship, birth = resident.record.relationship, resident.record.birth
    rank = _ORDER.index(relationship) if relationship in _ORDER else len(_ORDER)
    return rank, birth.sort_from
