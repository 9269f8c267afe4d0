"""The origin's window in tests: notices of sample residents of Tokorozawa, each a new request."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from typing import TypeVar

import pytest

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.callers import Terminal
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.register import Card, CardStatus
from juki_center.areas.moves.answers import MoveFiled
from juki_center.areas.moves.changes import change_move_out
from juki_center.areas.moves.commands import (
    AtWindow,
    CancelMoveOut,
    ChangeMoveOut,
    CorrectMoveOut,
    FileMoveOut,
    IssueCertificate,
    Mover,
    Notification,
    Plan,
    RecordArrival,
)
from juki_center.areas.moves.day_end import Round, depart
from juki_center.areas.moves.notices import file_move_out
from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.moves.rows import AlertKind, Channel, Filer, Move
from juki_center.areas.moves.states import MoveKind
from juki_center.areas.ports import Tx
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.entries import Entries
from juki_center.areas.residents.records import (
    PersonID,
    ResidenceRecord,
    ResidenceState,
    Resident,
)
from juki_center.errors import Reason
from juki_center.rule_sets import RuleSet
from juki_center.storage.sqlite import SQLiteStore
from tests.support.card_window import CLERK, MUNICIPALITIES
from tests.support.center import NOW, SAMPLES, TOKOROZAWA, serial_of

Command = TypeVar("Command")
Answer = TypeVar("Answer")
Act = Callable[[Tx, Command, datetime, MovePolicy], Answer]

TODAY = date(2026, 11, 23)
PLANNED = date(2026, 12, 1)
TARO, HANAKO, SAKURA = FAMILY = ("yoshida-taro", "yoshida-hanako", "yoshida-sakura")
TOKOROZAWA_REGISTER = MunicipalityCode("112089")
CHIYODA_OFFICE = MunicipalityCode("131016")
SETAGAYA_OFFICE = MunicipalityCode("131121")
NOT_HOSTED = MunicipalityCode("271004")
"""Osaka, which is in no store of the tests."""
ADDRESS = "千代田区麹町一丁目1番地"
POLICY = MovePolicy(CardPolicy(RuleSet.R2003_08, MUNICIPALITIES))
NO_SUCH = MoveNumber("M000000000195")


def entries_of(record: ResidenceRecord) -> Entries:
    """Return a record's entries as a clerk would hand them in."""
    return Entries(**{one.name: getattr(record, one.name) for one in fields(Entries)})


def facts(refused: DeniedAttempt) -> tuple[Reason, dict[str, str]]:
    """Return why an act was refused."""
    return refused.reason, refused.metadata


async def departed(window: OriginWindow, move: Move, day: date) -> OriginWindow:
    """Let the end of a day end the records of a notice; return the window of that day."""
    this = Round(noon(day), "juki://center/job")
    assert await window.store.act(lambda tx: depart(tx, move.number, this))
    return window.at(day)


def noon(day: date) -> datetime:
    """Return noon of a day in Japan."""
    return datetime.fromisoformat(f"{day}T12:00:00+09:00")


@dataclass(slots=True)
class OriginWindow:
    """The window of the municipality that is left, on a store with everybody in it."""

    store: SQLiteStore
    terminal: Terminal = TOKOROZAWA
    now: datetime = NOW
    policy: MovePolicy = field(default=POLICY)

    def under(self, rule_set: RuleSet) -> OriginWindow:
        """Return the window under another law."""
        cards = replace(self.policy.cards, rule_set=rule_set)
        return replace(self, policy=replace(self.policy, cards=cards))

    def at(self, day: date) -> OriginWindow:
        """Return the window at noon of another day."""
        return replace(self, now=noon(day))

    async def do(self, act: Act[Command, Answer], command: Command) -> Answer:
        """Run an act."""
        return await self.store.act(lambda tx: act(tx, command, self.now, self.policy))

    async def refused(self, act: Act[Command, object], command: Command) -> DeniedAttempt:
        """Return the refusal of an act that the log shows."""
        with pytest.raises(DeniedAttempt) as caught:
            await self.do(act, command)
        return caught.value

    def by_clerk(self) -> AtWindow:
        """Return a new request of the clerk's."""
        return AtWindow(self.terminal, uuid.uuid4(), CLERK)

    def notice(self, keys: Sequence[str] = FAMILY, **changes: object) -> FileMoveOut:
        """Return a special notice by post to Chiyoda; `changes` are fields of the command."""
        command = FileMoveOut(
            at=self.by_clerk(),
            kind=MoveKind.SPECIAL,
            notification=Notification(Channel.POST, Filer.HOUSEHOLDER),
            plan=Plan(CHIYODA_OFFICE, PLANNED, ADDRESS),
            movers=self.movers(*keys),
        )
        return replace(command, **changes)  # type: ignore[arg-type]  # fields of the command

    def planned(self, keys: Sequence[str] = FAMILY, **plan: object) -> FileMoveOut:
        """Return a special notice with another plan; `plan` are fields of it."""
        command = self.notice(keys)
        return replace(command, plan=replace(command.plan, **plan))  # type: ignore[arg-type]  # fields of the plan

    async def file(self, keys: Sequence[str] = FAMILY, **changes: object) -> MoveFiled:
        """Enter a notice."""
        return await self.do(file_move_out, self.notice(keys, **changes))

    async def file_by_paper(self, keys: Sequence[str] = FAMILY, **changes: object) -> MoveFiled:
        """Enter an ordinary notice."""
        return await self.file(keys, kind=MoveKind.ORDINARY, **changes)

    def change(self, move: Move, keys: Sequence[str] = FAMILY, **plan: object) -> ChangeMoveOut:
        """Return a change of a notice; `plan` are fields of its plan."""
        before = Plan(move.destination, move.planned_on, ADDRESS)
        return ChangeMoveOut(
            at=self.by_clerk(),
            number=move.number,
            expected_version=move.version,
            plan=replace(before, **plan),  # type: ignore[arg-type]  # fields of the plan
            movers=self.movers(*keys),
        )

    async def changed(self, move: Move, keys: Sequence[str] = FAMILY, **plan: object) -> Move:
        """Change a notice; return it."""
        return (await self.do(change_move_out, self.change(move, keys, **plan))).move

    def withdrawal(self, move: Move) -> CancelMoveOut:
        """Return the withdrawal of a notice."""
        return CancelMoveOut(self.by_clerk(), move.number)

    def paper(self, move: Move, *, give_up: bool = False) -> IssueCertificate:
        """Return a request for a paper."""
        return IssueCertificate(self.by_clerk(), move.number, give_up_special=give_up)

    def arrival(
        self, move: Move, moved_on: date, destination: MunicipalityCode = NOT_HOSTED
    ) -> RecordArrival:
        """Return an arrival notice that came by post."""
        return RecordArrival(self.by_clerk(), move.number, destination, moved_on)

    def correction(self, move: Move, key: str = TARO, **changes: object) -> CorrectMoveOut:
        """Return corrected entries of a person; `changes` are among them."""
        entries = replace(entries_of(SAMPLES[key].record), **changes)  # type: ignore[arg-type]  # entries
        return CorrectMoveOut(self.by_clerk(), move.number, SAMPLES[key].record.code, entries)

    def movers(self, *keys: str) -> tuple[Mover, ...]:
        """Return persons as a clerk who has just looked names them."""
        return tuple(
            Mover(resident.record.code, resident.version) for resident in map(self.record, keys)
        )

    def person(self, key: str) -> PersonID:
        """Return a sample resident."""
        found = self.store.read(lambda tx: tx.residents.by_any_code(SAMPLES[key].record.code))
        assert found is not None
        return found.where.person

    def record(self, key: str = TARO) -> Resident:
        """Return a sample resident's newest record."""
        person = self.person(key)
        return self.store.read(lambda tx: tx.residents.resident(person))

    def states(self, *keys: str) -> list[ResidenceState]:
        """Return the states of some records."""
        return [self.record(key).state for key in keys or FAMILY]

    def card(self, key: str = TARO) -> Card:
        """Return the card with which a sample resident began."""
        card = self.store.read(lambda tx: tx.cards.card(serial_of(key)))
        assert card is not None
        return card

    async def set_cards(self, status: CardStatus, *keys: str) -> None:
        """Give the cards of some residents a state, whatever led there."""

        def act(tx: Tx) -> None:
            for key in keys or FAMILY:
                tx.cards.set_status(serial_of(key), status)

        await self.store.act(act)

    def kept(self, number: MoveNumber) -> Move:
        """Return a move as the store keeps it."""
        move = self.store.read(lambda tx: tx.moves.move(number))
        assert move is not None
        return move

    async def keep(self, move: Move) -> Move:
        """Write a move as it is said to be, whatever led there; return it."""
        await self.store.act(lambda tx: tx.moves.update(move))
        return move

    def alerts(self, office: MunicipalityCode) -> list[AlertKind]:
        """Return what an office was told, oldest first."""
        found = self.store.read(
            lambda tx: tx.moves.alerts(office, with_seen=True, after=0, limit=100)
        )
        return [one.kind for _, one in found]

    async def connect(self, register: MunicipalityCode, *, connected: bool) -> None:
        """Connect a register, or cut it off."""
        await self.store.act(lambda tx: tx.registers.set_connected(register, connected=connected))
