"""The writer's inbox: what is taken together, and what does not wait for the window."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from juki_center.storage.inbox import MOST_AT_ONCE, Inbox

_LONG = 30.0


@dataclass(slots=True)
class Act:
    """An act that says only whether it is urgent."""

    is_urgent: bool = False
    seen: list[object] = field(default_factory=list)

    def run(self, *about: object) -> None:
        """Keep what it was run with."""
        self.seen.extend(about)

    collect = fail = release = run


def filled(count: int) -> Inbox:
    inbox = Inbox()
    for _ in range(count):
        inbox.put(Act())
    return inbox


def test_acts_that_came_within_the_window_are_taken_together_in_their_order() -> None:
    inbox, acts = Inbox(), [Act(), Act(), Act()]
    for act in acts:
        inbox.put(act)

    taken = inbox.take(0.0)

    assert [id(one) for one in taken] == [id(one) for one in acts]
    assert not inbox.wait(0.0)


def test_urgent_act_closes_the_window() -> None:
    inbox = filled(1)
    threading.Timer(0.01, lambda: inbox.put(Act(is_urgent=True))).start()

    assert len(inbox.take(_LONG)) == 2


def test_window_is_over_when_a_crowd_is_there_and_the_rest_comes_next() -> None:
    inbox = filled(MOST_AT_ONCE + 3)

    assert (len(inbox.take(_LONG)), len(inbox.take(0.0))) == (MOST_AT_ONCE, 3)


@pytest.mark.parametrize("count", [0, 2])
def test_closed_inbox_is_done_when_it_is_empty(count: int) -> None:
    inbox = filled(count)

    inbox.close()
    before = inbox.is_done
    taken = inbox.take(_LONG)

    assert inbox.wait(0.0)
    assert (before, len(taken), inbox.is_done) == (count == 0, count, True)


def test_act_ends_the_wait_of_an_idle_writer() -> None:
    inbox = Inbox()
    threading.Timer(0.01, lambda: inbox.put(Act())).start()

    assert inbox.wait(_LONG)
    assert not inbox.is_done
