"""Agencies with their authorisations, and questions about the sample residents."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import cbor2

from juki_center.areas.agencies.authorisations import Authorisation, RegisteredAgency
from juki_center.areas.agencies.commands import AffairCode, ByAttributes, ByCode, Kind
from juki_center.areas.agencies.policy import AgencyPolicy
from juki_center.areas.callers import Agency
from juki_center.areas.ports import Tx
from juki_center.areas.residents.changes import Item
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.records import Resident
from juki_center.cli import shipped
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import NOW, SAMPLES
from tests.support.rows import peeking

PASSPORT = AffairCode("passport")
PENSION = AffairCode("pension")
PASSPORT_OFFICE = Agency("juki://agency/passport-1", "passport-1")
PENSION_OFFICE = Agency("juki://agency/pension-1", "pension-1")
FOUR = (Item.NAME, Item.DATE_OF_BIRTH, Item.SEX, Item.ADDRESS)
POLICY = AgencyPolicy(shipped.affairs(), shipped.municipalities())
_QUESTIONS = frozenset({Kind.BY_CODE, Kind.BY_ATTRIBUTES})


def authorisation(
    agency: Agency = PASSPORT_OFFICE,
    affair: AffairCode = PASSPORT,
    kinds: frozenset[Kind] = _QUESTIONS | {Kind.CHANGES},
    items: tuple[Item, ...] = FOUR,
    valid_from: date = date(2003, 8, 25),
    valid_to: date | None = None,
) -> Authorisation:
    """Return an authorisation, of the passport office for passports unless told otherwise."""
    return Authorisation(
        agency=agency.agency,
        affair=affair,
        purpose=f"examination for {affair}",
        kinds=kinds,
        items=frozenset(items),
        valid_from=valid_from,
        valid_to=valid_to,
    )


def authorise(tx: Tx, row: Authorisation, now: datetime = NOW) -> int:
    """Act: add an authorisation, and its agency where it is new."""
    if tx.agencies.find(row.agency) is None:
        tx.agencies.add(RegisteredAgency(row.agency, f"The {row.agency}", now))
    return tx.agencies.authorise(row, now)


def authorise_usual(tx: Tx) -> None:
    """Act: the passport office for passports; the pension office with codes and batches too."""
    authorise(tx, authorisation())
    authorise(
        tx,
        authorisation(
            PENSION_OFFICE, PENSION, _QUESTIONS | {Kind.BATCH, Kind.CHANGES}, tuple(Item)
        ),
    )


def code_of(key: str) -> ByCode:
    """Ask for a sample resident by code."""
    return ByCode(SAMPLES[key].record.code)


def attributes_of(
    key: str,
    *,
    name: str | None = None,
    address: str | None = None,
    birth: CivilDate | None = None,
    prefecture: str = "",
) -> ByAttributes:
    """Ask for a sample resident as registered, but for what is given."""
    record = SAMPLES[key].record
    return ByAttributes(
        name=record.name if name is None else name,
        birth=birth or record.birth,
        sex=record.sex,
        address=record.address if address is None else address,
        prefecture=prefecture,
    )


def day(text: str) -> CivilDate:
    """Return the date of a register's text."""
    return parse_date(text)


def found(tx: Tx, key: str) -> Resident:
    """Open a sample resident's record."""
    where = tx.residents.by_code(SAMPLES[key].record.code)
    assert where is not None
    return tx.residents.resident(where.person)


def provision_rows(store: SQLiteStore) -> list[dict[str, Any]]:
    """Return the log of provisions, as an auditor with a copy of the file reads it.

    `octets` is each row's own encoding, written here anew: what a batch's leaf vouches for.
    """
    with peeking(store) as sql:
        found = sql.execute("SELECT * FROM provisions ORDER BY id")
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return [row | {"octets": _octets(row)} for row in rows]


def _octets(row: dict[str, Any]) -> bytes:
    return cbor2.dumps(
        {
            "v": 1,
            "no": row["id"],
            "at": row["at"],
            "to": row["agency"],
            "for": row["affair"],
            "why": row["purpose"],
            "kind": row["kind"],
            "who": row["subject"],
            "res": row["municipality"],
            "what": row["items"].split(),
            "out": row["outcome"],
        },
        canonical=True,
    )
