"""Unlocking a PIN at the window: with the PIN that is known, or a new one; also after each cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from juki_card.passwords import Pin
from juki_card.virtual.memory import PinRecord, PinState
from juki_terminal.channel import Center
from jukinet.cards.v1 import card_service_pb2 as pb
from jukinet.options.v1 import options_pb2
from tests.support.sampling import edges, sampled
from tests.unit.terminal.cards_double import CARD_NUMBER, FORBIDDEN, CardsDouble
from tests.unit.terminal.center_double import SessionDouble
from tests.unit.terminal.conftest import PIN
from tests.unit.terminal.counter import DOCUMENTS, NEW, Counter, Scissors, ended
from tests.unit.terminal.test_hand_over import works
from tests.unit.terminal.test_pin_setting import put, record_of

WRONG = "9172"
LOCKED = PinRecord(PinState.OPERATIONAL, Pin(PIN), tries_left=0)


@pytest.fixture
def counter(center: Center, card: Path, tmp_path: Path) -> Counter:
    """A window with a card whose PIN is locked."""
    return Counter(center, put(card, LOCKED), tmp_path)


def purposes(sessions: SessionDouble) -> list[int]:
    return [hello.purpose for hello in sessions.hellos]


def test_a_pin_that_is_known_gets_its_tries_back_and_is_proved(
    counter: Counter, cards: CardsDouble, sessions: SessionDouble
) -> None:
    counter.unlock(PIN)

    begin, end = cards.requests
    assert isinstance(begin, pb.BeginUnlockPinRequest)
    assert isinstance(end, pb.UnlockPinRequest)
    assert begin.mode == pb.BeginUnlockPinRequest.MODE_KEEP
    assert begin.card.card_number == CARD_NUMBER
    assert len({document.number_salt for document in begin.documents}) == 2
    assert sessions.hellos[0].act_id == end.unlock_id
    assert purposes(sessions) == [options_pb2.PURPOSE_PIN_UNLOCK, options_pb2.PURPOSE_PIN_PROOF]
    assert record_of(counter.card) == replace(LOCKED, tries_left=3, unblockings_left=9)
    assert cards.unlocks == set()
    assert works(counter) == ["begun", "begun", "opened", "proved", "ended"]


def test_a_forgotten_pin_is_taken_away_and_a_new_one_is_set_and_proved(
    counter: Counter, cards: CardsDouble
) -> None:
    counter.unlock(forgotten=True)

    left = record_of(counter.card)
    assert (left.state, left.value, left.tries_left) == (PinState.OPERATIONAL, Pin(NEW), 3)
    assert cards.unlocks == set()
    assert works(counter) == ["begun", "begun", "opened", "sent", "set", "proved", "ended"]


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_second_unlocking_of_the_same_card_is_another_one(
    counter: Counter, cards: CardsDouble, forgotten: bool
) -> None:
    pin = (NEW, NEW) if forgotten else (PIN,)
    counter.unlock(*pin, forgotten=forgotten)
    counter.unlock(*pin, forgotten=forgotten)

    ids = {
        request.unlock_id for request in cards.requests if isinstance(request, pb.UnlockPinRequest)
    }
    assert len(ids) == 2
    assert record_of(counter.card).unblockings_left == 8


def test_a_pin_that_is_wrong_again_is_counted_and_asked_for_by_the_next_run(
    counter: Counter, sessions: SessionDouble
) -> None:
    assert ended(lambda: counter.unlock(WRONG)) == "PIN_WRONG"
    assert record_of(counter.card).tries_left == 2
    counter.unlock(PIN)

    unlocking = options_pb2.PURPOSE_PIN_UNLOCK
    assert purposes(sessions).count(unlocking) == 1
    assert record_of(counter.card).tries_left == 3


def test_a_pin_that_locks_again_is_opened_again_under_the_same_unlocking(
    counter: Counter, cards: CardsDouble
) -> None:
    assert ended(lambda: counter.unlock(WRONG, WRONG, WRONG)) == "PIN_LOCKED"
    counter.unlock(PIN)

    begun = [r for r in cards.requests if isinstance(r, pb.BeginUnlockPinRequest)]
    assert len({request.request_id for request in begun}) == 1
    assert record_of(counter.card) == replace(LOCKED, tries_left=3, unblockings_left=8)


def test_a_new_pin_that_the_holder_cannot_repeat_is_taken_away_again(
    counter: Counter, sessions: SessionDouble
) -> None:
    sessions.bend = counter.bend
    # The plans of both sessions, and what is sent in the first: then the proof's batch is lost.
    counter.lose = Scissors(7)
    assert ended(lambda: counter.unlock("3618", "3618", forgotten=True)) != "DONE"
    assert record_of(counter.card).value == Pin("3618")

    assert ended(lambda: counter.unlock(forgotten=True)) == "PIN_WRONG"
    counter.unlock(forgotten=True)

    left = record_of(counter.card)
    assert (left.value, left.tries_left, left.unblockings_left) == (Pin(NEW), 3, 8)


def test_another_mode_is_another_unlocking(counter: Counter, cards: CardsDouble) -> None:
    assert ended(lambda: counter.unlock(WRONG)) == "PIN_WRONG"
    counter.unlock(forgotten=True)

    begun = [r for r in cards.requests if isinstance(r, pb.BeginUnlockPinRequest)]
    assert [request.mode for request in begun] == [
        pb.BeginUnlockPinRequest.MODE_KEEP,
        pb.BeginUnlockPinRequest.MODE_FORGOTTEN,
    ]
    assert record_of(counter.card).value == Pin(NEW)


def test_case_34_a_new_pin_that_may_not_be_chosen_never_reaches_the_card(counter: Counter) -> None:
    refused = ended(lambda: counter.unlock(FORBIDDEN, FORBIDDEN, forgotten=True))

    assert refused == "PIN_TOO_OBVIOUS"
    assert record_of(counter.card).value is None
    counter.unlock(forgotten=True)
    assert record_of(counter.card).value == Pin(NEW)


def test_an_unlocking_that_the_center_has_not_open_is_let_go(
    counter: Counter, cards: CardsDouble
) -> None:
    cards.faults = ["", "UNLOCK_NOT_FOUND"]

    assert ended(lambda: counter.unlock(PIN)) == "UNLOCK_NOT_FOUND"
    counter.unlock(PIN)

    begun = [r for r in cards.requests if isinstance(r, pb.BeginUnlockPinRequest)]
    assert "given-up" in works(counter)
    assert len({request.request_id for request in begun}) == 2


def test_other_documents_open_another_unlocking_after_a_cut(
    counter: Counter, cards: CardsDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards.faults = ["after"]
    assert ended(lambda: counter.unlock(PIN)) == "OUTCOME_UNKNOWN"

    monkeypatch.setattr("tests.unit.terminal.counter.DOCUMENTS", tuple(reversed(DOCUMENTS)))
    counter.unlock(PIN)

    assert len(cards.unlocks) == 1
    assert record_of(counter.card).tries_left == 3


@pytest.mark.parametrize("fault", ["before", "after"])
def test_an_unknown_outcome_is_asked_again_without_the_card(
    counter: Counter, cards: CardsDouble, sessions: SessionDouble, fault: str
) -> None:
    cards.faults = ["", fault]

    assert ended(lambda: counter.unlock(PIN)) == "OUTCOME_UNKNOWN"
    answered = counter.unlock(PIN)

    assert answered.is_repeated
    assert len(sessions.finished) == 2
    assert cards.unlocks == set()


def test_another_clerk_hears_that_it_was_done_and_may_begin_again(
    counter: Counter, cards: CardsDouble
) -> None:
    cards.faults = ["", "after"]
    assert ended(lambda: counter.unlock(PIN)) == "OUTCOME_UNKNOWN"

    cards.clerk = "所沢　次郎"

    assert ended(lambda: counter.unlock(PIN)) == "REQUEST_ID_REUSED"
    assert works(counter)[-1] == "ended"
    assert ended(lambda: counter.unlock(PIN)) == "DONE"
    assert cards.unlocks == set()


@pytest.mark.slow
@pytest.mark.parametrize("forgotten", [False, True], ids=["keep", "forgotten"])
@pytest.mark.parametrize("what", ["pull", "kill", "lose"])
def test_a_cut_anywhere_is_finished_by_the_same_order(
    center: Center,
    card: Path,
    tmp_path: Path,
    cards: CardsDouble,
    sessions: SessionDouble,
    what: str,
    forgotten: bool,
) -> None:
    """A dozen places by a seed, the first and the last always; JUKI_LONG=1: everywhere."""
    entries = (NEW, NEW) if forgotten else (PIN,)
    whole = Scissors()
    counter = Counter(center, put(card, LOCKED), tmp_path / "whole")
    setattr(counter, what, whole)
    sessions.bend = counter.bend
    counter.unlock(*entries, forgotten=forgotten)
    assert whole.happened >= {"pull": 40, "kill": 40, "lose": 11}[what]

    places = range(1, whole.happened + 1)
    for at in sampled(places, 12, where=f"unlock {what}", kind=edges(whole.happened)):
        cards.unlocks.clear()
        counter = Counter(center, put(card, LOCKED), tmp_path / str(at))
        scissors = Scissors(at)
        setattr(counter, what, scissors)
        sessions.bend = counter.bend
        ended(lambda: counter.unlock(*entries, forgotten=forgotten))  # noqa: B023  # called here
        assert scissors.happened >= at
        left = record_of(counter.card)
        assert left.value in (Pin(PIN), None, Pin(entries[0])), at
        assert left.tries_left in (0, 2, 3), at
        counter.unlock(*entries, forgotten=forgotten)
        left = record_of(counter.card)
        assert (left.state, left.tries_left) == (PinState.OPERATIONAL, 3), at
        assert left.value == Pin(entries[0]), at
        assert len(cards.unlocks) == 0, at
