"""The store's keys: a data key for each municipality, one of the center's own, look-up keys.

Which key belongs to whom is read from the database in every transaction; only unwrapping is
remembered. So a municipality that is disconnected in one transaction is closed to the next.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Reason, Refusal
from juki_center.storage.keys import KEY_OCTETS, KeyEncryptionKey, LookUpKey, SealKey
from juki_center.storage.sql import SQL, as_number, as_octets

_CENTER = "center"


class LookUp(StrEnum):
    """What is found, compared or named by a keyed hash."""

    CODE = "code"
    ATTRIBUTES = "attributes"
    AUDIT = "audit"
    CONTENT = "content"
    HOUSEHOLD = "household"


@dataclass(frozen=True, slots=True)
class DataKey:
    """A municipality's data key and its version."""

    version: int
    key: SealKey


class KeyRing:
    """Unwraps keys for one connection."""

    def __init__(self, sql: SQL, kek: KeyEncryptionKey) -> None:
        self._sql = sql
        self._kek = kek
        self._opened: dict[bytes, SealKey] = {}
        self._look_up: dict[LookUp, LookUpKey] = {}

    def data_key(self, municipality: MunicipalityCode, version: int | None = None) -> DataKey:
        """Return a municipality's data key, the newest unless a version is named.

        Raises Refusal(RESIDENCE_DISCONNECTED) while the municipality is disconnected.
        """
        row = self._sql.execute(
            "SELECT k.version, k.wrapped, m.is_connected FROM municipality_keys k"
            " JOIN municipalities m ON m.code = k.municipality"
            " WHERE k.municipality = ? AND (? IS NULL OR k.version = ?)"
            " ORDER BY k.version DESC LIMIT 1",
            (str(municipality), version, version),
        ).fetchone()
        if row is None:
            raise LookupError(f"the store does not host municipality {municipality}")
        wrapped = as_octets(row[1])
        if not as_number(row[2]):
            self._opened.pop(wrapped, None)
            raise Refusal(Reason.RESIDENCE_DISCONNECTED)
        found = as_number(row[0])
        return DataKey(found, self._open(wrapped, _data_owner(municipality, found)))

    def make_data_key(self, municipality: MunicipalityCode) -> None:
        """Make the first data key of a municipality."""
        wrapped = self._kek.wrap(secrets.token_bytes(KEY_OCTETS), _data_owner(municipality, 1))
        self._sql.execute(
            "INSERT INTO municipality_keys (municipality, version, wrapped) VALUES (?, 1, ?)",
            (str(municipality), wrapped),
        )

    def center_key(self) -> DataKey:
        """Return the key that seals what belongs to no municipality."""
        version, wrapped = self._center_wide(_CENTER)
        return DataKey(version, self._open(wrapped, _center_owner(_CENTER, version)))

    def look_up(self, purpose: LookUp) -> LookUpKey:
        """Return a look-up key. Raises KeyUnusable where the key-encryption key does not fit."""
        if purpose not in self._look_up:
            version, wrapped = self._center_wide(purpose)
            self._look_up[purpose] = LookUpKey(
                self._kek.unwrap(wrapped, _center_owner(purpose, version))
            )
        return self._look_up[purpose]

    def check(self) -> None:
        """Raise KeyUnusable where the key-encryption key does not open this store's keys."""
        self.center_key()
        for purpose in LookUp:
            self.look_up(purpose)

    def make_missing_center_keys(self) -> None:
        """Make the center-wide keys that a new store does not have yet."""
        known = {row[0] for row in self._sql.execute("SELECT purpose FROM center_keys").fetchall()}
        for purpose in (_CENTER, *LookUp):
            if purpose not in known:
                wrapped = self._kek.wrap(secrets.token_bytes(KEY_OCTETS), _center_owner(purpose, 1))
                self._sql.execute(
                    "INSERT INTO center_keys (purpose, version, wrapped) VALUES (?, 1, ?)",
                    (purpose, wrapped),
                )

    def _center_wide(self, purpose: str) -> tuple[int, bytes]:
        row = self._sql.execute(
            "SELECT version, wrapped FROM center_keys WHERE purpose = ?"
            " ORDER BY version DESC LIMIT 1",
            (purpose,),
        ).fetchone()
        if row is None:
            raise LookupError(f"the store has no key for {purpose}")
        return as_number(row[0]), as_octets(row[1])

    def _open(self, wrapped: bytes, owner: str) -> SealKey:
        if wrapped not in self._opened:
            self._opened[wrapped] = SealKey(self._kek.unwrap(wrapped, owner))
        return self._opened[wrapped]


def _data_owner(municipality: MunicipalityCode, version: int) -> str:
    return f"data-key:{municipality}:{version}"


def _center_owner(purpose: str, version: int) -> str:
    return f"center-key:{purpose}:{version}"
