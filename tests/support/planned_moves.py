"""Moves that stand in the store as a window has left them, for tests of what happens to them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from juki_center.areas.audit.events import Event
from juki_center.areas.cards.register import Card, CardStatus
from juki_center.areas.moves.day_end import Act, Due, Round
from juki_center.areas.moves.deadlines import last_day_of_plan
from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.rows import (
    AlertKind,
    Channel,
    Filer,
    Move,
    MoveAlert,
    MoveMember,
    MovePapers,
    Transfer,
)
from juki_center.areas.moves.states import MemberState, MoveKind, MoveState
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID, ResidenceState, Resident
from juki_center.cli.housekeeping import CALLER_URI as HERE
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import CHIYODA, NOW, SAMPLES, TOKOROZAWA, serial_of
from tests.support.leaves import leaves

PLANNED = date(2026, 11, 30)
FAMILY = ("yoshida-taro", "yoshida-hanako", "yoshida-sakura")
PAPERS = MovePapers("佐藤　花", Channel.POST, Filer.HOUSEHOLDER, "東京都千代田区麹町")


def midnight(day: date) -> datetime:
    """Return when a day begins in Japan."""
    return datetime.fromisoformat(f"{day}T00:00:00+09:00")


@dataclass(slots=True)
class PlannedMoves:
    """Moves out of Tokorozawa on a store with everybody in it."""

    store: SQLiteStore
    count: int = 0

    def person(self, key: str) -> PersonID:
        """Return a sample resident."""
        found = self.store.read(lambda tx: tx.residents.by_code(SAMPLES[key].record.code))
        assert found is not None
        return found.person

    def record(self, key: str) -> Resident:
        """Return a sample resident's newest record."""
        person = self.person(key)
        return self.store.read(lambda tx: tx.residents.resident(person))

    def card(self, key: str) -> Card:
        """Return the card with which a sample resident began."""
        card = self.store.read(lambda tx: tx.cards.card(serial_of(key)))
        assert card is not None
        return card

    def statuses(self, keys: Sequence[str] = FAMILY) -> set[CardStatus]:
        """Return in which states the cards of some residents are."""
        return {self.card(key).status for key in keys}

    def move(self, number: MoveNumber) -> Move:
        """Return a move."""
        move = self.store.read(lambda tx: tx.moves.move(number))
        assert move is not None
        return move

    def alerts(self, municipality: MunicipalityCode = TOKOROZAWA.municipality) -> list[MoveAlert]:
        """Return what an office was told."""
        found = self.store.read(
            lambda tx: tx.moves.alerts(municipality, with_seen=True, after=0, limit=100)
        )
        return [alert for _, alert in found]

    def states(self, keys: Sequence[str] = FAMILY) -> list[ResidenceState]:
        """Return in which states the records of some residents are."""
        return [self.record(key).state for key in keys]

    def day_leaves(self) -> list[dict[str, object]]:
        """Return what the log says of ends of days."""
        return [one for one in leaves(self.store) if one["ev"] == Event.MOVE_DAY_ENDED]

    def found(self, due: Due, now: datetime) -> list[MoveNumber]:
        """Return the moves that a round finds."""
        page = self.store.read(lambda tx: due.find(tx, now, 0, 10))
        return [move.number for _, move in page]

    async def end(self, act: Act, number: MoveNumber, now: datetime) -> bool:
        """Do one act of a day's end; tell whether it was due."""
        return await self.store.act(lambda tx: act(tx, number, Round(now, HERE)))

    async def special(self, keys: Sequence[str] = FAMILY, planned_on: date = PLANNED) -> MoveNumber:
        """Enter a notice by card."""
        return await self._enter(keys, MoveKind.SPECIAL, MoveState.NOTIFIED, planned_on)

    async def ordinary(
        self, keys: Sequence[str] = FAMILY, planned_on: date = PLANNED, *, abroad: bool = False
    ) -> MoveNumber:
        """Enter a notice by paper."""
        kind, state = MoveKind.ORDINARY, MoveState.ORDINARY
        return await self._enter(keys, kind, state, planned_on, abroad=abroad)

    async def tell(self, number: MoveNumber, kind: AlertKind) -> None:
        """Tell Chiyoda something about a notice."""
        told = MoveAlert(os.urandom(16), CHIYODA.municipality, number, kind, NOW)
        await self.store.act(lambda tx: tx.moves.add_alerts([told]))

    async def fetch(self, number: MoveNumber, at: datetime) -> None:
        """Let Chiyoda fetch the information."""
        transfer = Transfer(
            number.encode().ljust(16), CHIYODA.municipality, CHIYODA.uri, bytes(32), PLANNED, at
        )
        fetched = replace(self.move(number), state=MoveState.TRANSFERRED, transfer=transfer)
        await self.store.act(lambda tx: tx.moves.update(fetched))

    async def set_member(self, number: MoveNumber, key: str, state: MemberState) -> None:
        """Give a person of a notice a state, whatever led there."""
        person, move = self.person(key), self.move(number)
        members = tuple(
            replace(one, state=state) if one.person == person else one for one in move.members
        )
        await self.store.act(lambda tx: tx.moves.update(replace(move, members=members)))

    async def connect(self, municipality: MunicipalityCode, *, connected: bool) -> None:
        """Connect a register, or cut it off."""
        await self.store.act(
            lambda tx: tx.registers.set_connected(municipality, connected=connected)
        )

    async def _enter(
        self,
        keys: Sequence[str],
        kind: MoveKind,
        state: MoveState,
        planned_on: date,
        *,
        abroad: bool = False,
    ) -> MoveNumber:
        self.count += 1
        number = MoveNumber.drawn(self.count.to_bytes(8, "big"))
        move = Move(
            number=number,
            origin=self.record(keys[0]).municipality,
            destination=None if abroad else CHIYODA.municipality,
            kind=kind,
            state=state,
            version=1,
            planned_on=planned_on,
            notified_on=planned_on - timedelta(days=7),
            filed_at=NOW,
            members=tuple(MoveMember(self.person(key)) for key in keys),
            last_day=last_day_of_plan(planned_on) if kind is MoveKind.SPECIAL else None,
        )
        await self.store.act(lambda tx: tx.moves.add(move, PAPERS))
        return number
