"""Change notices: that something of a person's identity confirmation information has changed.

A notice says why and since when, and which items; never what they are now (article 30-6).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import ChangeReason, PersonID, Resident


class Item(StrEnum):
    """An item of identity confirmation information; the proto's names without their prefix."""

    NAME = "NAME"
    DATE_OF_BIRTH = "DATE_OF_BIRTH"
    SEX = "SEX"
    ADDRESS = "ADDRESS"
    RESIDENT_CODE = "RESIDENT_CODE"


@dataclass(frozen=True, slots=True)
class ChangeNotice:
    """A notice: whose record, which of its versions, why, since when, and which items."""

    person: PersonID
    municipality: MunicipalityCode
    version: int
    recorded_at: datetime
    reason: ChangeReason = field(repr=False)
    date: CivilDate = field(repr=False)
    items: tuple[Item, ...] = field(default=(), repr=False)


class Changes(Protocol):
    """What the store keeps of change notices, in the order in which their acts committed."""

    def append(self, notice: ChangeNotice) -> None:
        """Append a notice, sealed under its municipality's key."""

    def at(self, position: int) -> ChangeNotice:
        """Open the notice at a position, which there is.

        Raises Refusal(RESIDENCE_DISCONNECTED) while its municipality is disconnected.
        """

    def last_position(self) -> int:
        """Return the newest notice's position, counted from 1 without a gap; 0 for none."""


# Household changes and protection are no part of identity confirmation information.
NOT_NOTIFIED: Final = frozenset({ChangeReason.HOUSEHOLD_CHANGE, ChangeReason.PROTECTION})


def changed_items(before: Resident | None, after: Resident) -> tuple[Item, ...]:
    """Return the items that differ; all of them for a new or a deleted record."""
    if before is None or before.state is not after.state:
        return tuple(Item)
    old, new = before.record, after.record
    same = {
        Item.NAME: (old.name, old.alias, old.kanji_name) == (new.name, new.alias, new.kanji_name),
        Item.DATE_OF_BIRTH: old.birth == new.birth,
        Item.SEX: old.sex is new.sex,
        Item.ADDRESS: (old.address, old.building) == (new.address, new.building),
        Item.RESIDENT_CODE: old.code == new.code,
    }
    return tuple(item for item, is_same in same.items() if not is_same)


def notice_of(before: Resident | None, after: Resident) -> ChangeNotice | None:
    """Return the notice of an entry; None where no item changed, or the initial load made it.

    `after` is the version as written.
    """
    change, items = after.change, changed_items(before, after)
    if change is None or change.reason in NOT_NOTIFIED or not items:
        return None
    return ChangeNotice(
        person=after.person,
        municipality=after.municipality,
        version=after.version,
        recorded_at=change.recorded_at,
        reason=change.reason,
        date=change.date,
        items=items,
    )
