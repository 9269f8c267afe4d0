"""Moves against a model of them: whatever comes in which order, everybody is in one place.

A state machine plays two destinations' windows, the origin's office, the residents who file and
withdraw, the days, crashes at any statement, and requests that come again. Beside it stands a model
that knows only where everybody was said to be; after every step an independent judge opens all
books.
"""

from __future__ import annotations

import os
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
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

from juki_center.areas.cards.register import CardStatus
from juki_center.areas.cards.rules import CardEvent
from juki_center.areas.cards.states import ChangeStatus, change_status
from juki_center.areas.days import day_in_japan
from juki_center.areas.moves.answers import (
    Certificate,
    TransferFetched,
)
from juki_center.areas.moves.certificates import issue_certificate
from juki_center.areas.moves.changes import change_move_out
from juki_center.areas.moves.commands import (
    AbandonMoveIn,
    Arrival,
    ByCard,
    CancelMoveIn,
    CancelMoveOut,
    ChangeMoveOut,
    Fetched,
    FetchTransfer,
    FileMoveOut,
    IssueCertificate,
    Mover,
    Notification,
    Paper,
    Place,
    Plan,
    RegisterMoveIn,
)
from juki_center.areas.moves.move_ins import register_move_in
from juki_center.areas.moves.notices import file_move_out
from juki_center.areas.moves.rows import Channel, Filer, Move
from juki_center.areas.moves.states import MoveKind
from juki_center.areas.moves.take_backs import cancel_move_in
from juki_center.areas.moves.transfers import abandon_move_in, fetch_transfer
from juki_center.areas.moves.withdrawals import cancel_move_out
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.records import PersonID, ResidenceState
from juki_center.errors import Refusal
from tests.support.center import SAMPLES, serial_of
from tests.support.move_books import broken_rules
from tests.support.move_world import Crash, World
from tests.support.opened_books import faults

pytestmark = pytest.mark.embedded

LONG = bool(os.environ.get("JUKI_LONG"))
HOME: Final = "131016"
PLACES: Final = (HOME, "112089", "131121")
FAMILY: Final = ("tsuji-makoto", "tsuji-misaki", "tsuji-haruto")
HEAD: Final = "世帯主"
REACHED: Final = (
    "file_move_out",
    "change_move_out",
    "cancel_move_out",
    "issue_certificate",
    "fetch_transfer",
    "abandon_move_in",
    "register_move_in",
    "cancel_move_in",
    "crashes",
)
Act = Callable[[Any, Any, Any, Any], Any]

masks = st.integers(1, 7)
places = st.sampled_from(PLACES)
cuts = st.sampled_from((None, None, None, None, *PLACES))
# Most acts run through; the others stop before one of their statements.
stops = st.one_of(st.none(), st.none(), st.none(), st.integers(1, 70))


@dataclass(frozen=True)
class Done:
    """A request that was answered: what it asked, and what it was told."""

    act: Act
    command: Any
    answer: Any
    on: Any


class Moves(RuleBasedStateMachine):
    """A family, three towns, and everything that may happen between them."""

    is_atomic = True
    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.world = World(is_atomic=self.is_atomic)
        self.people: dict[str, PersonID] = self.world.do(
            lambda tx: {key: _whereabouts(tx, key).person for key in FAMILY}
        )
        self.places = dict.fromkeys(FAMILY, HOME)
        self.judged = -1
        self.cards = {key: serial_of(key) for key in FAMILY}
        self.done: list[Done] = []
        self.fetched: tuple[str, TransferFetched] | None = None
        self.paper: Certificate | None = None
        self.completed: Move | None = None
        self.open: Move | None = None

    def teardown(self) -> None:
        """Throw the world away."""
        self.world.close()

    # The origin's office and the residents

    @precondition(lambda self: self.open is None or self.world.now.day % 7 == 0)
    @rule(
        is_special=st.sampled_from((True, True, True, False)),
        mask=masks,
        days=st.one_of(st.integers(-2, 9), st.integers(-16, 40)),
        to=places,
        stop=stops,
    )
    def a_notice_is_filed(
        self, is_special: bool, mask: int, days: int, to: str, stop: int | None
    ) -> None:  # drawn
        """Somebody files a notice for those of the family who live together."""
        origin, keys = self._together(mask)
        command = FileMoveOut(
            self.world.at(origin),
            MoveKind.SPECIAL if is_special else MoveKind.ORDINARY,
            Notification(Channel.POST, Filer.SELF),
            self._plan(to, days),
            tuple(map(self._mover, keys)),
        )
        answer = self._do(file_move_out, command, stop)
        if answer is not None and answer.certificate is not None:
            self.paper = answer.certificate

    @precondition(lambda self: self.open is not None)
    @rule(mask=masks, days=st.integers(-3, 40), to=places, stop=stops)
    def the_notice_is_changed(self, mask: int, days: int, to: str, stop: int | None) -> None:
        """Another day, another town, other persons."""
        move = self.open
        assert move is not None
        origin, keys = self._together(mask)
        command = ChangeMoveOut(
            self.world.at(str(move.origin)),
            move.number,
            move.version,
            self._plan(to, days),
            tuple(map(self._mover, keys if origin == str(move.origin) else [])),
        )
        answer = self._do(change_move_out, command, stop)
        if answer is not None and answer.certificate is not None:
            self.paper = answer.certificate

    @precondition(lambda self: self.open is not None)
    @rule(stop=stops)
    def the_notice_is_withdrawn(self, stop: int | None) -> None:
        """Everybody stays."""
        move = self.open
        assert move is not None
        command = CancelMoveOut(self.world.at(str(move.origin)), move.number)
        if self._do(cancel_move_out, command, stop) is not None:
            self.paper = None

    @precondition(lambda self: self.open is not None)
    @rule(gives_up=st.sampled_from((False, False, False, True)), stop=stops)
    def a_paper_is_asked_for(self, gives_up: bool, stop: int | None) -> None:  # drawn
        """A certificate, first or again."""
        move = self.open
        assert move is not None
        command = IssueCertificate(self.world.at(str(move.origin)), move.number, gives_up)
        answer = self._do(issue_certificate, command, stop)
        if answer is not None:
            self.paper = answer.certificate

    # The destinations' windows

    @precondition(lambda self: self.open is not None and self.open.kind is MoveKind.SPECIAL)
    @rule(
        who=st.integers(0, 2),
        which=st.sampled_from((0, 0, 1, 1, 2)),
        ago=st.one_of(st.integers(0, 4), st.integers(0, 18)),
        stop=stops,
        cut=cuts,
    )
    def somebody_comes_with_the_card(
        self, who: int, which: int, ago: int, stop: int | None, cut: str | None
    ) -> None:
        """The information is fetched, mostly by who may and seldom at the origin's own window."""
        move = self.open
        assert move is not None
        members = [key for key in FAMILY if self.people[key] in move.moving]
        windows = [*(place for place in PLACES if place != str(move.origin)), str(move.origin)]
        window = windows[which]
        try:
            session = self.world.session(self.cards[members[who % len(members)]], window)
        except Refusal:
            return
        command = FetchTransfer(self.world.at(window), ByCard(session, self._day(-ago)))
        answer = self._do(fetch_transfer, command, stop, cut)
        if answer is not None:
            self.fetched = (window, answer)

    @precondition(lambda self: self.fetched is not None)
    @rule(
        mask=st.one_of(st.just(7), masks),
        window=st.sampled_from((None, None, None, *PLACES)),
        stop=stops,
        cut=cuts,
    )
    def they_are_registered(
        self, mask: int, window: str | None, stop: int | None, cut: str | None
    ) -> None:
        """Some of them are ticked, mostly at the window that has fetched."""
        assert self.fetched is not None
        at, fetched = self.fetched
        chosen = [one for place, one in enumerate(fetched.persons) if mask >> place & 1]
        arrivals = [Arrival(one.record.code, one.version, "子") for one in chosen]
        self._register(
            window or at, Fetched(fetched.transfer_id, fetched.move.version), arrivals, (stop, cut)
        )

    @precondition(lambda self: self.paper is not None)
    @rule(
        mask=masks,
        window=places,
        ago=st.integers(0, 30),
        stop=stops,
        cut=cuts,
    )
    def they_come_with_the_paper(
        self, mask: int, window: str, ago: int, stop: int | None, cut: str | None
    ) -> None:
        """Some of those on the paper, at any window."""
        assert self.paper is not None
        chosen = [one for place, one in enumerate(self.paper.persons) if mask >> place & 1]
        arrivals = [Arrival(one.record.code, 0, "子") for one in chosen]
        ground = Paper(self.paper.number, self.paper.code, self._day(-ago), "引越しが遅れたため")
        self._register(window, ground, arrivals, (stop, cut))

    @precondition(lambda self: self.fetched is not None)
    @rule(stop=stops)
    def the_clerk_abandons(self, stop: int | None) -> None:
        """What was fetched is given back."""
        assert self.fetched is not None
        window, fetched = self.fetched
        command = AbandonMoveIn(self.world.at(window), fetched.transfer_id)
        if self._do(abandon_move_in, command, stop) is not None:
            self.fetched = None

    @precondition(lambda self: self.completed is not None)
    @rule(stop=stops, cut=cuts)
    def a_move_is_taken_back(self, stop: int | None, cut: str | None) -> None:
        """It was an error."""
        move = self.completed
        assert move is not None
        moved = {one.person for one in move.members if one.arrived_version}
        keys = [key for key in FAMILY if self.people[key] in moved]
        arrivals = tuple(Arrival(one.code, one.expected_version) for one in map(self._mover, keys))
        command = CancelMoveIn(self.world.at(str(move.arrived_in)), move.number, arrivals)
        if self._do(cancel_move_in, command, stop, cut) is not None:
            self.completed = None
            self.places |= dict.fromkeys(keys, str(move.origin))

    # What nobody asks for

    @rule(days=st.integers(1, 9))
    def days_pass(self, days: int) -> None:
        """The day's end is worked through once, however many days it was."""
        self.world.pass_days(days)
        self.world.end_the_day()

    @rule(who=st.sampled_from(FAMILY))
    def a_card_is_handed_out(self, who: str) -> None:
        """Who has a card that has ended gets a new one."""
        card = self.world.do(lambda tx: tx.cards.card(self.cards[who]))
        where = self.world.do(lambda tx: tx.residents.whereabouts(self.people[who]))
        if card.status is not CardStatus.ACTIVE and where.state is ResidenceState.ACTIVE:
            self.cards[who] = self.world.hand_out_card(self.people[who])

    @rule(event=st.sampled_from((CardEvent.REPORTED_LOST, CardEvent.RESUMED)))
    def the_card_is_lost_or_found(self, event: CardEvent) -> None:
        """A telephone call, or a visit."""
        change = ChangeStatus("juki://operator/test", self.cards[FAMILY[0]], event)
        self.world.refusal(lambda tx: change_status(tx, change, self.world.now))

    @precondition(lambda self: self.done)
    @rule(which=st.integers(0, 1_000), changed=st.booleans())
    def a_request_comes_again(self, which: int, changed: bool) -> None:  # drawn
        """The same request is told the same, and does nothing; under another id it may be new."""
        done = self.done[which % len(self.done)]
        if not changed and self._day(0) == done.on:
            answer = self.world.do(
                lambda tx: done.act(tx, done.command, self.world.now, self.world.policy)
            )
            assert answer == done.answer
        elif isinstance(done.command, RegisterMoveIn):
            command = replace(done.command, at=replace(done.command.at, request_id=uuid.uuid4()))
            assert self._do(register_move_in, command, None) is None

    # What must hold

    @invariant()
    def everybody_is_in_one_place(self) -> None:
        """The judge finds nothing, and the books say what the model says."""
        self.seen["steps"] += 1
        self._judge()
        self.open = None
        for key, person in self.people.items():
            where, move = self.world.do(lambda tx, person=person: _of_person(tx, person))
            assert str(where.municipality) == self.places[key]
            assert where.state is ResidenceState.ACTIVE or move is not None
            self.open = self.open or move

    # The model

    def _do(self, act: Act, command: Any, stop: int | None, cut: str | None = None) -> Any:
        """Run an act, perhaps stopped or cut off; return its answer, or None where refused.

        What was stopped is asked for again, as a window does that has heard nothing.
        """
        if cut is not None:
            self.world.set_connected(cut, connected=False)
        try:
            answer = self._run(act, command, stop)
        except Crash:
            self.seen["crashes"] += 1
            found = (
                self.world.do(lambda tx: faults(tx, self.people.values())) if cut is None else []
            )
            assert found == []
            answer = self._run(act, command, None)
        finally:
            if cut is not None:
                self.world.set_connected(cut, connected=True)
        if answer is not None:
            self.seen[act.__name__] += 1
            self.done.append(Done(act, command, answer, self._day(0)))
        return answer

    def _run(self, act: Act, command: Any, stop: int | None) -> Any:
        try:
            return self.world.do(
                lambda tx: act(tx, command, self.world.now, self.world.policy), stop_before=stop
            )
        except Refusal as refusal:
            self.seen[f"{act.__name__}: {refusal.reason}"] += 1
            return None

    def _register(
        self,
        window: str,
        ground: Fetched | Paper,
        arrivals: list[Arrival],
        trouble: tuple[int | None, str | None],
    ) -> None:
        if arrivals:
            arrivals[0] = replace(arrivals[0], relationship=HEAD)
        command = RegisterMoveIn(
            self.world.at(window), ground, tuple(arrivals), Place("新町一丁目2番3号")
        )
        answer = self._do(register_move_in, command, *trouble)
        if answer is None:
            return
        self.completed, self.fetched = answer.move, None
        came = {one.record.person for one in answer.registered}
        for key, person in self.people.items():
            if person in came:
                self.places[key] = window

    def _judge(self) -> None:
        """Let the judge look; where nothing was written since, he would say the same again."""
        written = self.world.sql.total_changes
        if written != self.judged:
            assert broken_rules(self.world.sql) == []
            assert self.world.do(lambda tx: faults(tx, self.people.values())) == []
            self.judged = written

    def _together(self, mask: int) -> tuple[str, list[str]]:
        """Return whom a mask names, of those who live where the first of them does."""
        named = [key for place, key in enumerate(FAMILY) if mask >> place & 1]
        origin = self.places[named[0]]
        return origin, [key for key in named if self.places[key] == origin]

    def _mover(self, key: str) -> Mover:
        resident = self.world.do(lambda tx: tx.residents.resident(self.people[key]))
        return Mover(resident.record.code, resident.version)

    def _plan(self, to: str, days: int) -> Plan:
        return Plan(MunicipalityCode(to), self._day(days), "新町一丁目2番3号")

    def _day(self, days: int) -> Any:
        return day_in_japan(self.world.now) + timedelta(days=days)


class TornMoves(Moves):
    """The same with a store whose crashes leave what was written."""

    is_atomic = False


def _of_person(tx: Any, person: PersonID) -> Any:
    return tx.residents.whereabouts(person), tx.moves.open_of_person(person)


def _whereabouts(tx: Any, key: str) -> Any:
    return tx.residents.by_code(SAMPLES[key].record.code)


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=50,
        deadline=None,
        database=None,
        # A short run plays the same games each time; a long one plays others.
        derandomize=not LONG,
        suppress_health_check=list(HealthCheck),
        # A failure is told as it was found: shrinking would take longer than the search.
        phases=(Phase.generate,) if not LONG else (Phase.generate, Phase.shrink),
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_thousand_steps_of_moves_leave_everybody_in_one_place() -> None:
    """The model runs 10,000 steps at least; JUKI_LONG=1 runs ten times as many."""
    seen: Counter[str] = Counter()
    machine = type("Counted", (Moves,), {"seen": seen})

    run_state_machine_as_test(machine, settings=_settings(2_200 if LONG else 220))

    assert seen["steps"] >= 10_000
    # What the model never reaches it cannot judge.
    assert min(seen[name] for name in REACHED) >= 5, seen


@pytest.mark.slow
def test_a_store_without_the_transaction_is_caught() -> None:
    with pytest.raises(AssertionError):
        run_state_machine_as_test(TornMoves, settings=_settings(200))
