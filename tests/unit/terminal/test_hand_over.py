"""Handing a card over: what the card, the center and the journals have, also after each cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from juki_card.passwords import Pin, TransportPin
from juki_card.virtual.memory import PinRecord, PinState
from juki_client.outcome import Problem
from juki_terminal.channel import Center
from jukinet.cards.v1 import card_pb2 as records
from jukinet.cards.v1 import card_service_pb2 as pb
from tests.support.sampling import edges, sampled
from tests.unit.terminal.cards_double import APPLICATION, FEE, FORBIDDEN, CardsDouble
from tests.unit.terminal.center_double import SessionDouble
from tests.unit.terminal.counter import FRESH, NEW, Counter, Scissors, ended
from tests.unit.terminal.test_pin_setting import put, record_of

OTHER = "9172"
SET = PinRecord(PinState.OPERATIONAL, Pin(NEW))


@pytest.fixture
def counter(center: Center, card: Path, tmp_path: Path) -> Counter:
    """A window with a card that waits for its holder."""
    return Counter(center, put(card, FRESH), tmp_path)


def works(counter: Counter) -> list[str]:
    """Return the stages of the work on the card, as the journal has them."""
    lines = (counter.folder / "work").read_text(encoding="ascii").splitlines()
    return [line.split('"stage":"')[1].split('"')[0] for line in lines]


def test_the_holder_sets_a_pin_the_card_proves_it_and_the_center_counts_it_as_in_use(
    counter: Counter, cards: CardsDouble
) -> None:
    answered = counter.hand_over()

    begin, end = cards.requests
    assert isinstance(begin, pb.BeginHandOverRequest)
    assert isinstance(end, pb.HandOverRequest)
    assert (end.application_number, end.clerk_name, end.fee_yen) == (APPLICATION, "", FEE)
    assert answered.request_id == end.request_id
    assert record_of(counter.card) == SET
    assert cards.state == records.CARD_STATE_ACTIVE
    assert works(counter) == ["begun", "sent", "set", "proved", "ended"]


def test_journals_hold_no_pin_no_name_and_no_document(counter: Counter) -> None:
    counter.hand_over()

    written = b"".join((counter.folder / name).read_bytes() for name in ("work", "changes"))
    for secret in (NEW, "60718", "501234567890", FORBIDDEN):
        assert f'"{secret}"'.encode() not in written


def test_a_card_is_not_in_use_before_its_pin_was_proved(
    counter: Counter, cards: CardsDouble, sessions: SessionDouble
) -> None:
    counter.lose = Scissors(2)

    assert ended(counter.hand_over) == "CENTER_UNREACHABLE"
    assert cards.state == records.CARD_STATE_MADE
    assert sessions.finished == []
    assert record_of(counter.card) == FRESH


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ((FORBIDDEN, FORBIDDEN), "PIN_TOO_OBVIOUS"),
        (("12345", "12345"), "PIN_NOT_FOUR_DIGITS"),
        ((NEW, OTHER), "PIN_ENTRIES_DIFFER"),
        ((NEW,), "PIN_NOT_ENTERED"),
    ],
)
def test_case_34_a_pin_that_may_not_be_chosen_never_reaches_the_card(
    counter: Counter, cards: CardsDouble, entries: tuple[str, ...], reason: str
) -> None:
    assert ended(lambda: counter.hand_over(*entries)) == reason
    assert record_of(counter.card) == FRESH
    assert works(counter) == ["begun"]
    assert cards.state == records.CARD_STATE_MADE


def test_a_card_that_has_the_pin_already_is_handed_over_without_the_journal(
    counter: Counter, cards: CardsDouble
) -> None:
    put(counter.card, SET)

    counter.hand_over()

    assert cards.state == records.CARD_STATE_ACTIVE
    assert record_of(counter.card) == SET
    assert works(counter) == ["begun", "sent", "refused", "proved", "ended"]


def test_another_pin_than_the_one_on_the_card_costs_one_try_for_each_entry_once_that_is_known(
    counter: Counter, cards: CardsDouble
) -> None:
    counter.kill = Scissors(22)
    assert ended(counter.hand_over) == "KILLED"
    assert works(counter)[-1] == "set"
    counter.kill = Scissors()

    left = []
    for entry in (OTHER, OTHER):
        assert ended(lambda entry=entry: counter.hand_over(entry, entry)) in (  # type: ignore[misc]  # mypy knows no default
            "PIN_WRONG",
            "PIN_LOCKED",
        )
        left.append(record_of(counter.card).tries_left)
    counter.hand_over()

    assert left == [2, 1]
    assert record_of(counter.card) == SET
    assert cards.state == records.CARD_STATE_ACTIVE


def test_a_wrong_card_in_the_reader_is_forgotten_by_the_next_run(
    counter: Counter, cards: CardsDouble
) -> None:
    put(counter.card, SET)
    cards.faults = ["", "CARD_NOT_OF_APPLICATION"]

    assert ended(counter.hand_over) == "CARD_NOT_OF_APPLICATION"
    put(counter.card, FRESH)
    counter.hand_over()

    assert works(counter)[-5:] == ["begun", "sent", "set", "proved", "ended"]
    assert record_of(counter.card) == SET


def test_another_holders_card_with_another_pin_does_not_lock_the_right_one(
    counter: Counter, cards: CardsDouble
) -> None:
    put(counter.card, PinRecord(PinState.OPERATIONAL, Pin(OTHER)))
    assert ended(counter.hand_over) == "PIN_WRONG"

    put(counter.card, FRESH)
    counter.hand_over()

    assert record_of(counter.card) == SET
    assert cards.state == records.CARD_STATE_ACTIVE


def test_a_blocked_card_is_handed_over_after_its_unlocking(
    counter: Counter, cards: CardsDouble
) -> None:
    put(counter.card, replace(FRESH, tries_left=0))

    assert ended(counter.hand_over) == "PIN_LOCKED"
    counter.unlock(forgotten=True)
    assert cards.state == records.CARD_STATE_MADE
    counter.hand_over()

    assert cards.state == records.CARD_STATE_ACTIVE
    assert record_of(counter.card).tries_left == 3


def test_a_transport_pin_that_is_none_is_a_defect_of_the_center(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.unit.terminal.cards_double.TRANSPORT", "x")

    with pytest.raises(Problem) as caught:
        counter.hand_over()

    assert (caught.value.reason, caught.value.metadata) == ("INTERNAL", {"field": "transport_pin"})


@pytest.mark.parametrize("fault", ["before", "after"])
def test_an_unknown_outcome_is_asked_again_without_the_card(
    counter: Counter, cards: CardsDouble, sessions: SessionDouble, fault: str
) -> None:
    cards.faults = ["", fault]

    assert ended(counter.hand_over) == "OUTCOME_UNKNOWN"
    answered = counter.hand_over()

    assert answered.is_repeated
    assert cards.state == records.CARD_STATE_ACTIVE
    assert len(sessions.finished) == 1
    assert len({request.request_id for request in cards.requests[1:]}) == 1  # type: ignore[attr-defined]  # hand-overs


def test_another_clerk_hears_that_it_was_done_and_only_once(
    counter: Counter, cards: CardsDouble
) -> None:
    cards.faults = ["", "after"]
    assert ended(counter.hand_over) == "OUTCOME_UNKNOWN"

    cards.clerk = "所沢　次郎"

    assert ended(counter.hand_over) == "REQUEST_ID_REUSED"
    assert works(counter)[-1] == "ended"
    assert ended(counter.hand_over) == "NOT_IN_THIS_STATE"


def test_a_session_that_is_over_is_run_again_with_another_request(
    counter: Counter, cards: CardsDouble, sessions: SessionDouble
) -> None:
    cards.faults = ["", "before", "SESSION_EXPIRED"]

    assert ended(counter.hand_over) == "OUTCOME_UNKNOWN"
    counter.hand_over()

    assert len(sessions.finished) == 2
    assert cards.state == records.CARD_STATE_ACTIVE


def test_a_refusal_of_the_center_is_told_and_the_card_keeps_its_pin(
    counter: Counter, cards: CardsDouble
) -> None:
    cards.faults = ["", "CARD_SUSPENDED"]

    assert ended(counter.hand_over) == "CARD_SUSPENDED"
    assert record_of(counter.card) == SET
    assert cards.state == records.CARD_STATE_MADE


def _check(counter: Counter, cards: CardsDouble, sessions: SessionDouble, how: str) -> None:
    """Require what holds after every cut, and that the same order then finishes."""
    left = record_of(counter.card)
    is_active = cards.state == records.CARD_STATE_ACTIVE
    assert left.value in (TransportPin("60718"), Pin(NEW)), how
    assert left.tries_left >= 2, how
    assert not is_active or (left == SET and sessions.finished), how
    assert ended(counter.hand_over) == "DONE", how
    assert record_of(counter.card) == SET, how
    assert cards.state == records.CARD_STATE_ACTIVE, how


@pytest.mark.slow
@pytest.mark.parametrize("what", ["pull", "kill", "lose"])
def test_a_cut_anywhere_is_finished_by_the_same_order(
    center: Center,
    card: Path,
    tmp_path: Path,
    cards: CardsDouble,
    sessions: SessionDouble,
    what: str,
) -> None:
    """A dozen places by a seed, the first and the last always; JUKI_LONG=1: everywhere."""
    whole = Scissors()
    counter = Counter(center, put(card, FRESH), tmp_path / "whole")
    setattr(counter, what, whole)
    sessions.bend = counter.bend
    assert ended(counter.hand_over) == "DONE"
    assert whole.happened >= {"pull": 40, "kill": 30, "lose": 7}[what]

    places = range(1, whole.happened + 1)
    for at in sampled(places, 12, where=f"hand over {what}", kind=edges(whole.happened)):
        folder = tmp_path / str(at)
        cards.state = records.CARD_STATE_MADE
        sessions.finished.clear()
        counter = Counter(center, put(card, FRESH), folder)
        scissors = Scissors(at)
        setattr(counter, what, scissors)
        sessions.bend = counter.bend
        outcome = ended(counter.hand_over)
        assert scissors.happened >= at
        _check(counter, cards, sessions, f"{outcome} at {at}")
