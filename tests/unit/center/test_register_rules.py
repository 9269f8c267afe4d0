"""Rules of registers: states and events, measures, households, new codes, days in their era."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from juki_center.areas.residents.assignment import new_code
from juki_center.areas.residents.civil_date_texts import parse_date
from juki_center.areas.residents.codes import MunicipalityCode, ResidentCode
from juki_center.areas.residents.era_days import civil_day
from juki_center.areas.residents.guards import refuse_future
from juki_center.areas.residents.household_order import (
    householder_of,
    in_paper_order,
    living,
    needs_head,
)
from juki_center.areas.residents.protection import (
    MEASURE_TRANSITIONS,
    MeasureEvent,
    MeasureState,
    hold_at,
    measure_after,
    state_at,
)
from juki_center.areas.residents.records import (
    ChangeReason,
    Hold,
    HouseholdID,
    PersonID,
    ProtectiveMeasure,
    ResidenceState,
    Resident,
)
from juki_center.areas.residents.rules import ResidenceEvent, after, cancelling_event, checked
from juki_center.areas.residents.update_rules import refuse_transition
from juki_center.areas.residents.updates import Update, UpdateReason
from juki_center.errors import NotAllowed, RuleBroken
from tests.support.center import NOW, SAMPLES

ACTIVE, MOVED_OUT = ResidenceState.ACTIVE, ResidenceState.MOVED_OUT
DECEASED, DELETED = ResidenceState.DECEASED, ResidenceState.DELETED
RECORD = SAMPLES["yoshida-taro"].record
TOKOROZAWA = MunicipalityCode("112089")

# States


def test_from_death_only_the_cancellation_of_its_entry_leads_back() -> None:
    ways = {event for event in ResidenceEvent if _result(DECEASED, event) not in {None, DECEASED}}

    assert ways == {ResidenceEvent.DEATH_CANCELLED}


def test_a_deleted_record_takes_no_entry_but_a_return_a_move_protection_and_cancellations() -> None:
    taken = {
        state: {event for event in ResidenceEvent if _result(state, event) is not None}
        for state in (MOVED_OUT, DELETED)
    }

    both = {
        ResidenceEvent.CAME_BACK,
        ResidenceEvent.PROTECTION_CHANGED,
        ResidenceEvent.ENTRY_CANCELLED,
    }
    assert taken == {
        MOVED_OUT: both | {ResidenceEvent.MOVE_CANCELLED, ResidenceEvent.ARRIVED},
        DELETED: both | {ResidenceEvent.DELETION_CANCELLED, ResidenceEvent.GIVEN_BACK},
    }


def _result(state: ResidenceState, event: ResidenceEvent) -> ResidenceState | None:
    try:
        return after(state, event)
    except NotAllowed:
        return None


@pytest.mark.parametrize(
    ("state", "restored"), [*itertools.product(ResidenceState, ResidenceState)]
)
def test_a_cancellation_leads_from_each_state_to_the_one_before_or_nowhere(
    state: ResidenceState, restored: ResidenceState
) -> None:
    if state is restored or ACTIVE in {state, restored}:
        assert after(state, cancelling_event(state, restored)) is restored
    else:
        with pytest.raises(NotAllowed):
            cancelling_event(state, restored)


# Which states each reason may lead between; everything else is refused.
REASONS = {
    None: {
        (ACTIVE, ACTIVE),
        (ACTIVE, MOVED_OUT),
        (ACTIVE, DECEASED),
        (ACTIVE, DELETED),
        (MOVED_OUT, ACTIVE),
        (DELETED, ACTIVE),
    },
    ChangeReason.BIRTH: set(),
    ChangeReason.DEATH: {(ACTIVE, DECEASED)},
    ChangeReason.MOVE_IN: {(MOVED_OUT, ACTIVE), (DELETED, ACTIVE)},
    ChangeReason.SPECIAL_MOVE_IN: {(MOVED_OUT, ACTIVE), (DELETED, ACTIVE)},
    ChangeReason.MOVE_OUT: {(ACTIVE, MOVED_OUT)},
    ChangeReason.MOVE_WITHIN: {(ACTIVE, ACTIVE)},
    ChangeReason.CORRECTION_EX_OFFICIO: {(ACTIVE, ACTIVE)},
    ChangeReason.DELETION_EX_OFFICIO: {(ACTIVE, DELETED)},
    ChangeReason.HOUSEHOLD_CHANGE: {(ACTIVE, ACTIVE)},
    ChangeReason.NAME_CHANGE: {(ACTIVE, ACTIVE)},
    ChangeReason.CODE_ASSIGNED: {(ACTIVE, ACTIVE)},
    ChangeReason.CODE_CHANGED: set(),
    ChangeReason.NATURALISATION: {(ACTIVE, ACTIVE)},
    ChangeReason.NATIONALITY_LOST: {(ACTIVE, ACTIVE)},
    ChangeReason.CANCELLATION: {
        pair
        for pair in itertools.product(ResidenceState, ResidenceState)
        if ACTIVE in pair or pair[0] is pair[1]
    },
    ChangeReason.PROTECTION: set(),
}


@pytest.mark.parametrize("reason", [None, *ChangeReason])
def test_each_reason_of_an_update_leads_between_its_own_states_only(
    reason: ChangeReason | None,
) -> None:
    why = UpdateReason(reason, parse_date("令和8年1月1日")) if reason else None
    led = set()
    for before, then in itertools.product(ResidenceState, ResidenceState):
        update = Update(TOKOROZAWA, "1", 2, then, checked(RECORD), why)
        try:
            refuse_transition(before, update)
        except RuleBroken:
            continue
        led.add((before, then))

    assert led == REASONS[reason]


# Measures


@pytest.mark.parametrize(("state", "event"), [*itertools.product(MeasureState, MeasureEvent)])
def test_every_event_in_every_state_of_a_measure_is_in_the_table_or_not_allowed(
    state: MeasureState, event: MeasureEvent
) -> None:
    if (state, event) in MEASURE_TRANSITIONS:
        assert measure_after(state, event) is MEASURE_TRANSITIONS[state, event]
    else:
        with pytest.raises(NotAllowed):
            measure_after(state, event)


def test_case_17_only_ending_it_by_hand_ends_a_measure() -> None:
    ends = {
        event
        for (state, event), then in MEASURE_TRANSITIONS.items()
        if then is MeasureState.NONE and state is not MeasureState.NONE
    }

    assert ends == {MeasureEvent.ENDED}


@pytest.mark.parametrize(
    ("measure", "state"),
    [
        (None, MeasureState.NONE),
        (ProtectiveMeasure(), MeasureState.IN_FORCE),
        (ProtectiveMeasure(planned_end=date(2000, 1, 1)), MeasureState.IN_FORCE),
        (ProtectiveMeasure(lifted_until=NOW + timedelta(microseconds=1)), MeasureState.LIFTED),
        (ProtectiveMeasure(lifted_until=NOW), MeasureState.IN_FORCE),
        (ProtectiveMeasure(lifted_until=NOW - timedelta(minutes=1)), MeasureState.IN_FORCE),
    ],
)
def test_case_17_a_measure_is_in_force_whatever_day_it_is_unless_it_is_lifted(
    measure: ProtectiveMeasure | None, state: MeasureState
) -> None:
    assert state_at(measure, NOW) is state


def test_case_15_a_measure_holds_a_record_and_so_does_a_correction_under_a_lift() -> None:
    lifted = ProtectiveMeasure(lifted_until=NOW + timedelta(minutes=1))
    records = [
        RECORD,
        replace(RECORD, measure=ProtectiveMeasure()),
        replace(RECORD, measure=lifted),
        replace(RECORD, measure=lifted, hold=Hold.UNDER_CORRECTION),
        replace(RECORD, measure=ProtectiveMeasure(), hold=Hold.UNDER_CORRECTION),
    ]

    assert [hold_at(one, NOW) for one in records] == [
        None,
        Hold.PROTECTIVE_MEASURE,
        None,
        Hold.UNDER_CORRECTION,
        Hold.PROTECTIVE_MEASURE,
    ]


# Households


def member(
    relationship: str, birth: str = "平成1年1月8日", state: ResidenceState = ACTIVE
) -> Resident:
    """Return a member of a household."""
    record = replace(RECORD, name=birth, relationship=relationship, birth=parse_date(birth))
    return Resident(PersonID(bytes(16)), TOKOROZAWA, HouseholdID(bytes(16)), state, 1, record)


def test_a_household_stands_in_the_order_of_its_paper() -> None:
    head, wife = member("世帯主"), member("妻")
    older, younger = member("子", "平成10年1月1日"), member("子", "平成12年1月1日")
    mother, lodger = member("母", "昭和10年1月1日"), member("同居人", "昭和60年1月1日")

    ordered = in_paper_order([lodger, younger, mother, wife, older, head])

    assert ordered == [head, wife, older, younger, mother, lodger]


@pytest.mark.parametrize(
    ("members", "needs"),
    [
        ([], False),
        ([member("世帯主")], False),
        ([member("世帯主"), member("子")], False),
        ([member("妻"), member("子")], True),
        ([member("世帯主"), member("世帯主")], True),
        ([member("世帯主", state=DECEASED), member("妻")], True),
        ([member("世帯主", state=DECEASED), member("世帯主")], False),
        ([member("世帯主", state=MOVED_OUT)], False),
    ],
)
def test_a_household_needs_a_head_where_it_has_members_and_not_one_head(
    members: list[Resident], needs: bool
) -> None:
    assert needs_head(members) is needs


def test_a_deleted_head_heads_no_household() -> None:
    gone, wife = member("世帯主", state=DELETED), member("妻")

    assert householder_of([gone, wife]) == ""
    assert householder_of([gone, member("世帯主", "昭和45年1月1日")]) == "昭和45年1月1日"
    assert living([gone, wife]) == [wife]


# Codes


class Dice:
    """Chance that falls as it was laid."""

    def __init__(self, *numbers: int) -> None:
        self._numbers: Iterator[int] = iter(numbers)

    def octets(self, count: int) -> bytes:
        """Return the next number."""
        return next(self._numbers).to_bytes(count)


def test_case_05_a_code_is_never_all_zeros_nor_of_a_body_with_remainder_0() -> None:
    # 4797110438 and 2078841790 leave the remainder 0; 7576981342 leaves 1.
    dice = Dice(0, 4797110438, 10**10, 2078841790, 7576981342)

    assert new_code(dice) == ResidentCode("75769813420")


def test_case_05_a_number_that_would_favour_some_bodies_is_thrown_away() -> None:
    unfair = 2**64 - 1

    assert new_code(Dice(unfair, 2472705960)) == ResidentCode("24727059608")


def test_case_04_a_code_keeps_its_leading_zeros() -> None:
    assert new_code(Dice(721559434)) == ResidentCode("07215594348")


# Days


@pytest.mark.parametrize(
    ("day", "text"),
    [
        (date(2019, 5, 1), "令和元年5月1日"),
        (date(2019, 4, 30), "平成31年4月30日"),
        (date(1989, 1, 8), "平成元年1月8日"),
        (date(1926, 12, 25), "昭和元年12月25日"),
        (date(2026, 11, 23), "令和8年11月23日"),
    ],
)
def test_a_day_is_written_in_its_newest_era(day: date, text: str) -> None:
    assert civil_day(day).paper_text == text


def test_a_day_before_every_era_is_refused() -> None:
    with pytest.raises(ValueError, match="era"):
        civil_day(date(1868, 1, 24))


@pytest.mark.parametrize("text", ["令和8年11月24日", "令和8年12月 日不詳", "令和9年 月日不詳"])
def test_a_date_that_lies_wholly_in_the_future_is_refused(text: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        refuse_future(parse_date(text), NOW, "change_date")

    assert (refused.value.rule, refused.value.field) == ("FUTURE", "change_date")


@pytest.mark.parametrize("text", ["令和8年11月23日", "令和8年11月 日不詳", "年月日不詳"])
def test_a_date_that_may_have_come_is_taken(text: str) -> None:
    refuse_future(parse_date(text), NOW, "change_date")


def test_today_is_the_day_in_japan() -> None:
    # 15:00 UTC is midnight in Japan.
    evening = NOW.replace(hour=15)

    refuse_future(parse_date("令和8年11月24日"), evening, "change_date")
