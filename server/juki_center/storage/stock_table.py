"""Stocks of resident record codes in the database: sealed, and drawn by a random slot."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.storage.code_tokens import CodeTokens
from juki_center.storage.keyring import KeyRing
from juki_center.storage.sql import SQL, Row, as_number, as_octets, as_text

_DOWNWARDS = (
    "SELECT municipality, slot, key_version, sealed FROM code_stock"
    " WHERE (municipality, slot) < (?, ?) ORDER BY municipality DESC, slot DESC LIMIT ?"
)
_ABOVE_ALL = b"~:0"


class StockTable:
    """The stocks, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys
        self._tokens = CodeTokens(sql, keys)

    def count(self, municipality: MunicipalityCode) -> int:
        """Return how many codes a municipality has left."""
        row = self._sql.execute(
            "SELECT coalesce(max(slot) + 1, 0) FROM code_stock WHERE municipality = ?",
            (str(municipality),),
        ).fetchone()
        return as_number(row[0]) if row else 0

    def draw(self, municipality: MunicipalityCode) -> ResidentCode | None:
        """Take one code at random, for good. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        self._keys.data_key(municipality)
        count = self.count(municipality)
        if count == 0:
            return None
        slot = secrets.randbelow(count)
        code = self._code(municipality, slot)
        self._remove(municipality, slot, last=count - 1)
        self._tokens.take_from_stock(code)
        return code

    def add(self, municipality: MunicipalityCode, codes: Iterable[ResidentCode]) -> int:
        """Add the codes that nobody has or had. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        data_key = self._keys.data_key(municipality)
        first = slot = self.count(municipality)
        for code in codes:
            if not self._tokens.put_into_stock(code):
                continue
            self._sql.execute(
                "INSERT INTO code_stock (municipality, slot, key_version, sealed)"
                " VALUES (?, ?, ?, ?)",
                (
                    str(municipality),
                    slot,
                    data_key.version,
                    data_key.key.wrap(code.digits.encode(), stock_owner(str(municipality))),
                ),
            )
            slot += 1
        return slot - first

    def reindex(self, progress: bytes, limit: int) -> tuple[int, bytes]:
        """Index the next codes of all stocks; return how many, and how far that was.

        Slots are walked downwards: what a draw moves meanwhile comes to a lower slot or is done,
        and what is added above has its tokens. Raises Refusal(RESIDENCE_DISCONNECTED).
        """
        municipality, _, slot = (progress or _ABOVE_ALL).decode().partition(":")
        rows = self._sql.execute(_DOWNWARDS, (municipality, int(slot), limit)).fetchall()
        for row in rows:
            self._tokens.index_in_stock(self._opened(MunicipalityCode(as_text(row[0])), row[2:]))
            progress = f"{as_text(row[0])}:{as_number(row[1])}".encode()
        return len(rows), progress

    def _code(self, municipality: MunicipalityCode, slot: int) -> ResidentCode:
        row = self._sql.execute(
            "SELECT key_version, sealed FROM code_stock WHERE municipality = ? AND slot = ?",
            (str(municipality), slot),
        ).fetchone()
        if row is None:
            raise LookupError("a stock's slots are not dense")
        return self._opened(municipality, row)

    def _opened(self, municipality: MunicipalityCode, row: Row) -> ResidentCode:
        data_key = self._keys.data_key(municipality, as_number(row[0]))
        opened = data_key.key.unwrap(as_octets(row[1]), stock_owner(str(municipality)))
        return ResidentCode(opened.decode())

    def _remove(self, municipality: MunicipalityCode, slot: int, *, last: int) -> None:
        """Empty a slot; the last code moves into it, so that the slots stay dense."""
        self._sql.execute(
            "UPDATE code_stock SET (key_version, sealed) = (SELECT key_version, sealed"
            " FROM code_stock WHERE municipality = ? AND slot = ?)"
            " WHERE municipality = ? AND slot = ?",
            (str(municipality), last, str(municipality), slot),
        )
        self._sql.execute(
            "DELETE FROM code_stock WHERE municipality = ? AND slot = ?",
            (str(municipality), last),
        )


def stock_owner(municipality: str) -> str:
    """Return what a code in stock is sealed to: its municipality, for slots change."""
    return f"code-in-stock:{municipality}"
