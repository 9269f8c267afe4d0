"""Which agency may ask for what, from which day to which day: dated rows, deny by default.

One row must cover a request as a whole: the affair today, every kind of provision that it is, and
every item that it asks for. Rows are added and ended, never rewritten, so that what was allowed on
a day can be told for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from juki_center.areas.agencies.commands import AffairCode, Kind
from juki_center.areas.days import day_in_japan
from juki_center.areas.residents.changes import Item
from juki_center.errors import Reason, Refusal, RuleBroken


@dataclass(frozen=True, slots=True)
class Authorisation:
    """A row: its days are days in Japan, both inclusive; `valid_to` None is an open end.

    From `withdrawn_at` on it allows nothing, whatever its days say. `number` is 0 until the store
    has given one. Raises RuleBroken for a row that allows nothing,
    and for change notices of persons of whom no item may be told.
    """

    agency: str
    affair: AffairCode
    purpose: str
    kinds: frozenset[Kind]
    items: frozenset[Item]
    valid_from: date
    valid_to: date | None = None
    withdrawn_at: datetime | None = None
    number: int = 0

    def __post_init__(self) -> None:
        if not self.purpose.strip():
            raise RuleBroken("PURPOSE_MISSING")
        if not self.kinds & {Kind.BY_CODE, Kind.BY_ATTRIBUTES}:
            raise RuleBroken("NO_QUESTION_ALLOWED")
        if Kind.CHANGES in self.kinds and not self.items:
            raise RuleBroken("CHANGES_WITHOUT_ITEMS")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise RuleBroken("DAYS_REVERSED")

    def allows_at(self, moment: datetime) -> bool:
        """Tell whether the row counts at a point in time: on its day in Japan."""
        if self.withdrawn_at is not None and moment >= self.withdrawn_at:
            return False
        day = day_in_japan(moment)
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class RegisteredAgency:
    """An agency as an operator has added it: the id of its certificate, and its name."""

    agency: str
    name: str
    added_at: datetime


class Agencies(Protocol):
    """What the store keeps of agencies and their authorisations."""

    def add(self, agency: RegisteredAgency) -> None:
        """Add an agency; it is new."""

    def find(self, agency: str) -> RegisteredAgency | None:
        """Return an agency."""

    def everyone(self) -> list[RegisteredAgency]:
        """Return all agencies by their ids."""

    def authorise(self, row: Authorisation, now: datetime) -> int:
        """Add a row and return its number; the agency exists."""

    def end(self, number: int, last_day: date) -> None:
        """Set a row's last day."""

    def withdraw(self, number: int, now: datetime) -> None:
        """End a row at once."""

    def authorisations(self, agency: str, affair: AffairCode | None = None) -> list[Authorisation]:
        """Return an agency's rows, past and future ones too, in the order of their numbers."""


def covering(
    rows: Iterable[Authorisation], kinds: Iterable[Kind], items: Sequence[Item], now: datetime
) -> Authorisation:
    """Return the row that allows a request now.

    Raises Refusal: AFFAIR_NOT_AUTHORISED, or ITEM_NOT_PERMITTED with the first item that the rows
    for these kinds leave out.
    """
    fitting = [row for row in rows if row.allows_at(now) and row.kinds >= frozenset(kinds)]
    if not fitting:
        raise Refusal(Reason.AFFAIR_NOT_AUTHORISED)
    for row in fitting:
        if row.items.issuperset(items):
            return row
    missing = next(item for item in items if item not in fitting[0].items)
    raise Refusal(Reason.ITEM_NOT_PERMITTED, item=missing)
