"""Residents in the database: the directory, sealed records, and the keyed attribute index."""

from __future__ import annotations

import secrets
from dataclasses import replace

from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.name_keys import kana_key, name_key
from juki_center.areas.residents.records import (
    HouseholdID,
    PersonID,
    ResidenceRecord,
    ResidenceState,
    Resident,
    Whereabouts,
)
from juki_center.errors import Reason, Refusal
from juki_center.storage import record_codec
from juki_center.storage.keyring import KeyRing, LookUp
from juki_center.storage.sql import SQL, Row, as_number, as_octets, as_text

_WHEREABOUTS = "SELECT person, municipality, state, version FROM directory"
_RESIDENT = (
    "SELECT r.person, r.municipality, r.household, d.state, r.version, r.key_version, r.sealed"
    " FROM records r JOIN directory d ON d.person = r.person"
)
_OF_CANDIDATES = (
    " WHERE r.municipality = ? AND r.person IN"
    " (SELECT person FROM attribute_index WHERE token IN (?, ?, ?, ?))"
)


class ResidentsTable:
    """Residents, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def by_code(self, code: ResidentCode) -> Whereabouts | None:
        """Say where the person with this code is."""
        token = self._code_token(code)
        return _whereabouts(
            self._sql.execute(f"{_WHEREABOUTS} WHERE token = ?", (token,)).fetchone()
        )

    def whereabouts(self, person: PersonID) -> Whereabouts | None:
        """Say where a person is."""
        return _whereabouts(
            self._sql.execute(f"{_WHEREABOUTS} WHERE person = ?", (person.octets,)).fetchone()
        )

    def resident(self, person: PersonID) -> Resident:
        """Open a person's record. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        row = self._sql.execute(f"{_RESIDENT} WHERE r.person = ?", (person.octets,)).fetchone()
        if row is None:
            raise LookupError("the person has no record")
        return self._resident(row)

    def household(self, municipality: MunicipalityCode, household: HouseholdID) -> list[Resident]:
        """Open all records of a household. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        rows = self._sql.execute(
            f"{_RESIDENT} WHERE r.municipality = ? AND r.household = ?",
            (str(municipality), household.octets),
        ).fetchall()
        return [self._resident(row) for row in rows]

    def by_attributes(
        self, municipality: MunicipalityCode, name: str, birth: CivilDate
    ) -> list[Resident]:
        """Open the candidates for a name and a birth date at a municipality.

        Raises Refusal(RESIDENCE_DISCONNECTED), whether there are candidates or not.
        """
        self._keys.data_key(municipality)
        tokens = [
            self._attribute_token(municipality, kind, name_key(name), day)
            for kind in (b"name", b"alias")
            for day in (birth.index_key, birth.year_key)
        ]
        rows = self._sql.execute(
            _RESIDENT + _OF_CANDIDATES,
            (str(municipality), *tokens),
        ).fetchall()
        return [self._resident(row) for row in rows]

    def enter(
        self,
        municipality: MunicipalityCode,
        household: HouseholdID,
        record: ResidenceRecord,
        state: ResidenceState = ResidenceState.ACTIVE,
    ) -> PersonID:
        """Enter a person who is new to the register; the code is new too."""
        person = PersonID(secrets.token_bytes(16))
        resident = Resident(person, municipality, household, state, 1, record)
        self._sql.execute(
            "INSERT INTO directory (token, key_version, person, municipality, state, version)"
            " VALUES (?, 1, ?, ?, ?, 1)",
            (self._code_token(record.code), person.octets, str(municipality), state),
        )
        key_version, sealed = self._seal(resident)
        self._sql.execute(
            "INSERT INTO records (person, municipality, household, version, key_version, sealed)"
            " VALUES (?, ?, ?, 1, ?, ?)",
            (person.octets, str(municipality), household.octets, key_version, sealed),
        )
        self._index(resident)
        return person

    def replace(self, resident: Resident) -> None:
        """Write the next version. Raises Refusal(STORE_UNAVAILABLE) if somebody else was first."""
        following = replace(resident, version=resident.version + 1)
        changed = self._sql.execute(
            "UPDATE directory SET token = ?, municipality = ?, state = ?, version = ?"
            " WHERE person = ? AND version = ?",
            (
                self._code_token(following.record.code),
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
        self._sql.execute("DELETE FROM attribute_index WHERE person = ?", (resident.person.octets,))
        self._index(following)

    def new_household(self) -> HouseholdID:
        """Draw a household's id."""
        return HouseholdID(secrets.token_bytes(16))

    def _index(self, resident: Resident) -> None:
        record = resident.record
        keys = {
            b"name": name_key(record.name),
            b"kana": kana_key(record.kana),
            b"alias": name_key(record.alias),
        }
        for kind, key in keys.items():
            if key:
                token = self._attribute_token(
                    resident.municipality, kind, key, record.birth.index_key
                )
                self._sql.execute(
                    "INSERT INTO attribute_index (token, person) VALUES (?, ?)",
                    (token, resident.person.octets),
                )

    def _resident(self, row: Row) -> Resident:
        municipality = MunicipalityCode(as_text(row[1]))
        person, version = PersonID(as_octets(row[0])), as_number(row[4])
        household = HouseholdID(as_octets(row[2]))
        data_key = self._keys.data_key(municipality, as_number(row[5]))
        owner = _owner(municipality, person, household, version)
        opened = data_key.key.open(as_octets(row[6]), owner)
        return Resident(
            person=person,
            municipality=municipality,
            household=household,
            state=ResidenceState(as_text(row[3])),
            version=version,
            record=record_codec.decode(opened),
        )

    def _seal(self, resident: Resident) -> tuple[int, bytes]:
        data_key = self._keys.data_key(resident.municipality)
        owner = _owner(resident.municipality, resident.person, resident.household, resident.version)
        return data_key.version, data_key.key.seal(record_codec.encode(resident.record), owner)

    def _code_token(self, code: ResidentCode) -> bytes:
        return self._keys.look_up(LookUp.CODE).token(code.digits.encode())

    def _attribute_token(
        self, municipality: MunicipalityCode, kind: bytes, key: str, day: str
    ) -> bytes:
        prefecture = self._keys.look_up(LookUp.ATTRIBUTES).derive(municipality.prefecture)
        return prefecture.token(kind, key.encode(), day.encode())


def _whereabouts(row: Row | None) -> Whereabouts | None:
    if row is None:
        return None
    return Whereabouts(
        person=PersonID(as_octets(row[0])),
        municipality=MunicipalityCode(as_text(row[1])),
        state=ResidenceState(as_text(row[2])),
        version=as_number(row[3]),
    )


def _owner(
    municipality: MunicipalityCode, person: PersonID, household: HouseholdID, version: int
) -> str:
    """Return what a record is sealed to: a row moved to another household does not open either."""
    return f"record:{municipality}:{person.octets.hex()}:{household.octets.hex()}:{version}"
