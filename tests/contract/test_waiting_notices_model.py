"""Notices that wait against a model of them: whatever comes in which order, each comes once.

A state machine sends notices to two offices, cuts them off, connects them, delivers, damages what
waits, gives up what was set aside, and stops before any statement. Beside it stands a model that
knows only what was sent to whom.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import partial
from typing import Any, ClassVar, Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from juki_center.areas.fleet.disconnections import disconnect, reconnect
from juki_center.areas.moves.deliveries import deliver_next, drop
from juki_center.areas.moves.rows import AlertKind, Correction, MoveAlert
from juki_center.areas.moves.waiting import send_entries, tell
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import Refusal
from tests.support.cut_off import OPERATOR, connecting, cutting
from tests.support.move_world import Crash, World
from tests.support.waiting_moves import MOVES, OFFICES, arrived_moves

LONG: Final = bool(os.environ.get("JUKI_LONG"))
REACHED: Final = ("told", "entries", "cut", "connected", "delivered", "crashes", "aside", "dropped")

offices = st.sampled_from(OFFICES)
moves = st.sampled_from(MOVES)
# Most acts run through; the others stop before one of their statements.
stops = st.one_of(st.none(), st.none(), st.integers(1, 25))


class Waiting(RuleBasedStateMachine):
    """Two offices, two moves, and everything that may happen to what they are told."""

    is_atomic = True
    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.world = World(is_atomic=self.is_atomic)
        self.persons = self.world.do(arrived_moves)
        self.sent: dict[str, list[bytes]] = {office: [] for office in OFFICES}
        self.given_up: set[bytes] = set()
        self.was_damaged: set[str] = set()
        self.closed: dict[str, int] = {}
        self.count = 0

    def teardown(self) -> None:
        """Throw the world away."""
        self.world.close()

    @rule(office=offices, number=moves, times=st.integers(1, 3), stop=stops)
    def an_office_is_told(self, office: str, number: str, times: int, stop: int | None) -> None:
        """Something of a move that has no entries."""
        for _ in range(times):
            alert = self._alert(office, number, AlertKind.ARRIVED)
            self._do("told", partial(self._tell, alert), stop)
            self.sent[office].append(alert.alert_id)

    @rule(number=moves, times=st.integers(1, 3), stop=stops)
    def entries_are_sent(self, number: str, times: int, stop: int | None) -> None:
        """A correction, to the office where the persons have arrived."""
        for _ in range(times):
            alert = self._alert(OFFICES[0], number, AlertKind.CORRECTION)
            self._do("entries", partial(self._send, alert), stop)
            self.sent[OFFICES[0]].append(alert.alert_id)

    @rule(office=offices, limit=st.sampled_from((0, 1, 3, 100)), stop=stops)
    def an_office_is_switched(self, office: str, limit: int, stop: int | None) -> None:
        """It is cut off; or connected, and mostly something is delivered at once."""
        code = MunicipalityCode(office)
        if office not in self.closed:
            cut = cutting(code)
            self._do("cut", lambda tx: disconnect(tx, cut, self.world.now), stop)
            self.closed[office] = len(self._delivered(office))
            return
        back = connecting(code)
        self._do("connected", lambda tx: reconnect(tx, back, self.world.now), stop)
        del self.closed[office]
        self._deliver_some(office, limit, stop)

    @precondition(lambda self: len(self.closed) < len(OFFICES))
    @rule(office=offices, limit=st.sampled_from((1, 2, 100)), stop=stops)
    def notices_are_delivered(self, office: str, limit: int, stop: int | None) -> None:
        """A few, or all that may be."""
        self._deliver_some(office, limit, stop)

    def _deliver_some(self, office: str, limit: int, stop: int | None) -> None:
        for _ in range(limit):
            done = self._do("round", lambda tx: self._deliver(tx, office), stop)
            if done is None:
                return
            self.seen["aside" if done.rule else "delivered"] += 1

    @precondition(lambda self: self.count % 3 == 0)
    @rule()
    def what_waits_is_damaged(self) -> None:
        """The first of those with entries."""
        done = self.world.sql.execute(
            "UPDATE queued_notices SET sealed = zeroblob(600) WHERE place = (SELECT min(place)"
            " FROM queued_notices WHERE sealed IS NOT NULL AND set_aside IS NULL)"
        )
        if done.rowcount:
            self.was_damaged.add(OFFICES[0])

    @precondition(lambda self: self.was_damaged)
    @rule(stop=stops)
    def what_was_set_aside_is_given_up(self, stop: int | None) -> None:
        """The first of it."""
        code = MunicipalityCode(OFFICES[0])
        for one in self.world.do(lambda tx: tx.notices.aside(code))[:1]:
            self._do("dropped", partial(self._drop, code, one.place), stop)
            self.given_up.add(one.alert.alert_id)

    @invariant()
    def each_was_delivered_once_or_waits_in_its_turn(self) -> None:
        """Nothing is lost, doubled or out of its order; who is cut off is told nothing."""
        self.seen["steps"] += 1
        for office in OFFICES:
            delivered, waiting = self._delivered(office), self._rows(office)
            kept = [one for one in self.sent[office] if one not in self.given_up]
            assert sorted(delivered + [one for one, _ in waiting]) == sorted(kept)
            for number in MOVES:
                of_move = self._of_move(office, number)
                there = [one for one in delivered + [one for one, _ in waiting] if one in of_move]
                assert there == [one for one in kept if one in of_move]
            if office not in self.was_damaged:
                assert delivered + [one for one, _ in waiting] == kept
            assert office not in self.closed or len(delivered) == self.closed[office]
        assert all(one.is_whole for one in self.world.do(lambda tx: tx.notices.every()))

    def _tell(self, alert: MoveAlert, tx: Any) -> None:
        tell(tx, [alert])

    def _send(self, alert: MoveAlert, tx: Any) -> None:
        # The record is sealed for a third town, which is never cut off.
        person = self.persons[alert.number]
        record = tx.residents.resident(person).record
        office = alert.municipality
        send_entries(tx, alert, Correction(alert.number, person, office, alert.at, record))

    def _deliver(self, tx: Any, office: str) -> Any:
        code = MunicipalityCode(office)
        return deliver_next(tx, code, self.world.now, caller_uri="juki://center/job")

    def _drop(self, code: MunicipalityCode, place: int, tx: Any) -> Any:
        return drop(tx, code, place, self.world.now, OPERATOR)

    def _do(self, name: str, act: Any, stop: int | None) -> Any:
        """Run an act, perhaps stopped; what was stopped is done again."""
        try:
            answer = self.world.do(act, stop_before=stop)
        except Crash:
            self.seen["crashes"] += 1
            self.each_was_delivered_once_or_waits_in_its_turn()
            answer = self.world.do(act)
        self.seen[name] += 1
        return answer

    def _alert(self, office: str, number: str, kind: AlertKind) -> MoveAlert:
        self.count += 1
        name = self.count.to_bytes(15, "big") + bytes([MOVES.index(number)])
        return MoveAlert(name, MunicipalityCode(office), number, kind, self.world.now)  # type: ignore[arg-type]  # a number

    def _of_move(self, office: str, number: str) -> set[bytes]:
        return {one for one in self.sent[office] if one[-1] == MOVES.index(number)}

    def _delivered(self, office: str) -> list[bytes]:
        rows = self.world.sql.execute(
            "SELECT id FROM move_alerts WHERE municipality = ? ORDER BY cursor", (office,)
        )
        return [name for (name,) in rows]

    def _rows(self, office: str) -> list[tuple[bytes, str]]:
        return list(
            self.world.sql.execute(
                "SELECT id, set_aside FROM queued_notices WHERE municipality = ? ORDER BY place",
                (office,),
            )
        )


class TornWaiting(Waiting):
    """The same with a store whose crashes leave what was written."""

    is_atomic = False


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        database=None,
        # A short run plays the same games each time; a long one plays others.
        derandomize=not LONG,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,) if not LONG else (Phase.generate, Phase.shrink),
    )


@pytest.mark.timeout(900)
def test_a_thousand_steps_of_notices_lose_and_double_none() -> None:
    """The model runs 1,000 steps at least; JUKI_LONG=1 runs forty times as many."""
    seen: Counter[str] = Counter()
    machine = type("Counted", (Waiting,), {"seen": seen})

    run_state_machine_as_test(machine, settings=_settings(1_600 if LONG else 40))

    assert seen["steps"] >= 1_000
    # What the model never reaches it cannot judge.
    assert min(seen[name] for name in REACHED) >= 3, seen


def test_a_store_without_the_transaction_is_caught() -> None:
    # What half of an act has left, the judge sees, or the act that is done again.
    with pytest.raises((AssertionError, Refusal)):
        run_state_machine_as_test(TornWaiting, settings=_settings(40))
