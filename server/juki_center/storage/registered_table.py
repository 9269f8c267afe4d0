"""A register as it stands in the tables, household by household, without opening anything."""

from __future__ import annotations

from juki_center.areas.fleet.consistency import RegisteredPerson
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import HouseholdID, PersonID
from juki_center.storage.sql import SQL, Row, as_number, as_octets, as_text

_HOUSEHOLDS = (
    "SELECT DISTINCT household FROM records WHERE municipality = ? AND household > ?"
    " ORDER BY household LIMIT ?"
)
_MEMBERS = (
    "SELECT r.person, r.version, d.municipality, coalesce(d.version, 0),"
    " (SELECT count(*) FROM record_history h WHERE h.person = r.person),"
    " (SELECT coalesce(min(h.version), 0) FROM record_history h WHERE h.person = r.person),"
    " (SELECT coalesce(max(h.version), 0) FROM record_history h WHERE h.person = r.person)"
    " FROM records r LEFT JOIN directory d ON d.person = r.person"
    " WHERE r.municipality = ? AND r.household = ?"
)


class RegisteredTable:
    """Registers in the tables, for one transaction."""

    def __init__(self, sql: SQL) -> None:
        self._sql = sql

    def households(
        self, municipality: MunicipalityCode, after: HouseholdID | None, limit: int
    ) -> list[HouseholdID]:
        """Return households of a register in the order of their ids, at most `limit`."""
        reached = b"" if after is None else after.octets
        rows = self._sql.execute(_HOUSEHOLDS, (str(municipality), reached, limit)).fetchall()
        return [HouseholdID(as_octets(row[0])) for row in rows]

    def members(
        self, municipality: MunicipalityCode, household: HouseholdID
    ) -> list[RegisteredPerson]:
        """Return what the tables say of those whose records are in a household."""
        rows = self._sql.execute(_MEMBERS, (str(municipality), household.octets)).fetchall()
        return [_person(row) for row in rows]


def _person(row: Row) -> RegisteredPerson:
    return RegisteredPerson(
        person=PersonID(as_octets(row[0])),
        version=as_number(row[1]),
        directory_municipality=None if row[2] is None else MunicipalityCode(as_text(row[2])),
        directory_version=as_number(row[3]),
        kept=as_number(row[4]),
        first=as_number(row[5]),
        last=as_number(row[6]),
    )
