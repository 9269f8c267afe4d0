"""A stopwatch that is not held up by others, and one that is not fooled by waiting."""

from __future__ import annotations

import time

from tests.support.undisturbed import Stopwatch


def test_time_spent_waiting_counts() -> None:
    watch = Stopwatch()

    time.sleep(0.05)

    # Half of it: on a busy machine other threads of this process are kept waiting meanwhile.
    assert watch.seconds() >= 0.025


def test_time_in_which_others_ran_does_not_count() -> None:
    began, work, watch = time.perf_counter(), time.process_time(), Stopwatch()

    while time.process_time() - work < 0.1:
        pass
    took = watch.seconds()

    assert 0.05 <= took <= time.perf_counter() - began


def test_a_process_that_is_not_there_changes_nothing() -> None:
    assert Stopwatch(2**22 + 1).seconds() < 60.0
