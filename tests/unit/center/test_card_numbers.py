"""Numbers of cards, applications and letters: check digits, prefixes, and what they refuse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_center.areas.cards.numbers import ApplicationNumber, CardNumber, LetterNumber
from juki_center.errors import RuleBroken

NUMBERS = st.binary(min_size=8, max_size=8).map(CardNumber.drawn)


@given(NUMBERS)
def test_drawn_number_is_taken(number: CardNumber) -> None:
    assert CardNumber(str(number)) == number


@given(NUMBERS, st.integers(0, 11), st.integers(1, 9))
def test_one_wrong_digit_is_found(number: CardNumber, place: int, shift: int) -> None:
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]

    with pytest.raises(RuleBroken):
        CardNumber(wrong)


@given(NUMBERS, st.integers(0, 10))
def test_exchanged_digits_are_found(number: CardNumber, place: int) -> None:
    if number[place] == number[place + 1]:
        return
    wrong = number[:place] + number[place + 1] + number[place] + number[place + 2 :]

    with pytest.raises(RuleBroken):
        CardNumber(wrong)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "LENGTH"),
        ("00000000019", "LENGTH"),
        ("0000000001955", "LENGTH"),
        ("0000000001９5", "DIGITS"),
        ("00000000019a", "DIGITS"),
        ("000000000194", "CHECK_DIGITS"),
        ("A00000000195", "DIGITS"),
    ],
)
def test_text_that_is_no_card_number_is_refused(text: str, rule: str) -> None:
    with pytest.raises(RuleBroken) as caught:
        CardNumber(text)

    assert caught.value.rule == rule


def test_letter_number_is_no_application_number() -> None:
    letter = LetterNumber.drawn(bytes(8))

    with pytest.raises(RuleBroken):
        ApplicationNumber(str(letter))


def test_number_without_its_prefix_is_refused() -> None:
    with pytest.raises(RuleBroken):
        ApplicationNumber(str(CardNumber.drawn(bytes(8))))
