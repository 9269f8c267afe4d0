"""Protective measures: what holds a record back, and how a measure may change.

A measure is in force until somebody ends it by hand. Its planned end is a reminder and ends
nothing; a lift runs out, and then the measure is in force again without anybody's doing.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from juki_center.areas.residents.civil_dates import CivilDate, Precision
from juki_center.areas.residents.records import Hold, ProtectiveMeasure, ResidenceRecord
from juki_center.errors import NotAllowed, RuleBroken

SHORTEST_LIFT: Final = timedelta(minutes=1)
LONGEST_LIFT: Final = timedelta(hours=24)


class MeasureState(StrEnum):
    """How it stands with a measure at a point in time."""

    NONE = "NONE"
    IN_FORCE = "IN_FORCE"
    LIFTED = "LIFTED"


class MeasureEvent(StrEnum):
    """What happens to a measure; LIFT_RUNS_OUT by itself, everything else by hand."""

    BEGUN = "BEGUN"
    LIFTED = "LIFTED"
    LIFT_RUNS_OUT = "LIFT_RUNS_OUT"
    ENDED = "ENDED"


MEASURE_TRANSITIONS: Final = {
    (MeasureState.NONE, MeasureEvent.BEGUN): MeasureState.IN_FORCE,
    (MeasureState.IN_FORCE, MeasureEvent.BEGUN): MeasureState.IN_FORCE,
    (MeasureState.LIFTED, MeasureEvent.BEGUN): MeasureState.IN_FORCE,
    (MeasureState.IN_FORCE, MeasureEvent.LIFTED): MeasureState.LIFTED,
    (MeasureState.LIFTED, MeasureEvent.LIFTED): MeasureState.LIFTED,
    (MeasureState.LIFTED, MeasureEvent.LIFT_RUNS_OUT): MeasureState.IN_FORCE,
    (MeasureState.IN_FORCE, MeasureEvent.ENDED): MeasureState.NONE,
    (MeasureState.LIFTED, MeasureEvent.ENDED): MeasureState.NONE,
}  # Anything else raises NotAllowed: what does not exist is neither lifted nor ended.


def measure_after(state: MeasureState, event: MeasureEvent) -> MeasureState:
    """Return the state after an event. Raises NotAllowed."""
    try:
        return MEASURE_TRANSITIONS[state, event]
    except KeyError:
        raise NotAllowed(f"MEASURE_{state}", event) from None


def state_at(measure: ProtectiveMeasure | None, now: datetime) -> MeasureState:
    """Return how it stands with a measure; the planned end is no matter here."""
    if measure is None:
        return MeasureState.NONE
    if measure.lifted_until is not None and now < measure.lifted_until:
        return MeasureState.LIFTED
    return MeasureState.IN_FORCE


def hold_at(record: ResidenceRecord, now: datetime) -> Hold | None:
    """Say what forbids to issue anything of a record away from the residence, if anything does."""
    if state_at(record.measure, now) is MeasureState.IN_FORCE:
        return Hold.PROTECTIVE_MEASURE
    return record.hold


def begun(
    measure: ProtectiveMeasure | None, planned_end: date | None, now: datetime
) -> ProtectiveMeasure:
    """Return a measure that is in force at once, a lift of an earlier one being over."""
    measure_after(state_at(measure, now), MeasureEvent.BEGUN)
    return ProtectiveMeasure(planned_end)


def lifted(measure: ProtectiveMeasure | None, span: timedelta, now: datetime) -> ProtectiveMeasure:
    """Return a measure that is lifted for a span from now on.

    Raises NotAllowed where there is none, and RuleBroken for less than a minute or more than a day.
    """
    measure_after(state_at(measure, now), MeasureEvent.LIFTED)
    if not SHORTEST_LIFT <= span <= LONGEST_LIFT:
        raise RuleBroken("ONE_MINUTE_TO_ONE_DAY", "lift")
    planned_end = measure.planned_end if measure else None
    return ProtectiveMeasure(planned_end, lifted_until=now + span)


def refuse_end(measure: ProtectiveMeasure | None, now: datetime) -> None:
    """Raise NotAllowed where there is no measure to end."""
    measure_after(state_at(measure, now), MeasureEvent.ENDED)


def planned_day(planned_end: CivilDate | None, today: date) -> date | None:
    """Return the day of a planned end.

    Raises RuleBroken for a date that is not known to the day, is in no calendar, or is over.
    """
    if planned_end is None:
        return None
    if planned_end.precision is not Precision.DAY:
        raise RuleBroken("DAY_NEEDED", "planned_end")
    number = planned_end.sort_from
    try:
        day = date(number // 10_000, number // 100 % 100, number % 100)
    except ValueError:
        raise RuleBroken("DAY", "planned_end") from None
    if day < today:
        raise RuleBroken("PAST", "planned_end")
    return day
