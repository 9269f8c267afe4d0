"""The hosted registers in the database."""

from __future__ import annotations

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.storage.keyring import KeyRing
from juki_center.storage.sql import SQL, as_text


class RegistersTable:
    """The hosted registers, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def host(self, municipality: MunicipalityCode) -> None:
        """Begin to host a municipality's register; nothing happens where it is hosted already."""
        if self.is_hosted(municipality):
            return
        self._sql.execute(
            "INSERT INTO municipalities (code, is_connected, epoch) VALUES (?, 1, 1)",
            (str(municipality),),
        )
        self._keys.make_data_key(municipality)

    def is_hosted(self, municipality: MunicipalityCode) -> bool:
        """Tell whether the center hosts this register."""
        row = self._sql.execute(
            "SELECT 1 FROM municipalities WHERE code = ?", (str(municipality),)
        ).fetchone()
        return row is not None

    def is_connected(self, municipality: MunicipalityCode) -> bool:
        """Tell whether the center hosts this register and it is connected now."""
        row = self._sql.execute(
            "SELECT is_connected FROM municipalities WHERE code = ?", (str(municipality),)
        ).fetchone()
        return row is not None and bool(row[0])

    def hosted(self) -> list[MunicipalityCode]:
        """Return whose registers the center hosts, in the order of their codes."""
        rows = self._sql.execute("SELECT code FROM municipalities ORDER BY code").fetchall()
        return [MunicipalityCode(as_text(row[0])) for row in rows]

    def disconnected(self) -> list[MunicipalityCode]:
        """Return the hosted registers that are disconnected, by code."""
        rows = self._sql.execute(
            "SELECT code FROM municipalities WHERE is_connected = 0 ORDER BY code"
        ).fetchall()
        return [MunicipalityCode(as_text(row[0])) for row in rows]

    def set_connected(self, municipality: MunicipalityCode, *, connected: bool) -> None:
        """Connect or disconnect a hosted register."""
        self._sql.execute(
            "UPDATE municipalities SET is_connected = ?, epoch = epoch + 1 WHERE code = ?",
            (int(connected), str(municipality)),
        )
        if connected:
            self._keys.begin()
        else:
            self._keys.forget_data_keys(municipality)
