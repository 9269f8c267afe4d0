"""Provisions: that something was told of a person, when, to whom, for which affair, which items.

A row is written in the act that answers, and kept seven years (the period that prefectures state
for the log that a resident may ask for). It names the person by a keyed hash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from uuid import UUID

import cbor2

from juki_audit.merkle import root
from juki_center.areas.agencies.commands import AffairCode, Kind
from juki_center.areas.days import JAPAN, day_in_japan
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID

YEARS_KEPT = 7
_FORGOTTEN_AT_ONCE = 5_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Provision:
    """A row of the log. `outcome` is the answer's, or NOTICE for a change notice."""

    at: datetime
    agency: str
    affair: AffairCode
    purpose: str
    kind: Kind
    person: PersonID
    municipality: MunicipalityCode
    items: tuple[Item, ...]
    outcome: str


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """The provision that the answer to a line of a batch is.

    `content` is question and answer in one encoding: the same line with the same content and person
    is one provision. Without the question, one yes after the other could be had under one line, and
    only the first be recorded.
    """

    provision: Provision
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A provision as it stands in the log: its number, its subject's keyed hash, and whether it is
    new there."""

    provision: Provision
    number: int
    subject: bytes
    is_new: bool

    @property
    def octets(self) -> bytes:
        """The row in the encoding over which the audit log holds a hash, for a chunk of many."""
        # In the order of the deterministic encoding, which would take three times as long to find.
        row: Mapping[str, object] = {
            "v": 1,
            "at": (self.provision.at - _EPOCH) // timedelta(microseconds=1),
            "no": self.number,
            "to": self.provision.agency,
            "for": self.provision.affair.text,
            "out": str(self.provision.outcome),
            "res": self.provision.municipality.digits,
            "who": self.subject,
            "why": self.provision.purpose,
            "kind": str(self.provision.kind),
            "what": [str(item) for item in self.provision.items],
        }
        return cbor2.dumps(row)


@dataclass(frozen=True, slots=True)
class ProvisionCount:
    """How many provisions there were of one kind; nothing of any person."""

    agency: str
    affair: AffairCode
    kind: Kind
    outcome: str
    provisions: int


class Provisions(Protocol):
    """What the store keeps of provisions."""

    def add(self, provision: Provision) -> Recorded:
        """Add a row."""

    def add_lines(
        self, batch_id: UUID, began_at: datetime, answers: Mapping[int, LineAnswer]
    ) -> dict[int, Recorded]:
        """Add a row for each line of one agency's batch, by its number.

        A line with the same content is the row that stands already. A batch that was forgotten and
        begun anew is another one, though it bears the same id.
        """

    def of_person(
        self, person: PersonID, since: datetime, before: datetime
    ) -> list[tuple[int, Provision]]:
        """Return the rows of a person with their numbers, in the order of their time."""

    def forget_before(self, moment: datetime, limit: int) -> int:
        """Delete rows of earlier times, at most `limit`; return how many were there."""

    def counts(self, since: datetime, before: datetime, agency: str | None) -> list[ProvisionCount]:
        """Count the rows of a time, by agency, affair, kind and outcome in this order."""


def vouching(octets: Sequence[bytes]) -> tuple[tuple[str, str], ...]:
    """Return what one leaf says of many new rows: their number, and the tree hash over them."""
    number = ("provisions", str(len(octets)))
    return (number, ("root", root(octets).hex())) if octets else (number,)


def first_day_kept(today: date, years: int = YEARS_KEPT) -> date:
    """Return the earliest day whose provisions are still kept on a day.

    The period begins on the day after the provision and ends, seven years on, with the day of the
    same date; for 29 February with 28 February (Civil Code, articles 140 and 143).

    >>> first_day_kept(date(2033, 11, 23))
    datetime.date(2026, 11, 23)
    """
    try:
        return today.replace(year=today.year - years)
    except ValueError:
        # Today is 29 February: what was provided on 28 February has ended with yesterday.
        return date(today.year - years, 3, 1)


def start_of_day(day: date) -> datetime:
    """Return the point in time at which a day begins in Japan."""
    return datetime.combine(day, time(), JAPAN).astimezone(UTC)


class ProvisionsTx(Protocol):
    """What keeping provisions needs of a transaction."""

    @property
    def provisions(self) -> Provisions: ...


def forget_old_provisions(tx: ProvisionsTx, now: datetime) -> bool:
    """Act: delete provisions whose time has ended; tell whether there may be more of them.

    One act deletes so few that others need not wait for it.
    """
    ended = start_of_day(first_day_kept(day_in_japan(now)))
    return tx.provisions.forget_before(ended, _FORGOTTEN_AT_ONCE) == _FORGOTTEN_AT_ONCE
