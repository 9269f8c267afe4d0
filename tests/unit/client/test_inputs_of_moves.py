"""What clerks type for moves: days of the calendar, numbers from papers."""

from __future__ import annotations

from datetime import date

import pytest

from juki_client.card_numbers import NumberKind, read_number, read_verification_code
from juki_client.civil_date import exact_day
from juki_client.outcome import Problem


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("令和9年3月31日", date(2027, 3, 31)),
        ("Ｒ９．３．３１", date(2027, 3, 31)),
        ("2027-03-31", date(2027, 3, 31)),
        ("平成元年1月8日", date(1989, 1, 8)),
        ("昭和64年1月7日", date(1989, 1, 7)),
        ("大正15年12月25日", date(1926, 12, 25)),
        ("明治45年7月30日", date(1912, 7, 30)),
    ],
)
def test_day_is_read_in_every_calendar(text: str, day: date) -> None:
    assert exact_day(text, "moved_date") == day


@pytest.mark.parametrize(
    "text", ["", "2027-02-29", "令和9年3月", "2027", "年月日不詳", "春", "R9.4.31"]
)
def test_day_that_is_none_is_refused_without_its_text(text: str) -> None:
    with pytest.raises(Problem) as refused:
        exact_day(text, "moved_date")

    assert refused.value.reason == "USAGE_INVALID"
    assert refused.value.metadata["field"] == "moved_date"
    assert not text or text not in refused.value.metadata["rule"]


@pytest.mark.parametrize("text", ["M123456789092", "ｍ1234 5678-9092"])
def test_number_of_a_move_is_read_as_it_is_typed(text: str) -> None:
    assert read_number(text, NumberKind.MOVE, "move_number") == "M123456789092"


@pytest.mark.parametrize("text", ["1234 5678 9012 3456 11", "１２３４５６７８９０１２３４５６１１"])
def test_verification_code_is_read_without_its_groups(text: str) -> None:
    assert read_verification_code(text, "verification_code") == "123456789012345611"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("123456789012345612", "CHECK_DIGITS"),
        ("124356789012345611", "CHECK_DIGITS"),
        ("12345678901234561", "18 digits"),
        ("12345678901234561x", "18 digits"),
        ("", "18 digits"),
    ],
)
def test_slip_in_a_verification_code_is_found_before_it_is_sent(text: str, rule: str) -> None:
    with pytest.raises(Problem) as refused:
        read_verification_code(text, "verification_code")

    assert refused.value.metadata == {"field": "verification_code", "rule": rule}
