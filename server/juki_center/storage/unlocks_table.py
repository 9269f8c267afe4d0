"""Unlockings of PINs in the database; their papers are sealed for the municipality."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from juki_center.areas.cards.holdings import Holding
from juki_center.areas.cards.unlock_rows import Unlock, UnlockMode, UnlockState
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.storage.holdings import holding
from juki_center.storage.keyring import KeyRing
from juki_center.storage.papers_codec import encode_unlock
from juki_center.storage.sql import (
    SQL,
    Row,
    as_number,
    as_octets,
    as_text,
    from_micros,
    to_micros,
)

_COLUMNS: Final = (
    "id, municipality, person, card_serial, terminal_uri, mode, state, begun_at, ended_at"
)
_SELECT: Final = f"SELECT {_COLUMNS}, cursor FROM card_unlocks"  # noqa: S608  # a constant


class UnlocksTable:
    """Unlockings, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing) -> None:
        self._sql = sql
        self._keys = keys

    def by_id(self, unlock_id: bytes) -> Unlock | None:
        """Return one, without its papers."""
        row = self._sql.execute(f"{_SELECT} WHERE id = ?", (unlock_id,)).fetchone()
        return None if row is None else _unlock(row)

    def open_of_card(self, card_serial: bytes) -> list[Unlock]:
        """Return a card's unlockings that are OPEN or ATTEMPTED, newest first, without papers."""
        rows = self._sql.execute(
            f"{_SELECT} WHERE card_serial = ? AND ended_at IS NULL ORDER BY cursor DESC",
            (card_serial,),
        ).fetchall()
        return [_unlock(row) for row in rows]

    def open_ones(
        self, municipality: MunicipalityCode | None, *, after: int, limit: int
    ) -> list[tuple[int, Unlock]]:
        """Return those that are OPEN or ATTEMPTED, oldest first; None means everywhere."""
        of = "" if municipality is None else " AND municipality = ?"
        values = () if municipality is None else (str(municipality),)
        rows = self._sql.execute(
            f"{_SELECT} WHERE ended_at IS NULL{of} AND cursor > ? ORDER BY cursor LIMIT ?",
            (*values, after, limit),
        ).fetchall()
        return [(as_number(row[9]), _unlock(row)) for row in rows]

    def add(self, unlock: Unlock) -> None:
        """Enter one; its id is new. Raises Refusal(RESIDENCE_DISCONNECTED)."""
        key = self._keys.data_key(unlock.municipality)
        sealed = None
        if unlock.papers is not None:
            sealed = key.key.seal(encode_unlock(unlock.papers), unlock_owner(unlock.unlock_id))
        self._sql.execute(
            f"INSERT INTO card_unlocks ({_COLUMNS}, key_version, sealed)"  # noqa: S608  # a constant
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                unlock.unlock_id,
                str(unlock.municipality),
                unlock.person.octets,
                unlock.card_serial,
                unlock.terminal_uri,
                unlock.mode,
                unlock.state,
                to_micros(unlock.begun_at),
                None if unlock.ended_at is None else to_micros(unlock.ended_at),
                key.version,
                sealed,
            ),
        )

    def set_state(self, unlock_id: bytes, state: UnlockState, ended_at: datetime | None) -> None:
        """Write how far it has come."""
        self._sql.execute(
            "UPDATE card_unlocks SET state = ?, ended_at = ? WHERE id = ?",
            (state, None if ended_at is None else to_micros(ended_at), unlock_id),
        )

    def forget_papers(self, *, ended_before: datetime, limit: int) -> int:
        """Delete the papers of unlockings that ended before a time; return how many."""
        return self._sql.execute(
            "UPDATE card_unlocks SET sealed = NULL WHERE cursor IN ("
            " SELECT cursor FROM card_unlocks WHERE ended_at < ? AND sealed IS NOT NULL LIMIT ?)",
            (to_micros(ended_before), limit),
        ).rowcount

    def papers_held(self, *, ended_before: datetime) -> Holding:
        """Count the papers, and those of unlockings that ended before a time."""
        row = self._sql.execute(
            "SELECT count(*), min(begun_at), count(*) FILTER (WHERE ended_at < ?) FROM card_unlocks"
            " WHERE sealed IS NOT NULL",
            (to_micros(ended_before),),
        ).fetchone()
        return holding(row)


def unlock_owner(unlock_id: bytes) -> str:
    """Return what binds sealed papers to their unlocking."""
    return f"card-unlock/{unlock_id.hex()}"


def _unlock(row: Row) -> Unlock:
    return Unlock(
        unlock_id=as_octets(row[0]),
        municipality=MunicipalityCode(as_text(row[1])),
        person=PersonID(as_octets(row[2])),
        card_serial=as_octets(row[3]),
        terminal_uri=as_text(row[4]),
        mode=UnlockMode(as_text(row[5])),
        state=UnlockState(as_text(row[6])),
        begun_at=from_micros(as_number(row[7])),
        ended_at=None if row[8] is None else from_micros(as_number(row[8])),
    )
