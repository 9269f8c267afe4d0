"""A world of moves in memory: one store, its windows, its days, and a crash at any statement.

An act runs as the store runs it, inside a transaction that is undone where the act raises. A world
that is not atomic leaves what a crash has left: it exists to show that the judge sees it.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from juki_center.areas.audit.events import DeniedAttempt
from juki_center.areas.callers import Terminal
from juki_center.areas.cards.numbers import CardNumber
from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.cards.register import Card, CardKind, CardStatus, Purpose
from juki_center.areas.cards.sessions import RecordSession, record_session
from juki_center.areas.moves import day_end
from juki_center.areas.moves.commands import AtWindow
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID
from juki_center.errors import NotAllowed, Reason, Refusal, RuleBroken
from juki_center.rule_sets import RuleSet
from juki_center.storage.keys import KeyEncryptionKey
from juki_center.storage.transaction import Transaction
from tests.support.center import NOW, enter_everybody, open_test_store
from tests.support.register_desk import MUNICIPALITIES

Answer = TypeVar("Answer")
CLERK = "佐藤　花"
DAY_ENDS = (day_end.DEPARTURES, day_end.TRANSFERS, day_end.DEADLINES, day_end.ARRIVALS)
WINDOWS = {
    code: Terminal(f"juki://municipality/{code}/terminal/01", MunicipalityCode(code))
    for code in ("112089", "131016", "131121", "141003")
}


class Crash(BaseException):
    """The machine stopped; nobody may catch it but who plays the machine."""


class Statements:
    """A connection that stops for ever before a given statement."""

    def __init__(self, sql: sqlite3.Connection) -> None:
        self._sql = sql
        self._left: int | None = None

    def stop_before(self, number: int | None) -> None:
        """Stop before the statement with this number, counted from 1 from now on."""
        self._left = number

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> sqlite3.Cursor:
        """Run a statement, or stop."""
        self._count()
        return self._sql.execute(statement, parameters)

    def executemany(self, statement: str, rows: Any, /) -> sqlite3.Cursor:
        """Run a statement for many rows, or stop."""
        self._count()
        return self._sql.executemany(statement, rows)

    def _count(self) -> None:
        if self._left is None:
            return
        self._left -= 1
        if self._left <= 0:
            self._left = None
            raise Crash


@cache
def _furnished() -> tuple[bytes, KeyEncryptionKey]:
    """Return a database with everybody in it, and the key that opens its keys."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = open_test_store(folder)
        store.close()
        key = KeyEncryptionKey.load(folder / "kek")
        with closing(sqlite3.connect(folder / "center.db", isolation_level=None)) as sql:
            sql.execute("BEGIN")
            tx = Transaction(sql, key)
            tx.forget_reads()
            enter_everybody(tx)
            sql.execute("COMMIT")
            sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            sql.execute("PRAGMA journal_mode = DELETE")
            return sql.serialize(), key


@dataclass
class World:
    """The store in memory. `now` is the clock of every window."""

    rule_set: RuleSet = RuleSet.R2003_08
    is_atomic: bool = True
    now: datetime = field(default=NOW)

    def __post_init__(self) -> None:
        image, key = _furnished()
        self.sql = sqlite3.connect(":memory:", isolation_level=None)
        self.sql.deserialize(image)
        self.statements = Statements(self.sql)
        self.tx = Transaction(self.statements, key)
        self.policy = MovePolicy(CardPolicy(self.rule_set, MUNICIPALITIES))

    def close(self) -> None:
        """Throw the world away."""
        self.sql.close()

    def pass_days(self, days: int) -> None:
        """Let time pass."""
        self.now += timedelta(days=days)

    def at(self, window: str) -> AtWindow:
        """Return the beginning of a new request at a municipality's window."""
        return AtWindow(WINDOWS[window], uuid.uuid4(), CLERK)

    def do(self, act: Callable[[Transaction], Answer], *, stop_before: int | None = None) -> Answer:
        """Run an act in a transaction of its own; a DeniedAttempt leaves its leaf.

        Raises what the act raises, and Crash before the statement with the number `stop_before`.
        """
        self.sql.execute("BEGIN")
        self.tx.forget_reads()
        self.statements.stop_before(stop_before)
        try:
            answer = act(self.tx)
        except Crash:
            self.sql.execute("ROLLBACK" if self.is_atomic else "COMMIT")
            raise
        except DeniedAttempt as denied:
            self.statements.stop_before(None)
            self.sql.execute("ROLLBACK")
            self._log(denied)
            raise
        except BaseException:
            self.statements.stop_before(None)
            self.sql.execute("ROLLBACK")
            raise
        self.statements.stop_before(None)
        self.sql.execute("COMMIT")
        return answer

    def end_the_day(self) -> None:
        """Do what the end of the day does to moves, each act in a transaction of its own."""
        this = day_end.Round(self.now, "juki://center/housekeeping")
        for due in DAY_ENDS:
            found = self.do(lambda tx, due=due: due.find(tx, self.now, 0, 1_000))
            for _, move in found:
                self.do(lambda tx, due=due, move=move: due.act(tx, move.number, this))

    def refusal(self, act: Callable[[Transaction], object]) -> Reason | None:
        """Run an act; return why it was refused, or None."""
        try:
            self.do(act)
        except Refusal as refusal:
            return refusal.reason
        except NotAllowed:
            return Reason.NOT_IN_THIS_STATE
        except RuleBroken:
            return Reason.FIELD_INVALID
        return None

    def session(
        self, serial: bytes, window: str, purpose: Purpose = Purpose.SPECIAL_MOVE_IN
    ) -> bytes:
        """Finish a session of a card at a window; return its id. Raises Refusal."""
        command = RecordSession(
            terminal=WINDOWS[window],
            session_id=uuid.uuid4().bytes,
            purpose=purpose,
            card_serial=serial,
            resident_code=None,
            transcript_hash=hashlib.sha256(uuid.uuid4().bytes).digest(),
        )
        self.do(lambda tx: record_session(tx, command, self.now))
        return command.session_id

    def hand_out_card(self, person: PersonID) -> bytes:
        """Give a person a new card of the town they live in; return its serial."""
        serial = os.urandom(32)
        self.do(lambda tx: tx.cards.add_card(self._card(tx, person, serial)))
        return serial

    def _card(self, tx: Transaction, person: PersonID, serial: bytes) -> Card:
        where = tx.residents.whereabouts(person)
        assert where is not None
        return Card(
            serial=serial,
            person=person,
            kind=CardKind.RESIDENT,
            status=CardStatus.ACTIVE,
            municipality=where.municipality,
            valid_until=date(2033, 8, 24),
            number=CardNumber.drawn(serial[-8:]),
            made_on=date(2023, 8, 25),
        )

    def set_connected(self, window: str, *, connected: bool) -> None:
        """Connect or cut off a municipality."""
        code = MunicipalityCode(window)
        self.do(lambda tx: tx.registers.set_connected(code, connected=connected))

    def _log(self, denied: DeniedAttempt) -> None:
        self.sql.execute("BEGIN")
        self.tx.forget_reads()
        self.tx.audit.append(denied.event)
        self.sql.execute("COMMIT")


def moment(day: str, hour: int = 1) -> datetime:
    """Return an hour (UTC) of a day, YYYY-MM-DD."""
    return datetime.fromisoformat(f"{day}T{hour:02d}:00:00").replace(tzinfo=UTC)
