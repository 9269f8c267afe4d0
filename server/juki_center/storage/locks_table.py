"""Edit locks in the database; which clerk holds one is sealed for the record's municipality."""

from __future__ import annotations

from datetime import datetime

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.locks import EditLock
from juki_center.areas.residents.records import PersonID
from juki_center.storage.keyring import KeyRing
from juki_center.storage.sql import SQL, as_number, as_octets, as_text, from_micros, to_micros


class LocksTable:
    """Edit locks, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def of_person(self, person: PersonID) -> EditLock | None:
        """Return the lock of a record, also one that has run out.

        Raises Refusal(RESIDENCE_DISCONNECTED) where there is one that cannot be opened.
        """
        row = self._sql.execute(
            "SELECT lock_id, holder_uri, municipality, key_version, sealed, until FROM edit_locks"
            " WHERE person = ?",
            (person.octets,),
        ).fetchone()
        if row is None:
            return None
        lock_id = as_octets(row[0])
        data_key = self._keys.data_key(MunicipalityCode(as_text(row[2])), as_number(row[3]))
        clerk = data_key.key.open(as_octets(row[4]), lock_owner(person.octets, lock_id))
        return EditLock(
            person=person,
            lock_id=lock_id,
            holder_uri=as_text(row[1]),
            clerk_name=clerk.decode(),
            until=from_micros(as_number(row[5])),
        )

    def put(self, lock: EditLock) -> None:
        """Write the lock of a record in place of an earlier one; the person exists.

        Raises Refusal(RESIDENCE_DISCONNECTED).
        """
        municipality = self._municipality(lock.person)
        data_key = self._keys.data_key(municipality)
        self._sql.execute(
            "INSERT OR REPLACE INTO edit_locks (person, lock_id, holder_uri, municipality,"
            " key_version, sealed, until) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                lock.person.octets,
                lock.lock_id,
                lock.holder_uri,
                str(municipality),
                data_key.version,
                data_key.key.seal(
                    lock.clerk_name.encode(), lock_owner(lock.person.octets, lock.lock_id)
                ),
                to_micros(lock.until),
            ),
        )

    def remove(self, lock_id: bytes, holder_uri: str) -> None:
        """Remove a lock; nothing happens where this terminal has no such lock."""
        self._sql.execute(
            "DELETE FROM edit_locks WHERE lock_id = ? AND holder_uri = ?", (lock_id, holder_uri)
        )

    def remove_before(self, moment: datetime) -> None:
        """Remove the locks that ran out before `moment`."""
        self._sql.execute("DELETE FROM edit_locks WHERE until < ?", (to_micros(moment),))

    def _municipality(self, person: PersonID) -> MunicipalityCode:
        row = self._sql.execute(
            "SELECT municipality FROM directory WHERE person = ?", (person.octets,)
        ).fetchone()
        if row is None:
            raise LookupError("the person has no record")
        return MunicipalityCode(as_text(row[0]))


def lock_owner(person: bytes, lock_id: bytes) -> str:
    """Return what a lock's clerk is sealed to."""
    return f"lock:{person.hex()}:{lock_id.hex()}"
