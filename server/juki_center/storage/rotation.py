"""Replacing keys while the center serves: in short steps, each one a transaction of its own.

A data key (a municipality's, or the center's own): the new version is made, and seals from then on;
what the old one sealed is sealed anew; the old one is destroyed in the transaction that finds
nothing left for it to open.

The look-up keys of codes and of attributes, both together: the new versions are made, and from then
on every entry writes tokens of both; everybody is indexed anew, with former codes, codes in stock
and held updates; reading switches to the new ones in one transaction; the old tokens are removed,
then the old keys. So a look-up never misses. The keys of the log, of contents and of households
stay for ever: what they name must keep its name.

A rotation stands in the database with its stage and how far it is. Whatever ends a step, the next
one goes on from there. Nothing here is a secret of a person's: rows are opened to be sealed again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.errors import RotationBlocked
from juki_center.storage.keyring import CENTER, KeyRing, KeyState, LookUp
from juki_center.storage.pending_table import PendingTable
from juki_center.storage.registers_table import RegistersTable
from juki_center.storage.resealing import (
    OF_CENTER,
    OF_MUNICIPALITY,
    NewKey,
    SealedTable,
    count_sealed,
    reseal,
)
from juki_center.storage.residents_table import ResidentsTable
from juki_center.storage.sql import (
    SQL,
    as_number,
    as_octets,
    as_text,
    from_micros,
    to_micros,
)
from juki_center.storage.stock_table import StockTable


class Stage(StrEnum):
    """Where a rotation stands."""

    RESEAL = "RESEAL"
    PERSONS = "PERSONS"
    STOCK = "STOCK"
    HELD = "HELD"
    CODE_TOKENS = "CODE_TOKENS"
    ATTRIBUTE_TOKENS = "ATTRIBUTE_TOKENS"


_ROTATED: Final = (LookUp.CODE, LookUp.ATTRIBUTES)
_TOKENS_BEFORE: Final = {
    "code_index": "SELECT token FROM code_index WHERE token > ? ORDER BY token LIMIT 1 OFFSET ?",
    "attribute_index": (
        "SELECT token FROM attribute_index WHERE token > ? ORDER BY token LIMIT 1 OFFSET ?"
    ),
}
_REMOVE: Final = {
    "code_index": "DELETE FROM code_index WHERE token > ? AND token <= ? AND key_version = ?",
    "attribute_index": (
        "DELETE FROM attribute_index WHERE token > ? AND token <= ? AND key_version = ?"
    ),
}
# How many rows a stage has left when it is the present one, by its progress; and how many it will
# have when it comes, by the old key's version.
_EXTENT: Final = {
    Stage.PERSONS: ("SELECT count(*) FROM directory WHERE person > ?",) * 2,
    Stage.STOCK: ("SELECT count(*) FROM code_stock WHERE ? IS NOT NULL",) * 2,
    Stage.HELD: ("SELECT count(*) FROM pending_updates WHERE ? IS NOT NULL",) * 2,
    Stage.CODE_TOKENS: (
        "SELECT count(*) FROM code_index WHERE token > ?",
        "SELECT 2 * count(*) FROM code_index WHERE key_version = ?",
    ),
    Stage.ATTRIBUTE_TOKENS: (
        "SELECT count(*) FROM attribute_index WHERE token > ?",
        "SELECT 2 * count(*) FROM attribute_index WHERE key_version = ?",
    ),
}
_PERSONS: Final = "SELECT person FROM directory WHERE person > ? ORDER BY person LIMIT ?"
# Longer than a token, and above all of them.
_END_OF_TOKENS: Final = b"\xff" * 32


@dataclass(frozen=True, slots=True)
class Target:
    """Which key is replaced: a municipality's data key, or the one of `name`."""

    name: str
    municipality: MunicipalityCode | None = None

    def __str__(self) -> str:
        return self.name if self.municipality is None else f"municipality {self.municipality}"


LOOK_UP: Final = Target("look-up")
CENTER_KEY: Final = Target(CENTER)


@dataclass(frozen=True, slots=True)
class Rotation:
    """A rotation that has begun, and how far it is."""

    target: str
    before: int
    after: int
    stage: Stage
    progress: bytes
    began_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """What one step has done."""

    rows: int
    is_last: bool = False


class Rotations:
    """The rotations, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys
        self._registers = RegistersTable(sql, keys)
        self._residents = ResidentsTable(sql, keys)
        self._stock = StockTable(sql, keys)
        self._pending = PendingTable(sql, keys)

    def running(self) -> list[Rotation]:
        """Return all rotations that have begun and are not done."""
        rows = self._sql.execute(
            "SELECT target, from_version, to_version, stage, progress, began_at FROM key_rotations"
            " ORDER BY target"
        ).fetchall()
        return [
            Rotation(
                target=as_text(row[0]),
                before=as_number(row[1]),
                after=as_number(row[2]),
                stage=Stage(as_text(row[3])),
                progress=as_octets(row[4]),
                began_at=from_micros(as_number(row[5])),
            )
            for row in rows
        ]

    def of(self, target: Target) -> Rotation | None:
        """Return the rotation of a key that has begun and is not done."""
        return next((one for one in self.running() if one.target == str(target)), None)

    def begin(self, target: Target, now: datetime) -> Rotation:
        """Make the new key, unless its rotation has begun already.

        Raises RotationBlocked where a municipality whose rows must be opened is disconnected.
        """
        found = self.of(target)
        if found is not None:
            return found
        self._check_connected(target)
        if target == LOOK_UP:
            before, after, stage = *self._begin_look_up(), Stage.PERSONS
        else:
            before, after, stage = *self._begin_data_key(target), Stage.RESEAL
        self._sql.execute(
            "INSERT INTO key_rotations (target, from_version, to_version, stage, progress,"
            " began_at) VALUES (?, ?, ?, ?, ?, ?)",
            (str(target), before, after, stage, b"", to_micros(now)),
        )
        return Rotation(str(target), before, after, stage, b"", now)

    def step(self, target: Target, limit: int) -> Step:
        """Go on by about `limit` rows; the last step destroys the old key.

        Raises RotationBlocked, and changes nothing, where a municipality is disconnected.
        """
        rotation = self.of(target)
        if rotation is None:
            return Step(0, is_last=True)
        return _STEPS[rotation.stage](self, target, rotation, limit)

    def extent(self, target: Target) -> int:
        """Return about how many rows there are to go."""
        rotation = self.of(target)
        if rotation is None:
            return 0
        if rotation.stage is Stage.RESEAL:
            tables, owner = _sealed_by(target)
            return count_sealed(self._sql, tables, owner, rotation.before)
        ahead = list(_EXTENT)[list(_EXTENT).index(rotation.stage) :]
        return sum(self._rows_ahead(stage, rotation) for stage in ahead)

    def _rows_ahead(self, stage: Stage, rotation: Rotation) -> int:
        """Count what a stage has left to visit; old tokens will have had a new one each by then."""
        is_here = stage is rotation.stage
        here, later = _EXTENT[stage]
        parameter = rotation.progress if is_here else rotation.before
        row = self._sql.execute(here if is_here else later, (parameter,)).fetchone()
        return as_number(row[0]) if row else 0

    def _check_connected(self, target: Target) -> None:
        disconnected = self._registers.disconnected()
        if target != LOOK_UP:
            disconnected = [one for one in disconnected if one == target.municipality]
        if disconnected:
            raise RotationBlocked(str(target), tuple(map(str, disconnected)))

    def _begin_look_up(self) -> tuple[int, int]:
        before = max(self._active(purpose) for purpose in _ROTATED)
        made = [self._keys.make_center_wide(purpose, KeyState.BUILDING) for purpose in _ROTATED]
        return before, max(made)

    def _begin_data_key(self, target: Target) -> tuple[int, int]:
        if target.municipality is not None:
            before = self._keys.data_key(target.municipality).version
            return before, self._keys.make_data_key(target.municipality)
        before = self._keys.center_key().version
        after = self._keys.make_center_wide(CENTER, KeyState.ACTIVE)
        self._keys.set_state(CENTER, before, KeyState.RETIRING)
        return before, after

    def _active(self, purpose: LookUp) -> int:
        return self._keys.written(purpose)[0].number

    def _reseal(self, target: Target, rotation: Rotation, limit: int) -> Step:
        self._check_connected(target)
        tables, owner = _sealed_by(target)
        rows = reseal(self._sql, tables, self._new_key(target, rotation, owner), limit)
        if rows:
            return Step(rows)
        if target.municipality is not None:
            self._keys.destroy_data_key(target.municipality, rotation.before)
        else:
            self._keys.destroy_center_wide(CENTER, rotation.before)
        return self._done(target)

    def _new_key(self, target: Target, rotation: Rotation, owner: str | None) -> NewKey:
        before, after = rotation.before, rotation.after
        if target.municipality is None:
            old, new = self._keys.center_key(before).key, self._keys.center_key(after).key
        else:
            old = self._keys.data_key(target.municipality, before).key
            new = self._keys.data_key(target.municipality, after).key
        return NewKey(owner, before, old, after, new)

    def _persons(self, target: Target, rotation: Rotation, limit: int) -> Step:
        self._check_connected(target)
        rows = self._sql.execute(_PERSONS, (rotation.progress, limit)).fetchall()
        for row in rows:
            self._residents.reindex(PersonID(as_octets(row[0])))
        if rows:
            self._reached(target, rotation.stage, as_octets(rows[-1][0]))
        else:
            self._reached(target, Stage.STOCK, b"")
        return Step(len(rows))

    def _stocks(self, target: Target, rotation: Rotation, limit: int) -> Step:
        self._check_connected(target)
        rows, progress = self._stock.reindex(rotation.progress, limit)
        stage = rotation.stage if rows else Stage.HELD
        self._reached(target, stage, progress if rows else b"")
        return Step(rows)

    def _held(self, target: Target, _rotation: Rotation, limit: int) -> Step:
        self._check_connected(target)
        rows = self._pending.retoken(limit)
        if rows == 0:
            self._switch()
            self._reached(target, Stage.CODE_TOKENS, b"")
        return Step(rows)

    def _switch(self) -> None:
        """Read by the new keys from now on, in every process."""
        for purpose in _ROTATED:
            active, building = self._keys.written(purpose)
            self._keys.set_state(purpose, active.number, KeyState.RETIRING)
            self._keys.set_state(purpose, building.number, KeyState.ACTIVE)

    def _code_tokens(self, target: Target, rotation: Rotation, limit: int) -> Step:
        reached = self._remove_tokens("code_index", LookUp.CODE, rotation.progress, limit)
        is_over = reached == _END_OF_TOKENS
        stage = Stage.ATTRIBUTE_TOKENS if is_over else rotation.stage
        self._reached(target, stage, b"" if is_over else reached)
        return Step(limit)

    def _attribute_tokens(self, target: Target, rotation: Rotation, limit: int) -> Step:
        progress = rotation.progress
        reached = self._remove_tokens("attribute_index", LookUp.ATTRIBUTES, progress, limit)
        if reached != _END_OF_TOKENS:
            self._reached(target, rotation.stage, reached)
            return Step(limit)
        for purpose in _ROTATED:
            self._keys.destroy_center_wide(purpose, self._retiring(purpose))
        return self._done(target)

    def _remove_tokens(self, table: str, purpose: LookUp, after: bytes, limit: int) -> bytes:
        """Remove the old tokens among the next `limit`; return how far that was."""
        row = self._sql.execute(_TOKENS_BEFORE[table], (after, limit - 1)).fetchone()
        bound = as_octets(row[0]) if row else _END_OF_TOKENS
        self._sql.execute(_REMOVE[table], (after, bound, self._retiring(purpose)))
        return bound

    def _retiring(self, purpose: LookUp) -> int:
        (version,) = (
            one.number for one in self._keys.versions(purpose) if one.state is KeyState.RETIRING
        )
        return version

    def _reached(self, target: Target, stage: Stage, progress: bytes) -> None:
        self._sql.execute(
            "UPDATE key_rotations SET stage = ?, progress = ? WHERE target = ?",
            (stage, progress, str(target)),
        )

    def _done(self, target: Target) -> Step:
        self._sql.execute("DELETE FROM key_rotations WHERE target = ?", (str(target),))
        return Step(0, is_last=True)


_STEPS: Final[dict[Stage, Callable[[Rotations, Target, Rotation, int], Step]]] = {
    Stage.RESEAL: Rotations._reseal,
    Stage.PERSONS: Rotations._persons,
    Stage.STOCK: Rotations._stocks,
    Stage.HELD: Rotations._held,
    Stage.CODE_TOKENS: Rotations._code_tokens,
    Stage.ATTRIBUTE_TOKENS: Rotations._attribute_tokens,
}


def _sealed_by(target: Target) -> tuple[tuple[SealedTable, ...], str | None]:
    """Return what a data key seals, and whose it is in the tables."""
    if target.municipality is None:
        return OF_CENTER, None
    return OF_MUNICIPALITY, str(target.municipality)
