"""Tokens of resident record codes: who has one, had one, or has one in stock.

All of them stand in one table, so that no code is ever given twice. A token is the first 16 bytes
of a keyed hash. While the key is replaced there is a token for each version that is written;
what is asked is always asked by the active one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from juki_center.areas.residents.codes import ResidentCode
from juki_center.areas.residents.records import PersonID
from juki_center.storage.keyring import KeyRing, LookUp
from juki_center.storage.keys import LookUpKey
from juki_center.storage.sql import SQL, as_number, as_octets

TOKEN_OCTETS: Final = 16

# A code in stock may be assigned by the municipality's own system; then it is a person's.
_INSERT = (
    "INSERT INTO code_index (token, key_version, person, is_former) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (token) DO UPDATE SET key_version = excluded.key_version,"
    " person = excluded.person, is_former = excluded.is_former"
    " WHERE code_index.person IS NULL"
)
_STOCK = (
    "INSERT INTO code_index (token, key_version, person, is_former) VALUES (?, ?, NULL, 0)"
    " ON CONFLICT (token) DO NOTHING"
)


def code_token(key: LookUpKey, code: ResidentCode) -> bytes:
    """Return a code's token under one version of the key."""
    return key.token(code.digits.encode())[:TOKEN_OCTETS]


class CodeTokens:
    """The tokens of codes, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def read(self, code: ResidentCode) -> bytes:
        """Return the token by which a code is looked for."""
        return code_token(self._keys.look_up(LookUp.CODE), code)

    def enter(self, person: PersonID, code: ResidentCode, former: Iterable[ResidentCode]) -> None:
        """Write the tokens of a new person's codes; each of them is new to everybody."""
        for token, (version, is_former) in self._wanted(code, former).items():
            self._put(token, version, person, is_former)

    def replace(self, person: PersonID, code: ResidentCode, former: Iterable[ResidentCode]) -> None:
        """Write a person's codes in place of those from before; what stays is not touched."""
        wanted = self._wanted(code, former)
        rows = self._sql.execute(
            "SELECT token, key_version, is_former FROM code_index WHERE person = ?",
            (person.octets,),
        ).fetchall()
        for row in rows:
            token, entry = as_octets(row[0]), (as_number(row[1]), as_number(row[2]))
            if wanted.get(token) == entry:
                del wanted[token]
            else:
                self._sql.execute("DELETE FROM code_index WHERE token = ?", (token,))
        for token, (version, is_former) in wanted.items():
            self._put(token, version, person, is_former)

    def put_into_stock(self, code: ResidentCode) -> bool:
        """Write the tokens of a code that nobody has; tell whether that is so."""
        for version, token in self._written(code):
            # The active version comes first, and it knows every code there is.
            if self._sql.execute(_STOCK, (token, version)).rowcount == 0:
                return False
        return True

    def index_in_stock(self, code: ResidentCode) -> None:
        """Write the tokens that a code in stock does not have yet."""
        for version, token in self._written(code):
            self._sql.execute(_STOCK, (token, version))

    def take_from_stock(self, code: ResidentCode) -> None:
        """Remove the tokens of a code that leaves its stock."""
        for version in self._keys.versions(LookUp.CODE):
            self._sql.execute(
                "DELETE FROM code_index WHERE token = ? AND person IS NULL",
                (code_token(version.key, code),),
            )

    def _put(self, token: bytes, version: int, person: PersonID, is_former: int) -> None:
        written = self._sql.execute(_INSERT, (token, version, person.octets, is_former))
        if written.rowcount != 1:
            raise LookupError("somebody else has this code")

    def _wanted(
        self, code: ResidentCode, former: Iterable[ResidentCode]
    ) -> dict[bytes, tuple[int, int]]:
        """Return the tokens of a person's codes: their key's version, and whether former."""
        codes = {**dict.fromkeys(former, 1), code: 0}
        return {
            token: (version, is_former)
            for one, is_former in codes.items()
            for version, token in self._written(one)
        }

    def _written(self, code: ResidentCode) -> Iterator[tuple[int, bytes]]:
        for version in self._keys.written(LookUp.CODE):
            yield version.number, code_token(version.key, code)
