"""What `juki-center agency` lists: agencies, authorisations, affairs, and counts of provisions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from juki_center.areas.agencies.provisions import start_of_day
from juki_center.errors import RuleBroken

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from juki_center.areas.agencies.affairs import Affairs
    from juki_center.areas.agencies.authorisations import Authorisation, RegisteredAgency
    from juki_center.areas.agencies.provisions import ProvisionCount
    from juki_center.areas.ports import Tx
    from juki_center.cli.report import JSON


@dataclass(frozen=True, slots=True)
class Found:
    """An agency and all its authorisations."""

    agency: RegisteredAgency
    rows: tuple[Authorisation, ...]


@dataclass(frozen=True, slots=True)
class Days:
    """Days in Japan, both inclusive. Raises RuleBroken where the last is before the first."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise RuleBroken("DAYS_REVERSED", "--to")


def agencies(tx: Tx) -> list[Found]:
    """Return all agencies with their authorisations."""
    return [
        Found(one, tuple(tx.agencies.authorisations(one.agency))) for one in tx.agencies.everyone()
    ]


def agency(tx: Tx, wanted: str) -> Found:
    """Return one agency with its authorisations. Raises RuleBroken(AGENCY_UNKNOWN)."""
    found = tx.agencies.find(wanted)
    if found is None:
        raise RuleBroken("AGENCY_UNKNOWN", wanted)
    return Found(found, tuple(tx.agencies.authorisations(wanted)))


def counts(tx: Tx, days: Days, of_agency: str | None) -> list[ProvisionCount]:
    """Return how many provisions there were on these days."""
    before = start_of_day(days.last + timedelta(days=1))
    return tx.provisions.counts(start_of_day(days.first), before, of_agency)


def shown_agencies(found: Sequence[Found], now: datetime) -> tuple[dict[str, JSON], list[str]]:
    """Return all agencies with what they may ask for now."""
    rows: list[JSON] = []
    lines: list[str] = []
    for one in found:
        allowed = sorted({row.affair.text for row in one.rows if row.allows_at(now)})
        affairs: list[JSON] = list(allowed)
        rows.append({"agency": one.agency.agency, "name": one.agency.name, "affairs": affairs})
        affairs_text = ", ".join(allowed) or "nothing today"
        lines.append(f"{one.agency.agency:<32}  {one.agency.name}: {affairs_text}")
    return {"agencies": rows}, lines or ["no agency was added yet"]


def shown_agency(found: Found, now: datetime) -> tuple[dict[str, JSON], list[str]]:
    """Return one agency with all its authorisations."""
    rows, lines = shown_rows(found.rows, now)
    authorisations: list[JSON] = list(rows)
    result: dict[str, JSON] = {
        "agency": found.agency.agency,
        "name": found.agency.name,
        "authorisations": authorisations,
    }
    return result, [f"{found.agency.agency}: {found.agency.name}", *lines]


def shown_rows(
    rows: Sequence[Authorisation], now: datetime
) -> tuple[list[dict[str, JSON]], list[str]]:
    """Return authorisations, each with whether it counts now."""
    return [_row(row, now) for row in rows], [_line(row, now) for row in rows]


def shown_affairs(all_of_them: Affairs) -> tuple[dict[str, JSON], list[str]]:
    """Return the catalogue."""
    rows: list[JSON] = [
        {"code": one.code.text, "nameEn": one.name_en, "nameJa": one.name_ja, "basis": one.basis}
        for one in all_of_them
    ]
    lines = [
        f"{one.code.text:<28}  {one.name_ja} ({one.name_en}): {one.basis}" for one in all_of_them
    ]
    return {"affairs": rows}, lines


def shown_counts(found: Sequence[ProvisionCount], days: Days) -> tuple[dict[str, JSON], list[str]]:
    """Return the counts of some days, with their sums by agency."""
    rows: list[JSON] = [
        {
            "agency": one.agency,
            "affair": one.affair.text,
            "kind": one.kind.value,
            "outcome": one.outcome,
            "provisions": one.provisions,
        }
        for one in found
    ]
    sums: Counter[str] = Counter()
    for one in found:
        sums[one.agency] += one.provisions
    lines = [
        f"{one.agency:<32}  {one.affair.text:<28}  {one.kind:<13}  {one.outcome:<18}"
        f"  {one.provisions:>10,}"
        for one in found
    ]
    lines += [f"{agency:<32}  {'in all':<65}  {number:>10,}" for agency, number in sums.items()]
    total = sum(sums.values())
    result: dict[str, JSON] = {
        "from": days.first.isoformat(),
        "to": days.last.isoformat(),
        "total": total,
        "counts": rows,
    }
    return result, [*lines, f"{days.first} to {days.last}: {total} in all"]


def _row(row: Authorisation, now: datetime) -> dict[str, JSON]:
    kinds: list[JSON] = [kind.value for kind in sorted(row.kinds)]
    items: list[JSON] = [item.value for item in sorted(row.items)]
    return {
        "number": row.number,
        "affair": row.affair.text,
        "purpose": row.purpose,
        "kinds": kinds,
        "items": items,
        "from": row.valid_from.isoformat(),
        "to": row.valid_to.isoformat() if row.valid_to else None,
        "withdrawnAt": row.withdrawn_at.isoformat() if row.withdrawn_at else None,
        "counts": row.allows_at(now),
    }


def _line(row: Authorisation, now: datetime) -> str:
    kinds = " ".join(kind.lower().replace("_", "-") for kind in sorted(row.kinds))
    items = " ".join(item.lower().replace("_", "-") for item in sorted(row.items)) or "yes or no"
    last = row.valid_to.isoformat() if row.valid_to else "further notice"
    counts_now = "" if row.allows_at(now) else "; not today"
    if row.withdrawn_at is not None:
        counts_now = f"; withdrawn {row.withdrawn_at:%Y-%m-%dT%H:%MZ}"
    return (
        f"{row.number:>4}  {row.affair}, {row.valid_from} to {last}{counts_now}\n"
        f"      {row.purpose}\n      kinds: {kinds}\n      items: {items}"
    )
