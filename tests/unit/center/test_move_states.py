"""States of moves: every event in every state, and the numbers on a paper."""

from __future__ import annotations

import itertools
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_center.areas.moves.deadlines import a_year_after
from juki_center.areas.moves.numbers import CODE_CHANCE_OCTETS, MoveNumber, VerificationCode
from juki_center.areas.moves.states import OPEN, TRANSITIONS, MoveEvent, MoveState, after
from juki_center.errors import NotAllowed, RuleBroken

NOTIFIED, ORDINARY, TRANSFERRED = MoveState.NOTIFIED, MoveState.ORDINARY, MoveState.TRANSFERRED
COMPLETED, CANCELLED, LAPSED = MoveState.COMPLETED, MoveState.CANCELLED, MoveState.LAPSED
CANCELLED_AFTER = MoveState.CANCELLED_AFTER

# What the domain says, written down apart from the code's own table.
EXPECTED = {
    MoveEvent.CHANGED: {NOTIFIED: NOTIFIED, ORDINARY: ORDINARY},
    MoveEvent.WITHDRAWN: {NOTIFIED: CANCELLED, ORDINARY: CANCELLED, LAPSED: CANCELLED},
    MoveEvent.FETCHED: {NOTIFIED: TRANSFERRED, TRANSFERRED: TRANSFERRED},
    MoveEvent.GIVEN_BACK: {TRANSFERRED: NOTIFIED},
    MoveEvent.DEADLINE_PASSED: {NOTIFIED: LAPSED},
    MoveEvent.PAPER_ISSUED: {NOTIFIED: ORDINARY, LAPSED: ORDINARY, ORDINARY: ORDINARY},
    MoveEvent.ARRIVED: {TRANSFERRED: COMPLETED, ORDINARY: COMPLETED},
    MoveEvent.CORRECTED: {TRANSFERRED: TRANSFERRED, COMPLETED: COMPLETED},
    MoveEvent.TAKEN_BACK: {COMPLETED: CANCELLED_AFTER},
    MoveEvent.ALL_GONE: {
        NOTIFIED: CANCELLED,
        ORDINARY: CANCELLED,
        TRANSFERRED: CANCELLED,
        LAPSED: CANCELLED,
    },
}
CODES = st.binary(min_size=CODE_CHANCE_OCTETS, max_size=CODE_CHANCE_OCTETS).map(
    VerificationCode.drawn
)


@pytest.mark.parametrize(("state", "event"), [*itertools.product(MoveState, MoveEvent)])
def test_every_event_in_every_state_leads_where_the_domain_says_or_nowhere(
    state: MoveState, event: MoveEvent
) -> None:
    expected = EXPECTED[event].get(state)

    if expected is None:
        with pytest.raises(NotAllowed) as refused:
            after(state, event)
        assert (refused.value.state, refused.value.event) == (state, event)
    else:
        assert after(state, event) is expected


def test_a_move_by_paper_never_becomes_one_by_card() -> None:
    reached = {ORDINARY}
    for _ in MoveState:
        reached |= {then for (state, _), then in TRANSITIONS.items() if state in reached}

    assert reached.isdisjoint({NOTIFIED, TRANSFERRED, LAPSED})


def test_whoever_is_in_an_open_move_can_still_end_it() -> None:
    ends = {state for state in MoveState if state not in OPEN}

    assert ends == {COMPLETED, CANCELLED, CANCELLED_AFTER}
    assert all(any((state, way) in TRANSITIONS for way in MoveEvent) for state in OPEN)
    assert not any(
        (state, way) in TRANSITIONS for state in (CANCELLED, CANCELLED_AFTER) for way in MoveEvent
    )


@given(
    st.binary(min_size=8, max_size=8).map(MoveNumber.drawn), st.integers(1, 12), st.integers(1, 9)
)
def test_one_wrong_digit_of_a_moves_number_is_found(
    number: MoveNumber, place: int, shift: int
) -> None:
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]

    assert MoveNumber(str(number)) == number
    with pytest.raises(RuleBroken):
        MoveNumber(wrong)


@given(CODES)
def test_a_drawn_verification_code_is_taken_and_is_the_same_as_itself(
    code: VerificationCode,
) -> None:
    assert VerificationCode(code.digits).is_same(code)
    assert code.digits not in repr(code)


@given(CODES, st.integers(0, 17), st.integers(1, 9))
def test_one_wrong_digit_of_a_verification_code_is_found(
    code: VerificationCode, place: int, shift: int
) -> None:
    digits = code.digits
    wrong = digits[:place] + str((int(digits[place]) + shift) % 10) + digits[place + 1 :]

    with pytest.raises(RuleBroken, match="CHECK_DIGITS"):
        VerificationCode(wrong)


@given(CODES, st.integers(0, 16))
def test_exchanged_digits_of_a_verification_code_are_found(
    code: VerificationCode, place: int
) -> None:
    digits = code.digits
    wrong = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]

    if wrong != digits:
        with pytest.raises(RuleBroken, match="CHECK_DIGITS"):
            VerificationCode(wrong)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "LENGTH"),
        ("00000000000000019", "LENGTH"),
        ("0000000000000001955", "LENGTH"),
        ("00000000000000019５", "DIGITS"),
        ("0000 0000 00000195", "DIGITS"),
        ("000000000000000194", "CHECK_DIGITS"),
    ],
)
def test_text_that_is_no_verification_code_is_refused(text: str, rule: str) -> None:
    with pytest.raises(RuleBroken, match=rule):
        VerificationCode(text)


def test_two_codes_that_differ_are_not_the_same() -> None:
    one, other = (VerificationCode.drawn(octets) for octets in (bytes(16), bytes(15) + b"\x01"))

    assert not one.is_same(other)


@pytest.mark.parametrize(
    ("day", "last"),
    [
        (date(2026, 11, 23), date(2027, 11, 23)),
        (date(2026, 12, 31), date(2027, 12, 31)),
        (date(2027, 2, 28), date(2028, 2, 29)),
        (date(2028, 2, 28), date(2029, 2, 28)),
        (date(2028, 2, 29), date(2029, 2, 28)),
    ],
)
def test_a_year_ends_on_the_day_before_the_one_on_which_it_began(day: date, last: date) -> None:
    assert a_year_after(day) == last
