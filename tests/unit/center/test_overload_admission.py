"""Who is admitted, who is refused and told when to come back, and who gets what share."""

from __future__ import annotations

import pytest

from juki_center.areas.overload.admission import (
    FIRST_BROAD_CALLS,
    FIRST_CALLS,
    Admission,
    Place,
    Settings,
)
from juki_center.areas.overload.classes import Load
from juki_center.errors import Delayed, Reason

MIDDLE = 0.5
TOKYO, OSAKA = "131016", "271004"


def admission(settings: Settings | None = None, chance: float = MIDDLE) -> Admission:
    return Admission(settings or Settings(), lambda: chance)


def fill(
    target: Admission, load: Load, owner: str, now: float = 0.0
) -> tuple[list[Place], Delayed]:
    """Enter until one is refused."""
    places = []
    for _ in range(5000):
        try:
            places.append(target.enter(load, owner, now))
        except Delayed as refusal:
            return places, refusal
    raise AssertionError("nobody is ever refused")


def wait_long(target: Admission, seconds: float, *, times: int = 40) -> float:
    """Let calls end one after the other, each of which took so long; return the time."""
    now = 0.0
    for _ in range(times):
        place = target.enter(Load.CONTINUED, TOKYO, now)
        now += seconds
        target.leave(place, now, has_committed=True)
    return now


def test_a_full_lane_refuses_with_the_time_to_come_back() -> None:
    places, refusal = fill(admission(), Load.WINDOW, TOKYO)

    assert len(places) == FIRST_CALLS
    assert refusal.reason is Reason.OVERLOADED
    assert refusal.seconds == 0.5


def test_those_who_are_refused_do_not_come_back_together() -> None:
    early = fill(admission(chance=0.0), Load.BROAD, TOKYO)[1]
    late = fill(admission(chance=0.999), Load.BROAD, TOKYO)[1]

    assert (early.seconds, late.seconds) == (1.0, 2.998)


def test_who_is_refused_comes_back_later_the_more_are_refused() -> None:
    target = admission()
    fill(target, Load.WINDOW, TOKYO)
    seconds = []

    for tick in range(400):
        with pytest.raises(Delayed) as refused:
            target.enter(Load.WINDOW, TOKYO, 0.02 * tick)
        seconds.append(refused.value.seconds)

    assert seconds[0] < 1.0 < seconds[-1] <= 30.0


def test_a_place_that_is_left_is_free_again() -> None:
    target = admission()
    places, _ = fill(target, Load.WINDOW, TOKYO)

    target.leave(places[0], 0.01, has_committed=False)

    assert target.enter(Load.WINDOW, TOKYO, 0.01).load is Load.WINDOW


def test_broad_searches_leave_the_window_lane_alone() -> None:
    target = admission()

    broad, _ = fill(target, Load.BROAD, "agency")
    window, _ = fill(target, Load.WINDOW, TOKYO)

    assert (len(broad), len(window)) == (FIRST_BROAD_CALLS, FIRST_CALLS)


@pytest.mark.parametrize("load", [Load.VITAL, Load.CONTINUED])
def test_a_full_center_still_takes_what_closes_and_what_was_begun(load: Load) -> None:
    target = admission()
    for owner in ("a", "b", "c"):
        fill(target, Load.WINDOW, owner)
    fill(target, Load.BROAD, "a")

    assert target.enter(load, TOKYO, 0.0).load is load


def test_further_steps_without_end_are_new_calls() -> None:
    target = admission()
    fill(target, Load.WINDOW, TOKYO)

    with pytest.raises(Delayed):
        target.enter(Load.CONTINUED, TOKYO, 0.0)


def test_so_many_sessions_and_no_more() -> None:
    target = admission(Settings(most_sessions=3))

    places, refusal = fill(target, Load.SESSION, TOKYO)
    target.leave(places[0], 1.0, has_committed=True)

    assert (len(places), refusal.reason) == (3, Reason.OVERLOADED)
    assert target.enter(Load.SESSION, TOKYO, 1.0).load is Load.SESSION


def test_a_session_that_waits_for_its_person_takes_no_place_in_the_lane() -> None:
    target = admission()
    for _ in range(1000):
        target.enter(Load.SESSION, TOKYO, 0.0)

    assert len(fill(target, Load.WINDOW, TOKYO)[0]) == FIRST_CALLS


def test_no_session_begins_while_the_lane_is_full() -> None:
    target = admission()
    fill(target, Load.WINDOW, TOKYO)

    with pytest.raises(Delayed):
        target.enter(Load.SESSION, TOKYO, 0.0)


def test_no_batch_begins_while_calls_wait_and_one_does_afterwards() -> None:
    target = admission()
    now = wait_long(target, 0.05)

    with pytest.raises(Delayed) as refused:
        target.enter(Load.BULK, "agency", now)

    assert refused.value.seconds == 10.0
    assert target.enter(Load.BULK, "agency", now + 1.0).load is Load.BULK


def test_calls_that_wait_make_the_limits_fall_and_the_broad_one_first() -> None:
    target = admission()

    now = wait_long(target, 0.06)

    limits = target.reading(now).limits
    assert (limits[Load.WINDOW], limits[Load.BROAD]) == (FIRST_CALLS, 1)


def test_calls_that_wait_longer_than_the_target_are_fewer_at_once() -> None:
    target = admission()

    now = wait_long(target, 0.3)

    assert target.reading(now).limits[Load.WINDOW] == 16


def test_a_slow_call_among_fast_ones_is_no_queue() -> None:
    target = admission()
    slow = target.enter(Load.WINDOW, TOKYO, 0.0)

    for tick in range(1, 200):
        now = tick * 0.01
        fast = target.enter(Load.WINDOW, TOKYO, now)
        target.leave(fast, now + 0.005, has_committed=True)
    target.leave(slow, 2.0, has_committed=True)

    assert target.reading(2.0).limits[Load.WINDOW] == FIRST_CALLS


def test_an_office_that_came_first_leaves_room_for_the_share_of_another() -> None:
    target = admission()
    greedy, _ = fill(target, Load.WINDOW, TOKYO)

    modest, _ = fill(target, Load.WINDOW, OSAKA)
    with pytest.raises(Delayed):
        target.enter(Load.WINDOW, TOKYO, 0.0)

    assert (len(greedy), len(modest)) == (FIRST_CALLS, FIRST_CALLS // 4)


def test_shares_become_equal_while_both_want_more() -> None:
    target = admission()
    running: dict[str, list[Place]] = {TOKYO: [], OSAKA: []}

    for step in range(2000):
        now = step * 0.001
        for owner, asked in ((TOKYO, 10), (OSAKA, 2)):
            for _ in range(asked):
                try:
                    running[owner].append(target.enter(Load.WINDOW, owner, now))
                except Delayed:
                    break
        oldest = min(
            (places for places in running.values() if places), key=lambda places: places[0].began
        )
        target.leave(oldest.pop(0), now, has_committed=False)

    assert min(map(len, running.values())) >= 0.6 * max(map(len, running.values()))


def test_owners_who_are_gone_are_forgotten() -> None:
    target = admission()
    for number in range(1000):
        place = target.enter(Load.WINDOW, f"{number:06}", 0.0)
        target.leave(place, 0.0, has_committed=False)

    target.reading(1.0)

    # With a thousand owners still known, the share of one would be a single call.
    assert len(fill(target, Load.WINDOW, TOKYO, 1.0)[0]) == FIRST_CALLS


def test_the_reading_counts_by_class() -> None:
    target = admission()
    place = target.enter(Load.WINDOW, TOKYO, 0.0)
    target.enter(Load.VITAL, TOKYO, 0.0)
    target.leave(place, 0.1, has_committed=False)
    fill(target, Load.BROAD, TOKYO, 0.1)

    found = target.reading(0.1)

    assert found.admitted == {Load.WINDOW: 1, Load.VITAL: 1, Load.BROAD: 4}
    assert found.refused == {Load.BROAD: 1}
    assert found.running == {Load.WINDOW: 0, Load.VITAL: 1, Load.BROAD: 4}
