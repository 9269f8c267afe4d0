"""The plan of a year: the same for the same seed, as much as the rates say, and never absurd."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from juki_center.areas.days import day_in_japan
from juki_center.errors import Reason
from juki_center.rule_sets import RuleSet
from juki_center.simulation.business_days import is_open, last_day, special_last_day
from juki_center.simulation.courses import relationships
from juki_center.simulation.errands import Apply, Birth, Copy, Death, Errand
from juki_center.simulation.move_errands import (
    ContinueUse,
    FetchPaper,
    FileMove,
    MoveIn,
    MoveWithin,
    StopHalfway,
    TakeBack,
    WithdrawMove,
)
from juki_center.simulation.people import HEAD, Holding, People, Standing
from juki_center.simulation.rates import Rates
from tests.support.planned_year import YEAR, people, plan, rates

RESIDENTS = 4_000


def whole_year(
    among: People, found: Rates, *, seed: int = 1, rule_set: RuleSet = RuleSet.R2003_08
) -> list[Errand]:
    return list(whole_year_lazily(among, found, rule_set, seed))


def whole_year_lazily(
    among: People, found: Rates, rule_set: RuleSet, seed: int = 1
) -> Iterator[Errand]:
    """Give the errands of a year, each before what follows from it."""
    for _, errands in plan(among, found, seed=seed, rule_set=rule_set).days():
        yield from errands


@pytest.fixture(scope="module")
def year() -> tuple[People, list[Errand]]:
    among = people(RESIDENTS)
    return among, whole_year(among, rates(4, card_lost=0.1, notified_late=0.15))


def test_same_seed_gives_the_same_year() -> None:
    first = whole_year(people(400), rates(4), seed=5)

    assert first == whole_year(people(400), rates(4), seed=5)
    assert first != whole_year(people(400), rates(4), seed=6)


def test_year_goes_forward_and_stays_inside_of_itself(year: tuple[People, list[Errand]]) -> None:
    times = [errand.at for errand in year[1]]

    assert times == sorted(times)
    assert all(day_in_japan(at) in YEAR for at in times)


def test_nobody_comes_when_the_windows_are_closed(year: tuple[People, list[Errand]]) -> None:
    days = {day_in_japan(errand.at) for errand in year[1]}
    hours = {(errand.at + timedelta(hours=9)).hour for errand in year[1]}

    assert all(is_open(day) for day in days)
    assert hours <= set(range(9, 17))


def test_as_many_move_are_born_and_die_as_the_rates_say(year: tuple[People, list[Errand]]) -> None:
    counted = Counter(type(errand) for errand in year[1])
    moved = sum(len(errand.persons) for errand in year[1] if isinstance(errand, FileMove))

    assert moved == pytest.approx(RESIDENTS * 4 * 0.0419, rel=0.08)
    assert counted[Birth] == pytest.approx(RESIDENTS * 4 * 0.00552, rel=0.1)
    assert counted[Death] == pytest.approx(RESIDENTS * 4 * 0.01291, rel=0.1)
    assert counted[Copy] == pytest.approx(RESIDENTS * 4 * 0.00676, rel=0.1)


def test_notices_are_most_in_march(year: tuple[People, list[Errand]]) -> None:
    months: Counter[int] = Counter()
    for one in year[1]:
        if isinstance(one, FileMove):
            months[day_in_japan(one.at).month] += len(one.persons)

    assert months.most_common(2)[0][0] == 3
    assert months.most_common(2)[1][0] == 4


def test_dead_people_come_for_nothing_more(year: tuple[People, list[Errand]]) -> None:
    dead: set[int] = set()
    for errand in year[1]:
        concerned = {getattr(errand, "person", -1), getattr(errand, "bearer", -1)}
        concerned |= set(getattr(errand, "persons", ()))
        assert not concerned & dead
        if isinstance(errand, Death):
            dead.add(errand.person)
    assert dead


def test_nobody_is_in_two_notices_at_a_time(year: tuple[People, list[Errand]]) -> None:
    moving: dict[int, int] = {}
    for errand in year[1]:
        match errand:
            case FileMove():
                assert not moving.keys() & set(errand.persons)
                moving |= dict.fromkeys(errand.persons, errand.move)
            case WithdrawMove() | MoveIn(foreseen=None):
                moving = {one: move for one, move in moving.items() if move != errand.move}
            case MoveWithin():
                assert not moving.keys() & set(errand.persons)


def test_every_move_in_that_is_foreseen_is_in_time(year: tuple[People, list[Errand]]) -> None:
    planned = {one.move: one.planned_on for one in year[1] if isinstance(one, FileMove)}
    planned_again = {one.move for one in year[1] if type(one).__name__ == "ChangeMove"}
    by_card = [
        one
        for one in year[1]
        if isinstance(one, MoveIn) and one.bearer is not None and one.move not in planned_again
    ]

    for errand in by_card:
        last = special_last_day(errand.moved_on, planned[errand.move])
        is_in_time = day_in_japan(errand.at) <= last
        is_refused_as_late = errand.foreseen in {Reason.DEADLINE_14, Reason.CARD_REVOKED}
        is_lost = errand.foreseen is Reason.CARD_SUSPENDED
        assert is_lost or is_in_time != is_refused_as_late
    assert {one.foreseen for one in by_card} >= {
        None,
        Reason.DEADLINE_14,
        Reason.CARD_REVOKED,
        Reason.CARD_SUSPENDED,
    }


def test_late_move_by_paper_says_so(year: tuple[People, list[Errand]]) -> None:
    by_paper = [one for one in year[1] if isinstance(one, MoveIn) and one.bearer is None]

    assert all(
        one.is_late == (day_in_japan(one.at) > last_day(one.moved_on, 14)) for one in by_paper
    )
    assert {one.is_late for one in by_paper} == {False, True}


def test_every_new_household_has_one_head(year: tuple[People, list[Errand]]) -> None:
    new = [
        one.relationships
        for one in year[1]
        if isinstance(one, MoveIn) or (isinstance(one, MoveWithin) and not one.same_household)
    ]

    assert new
    assert all(one.count(HEAD) == 1 for one in new)


def test_year_goes_every_way(year: tuple[People, list[Errand]]) -> None:
    among = people(RESIDENTS)
    newest = whole_year(among, rates(4), rule_set=RuleSet.R2023_02_06)

    kinds = {type(errand) for errand in year[1]}
    assert {FetchPaper, StopHalfway, TakeBack, WithdrawMove, MoveWithin} <= kinds
    assert ContinueUse not in kinds
    assert ContinueUse in {type(errand) for errand in newest}


def test_cards_of_movers_end_under_the_first_law_and_wait_under_a_later_one() -> None:
    first, later = people(400), people(400)
    never = {"continued": 0.0, "taken_back": 0.0, "returns": 0.0}

    whole_year(first, rates(8, **never))
    whole_year(later, rates(8, **never), rule_set=RuleSet.R2012_07_09)

    assert all(one.holding is not Holding.WAITING for one in first.persons)
    assert any(one.holding is Holding.WAITING for one in later.persons)


def test_everybody_lives_in_one_household_at_the_end(year: tuple[People, list[Errand]]) -> None:
    there = [one for one in year[0].persons if one.standing is not Standing.GONE]
    homes = {id(one.household): one.household for one in there}

    assert sum(len(home.members) for home in homes.values()) == len(there)
    assert all(one in one.household.members for one in there)


def test_eldest_heads_a_household_whose_head_stays_behind() -> None:
    family = next(
        one.household.members for one in people(300).persons if len(one.household.members) == 4
    )
    without_head = [one for one in family if one.relationship != HEAD]

    named = dict(
        zip((one.number for one in without_head), relationships(without_head), strict=True)
    )

    eldest = min(without_head, key=lambda one: one.birth)
    assert named[eldest.number] == HEAD
    assert list(named.values()).count(HEAD) == 1


def test_person_of_unknown_age_is_old_and_not_two_thousand() -> None:
    line = {
        "municipality": "112089",
        "household": "1",
        "code": "24727059608",
        "birth": "年月日不詳",
        "sex": "MALE",
        "relationship": HEAD,
        "resident_since": "平成2年4月1日",
    }

    (person,) = People.of_lines([line], YEAR.first).persons

    assert person.age(YEAR.first) == 80
    assert not person.is_exact


def test_only_who_is_known_to_be_grown_holds_or_wants_a_card() -> None:
    among = people(RESIDENTS)
    for person in among.persons[::2]:
        person.is_exact = False

    applied = [one for one in whole_year(among, rates(4)) if isinstance(one, Apply)]

    assert applied
    assert all(among.persons[one.person].is_exact for one in applied)
    assert all(one.is_exact for one in among.persons if one.holding is not Holding.NONE)


def test_move_that_is_taken_back_brings_back_no_card_that_was_made_since() -> None:
    among = people(1_500)
    found = rates(40, taken_back=1.0, withdrawn=0.0, changed=0.0, by_letter=0.0)
    arrived: dict[int, date] = {}
    new, last = set[int](), None

    for errand in whole_year_lazily(among, found, RuleSet.R2012_07_09):
        if isinstance(last, TakeBack):
            made = {one: among.persons[one].card_made for one in last.persons}
            fresh = {one for one, day in made.items() if day >= arrived[last.move]}
            assert all(among.persons[one].holding is Holding.NONE for one in fresh)
            new |= fresh
        if isinstance(errand, MoveIn) and errand.foreseen is None:
            arrived[errand.move] = day_in_japan(errand.at)
        last = errand

    assert new
