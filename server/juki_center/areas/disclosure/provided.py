"""To whom a person's information was provided: rows of provisions, and copies issued elsewhere.

Answers to single questions stand in the audit log by the person, each with the number of its row;
the two are held against each other, so that neither a row that was removed nor one that was put in
goes unseen. Lines of batches and change notices stand in the log by hashes over many rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final, Protocol

from juki_audit.leaf import DONE, Leaf
from juki_center.areas.agencies.authorisations import Agencies
from juki_center.areas.agencies.commands import Kind
from juki_center.areas.agencies.provisions import (
    Provision,
    Provisions,
    first_day_kept,
    start_of_day,
)
from juki_center.areas.audit.events import Event
from juki_center.areas.audit.rows import LogRows
from juki_center.areas.copies.commands import Item as CopyItem
from juki_center.areas.days import day_in_japan
from juki_center.areas.disclosure.records import (
    METHOD_OF,
    DisclosurePolicy,
    Period,
    Provided,
    UsageMethod,
)
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.errors import Reason, Refusal

COPY_AFFAIR: Final = "住民票の写しの交付の特例（広域交付）"
_SINGLE: Final = frozenset((Kind.BY_CODE, Kind.BY_ATTRIBUTES))
_AT_ONCE: Final = 1000
_ON_EVERY_COPY: Final = (Item.NAME, Item.DATE_OF_BIRTH, Item.SEX, Item.ADDRESS)


class ProvidedTx(Protocol):
    """What reading provisions needs of a transaction."""

    @property
    def agencies(self) -> Agencies: ...

    @property
    def audit(self) -> LogRows: ...

    @property
    def provisions(self) -> Provisions: ...


def period_on(today: date, years: int) -> Period:
    """Return what is disclosed on a day: so many years back, to the end of last month.

    >>> period_on(date(2026, 11, 24), 7)
    Period(first_day=datetime.date(2019, 11, 24), last_day=datetime.date(2026, 10, 31))
    """
    return Period(first_day_kept(today, years), today.replace(day=1) - timedelta(days=1))


def period_of(now: datetime, policy: DisclosurePolicy) -> Period:
    """Return what is disclosed now."""
    return period_on(day_in_japan(now), policy.years)


def provided_to(
    tx: ProvidedTx, person: PersonID, period: Period, policy: DisclosurePolicy
) -> tuple[Provided, ...]:
    """Return the provisions of a person in a period, by their time.

    Raises Refusal(PROVISIONS_CONTRADICTED) where rows and audit log are not of one mind.
    """
    since = start_of_day(period.first_day)
    before = start_of_day(period.last_day + timedelta(days=1))
    rows = tx.provisions.of_person(person, since, before)
    leaves = list(_leaves(tx.audit, person, since, before))
    _check(rows, leaves)
    found = [_of_row(tx, row, policy) for _, row in rows]
    found += [_of_copy(leaf, policy) for leaf in leaves if _is_wide_area(leaf)]
    return tuple(sorted(found, key=lambda one: one.at))


def _leaves(log: LogRows, person: PersonID, since: datetime, before: datetime) -> Iterator[Leaf]:
    """Yield what the log says of a person in a period, as far as its content is kept."""
    first = 0
    while found := log.of_subject(person, first, _AT_ONCE):
        first = found[-1].index + 1
        for one in found:
            if one.content is not None and since <= one.at < before:
                yield Leaf.decode(one.content)


def _check(rows: list[tuple[int, Provision]], leaves: list[Leaf]) -> None:
    in_rows = {str(number) for number, row in rows if row.kind in _SINGLE}
    in_log = {
        leaf.resource
        for leaf in leaves
        if leaf.event == Event.IDENTITY_CONFIRMED and leaf.outcome == DONE and leaf.resource
    }
    if in_rows != in_log:
        raise Refusal(Reason.PROVISIONS_CONTRADICTED)


def _is_wide_area(leaf: Leaf) -> bool:
    issued = leaf.event == Event.COPY_ISSUED and leaf.outcome == DONE
    return issued and leaf.issuing != leaf.residence


def _of_row(tx: ProvidedTx, row: Provision, policy: DisclosurePolicy) -> Provided:
    agency = tx.agencies.find(row.agency)
    known = policy.affairs[row.affair].name_ja if row.affair in policy.affairs else row.affair.text
    return Provided(
        at=row.at,
        method=METHOD_OF[row.kind],
        reason=row.purpose,
        affair=known,
        provider=row.municipality,
        recipient=agency.name if agency else row.agency,
        items=row.items,
    )


def _of_copy(leaf: Leaf, policy: DisclosurePolicy) -> Provided:
    code = (Item.RESIDENT_CODE,) if CopyItem.RESIDENT_CODE in leaf.items else ()
    return Provided(
        at=leaf.at,
        method=UsageMethod.WIDE_AREA,
        reason="",
        affair=COPY_AFFAIR,
        provider=MunicipalityCode(leaf.residence),
        recipient=policy.municipalities[MunicipalityCode(leaf.issuing)].full_name,
        items=(*_ON_EVERY_COPY, *code),
    )
