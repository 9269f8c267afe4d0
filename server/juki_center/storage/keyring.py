"""The store's keys: a data key for each municipality, one of the center's own, look-up keys.

Which keys there are, and in which state, is read from the database in every transaction; only
unwrapping is remembered, for as long as the key is still there. So a municipality that is
disconnected in one transaction is closed to the next, and a key that another process has made,
switched or destroyed is known at once. How keys are replaced stands in `rotation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, TypeVar

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import KeyUnusable, Reason, Refusal
from juki_center.storage.keys import KeyEncryptionKey, LookUpKey, SealKey
from juki_center.storage.sql import SQL, as_number, as_octets, as_text

CENTER: Final = "center"
"""The purpose of the center's own data key, beside the look-up keys."""

Key = TypeVar("Key", SealKey, LookUpKey)


class LookUp(StrEnum):
    """What is found, compared or named by a keyed hash."""

    CODE = "code"
    ATTRIBUTES = "attributes"
    AUDIT = "audit"
    CONTENT = "content"
    HOUSEHOLD = "household"


class KeyState(StrEnum):
    """What a version of a center-wide key is used for.

    A look-up key that is being built is written and not yet read, the active one is both, and a
    retiring one is neither. Of the center's data key the active version seals; others open.
    """

    BUILDING = "BUILDING"
    ACTIVE = "ACTIVE"
    RETIRING = "RETIRING"


@dataclass(frozen=True, slots=True)
class DataKey:
    """A municipality's data key and its version."""

    version: int
    key: SealKey


@dataclass(frozen=True, slots=True)
class Version(Generic[Key]):
    """A version of a center-wide key, and what it is used for now."""

    number: int
    state: KeyState
    key: Key


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A version of a key that the store has, without the key."""

    name: str
    version: int
    state: KeyState


class _Opened(Generic[Key]):
    """Keys that were unwrapped before; those that are gone from the database are forgotten."""

    def __init__(self, kek: KeyEncryptionKey, kind: Callable[[bytearray], Key]) -> None:
        self._kek = kek
        self._kind: Callable[[bytearray], Key] = kind
        self._groups: dict[str, dict[bytes, Key]] = {}

    def of(self, group: str, wrapped: Iterable[tuple[int, bytes]]) -> dict[int, Key]:
        """Return the versions of a group's key by number. Raises KeyUnusable."""
        before, now, versions = self._groups.get(group, {}), {}, {}
        for number, octets in wrapped:
            opened = before.get(octets) or self._kek.opened(
                octets, _owner(group, number), self._kind
            )
            now[octets] = versions[number] = opened
        self._groups[group] = now
        return versions

    def forget(self, group: str) -> tuple[Key, ...]:
        """Remember a group's keys no longer, and return those that there were."""
        return tuple(self._groups.pop(group, {}).values())


class KeyRing:
    """The keys, for one connection."""

    def __init__(self, sql: SQL, kek: KeyEncryptionKey) -> None:
        self._sql = sql
        self._kek = kek
        self._seal_keys = _Opened(kek, SealKey)
        self._look_up_keys = _Opened(kek, LookUpKey)
        self._municipalities: dict[MunicipalityCode, dict[int, SealKey] | None] = {}
        self._newest: dict[MunicipalityCode, DataKey] = {}
        self._purposes: dict[LookUp, tuple[Version[LookUpKey], ...]] = {}
        self._actives: dict[LookUp, LookUpKey] = {}
        self._written: dict[LookUp, tuple[Version[LookUpKey], ...]] = {}
        self._centers: tuple[Version[SealKey], ...] = ()

    def begin(self) -> None:
        """Begin a transaction, or undo an act: what was read of the keys before counts no more."""
        self._municipalities.clear()
        self._newest.clear()
        self._purposes.clear()
        self._actives.clear()
        self._written.clear()
        self._centers = ()

    def data_key(self, municipality: MunicipalityCode, version: int | None = None) -> DataKey:
        """Return a municipality's data key, the newest unless a version is named.

        Raises Refusal(RESIDENCE_DISCONNECTED) while the municipality is disconnected, and
        KeyUnusable for a version that is not there any more.
        """
        newest = self._newest.get(municipality)
        if newest is not None and version in {None, newest.version}:
            return newest
        if municipality not in self._municipalities:
            self._municipalities[municipality] = self._data_keys(municipality)
        versions = self._municipalities[municipality]
        if versions is None:
            raise Refusal(Reason.RESIDENCE_DISCONNECTED)
        number = max(versions) if version is None else version
        if number not in versions:
            raise KeyUnusable(f"{_data_group(municipality)}: version {number} was destroyed")
        found = DataKey(number, versions[number])
        if number == max(versions):
            self._newest[municipality] = found
        return found

    def forget_data_keys(self, municipality: MunicipalityCode) -> None:
        """Let a municipality's data keys leave the memory, whoever still holds them."""
        for key in self._seal_keys.forget(_data_group(municipality)):
            key.forget()
        self.begin()

    def forget_closed(self) -> None:
        """Let the data keys of all municipalities that are disconnected leave the memory."""
        rows = self._sql.execute("SELECT code FROM municipalities WHERE is_connected = 0")
        for row in rows.fetchall():
            self.forget_data_keys(MunicipalityCode(as_text(row[0])))

    def make_data_key(self, municipality: MunicipalityCode) -> int:
        """Make the next data key of a municipality and return its version."""
        row = self._sql.execute(
            "SELECT coalesce(max(version), 0) + 1 FROM municipality_keys WHERE municipality = ?",
            (str(municipality),),
        ).fetchone()
        version = as_number(row[0]) if row else 1
        self._sql.execute(
            "INSERT INTO municipality_keys (municipality, version, wrapped) VALUES (?, ?, ?)",
            (str(municipality), version, self._new(_data_group(municipality), version)),
        )
        self.begin()
        return version

    def destroy_data_key(self, municipality: MunicipalityCode, version: int) -> None:
        """Destroy a version of a municipality's data key: what it sealed never opens again."""
        self._sql.execute(
            "DELETE FROM municipality_keys WHERE municipality = ? AND version = ?",
            (str(municipality), version),
        )
        self.begin()

    def center_key(self, version: int | None = None) -> DataKey:
        """Return the key that seals what belongs to no municipality; the newest unless named.

        Raises KeyUnusable for a version that is not there any more.
        """
        if not self._centers:
            self._centers = self._versions(CENTER, self._seal_keys)
        for one in self._centers:
            if one.number == version or (version is None and one.state is KeyState.ACTIVE):
                return DataKey(one.number, one.key)
        raise KeyUnusable(f"{_center_group(CENTER)}: version {version} was destroyed")

    def look_up(self, purpose: LookUp) -> LookUpKey:
        """Return the look-up key that is read by."""
        if purpose not in self._actives:
            (active,) = (one for one in self.versions(purpose) if one.state is KeyState.ACTIVE)
            self._actives[purpose] = active.key
        return self._actives[purpose]

    def written(self, purpose: LookUp) -> tuple[Version[LookUpKey], ...]:
        """Return the versions of a look-up key that are written, the one that is read first."""
        if purpose not in self._written:
            alive = [one for one in self.versions(purpose) if one.state is not KeyState.RETIRING]
            alive.sort(key=lambda one: one.state is not KeyState.ACTIVE)
            self._written[purpose] = tuple(alive)
        return self._written[purpose]

    def versions(self, purpose: LookUp) -> tuple[Version[LookUpKey], ...]:
        """Return all versions of a look-up key, the oldest first."""
        if purpose not in self._purposes:
            self._purposes[purpose] = self._versions(purpose, self._look_up_keys)
        return self._purposes[purpose]

    def make_center_wide(self, purpose: str, state: KeyState) -> int:
        """Make the next version of a center-wide key and return its number."""
        row = self._sql.execute(
            "SELECT coalesce(max(version), 0) + 1 FROM center_keys WHERE purpose = ?", (purpose,)
        ).fetchone()
        version = as_number(row[0]) if row else 1
        self._sql.execute(
            "INSERT INTO center_keys (purpose, version, wrapped, state) VALUES (?, ?, ?, ?)",
            (purpose, version, self._new(_center_group(purpose), version), state),
        )
        self.begin()
        return version

    def set_state(self, purpose: str, version: int, state: KeyState) -> None:
        """Say what a version of a center-wide key is used for from now on."""
        self._sql.execute(
            "UPDATE center_keys SET state = ? WHERE purpose = ? AND version = ?",
            (state, purpose, version),
        )
        self.begin()

    def destroy_center_wide(self, purpose: str, version: int) -> None:
        """Destroy a version of a center-wide key."""
        self._sql.execute(
            "DELETE FROM center_keys WHERE purpose = ? AND version = ?", (purpose, version)
        )
        self.begin()

    def stored(self) -> list[StoredKey]:
        """Return which versions of which keys there are; of a data key the newest seals."""
        rows = self._sql.execute(
            "SELECT purpose, version, state FROM center_keys UNION ALL"
            " SELECT 'municipality ' || k.municipality, k.version, CASE k.version WHEN"
            " (SELECT max(version) FROM municipality_keys WHERE municipality = k.municipality)"
            " THEN 'ACTIVE' ELSE 'RETIRING' END FROM municipality_keys k ORDER BY 1, 2"
        ).fetchall()
        return [
            StoredKey(as_text(row[0]), as_number(row[1]), KeyState(as_text(row[2]))) for row in rows
        ]

    def check(self) -> None:
        """Raise KeyUnusable where the key-encryption key does not open this store's keys."""
        self.center_key()
        for purpose in LookUp:
            self.look_up(purpose)

    def make_missing_center_keys(self) -> None:
        """Make the center-wide keys that a new store does not have yet."""
        known = {row[0] for row in self._sql.execute("SELECT purpose FROM center_keys").fetchall()}
        for purpose in (CENTER, *LookUp):
            if purpose not in known:
                self.make_center_wide(purpose, KeyState.ACTIVE)

    def _data_keys(self, municipality: MunicipalityCode) -> dict[int, SealKey] | None:
        """Return the versions of a municipality's data key; None while it is disconnected."""
        rows = self._sql.execute(
            "SELECT k.version, k.wrapped, m.is_connected FROM municipalities m"
            " JOIN municipality_keys k ON k.municipality = m.code WHERE m.code = ?",
            (str(municipality),),
        ).fetchall()
        if not rows:
            raise LookupError(f"the store does not host municipality {municipality}")
        group = _data_group(municipality)
        if not as_number(rows[0][2]):
            self.forget_data_keys(municipality)
            return None
        return self._seal_keys.of(group, [(as_number(row[0]), as_octets(row[1])) for row in rows])

    def _versions(self, purpose: str, opened: _Opened[Key]) -> tuple[Version[Key], ...]:
        rows = self._sql.execute(
            "SELECT version, wrapped, state FROM center_keys WHERE purpose = ? ORDER BY version",
            (purpose,),
        ).fetchall()
        states = {as_number(row[0]): KeyState(as_text(row[2])) for row in rows}
        wrapped = [(as_number(row[0]), as_octets(row[1])) for row in rows]
        keys = opened.of(_center_group(purpose), wrapped)
        return tuple(Version(number, states[number], key) for number, key in keys.items())

    def _new(self, group: str, version: int) -> bytes:
        """Return a new key, wrapped."""
        return self._kek.new_key(_owner(group, version))


def _data_group(municipality: MunicipalityCode) -> str:
    return f"data-key:{municipality}"


def _center_group(purpose: str) -> str:
    return f"center-key:{purpose}"


def _owner(group: str, version: int) -> str:
    """Return what a wrapped key is sealed to."""
    return f"{group}:{version}"
