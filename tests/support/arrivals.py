"""Moves into municipalities: notices as the origin has entered them, and the destinations' windows.

The notices are written into the store as they stand, so that what is tested here needs no act of
the origin's.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TypeVar

import pytest

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.callers import Terminal
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.register import Card, CardStatus, Purpose
from juki_center.areas.cards.sessions import RecordSession, record_session
from juki_center.areas.moves.answers import (
    MovedIn,
    TransferFetched,
)
from juki_center.areas.moves.commands import (
    AbandonMoveIn,
    Arrival,
    AtWindow,
    ByCard,
    Fetched,
    FetchTransfer,
    Paper,
    Place,
    RegisterMoveIn,
)
from juki_center.areas.moves.deadlines import last_day_of_plan
from juki_center.areas.moves.departures import Entry, depart_moving
from juki_center.areas.moves.move_ins import register_move_in
from juki_center.areas.moves.numbers import MoveNumber, VerificationCode
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.moves.rows import (
    AlertKind,
    Channel,
    Filer,
    Move,
    MoveAlert,
    MoveMember,
    MovePapers,
)
from juki_center.areas.moves.states import MemberState, MoveKind, MoveState
from juki_center.areas.moves.transfers import fetch_transfer
from juki_center.areas.ports import Tx
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.civil_dates import CivilDate
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.records import PersonID, ResidenceState, Resident
from juki_center.rule_sets import RuleSet
from juki_center.storage.sqlite import SQLiteStore
from tests.support.center import CHIYODA, SAMPLES, TOKOROZAWA, serial_of
from tests.support.register_desk import MUNICIPALITIES
from tests.support.rows import peeking, rows, tables

Command = TypeVar("Command")
Answer = TypeVar("Answer")
Act = Callable[[Tx, Command, datetime, MovePolicy], Answer]

CLERK = "鈴木　実"
TARO, HANAKO, SAKURA = "yoshida-taro", "yoshida-hanako", "yoshida-sakura"
FAMILY = (TARO, HANAKO, SAKURA)
MINORI = "yoshida-minori"
"""A fourth member of the family, who is entered by `four_at_home`."""
SETAGAYA = Terminal("juki://municipality/131121/terminal/01", MunicipalityCode("131121"))
ORIGIN, DESTINATION = TOKOROZAWA.municipality, CHIYODA.municipality
PLANNED = date(2027, 3, 31)
MOVED = date(2027, 4, 1)
CODE = VerificationCode.drawn(b"\x01" * 16)
OTHER_CODE = VerificationCode.drawn(b"\x02" * 16)
PLACE = Place("神田錦町一丁目1番地", "錦町ビル201号室")
RELATIONSHIPS = {TARO: "世帯主", HANAKO: "妻"}
NEW_CODE = ResidentCode("23456789013")
"""A code that nobody has."""
_CODE_OF_MINORI = ResidentCode("12345678903")


def at(day: str, hour: int = 10) -> datetime:
    """Return an hour in Japan of a day, YYYY-MM-DD."""
    return datetime.fromisoformat(f"{day}T{hour:02d}:00:00+09:00").astimezone(UTC)


NOTIFIED = at("2027-04-14")


@dataclass(slots=True)
class Arrivals:
    """The windows at which somebody arrives, on a store with everybody in it."""

    store: SQLiteStore
    terminal: Terminal = CHIYODA
    now: datetime = NOTIFIED
    policy: MovePolicy = field(
        default_factory=lambda: MovePolicy(CardPolicy(RuleSet.R2003_08, MUNICIPALITIES))
    )

    def under(self, rule_set: RuleSet) -> Arrivals:
        """Return the windows under another law."""
        return replace(self, policy=MovePolicy(CardPolicy(rule_set, MUNICIPALITIES)))

    def on(self, day: str) -> Arrivals:
        """Return the windows on another day."""
        return replace(self, now=at(day))

    def at_window(self, terminal: Terminal) -> Arrivals:
        """Return another window."""
        return replace(self, terminal=terminal)

    @property
    def new_request(self) -> AtWindow:
        """The beginning of a request that nobody has made yet."""
        return AtWindow(self.terminal, uuid.uuid4(), CLERK)

    async def do(self, act: Act[Command, Answer], command: Command) -> Answer:
        """Run an act."""
        return await self.store.act(lambda tx: act(tx, command, self.now, self.policy))

    async def refused(self, act: Act[Command, object], command: Command) -> DeniedAttempt:
        """Return the refusal of an act, which has changed nothing but the log."""
        before = everything(self.store)
        with pytest.raises(DeniedAttempt) as caught:
            await self.do(act, command)
        assert everything(self.store) == before
        return caught.value

    # What the origin has entered

    async def notice(self, *keys: str, **changes: object) -> Move:
        """Enter a special notice for sample residents; `changes` are fields of the move."""
        move = Move(
            number=MoveNumber.drawn(uuid.uuid4().bytes[:8]),
            origin=ORIGIN,
            destination=DESTINATION,
            kind=MoveKind.SPECIAL,
            state=MoveState.NOTIFIED,
            version=1,
            planned_on=PLANNED,
            notified_on=date(2027, 3, 20),
            filed_at=at("2027-03-20"),
            members=tuple(MoveMember(self.person(key)) for key in keys or FAMILY),
            last_day=last_day_of_plan(PLANNED),
        )
        move = replace(move, **changes)  # type: ignore[arg-type]  # fields of the move
        has_paper = move.kind is MoveKind.ORDINARY and move.destination is not None
        papers = MovePapers(
            CLERK,
            Channel.POST,
            Filer.SELF,
            "神田錦町一丁目1番地",
            verification_code=CODE if has_paper else None,
        )
        await self.store.act(lambda tx: tx.moves.add(move, papers))
        return move

    async def paper_notice(self, *keys: str, **changes: object) -> Move:
        """Enter an ordinary notice with a certificate."""
        ordinary = {"kind": MoveKind.ORDINARY, "state": MoveState.ORDINARY, "last_day": None}
        return await self.notice(*keys, **{**ordinary, **changes})

    async def day_has_come(self, move: Move) -> Move:
        """Let the planned day end the records of those who move."""

        def act(tx: Tx) -> Move:
            departed = depart_moving(tx, self.kept(move, tx), Entry(at("2027-03-31", 0)))
            tx.moves.update(departed)
            return departed

        return await self.store.act(act)

    async def change(self, move: Move, **changes: object) -> Move:
        """Change fields of a move, whatever led there."""

        def act(tx: Tx) -> Move:
            changed = replace(self.kept(move, tx), **changes)  # type: ignore[arg-type]  # fields
            tx.moves.update(changed)
            return changed

        return await self.store.act(act)

    async def change_record(self, key: str, **changes: object) -> None:
        """Write a further version of a sample resident's record with other entries."""

        def act(tx: Tx) -> None:
            resident = tx.residents.resident(self._person(tx, key))
            record = replace(resident.record, **changes)  # type: ignore[arg-type]  # fields
            tx.residents.replace(replace(resident, record=record))

        await self.store.act(act)

    async def four_at_home(self) -> tuple[str, ...]:
        """Let a second child live with the family, where the householder alone has a card."""
        sister = self.record(SAKURA)
        record = replace(sister.record, code=_CODE_OF_MINORI, name="\U00020bb7田　みのり")
        await self.store.act(lambda tx: tx.residents.enter(ORIGIN, sister.household, record))
        for key in (HANAKO, SAKURA):
            await self.set_card(key, CardStatus.RETURNED)
        return (*FAMILY, MINORI)

    async def set_state(self, key: str, state: ResidenceState) -> None:
        """Write a further version of a sample resident's record in another state."""
        person = self.person(key)
        await self.store.act(
            lambda tx: tx.residents.replace(replace(tx.residents.resident(person), state=state))
        )

    async def enter_here(self, key: str, **changes: object) -> PersonID:
        """Enter somebody at the window's register with the entries of a sample resident."""
        record = replace(SAMPLES[key].record, **changes)  # type: ignore[arg-type]  # fields
        household = self.store.read(lambda tx: tx.residents.new_household())
        return await self.store.act(
            lambda tx: tx.residents.enter(self.terminal.municipality, household, record)
        )

    async def set_card(self, key: str, status: CardStatus) -> None:
        """Give a sample resident's card a state."""
        await self.store.act(lambda tx: tx.cards.set_status(serial_of(key), status))

    async def cut_off(self, municipality: MunicipalityCode) -> None:
        """Disconnect a municipality."""
        await self.store.act(lambda tx: tx.registers.set_connected(municipality, connected=False))

    # What the destination does

    async def session(self, key: str = TARO, purpose: Purpose = Purpose.SPECIAL_MOVE_IN) -> bytes:
        """Finish a session of a sample resident's card here; return its id."""
        command = RecordSession(
            terminal=self.terminal,
            session_id=uuid.uuid4().bytes,
            purpose=purpose,
            card_serial=serial_of(key),
            resident_code=None,
            transcript_hash=hashlib.sha256(uuid.uuid4().bytes).digest(),
        )
        await self.store.act(lambda tx: record_session(tx, command, self.now))
        return command.session_id

    async def by_card(self, key: str = TARO, moved_on: date = MOVED) -> FetchTransfer:
        """Return the request to fetch what a sample resident's card opens."""
        return FetchTransfer(self.new_request, ByCard(await self.session(key), moved_on))

    async def fetch(self, key: str = TARO, moved_on: date = MOVED) -> TransferFetched:
        """Fetch what a sample resident's card opens."""
        return await self.do(fetch_transfer, await self.by_card(key, moved_on))

    def giving_back(self, fetched: TransferFetched) -> AbandonMoveIn:
        """Return the request to give fetched information back."""
        return AbandonMoveIn(self.new_request, fetched.transfer_id)

    def move_in(self, fetched: TransferFetched, *keys: str, **changes: object) -> RegisterMoveIn:
        """Return the request to enter those who are ticked; `changes` are its fields."""
        versions = {one.record.code: one.version for one in fetched.persons}
        command = RegisterMoveIn(
            self.new_request,
            Fetched(fetched.transfer_id, fetched.move.version),
            tuple(
                Arrival(code_of(key), versions.get(code_of(key), 1), RELATIONSHIPS.get(key, "子"))
                for key in keys or FAMILY
            ),
            PLACE,
        )
        return replace(command, **changes)  # type: ignore[arg-type]  # fields of the command

    def by_paper(self, move: Move, *keys: str, **changes: object) -> RegisterMoveIn:
        """Return the request to enter those who are ticked against their paper."""
        command = RegisterMoveIn(
            self.new_request,
            Paper(move.number, CODE, MOVED),
            tuple(Arrival(code_of(key), 0, RELATIONSHIPS.get(key, "子")) for key in keys or FAMILY),
            PLACE,
        )
        return replace(command, **changes)  # type: ignore[arg-type]  # fields of the command

    async def moved_in(self, *keys: str) -> MovedIn:
        """Let a family's special move be made from notice to registration."""
        await self.notice()
        return await self.do(register_move_in, self.move_in(await self.fetch(), *keys))

    # What the store keeps

    def person(self, key: str) -> PersonID:
        """Return who a sample resident is to the center."""
        return self.store.read(lambda tx: self._person(tx, key))

    @staticmethod
    def _person(tx: Tx, key: str) -> PersonID:
        holder = tx.residents.by_any_code(code_of(key))
        assert holder is not None
        return holder.where.person

    def kept(self, move: Move, tx: Tx | None = None) -> Move:
        """Return a move as it is now."""
        found = (
            tx.moves.move(move.number)
            if tx is not None
            else self.store.read(lambda tx: tx.moves.move(move.number))
        )
        assert found is not None
        return found

    def record(self, key: str) -> Resident:
        """Return the newest record of a sample resident."""
        person = self.person(key)
        return self.store.read(lambda tx: tx.residents.resident(person))

    def where(self, key: str) -> tuple[MunicipalityCode, ResidenceState]:
        """Return where a sample resident is, and in which state."""
        person = self.person(key)
        found = self.store.read(lambda tx: tx.residents.whereabouts(person))
        assert found is not None
        return found.municipality, found.state

    def history(self, key: str) -> list[Resident]:
        """Return all versions of a sample resident's record, oldest first, in whichever book."""
        person, newest = self.person(key), self.record(key).version
        return self.store.read(
            lambda tx: [tx.residents.version(person, one) for one in range(1, newest + 1)]
        )

    def card(self, key: str = TARO) -> Card:
        """Return the card with which a sample resident began."""
        card = self.store.read(lambda tx: tx.cards.card(serial_of(key)))
        assert card is not None
        return card

    def alerts(self, municipality: MunicipalityCode) -> list[AlertKind]:
        """Return what a municipality was told, oldest first."""
        found: list[tuple[int, MoveAlert]] = self.store.read(
            lambda tx: tx.moves.alerts(municipality, with_seen=True, after=0, limit=100)
        )
        return [one.kind for _, one in found]


def code_of(key: str) -> ResidentCode:
    """Return the code with which a resident began."""
    return _CODE_OF_MINORI if key == MINORI else SAMPLES[key].record.code


def members_in(move: Move, state: MemberState) -> int:
    """Return how many persons of a notice are in a state."""
    return sum(one.state is state for one in move.members)


def day(text: str) -> CivilDate:
    """Return a civil date by its registered text."""
    return parse_date(text)


def everything(store: SQLiteStore) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of all tables but the log's, which refusals are meant to reach."""
    with peeking(store) as sql:
        names = [name for name in tables(sql) if "audit" not in name and "leaves" not in name]
    return {name: sorted(rows(store, f'SELECT * FROM "{name}"'), key=repr) for name in names}
