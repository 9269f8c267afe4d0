"""Residents in the database: the directory, sealed records, and the keyed attribute index."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Final

from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import (
    AttributeQuery,
    ChangeInformation,
    CodeHolder,
    Excerpt,
    Holding,
    HouseholdID,
    PersonID,
    ResidenceRecord,
    ResidenceState,
    Resident,
    Whereabouts,
)
from juki_center.errors import Reason, Refusal
from juki_center.storage import record_codec
from juki_center.storage.attribute_tokens import AttributeTokens
from juki_center.storage.code_tokens import CodeTokens
from juki_center.storage.keyring import KeyRing, LookUp
from juki_center.storage.sql import SQL, Row, Value, as_number, as_octets, as_text

_WHEREABOUTS = "SELECT d.person, d.municipality, d.state, d.version FROM directory d"
_OF_CODE = (
    f"{_WHEREABOUTS} JOIN code_index c ON c.person = d.person WHERE c.token = ? AND c.is_former = ?"
)
_OF_ANY_CODE = (
    "SELECT d.person, d.municipality, d.state, d.version, c.is_former FROM directory d"
    " JOIN code_index c ON c.person = d.person WHERE c.token = ?"
)
# The directory says where a record is: on a server it lies in one partition of several.
_RESIDENT = (
    "SELECT r.person, r.municipality, r.household, d.state, r.version, r.key_version, r.sealed"
    " FROM records r JOIN directory d ON d.person = r.person AND d.municipality = r.municipality"
)
# One statement for where persons are and what is kept of them, for one code or many.
_HOLDINGS = (
    "SELECT c.token, c.is_former, r.person, r.municipality, r.household, d.state, r.version,"
    " r.key_version, r.sealed FROM code_index c JOIN directory d ON d.person = c.person"
    " LEFT JOIN records r ON r.person = d.person AND r.municipality = d.municipality"
    " WHERE c.token IN "
)
_KEPT = (
    "SELECT h.person, h.municipality, h.household, h.state, h.version, h.key_version, h.sealed"
    " FROM record_history h"
)
_VERSIONS = (
    f"{_KEPT} WHERE h.person = ? AND h.version < ? AND h.municipality = ?"
    " ORDER BY h.version DESC LIMIT ?"
)
# Of a stay that has ended the last version is marked. Whoever lives there again stands among the
# records, and of several stays the newest counts.
_MOVED_AWAY = (
    f"{_KEPT} JOIN directory d ON d.person = h.person"  # noqa: S608  # constants
    " WHERE h.municipality = ? AND h.household = ? AND h.ended_stay = 1"
    " AND d.municipality <> h.municipality"
    " AND NOT EXISTS (SELECT 1 FROM record_history n WHERE n.person = h.person"
    " AND n.municipality = h.municipality AND n.version > h.version)"
)
_NO_VERSION_YET = 2**53  # Beyond every version, and small enough to be counted on from.
_HOUSEHOLD_OCTETS = 16
_PERSONS_TOGETHER = 1_000
_TOGETHER_OCTETS = 4


class ResidentsTable:
    """Residents, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys
        self._codes = CodeTokens(sql, keys)
        self._attributes = AttributeTokens(sql, keys)
        self._drawn = 0
        self._together = b""

    def by_code(self, code: ResidentCode) -> Whereabouts | None:
        """Say where the person with this code is."""
        return self._of_code(code, is_former=False)

    def by_any_code(self, code: ResidentCode) -> CodeHolder | None:
        """Say where the person is who has this code, or had it before."""
        row = self._sql.execute(_OF_ANY_CODE, (self._codes.read(code),)).fetchone()
        where = _whereabouts(row)
        if row is None or where is None:
            return None
        return CodeHolder(where, is_former=bool(as_number(row[4])))

    def by_former_code(self, code: ResidentCode) -> Whereabouts | None:
        """Say where the person is who had this code before."""
        return self._of_code(code, is_former=True)

    def by_codes(self, codes: Collection[ResidentCode]) -> Mapping[ResidentCode, Holding]:
        """Find who has, or had, each of these codes; a record opens when it is asked for."""
        if not codes:
            return {}
        asked = {self._codes.read(code): code for code in codes}
        marks = ", ".join("?" * len(asked))
        rows = self._sql.execute(f"{_HOLDINGS}({marks})", tuple(asked)).fetchall()
        return {
            asked[as_octets(token)]: Holding(
                bool(is_former), partial(self._recorded, kept), partial(self._excerpt, kept)
            )
            for token, is_former, *kept in rows
        }

    def whereabouts(self, person: PersonID) -> Whereabouts | None:
        """Say where a person is."""
        return _whereabouts(
            self._sql.execute(f"{_WHEREABOUTS} WHERE d.person = ?", (person.octets,)).fetchone()
        )

    def resident(self, person: PersonID) -> Resident:
        """Open a person's record. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        row = self._sql.execute(f"{_RESIDENT} WHERE r.person = ?", (person.octets,)).fetchone()
        return self._recorded(row)

    def household(self, municipality: MunicipalityCode, household: HouseholdID) -> list[Resident]:
        """Open all records of a household. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        whose = (str(municipality), household.octets)
        here = self._sql.execute(
            f"{_RESIDENT} WHERE r.municipality = ? AND r.household = ?", whose
        ).fetchall()
        away = self._sql.execute(_MOVED_AWAY, whose).fetchall()
        return [self._resident(row) for row in (*here, *away)]

    def by_attributes(
        self, municipality: MunicipalityCode, name: str, birth: CivilDate
    ) -> list[Resident]:
        """Open the candidates for a name and a birth date at a municipality.

        Raises Refusal(RESIDENCE_DISCONNECTED), whether there are candidates or not.
        """
        self._keys.data_key(municipality)
        named = {"name": name, "alias": name}
        tokens = self._attributes.read(municipality.prefecture, named, birth)
        return self._opened(tokens, " AND r.municipality = ?", str(municipality))

    def candidates(self, prefecture: str, query: AttributeQuery) -> list[Resident]:
        """Open the candidates within a prefecture. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        named = dict.fromkeys(("name", "kanji_name", "alias"), query.name)
        wanted = {**named, "kana": query.kana}
        return self._opened(self._attributes.read(prefecture, wanted, query.birth))

    def enter(
        self,
        municipality: MunicipalityCode,
        household: HouseholdID,
        record: ResidenceRecord,
        state: ResidenceState = ResidenceState.ACTIVE,
        change: ChangeInformation | None = None,
    ) -> PersonID:
        """Enter a person who is new to the register, as version 1; the code is new too."""
        person = self._new_person()
        resident = Resident(person, municipality, household, state, 1, record, change)
        self._sql.execute(
            "INSERT INTO directory (person, municipality, state, version) VALUES (?, ?, ?, 1)",
            (person.octets, str(municipality), state),
        )
        key_version, sealed = self._seal(resident)
        self._sql.execute(
            "INSERT INTO records (person, municipality, household, version, key_version, sealed)"
            " VALUES (?, ?, ?, 1, ?, ?)",
            (person.octets, str(municipality), household.octets, key_version, sealed),
        )
        self._codes.enter(person, record.code, record.former_codes)
        self._attributes.enter(person, municipality.prefecture, record)
        return person

    def replace(self, resident: Resident) -> None:
        """Write the next version. Raises Refusal(STORE_UNAVAILABLE) if somebody else was first."""
        following = replace(resident, version=resident.version + 1)
        self._keep_version(following)
        changed = self._sql.execute(
            "UPDATE directory SET municipality = ?, state = ?, version = ?"
            " WHERE person = ? AND version = ?",
            (
                str(following.municipality),
                following.state,
                following.version,
                following.person.octets,
                resident.version,
            ),
        )
        if changed.rowcount != 1:
            # The same act, sent again, then reads the version that the other one wrote.
            raise Refusal(Reason.STORE_UNAVAILABLE)
        key_version, sealed = self._seal(following)
        self._sql.execute(
            "UPDATE records SET municipality = ?, household = ?, version = ?, key_version = ?,"
            " sealed = ? WHERE person = ?",
            (
                str(following.municipality),
                following.household.octets,
                following.version,
                key_version,
                sealed,
                following.person.octets,
            ),
        )
        self._index(following)

    def reindex(self, person: PersonID) -> None:
        """Write the tokens of a person that are not there, and remove those that should not be.

        Raises Refusal(RESIDENCE_DISCONNECTED).
        """
        self._index(self.resident(person))

    def earlier(self, resident: Resident, limit: int) -> list[Resident]:
        """Open earlier versions in the same book. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        return self._versions(resident.person, resident.municipality, resident.version, limit)

    def version(self, person: PersonID, number: int) -> Resident:
        """Open one version. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        row = (
            self._sql.execute(
                f"{_RESIDENT} WHERE r.person = ? AND r.version = ?", (person.octets, number)
            ).fetchone()
            or self._sql.execute(
                f"{_KEPT} WHERE h.person = ? AND h.version = ?", (person.octets, number)
            ).fetchone()
        )
        if row is None:
            raise LookupError("the person's record has no such version")
        return self._resident(row)

    def own_last(
        self, person: PersonID, municipality: MunicipalityCode, until: int | None = None
    ) -> Resident | None:
        """Open the newest version in one book. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        # The same is asked for every person, so that the work says nothing about where one is.
        newest = _NO_VERSION_YET if until is None else until
        row = self._sql.execute(
            f"{_RESIDENT} WHERE r.person = ? AND r.municipality = ? AND r.version <= ?",
            (person.octets, str(municipality), newest),
        ).fetchone()
        kept = self._versions(person, municipality, newest + 1, 1) if row is None else []
        return self._resident(row) if row is not None else next(iter(kept), None)

    def new_household(self) -> HouseholdID:
        """Draw a household's id."""
        return HouseholdID(secrets.token_bytes(16))

    def numbered_household(self, municipality: MunicipalityCode, number: str) -> HouseholdID:
        """Return the id of the household that a municipality's own system calls `number`."""
        key = self._keys.look_up(LookUp.HOUSEHOLD)
        token = key.token(str(municipality).encode(), number.encode())
        return HouseholdID(token[:_HOUSEHOLD_OCTETS])

    def _index(self, resident: Resident) -> None:
        record, prefecture = resident.record, resident.municipality.prefecture
        self._codes.replace(resident.person, record.code, record.former_codes)
        self._attributes.replace(resident.person, prefecture, record)

    def _new_person(self) -> PersonID:
        """Draw a person's id.

        Persons who are entered one after the other share their first bytes, so that the indexes
        of a register that is imported are written side by side. Rows show their order anyway.
        """
        if self._drawn % _PERSONS_TOGETHER == 0:
            self._together = secrets.token_bytes(_TOGETHER_OCTETS)
        self._drawn += 1
        return PersonID(self._together + secrets.token_bytes(16 - _TOGETHER_OCTETS))

    def _of_code(self, code: ResidentCode, *, is_former: bool) -> Whereabouts | None:
        parameters = (self._codes.read(code), int(is_former))
        return _whereabouts(self._sql.execute(_OF_CODE, parameters).fetchone())

    def _opened(self, tokens: list[bytes], where: str = "", *parameters: str) -> list[Resident]:
        """Open the records of all persons who stand under any of these tokens."""
        marks = ", ".join("?" * len(tokens))
        found = f"SELECT person FROM attribute_index WHERE token IN ({marks})"  # noqa: S608  # marks only
        rows = self._sql.execute(
            f"{_RESIDENT} WHERE r.person IN ({found}){where}", (*tokens, *parameters)
        ).fetchall()
        return [self._resident(row) for row in rows]

    def _keep_version(self, following: Resident) -> None:
        """Put the newest version into the history; say whether the next one is in another book."""
        self._sql.execute(
            "INSERT INTO record_history (person, version, municipality, household, state,"
            " key_version, sealed, ended_stay) SELECT r.person, r.version, r.municipality,"
            " r.household, d.state, r.key_version, r.sealed,"
            " CASE WHEN r.municipality <> ? THEN 1 ELSE 0 END FROM records r"
            " JOIN directory d ON d.person = r.person AND d.municipality = r.municipality"
            " WHERE r.person = ?",
            (str(following.municipality), following.person.octets),
        )

    def _versions(
        self, person: PersonID, municipality: MunicipalityCode, before: int, limit: int
    ) -> list[Resident]:
        """Open versions before a number out of the history of one book, newest first."""
        rows = self._sql.execute(
            _VERSIONS, (person.octets, before, str(municipality), limit)
        ).fetchall()
        return [self._resident(row) for row in rows]

    def _recorded(self, row: Sequence[Value] | None) -> Resident:
        if row is None or row[0] is None:
            raise LookupError("the person has no record")
        return self._resident(row)

    def _resident(self, row: Sequence[Value]) -> Resident:
        municipality = _municipality(as_text(row[1]))
        record, change = record_codec.decode(self._open(municipality, row))
        return Resident(
            person=PersonID(as_octets(row[0])),
            municipality=municipality,
            household=HouseholdID(as_octets(row[2])),
            state=_STATES[as_text(row[3])],
            version=as_number(row[4]),
            record=record,
            change=change,
        )

    def _excerpt(self, row: Sequence[Value]) -> Excerpt:
        if row[0] is None:
            raise LookupError("the person has no record")
        municipality = _municipality(as_text(row[1]))
        entries = record_codec.entries(self._open(municipality, row))
        return Excerpt(PersonID(as_octets(row[0])), municipality, _STATES[as_text(row[3])], entries)

    def _open(self, municipality: MunicipalityCode, row: Sequence[Value]) -> bytes:
        """Return the inside of a sealed record. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        person, _, household, _, version, key_version, sealed = row
        data_key = self._keys.data_key(municipality, as_number(key_version))
        owner = record_owner(
            municipality.digits, as_octets(person), as_octets(household), as_number(version)
        )
        return data_key.key.open(as_octets(sealed), owner)

    def _seal(self, resident: Resident) -> tuple[int, bytes]:
        data_key = self._keys.data_key(resident.municipality)
        owner = record_owner(
            str(resident.municipality),
            resident.person.octets,
            resident.household.octets,
            resident.version,
        )
        opened = record_codec.encode(resident.record, resident.change)
        return data_key.version, data_key.key.seal(opened, owner)


# There are fewer than two thousand, and each record names one.
_municipality = lru_cache(maxsize=4096)(MunicipalityCode)
_STATES: Final[Mapping[str, ResidenceState]] = {one.value: one for one in ResidenceState}


def _whereabouts(row: Row | None) -> Whereabouts | None:
    if row is None:
        return None
    return Whereabouts(
        person=PersonID(as_octets(row[0])),
        municipality=_municipality(as_text(row[1])),
        state=ResidenceState(as_text(row[2])),
        version=as_number(row[3]),
    )


def record_owner(municipality: str, person: bytes, household: bytes, version: int) -> str:
    """Return what a record is sealed to: a row moved to another household does not open either."""
    return f"record:{municipality}:{person.hex()}:{household.hex()}:{version}"
