"""A judge that finds nothing must find something where there is something."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.asking import Answered
from tests.support.own_history import Held, Verdict, judged
from tests.support.registering import Registered

QUESTION, BIRTH = b"q" * 16, b"b" * 16
BEFORE = Held(frozenset(), 7, Counter())
ANSWERED = ([Answered(QUESTION, 2, "1")], [Registered(BIRTH, 2, "00000000019")])


def held(*, provisions: str = "1", persons: int = 8, questions: int = 1, births: int = 1) -> Held:
    """Return what a center has; as it should be after one question and one birth."""
    leaves = {("IDENTITY_CONFIRMED", QUESTION): questions, ("RECORD_ENTERED", BIRTH): births}
    return Held(frozenset(provisions), persons, Counter(leaves))


def test_what_is_there_once_is_neither_lost_nor_there_twice() -> None:
    assert judged(BEFORE, held(), ANSWERED) == Verdict(acknowledged=2, lost=0, twice=0)


def test_question_whose_answer_was_lost_counts_once_for_each_sending() -> None:
    after = held(provisions="12", questions=2)

    assert judged(BEFORE, after, ANSWERED) == Verdict(acknowledged=2, lost=0, twice=0)


@pytest.mark.parametrize(
    "after",
    [
        held(provisions="2"),
        held(questions=0, provisions=""),
        held(births=0),
        held(persons=7),
    ],
)
def test_acknowledged_act_that_is_not_there_is_lost(after: Held) -> None:
    assert judged(BEFORE, after, ANSWERED).lost > 0


@pytest.mark.parametrize(
    "after",
    [
        held(births=2),
        held(persons=9),
        held(provisions="123", questions=3),
        held(provisions="12"),
    ],
)
def test_act_that_is_there_more_often_than_it_was_asked_for_is_there_twice(after: Held) -> None:
    assert judged(BEFORE, after, ANSWERED).twice > 0


def test_two_answers_with_one_provision_are_told() -> None:
    twice = [Answered(QUESTION, 1, "1"), Answered(b"r" * 16, 1, "1")]

    assert judged(BEFORE, held(), [twice]).twice > 0
