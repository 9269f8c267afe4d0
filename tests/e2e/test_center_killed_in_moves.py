"""A whole center killed (-9) in one act of a move after the other, started again and asked again.

What a death at each single write leaves behind is in tests/contract/test_moves_killed.py; here the
processes, the channels and the clocks are real. Long by JUKI_LONG=1: every act. Short: the move in.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.message import Message

from tests.e2e.moving_center import DESTINATION, ORIGIN, MovingCenter, today
from tests.support import move_requests as ask
from tests.support.byte_search import ByteSearch
from tests.support.center import SAMPLES
from tests.support.center_process import CenterProcess
from tests.support.clerks import NAME as CLERK
from tests.support.leaves import leaves_in
from tests.support.move_books import content, disagreements
from tests.support.rows import peeking

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]
LONG = os.environ.get("JUKI_LONG") == "1"
_EVERY_POINT = ("begun", "written", "committed")
WORDS = (CLERK, ask.NEW_ADDRESS, ask.NEW_BUILDING, ask.OLD_ADDRESS)


@dataclass(frozen=True)
class Act:
    """One act of a life of moves: at which cut of the center, with which request, from where.

    `event` is what its leaf says; `make` gets the answers of the acts before.
    """

    cut: str
    event: str
    municipality: str
    make: Callable[[MovingCenter, dict[str, Any]], Message]

    @property
    def points(self) -> tuple[str, ...]:
        """Return where the center dies in it, one death after the other."""
        if LONG:
            return _EVERY_POINT
        return _EVERY_POINT[1:] if self.cut == "move-in" else ()


def notice(_: MovingCenter, __: dict[str, Any]) -> Message:
    return ask.filing(plan=ask.plan(planned_date=today()))


def fetch(center: MovingCenter, _: dict[str, Any]) -> Message:
    return ask.by_card(center.session(), moved_date=today())


def move_in(_: MovingCenter, before: dict[str, Any]) -> Message:
    """Two of the three have come."""
    fetched = before["move-fetch"]
    here = {one.code: one.version for one in fetched.information.persons}
    arrivals = ask.arrivals(ask.TARO, ask.HANAKO)
    for one in arrivals:
        one.expected_version = here[one.code]
    return ask.moving_in(fetched.transfer_id, arrivals=arrivals)


def take_back(_: MovingCenter, before: dict[str, Any]) -> Message:
    done = before["move-in"]
    request = ask.taking_back(done.move.number, (ask.TARO, ask.HANAKO))
    versions = {one.record.code: one.record.version for one in done.registered}
    for one in request.moved:
        one.expected_version = versions[one.code]
    return request


def within(_: MovingCenter, __: dict[str, Any]) -> Message:
    return ask.moving_within(moved_date=today())


LIFE = (
    Act("move-file", "MOVE_OUT_FILED", ORIGIN, notice),
    Act("move-fetch", "TRANSFER_FETCHED", DESTINATION, fetch),
    Act("move-in", "MOVED_IN", DESTINATION, move_in),
    Act("move-back", "MOVE_IN_CANCELLED", DESTINATION, take_back),
    Act("move-within", "MOVED_WITHIN", DESTINATION, within),
)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MovingCenter]:
    """A center that has lived through the deaths of a whole life of moves, and was stopped."""
    with CenterProcess(tmp_path_factory.mktemp("moves"), is_forked=True) as process:
        center, answers = MovingCenter(process), dict[str, Any]()
        center.enrol()
        for act in LIFE:
            request = act.make(center, answers)
            for point in act.points:
                die(center, act, request, point)
            if act.points:
                process.start()
            answers[act.cut] = center.call(request, act.municipality)
            assert center.call(request, act.municipality) == answers[act.cut]
            assert disagreements(center.database) == [], act.cut
            if act.cut == "move-file":
                let_depart(center)
        process.stop()
        yield center


def let_depart(center: MovingCenter) -> None:
    """Start the center again, and wait for the round by which who leaves today has left.

    Each start begins with it, at any moment beside the calls: it is not what a death has done.
    """
    center.process.stop()
    center.process.start()
    ends_at = time.monotonic() + 30
    while not has_departed(center):
        assert time.monotonic() < ends_at
        time.sleep(0.05)


def has_departed(center: MovingCenter) -> bool:
    with peeking(center.database) as sql:
        return sql.execute("SELECT min(departed) FROM moves").fetchone() == (1,)


def die(center: MovingCenter, act: Act, request: Message, point: str) -> None:
    """Let the center die in an act: it is done where it was committed, and nowhere in part."""
    before = content(center.database)
    center.process.stop()
    center.process.start(cut=f"{act.cut}:{point}")

    assert center.loses_the_answer(request, act.municipality), (act.cut, point)
    assert center.process.wait_for_death(5), (act.cut, point)

    after = content(center.database)
    changed = [name for name in ("moves", "records", "directory") if after[name] != before[name]]
    assert bool(changed) == (point == "committed"), (act.cut, point)
    assert disagreements(center.database) == [], (act.cut, point)


def test_center_that_dies_in_acts_of_a_move_and_is_asked_again_has_done_each_once(
    lived: MovingCenter,
) -> None:
    events = [leaf["ev"] for leaf in leaves_in(lived.database)]

    assert {act.event: events.count(act.event) for act in LIFE} == {act.event: 1 for act in LIFE}


def test_case_20_moves_leave_no_personal_text_in_logs(lived: MovingCenter) -> None:
    persons = [SAMPLES[key].record for key in (*ask.FAMILY, ask.FUMI)]
    texts = {text for one in persons for text in (one.code.digits, one.name, one.address, one.kana)}

    logs = lived.logs()
    hits = [hit for octets in logs.values() for hit in ByteSearch((*texts, *WORDS)).hits(octets)]

    assert b"RegisterMoveIn" in logs["access.log"]
    assert hits == []
