"""The operator's acts: add an agency, authorise it for an affair, end or withdraw that.

Each is written into the audit log. What the law does not name cannot be authorised, and nothing is
authorised for the past.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from juki_center.areas.agencies.affairs import Affairs
from juki_center.areas.agencies.authorisations import Agencies, Authorisation, RegisteredAgency
from juki_center.areas.audit.events import AuditEvent, AuditLog, Event
from juki_center.areas.days import day_in_japan
from juki_center.errors import RuleBroken

_LONGEST_TEXT = 200


class RegisterTx(Protocol):
    """What looking after agencies needs of a transaction."""

    @property
    def agencies(self) -> Agencies: ...

    @property
    def audit(self) -> AuditLog: ...


@dataclass(frozen=True, slots=True)
class AddAgency:
    """Command: from now on this agency may be authorised. `agency` is its certificate's id."""

    caller_uri: str
    agency: str
    name: str


@dataclass(frozen=True, slots=True)
class Authorise:
    """Command: add an authorisation."""

    caller_uri: str
    row: Authorisation


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Command: end an agency's authorisation, at once or with a last day."""

    caller_uri: str
    agency: str
    number: int
    last_day: date | None = None


def add_agency(tx: RegisterTx, command: AddAgency, now: datetime) -> RegisteredAgency:
    """Add an agency. Raises RuleBroken: AGENCY_EXISTS, TEXT_UNUSABLE."""
    _check_text(command.name)
    if tx.agencies.find(command.agency) is not None:
        raise RuleBroken("AGENCY_EXISTS", command.agency)
    agency = RegisteredAgency(command.agency, command.name, now)
    tx.agencies.add(agency)
    _log(tx, command.caller_uri, command.agency, now, act="add")
    return agency


def authorise(tx: RegisterTx, command: Authorise, now: datetime, affairs: Affairs) -> int:
    """Add an authorisation and return its number.

    Raises RuleBroken: AGENCY_UNKNOWN, AFFAIR_UNKNOWN, FIRST_DAY_PAST, TEXT_UNUSABLE.
    """
    row = command.row
    _check_text(row.purpose)
    if row.affair not in affairs:
        raise RuleBroken("AFFAIR_UNKNOWN", row.affair.text)
    if tx.agencies.find(row.agency) is None:
        raise RuleBroken("AGENCY_UNKNOWN", row.agency)
    if row.valid_from < day_in_japan(now):
        raise RuleBroken("FIRST_DAY_PAST", "--from")
    number = tx.agencies.authorise(row, now)
    _log(
        tx,
        command.caller_uri,
        row.agency,
        now,
        act="authorise",
        number=str(number),
        affair=row.affair.text,
        purpose=row.purpose,
        kinds=" ".join(sorted(row.kinds)),
        items=" ".join(sorted(row.items)),
        valid_from=row.valid_from.isoformat(),
        valid_to=row.valid_to.isoformat() if row.valid_to else "",
    )
    return number


def withdraw(tx: RegisterTx, command: Withdraw, now: datetime) -> Authorisation:
    """End an authorisation and return it as it is then.

    Raises RuleBroken: AUTHORISATION_UNKNOWN, AUTHORISATION_ENDED, LAST_DAY_PAST, LAST_DAY_LATER.
    """
    row = _standing(tx, command)
    last_day = command.last_day
    if last_day is None:
        tx.agencies.withdraw(row.number, now)
    else:
        _check_last_day(row, last_day, day_in_japan(now))
        tx.agencies.end(row.number, last_day)
    shown = last_day.isoformat() if last_day else ""
    _log(
        tx,
        command.caller_uri,
        command.agency,
        now,
        act="withdraw",
        number=str(row.number),
        affair=row.affair.text,
        valid_to=shown,
    )
    return _standing(tx, command, ended_too=True)


def _standing(tx: RegisterTx, command: Withdraw, *, ended_too: bool = False) -> Authorisation:
    """Return the row that is meant, unless it has been withdrawn already."""
    for row in tx.agencies.authorisations(command.agency):
        if row.number == command.number:
            if row.withdrawn_at is not None and not ended_too:
                raise RuleBroken("AUTHORISATION_ENDED", str(command.number))
            return row
    raise RuleBroken("AUTHORISATION_UNKNOWN", str(command.number))


def _check_last_day(row: Authorisation, last_day: date, today: date) -> None:
    """Refuse a last day that would rewrite what was allowed, or allow more than now."""
    if last_day < max(today, row.valid_from):
        raise RuleBroken("LAST_DAY_PAST", "--last-day")
    if row.valid_to is not None and last_day > row.valid_to:
        raise RuleBroken("LAST_DAY_LATER", "--last-day")


def _check_text(text: str) -> None:
    """Refuse what a list or a log could not show in one line."""
    unseen = any(unicodedata.category(character)[0] == "C" for character in text)
    if unseen or not text.strip() or len(text) > _LONGEST_TEXT:
        raise RuleBroken("TEXT_UNUSABLE")


def _log(tx: RegisterTx, caller_uri: str, agency: str, now: datetime, **facts: str) -> None:
    details = tuple((key, value) for key, value in facts.items() if value)
    tx.audit.append(
        AuditEvent(Event.AGENCY_CHANGED, now, caller_uri, resource=agency, details=details)
    )
