"""The keyed index of names and birth dates, one for each prefecture.

A token is the first 16 bytes of a keyed hash of one name in one of its roles together with the
birth date; address and sex are not in it, and no single attribute has a token of its own. While
the key is replaced there is a token for each version that is written; what is asked is always
asked by the active one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.name_keys import kana_key, name_key
from juki_center.areas.residents.records import PersonID, ResidenceRecord
from juki_center.storage.keyring import KeyRing, LookUp
from juki_center.storage.keys import LookUpKey
from juki_center.storage.sql import SQL, as_number, as_octets

TOKEN_OCTETS: Final = 16

_INSERT = "INSERT INTO attribute_index (token, person, key_version) VALUES (?, ?, ?)"
_DELETE = "DELETE FROM attribute_index WHERE token = ? AND person = ?"


def record_tokens(key: LookUpKey, prefecture: str, record: ResidenceRecord) -> set[bytes]:
    """Return the tokens under which a record is found."""
    names = {
        "name": record.name,
        "kana": record.kana,
        "kanji_name": record.kanji_name,
        "alias": record.alias,
    }
    derived, day = key.derive(prefecture), record.birth.index_key
    return {
        _token(derived, kind, key_of, day)
        for kind, text in names.items()
        if text and (key_of := _key(kind, text))
    }


class AttributeTokens:
    """The tokens of names, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def read(self, prefecture: str, wanted: Mapping[str, str], birth: CivilDate) -> list[bytes]:
        """Return under which tokens a person is looked for: the date itself, and its year."""
        derived = self._keys.look_up(LookUp.ATTRIBUTES).derive(prefecture)
        days = sorted({birth.index_key, birth.year_key})
        return [
            _token(derived, kind, key, day)
            for kind, text in wanted.items()
            if text and (key := _key(kind, text))
            for day in days
        ]

    def enter(self, person: PersonID, prefecture: str, record: ResidenceRecord) -> None:
        """Write the tokens of a new person's record."""
        self._insert(person, self._wanted(prefecture, record))

    def replace(self, person: PersonID, prefecture: str, record: ResidenceRecord) -> None:
        """Write a record's tokens in place of those from before; what stays is not touched."""
        wanted = self._wanted(prefecture, record)
        rows = self._sql.execute(
            "SELECT token, key_version FROM attribute_index WHERE person = ?", (person.octets,)
        ).fetchall()
        for row in rows:
            token = as_octets(row[0])
            if wanted.get(token) == as_number(row[1]):
                del wanted[token]
            else:
                self._sql.execute(_DELETE, (token, person.octets))
        self._insert(person, wanted)

    def _insert(self, person: PersonID, wanted: Mapping[bytes, int]) -> None:
        rows = [(token, person.octets, version) for token, version in wanted.items()]
        self._sql.executemany(_INSERT, rows)

    def _wanted(self, prefecture: str, record: ResidenceRecord) -> dict[bytes, int]:
        return {
            token: version.number
            for version in self._keys.written(LookUp.ATTRIBUTES)
            for token in record_tokens(version.key, prefecture, record)
        }


def _token(derived: LookUpKey, kind: str, key: str, day: str) -> bytes:
    return derived.token(kind.encode(), key.encode(), day.encode())[:TOKEN_OCTETS]


def _key(kind: str, text: str) -> str:
    """Return the search key of a text; an empty one is not looked for."""
    return kana_key(text) if kind == "kana" else name_key(text)
