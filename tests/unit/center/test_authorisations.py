"""Affairs, authorisations by the day, and how long provisions are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from juki_center.areas.agencies.affairs import Affair, Affairs
from juki_center.areas.agencies.authorisations import covering
from juki_center.areas.agencies.commands import AffairCode, Kind
from juki_center.areas.agencies.provisions import first_day_kept, start_of_day
from juki_center.areas.residents.changes import Item
from juki_center.errors import Reason, Refusal, RuleBroken
from tests.support.agencies import PASSPORT, PENSION, POLICY, authorisation
from tests.support.center import NOW

MOMENT = timedelta(microseconds=1)
QUESTIONS = frozenset({Kind.BY_CODE, Kind.BY_ATTRIBUTES})


@pytest.mark.parametrize("affair", ["passport", "pension", "real-estate-appraiser"])
def test_the_catalogue_names_affairs_of_the_law_with_their_basis(affair: str) -> None:
    found = POLICY.affairs[AffairCode(affair)]

    assert "article" in found.basis
    assert "table" in found.basis
    assert found.name_ja


def test_parking_permits_are_no_affair_of_the_law() -> None:
    """Case 37."""
    assert AffairCode("parking-permits") not in POLICY.affairs


def test_an_affair_that_stands_twice_is_refused() -> None:
    one = Affair(PASSPORT, "Passports", "旅券", "table 1")

    with pytest.raises(RuleBroken):
        Affairs([one, one])


def test_each_day_from_the_first_to_the_last_is_covered_and_no_other() -> None:
    row = authorisation(valid_from=date(2026, 4, 1), valid_to=date(2027, 3, 31))

    first, after = start_of_day(date(2026, 4, 1)), start_of_day(date(2027, 4, 1))
    assert [row.allows_at(first - MOMENT), row.allows_at(first)] == [False, True]
    assert [row.allows_at(after - MOMENT), row.allows_at(after)] == [True, False]


def test_a_row_that_was_withdrawn_allows_nothing_from_that_moment_on() -> None:
    withdrawn = replace(authorisation(), withdrawn_at=NOW)

    assert [withdrawn.allows_at(NOW - MOMENT), withdrawn.allows_at(NOW)] == [True, False]


def test_without_a_row_nothing_is_allowed() -> None:
    with pytest.raises(Refusal) as caught:
        covering([], [Kind.BY_CODE], [], NOW)

    assert caught.value.reason is Reason.AFFAIR_NOT_AUTHORISED


def test_a_row_must_cover_kind_and_items_by_itself() -> None:
    by_code = authorisation(kinds=frozenset({Kind.BY_CODE}), items=(Item.NAME,))
    by_attributes = authorisation(kinds=frozenset({Kind.BY_ATTRIBUTES}), items=(Item.ADDRESS,))

    with pytest.raises(Refusal) as caught:
        covering([by_code, by_attributes], [Kind.BY_CODE], [Item.NAME, Item.ADDRESS], NOW)

    assert caught.value.reason is Reason.ITEM_NOT_PERMITTED
    assert caught.value.metadata == {"item": "ADDRESS"}


def test_the_row_that_covers_the_request_gives_the_purpose() -> None:
    old = authorisation(items=(Item.NAME,))
    wide = authorisation(affair=PENSION, items=tuple(Item))

    assert covering([old, wide], [Kind.BY_CODE], [Item.NAME, Item.SEX], NOW) is wide


def test_a_request_of_two_kinds_needs_a_row_for_both() -> None:
    with pytest.raises(Refusal):
        covering([authorisation(kinds=QUESTIONS)], [Kind.BY_CODE, Kind.CHANGES], [], NOW)


@pytest.mark.parametrize(
    ("rule", "kinds", "items", "last"),
    [
        ("NO_QUESTION_ALLOWED", frozenset({Kind.BATCH}), (Item.NAME,), None),
        ("CHANGES_WITHOUT_ITEMS", QUESTIONS | {Kind.CHANGES}, (), None),
        ("DAYS_REVERSED", QUESTIONS, (Item.NAME,), date(2003, 8, 24)),
    ],
)
def test_a_row_that_makes_no_sense_is_not_made(
    rule: str, kinds: frozenset[Kind], items: tuple[Item, ...], last: date | None
) -> None:
    with pytest.raises(RuleBroken) as caught:
        authorisation(kinds=kinds, items=items, valid_to=last)

    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("today", "first"),
    [
        (date(2033, 11, 23), date(2026, 11, 23)),
        (date(2027, 2, 28), date(2020, 2, 28)),
        (date(2027, 3, 1), date(2020, 3, 1)),
        (date(2028, 2, 29), date(2021, 3, 1)),
        (date(2028, 3, 1), date(2021, 3, 1)),
    ],
)
def test_a_provision_is_kept_through_the_day_of_the_same_date_seven_years_on(
    today: date, first: date
) -> None:
    assert first_day_kept(today) == first


@given(st.dates(date(2003, 8, 25), date(2100, 12, 31)))
def test_what_is_kept_moves_on_with_the_days_and_never_back(today: date) -> None:
    tomorrow = today + timedelta(days=1)

    assert first_day_kept(today) <= first_day_kept(tomorrow) <= first_day_kept(today) + timedelta(2)


def test_a_day_begins_at_midnight_in_japan() -> None:
    assert start_of_day(date(2026, 11, 23)).isoformat() == "2026-11-22T15:00:00+00:00"
