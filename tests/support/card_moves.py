"""Holders who move with their cards: the entry at the new residence, and what it does to cards."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.callers import Terminal
from juki_center.areas.cards.continuations import (
    CardsAfterMove,
    MovedHolder,
    continue_card,
    end_on_move,
)
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.register import Card, CardStatus, Purpose
from juki_center.areas.cards.window import Window
from juki_center.areas.moves.commands import (
    AtWindow,
    ContinueCard,
)
from juki_center.areas.moves.numbers import MoveNumber
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.moves.rows import ArrivalPapers, Channel, Filer, Move, MoveMember, MovePapers
from juki_center.areas.moves.states import MemberState, MoveKind, MoveState
from juki_center.areas.ports import Tx
from juki_center.areas.residents.records import PersonID
from juki_center.rule_sets import RuleSet
from juki_center.storage.sqlite import SQLiteStore
from tests.support.card_life import CardLife, made_card, ready_application
from tests.support.card_window import CLERK, MUNICIPALITIES, TARO, CardWindow
from tests.support.center import CHIYODA, NOW, SAMPLES, TOKOROZAWA, serial_of

TARO_SERIAL = serial_of(TARO)
LAST_DAY = date(2027, 2, 21)
"""The ninetieth day after the move-in notice of 23 November 2026."""
LAST_MOMENT = datetime(2027, 2, 21, 14, 59, 59, tzinfo=UTC)
TOO_LATE = LAST_MOMENT + timedelta(seconds=1)
CARDS_2012 = CardPolicy(RuleSet.R2012_07_09, MUNICIPALITIES)
NUMBER = MoveNumber.drawn(bytes(8))
NEXT_NUMBER = MoveNumber.drawn(bytes(7) + b"\x02")


def person_of(store: SQLiteStore, key: str = TARO) -> PersonID:
    """Return who a sample resident is to the center."""
    where = store.read(lambda tx: tx.residents.by_code(SAMPLES[key].record.code))
    assert where is not None
    return where.person


@dataclass(slots=True)
class CardMoves:
    """Tokorozawa's residents and their cards, and Chiyoda's window, where they arrive."""

    store: SQLiteStore
    policy: CardPolicy = CARDS_2012

    def life(self, terminal: Terminal = CHIYODA, now: datetime = NOW) -> CardLife:
        """Return the life of cards at a window."""
        return CardLife(CardWindow(self.store, terminal, now, self.policy))

    def card(self, serial: bytes = TARO_SERIAL) -> Card:
        """Return a card as the register has it."""
        return self.life().card(serial)

    def window(self, terminal: Terminal = CHIYODA, now: datetime = NOW) -> Window:
        """Return the window at which somebody arrives."""
        return Window(terminal, CLERK, now, self.policy)

    async def arrive(
        self,
        key: str = TARO,
        *,
        by_card: bool = True,
        handed_in: tuple[CardNumber, ...] = (),
        terminal: Terminal = CHIYODA,
        now: datetime = NOW,
    ) -> CardsAfterMove:
        """Enter a resident at the new residence, and do to the cards what that does."""
        person, window = person_of(self.store, key), self.window(terminal, now)

        def act(tx: Tx) -> CardsAfterMove:
            resident = tx.residents.resident(person)
            moved = replace(
                resident,
                municipality=window.register,
                household=tx.residents.new_household(),
            )
            tx.residents.replace(moved)
            return end_on_move(tx, window, MovedHolder(person, by_card, handed_in))

        return await self.store.act(act)

    async def replace_card(self, **changes: object) -> None:
        """Let Taro have another card in place of the first; `changes` are its fields."""
        card = made_card(ready_application(self.store, TARO), CardStatus.ACTIVE)
        card = replace(card, **changes)  # type: ignore[arg-type]  # fields of the card

        def act(tx: Tx) -> None:
            tx.cards.set_status(TARO_SERIAL, CardStatus.REVOKED)
            tx.cards.add_card(card)

        await self.store.act(act)

    async def enter_move(self, *, by_agent: bool) -> None:
        """Enter the move by which Taro has come to Chiyoda today."""
        person = person_of(self.store)
        move = Move(
            number=NUMBER,
            origin=TOKOROZAWA.municipality,
            destination=CHIYODA.municipality,
            kind=MoveKind.SPECIAL,
            state=MoveState.COMPLETED,
            version=1,
            planned_on=date(2026, 11, 20),
            notified_on=date(2026, 11, 10),
            filed_at=NOW,
            members=(MoveMember(person, MemberState.MOVED, left_version=2, arrived_version=3),),
            arrived_in=CHIYODA.municipality,
            moved_on=date(2026, 11, 21),
            ended_at=NOW,
        )

        def act(tx: Tx) -> None:
            tx.moves.add(move, MovePapers(CLERK, Channel.POST, Filer.SELF))
            tx.moves.put_arrival(move, ArrivalPapers(CLERK, by_agent=by_agent))

        await self.store.act(act)

    async def enter_notice(self) -> None:
        """Enter the notice by which Taro is to leave Chiyoda again."""
        move = Move(
            number=NEXT_NUMBER,
            origin=CHIYODA.municipality,
            destination=TOKOROZAWA.municipality,
            kind=MoveKind.ORDINARY,
            state=MoveState.ORDINARY,
            version=1,
            planned_on=date(2026, 12, 20),
            notified_on=date(2026, 11, 23),
            filed_at=NOW,
            members=(MoveMember(person_of(self.store)),),
        )
        papers = MovePapers(CLERK, Channel.POST, Filer.SELF)
        await self.store.act(lambda tx: tx.moves.add(move, papers))

    async def proof(
        self,
        serial: bytes = TARO_SERIAL,
        *,
        terminal: Terminal = CHIYODA,
        now: datetime = NOW,
        purpose: Purpose = Purpose.PIN_PROOF,
    ) -> bytes:
        """Let a card prove its PIN at the new window."""
        return await self.life(terminal, now).session(purpose, serial, terminal=terminal, now=now)

    async def go_on(
        self,
        session_id: bytes,
        *,
        terminal: Terminal = CHIYODA,
        now: datetime = NOW,
        request_id: uuid.UUID | None = None,
        back_written: bool = False,
        clerk_name: str = CLERK,
    ) -> Card:
        """Continue the use of the card that a session has shown."""
        at = AtWindow(terminal, request_id or uuid.uuid4(), clerk_name)
        command = ContinueCard(at, session_id, back_written)
        policy = MovePolicy(self.policy)
        answer = await self.store.act(lambda tx: continue_card(tx, command, now, policy))
        return answer.card

    async def refused(
        self,
        session_id: bytes,
        *,
        terminal: Terminal = CHIYODA,
        now: datetime = NOW,
        clerk_name: str = CLERK,
    ) -> DeniedAttempt:
        """Return why the use of a card is not continued, as the log shows it."""
        with pytest.raises(DeniedAttempt) as caught:
            await self.go_on(session_id, terminal=terminal, now=now, clerk_name=clerk_name)
        return caught.value
