"""Agencies and their authorisations in the database."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache

from juki_center.areas.agencies.authorisations import Authorisation, RegisteredAgency
from juki_center.areas.agencies.commands import AffairCode, Kind
from juki_center.areas.residents.changes import Item
from juki_center.storage.sql import SQL, Row, as_number, as_text, from_micros, to_micros

_AUTHORISATIONS = (
    "SELECT id, agency, affair, purpose, kinds, items, valid_from, valid_to,"
    " withdrawn_at FROM authorisations"
    " WHERE agency = ? AND (? IS NULL OR affair = ?) ORDER BY id"
)


class AgenciesTable:
    """Agencies, for one transaction."""

    def __init__(self, sql: SQL) -> None:
        self._sql = sql
        self._authorisations: dict[tuple[str, AffairCode | None], list[Authorisation]] = {}

    def begin(self) -> None:
        """Begin a transaction, or undo an act: what was read before counts no more."""
        self._authorisations.clear()

    def add(self, agency: RegisteredAgency) -> None:
        """Add an agency; it is new."""
        self._sql.execute(
            "INSERT INTO agencies (agency, name, added_at) VALUES (?, ?, ?)",
            (agency.agency, agency.name, to_micros(agency.added_at)),
        )

    def find(self, agency: str) -> RegisteredAgency | None:
        """Return an agency."""
        row = self._sql.execute(
            "SELECT agency, name, added_at FROM agencies WHERE agency = ?", (agency,)
        ).fetchone()
        return None if row is None else _agency(row)

    def everyone(self) -> list[RegisteredAgency]:
        """Return all agencies by their ids."""
        rows = self._sql.execute("SELECT agency, name, added_at FROM agencies ORDER BY agency")
        return [_agency(row) for row in rows.fetchall()]

    def authorise(self, row: Authorisation, now: datetime) -> int:
        """Add a row and return its number; the agency exists."""
        self._authorisations.clear()
        found = self._sql.execute(
            "INSERT INTO authorisations (agency, affair, purpose, valid_from, valid_to, kinds,"
            " items, added_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (
                row.agency,
                row.affair.text,
                row.purpose,
                row.valid_from.isoformat(),
                row.valid_to.isoformat() if row.valid_to else None,
                " ".join(sorted(row.kinds)),
                " ".join(sorted(row.items)),
                to_micros(now),
            ),
        ).fetchone()
        if found is None:
            raise LookupError("no number was returned")
        return as_number(found[0])

    def end(self, number: int, last_day: date) -> None:
        """Set a row's last day."""
        self._authorisations.clear()
        self._sql.execute(
            "UPDATE authorisations SET valid_to = ? WHERE id = ?", (last_day.isoformat(), number)
        )

    def withdraw(self, number: int, now: datetime) -> None:
        """End a row at once."""
        self._authorisations.clear()
        self._sql.execute(
            "UPDATE authorisations SET withdrawn_at = ? WHERE id = ?", (to_micros(now), number)
        )

    def authorisations(self, agency: str, affair: AffairCode | None = None) -> list[Authorisation]:
        """Return an agency's rows, in the order of their numbers."""
        # Many acts of one transaction ask for the same.
        asked = (agency, affair)
        if asked not in self._authorisations:
            wanted = affair.text if affair else None
            rows = self._sql.execute(_AUTHORISATIONS, (agency, wanted, wanted)).fetchall()
            self._authorisations[asked] = [_authorisation(row) for row in rows]
        return list(self._authorisations[asked])


def _agency(row: Row) -> RegisteredAgency:
    return RegisteredAgency(as_text(row[0]), as_text(row[1]), from_micros(as_number(row[2])))


# The same few rows are read for every question; a row says all of its authorisation.
@lru_cache(maxsize=1024)
def _authorisation(row: Row) -> Authorisation:
    return Authorisation(
        number=as_number(row[0]),
        agency=as_text(row[1]),
        affair=AffairCode(as_text(row[2])),
        purpose=as_text(row[3]),
        kinds=frozenset(map(Kind, as_text(row[4]).split())),
        items=frozenset(map(Item, as_text(row[5]).split())),
        valid_from=date.fromisoformat(as_text(row[6])),
        valid_to=None if row[7] is None else date.fromisoformat(as_text(row[7])),
        withdrawn_at=None if row[8] is None else from_micros(as_number(row[8])),
    )
