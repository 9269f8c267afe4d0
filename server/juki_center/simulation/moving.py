"""Moves between municipalities: who moves where, and how each goes on until it has ended.

The course of a move is drawn when it is filed; what it meets on its way, a death or a lost card, is
seen when its next step comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from juki_center.areas.days import day_in_japan
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.synthetic_draws import between
from juki_center.errors import Reason
from juki_center.rule_sets import RuleSet
from juki_center.simulation.business_days import last_day
from juki_center.simulation.courses import Course, relationships
from juki_center.simulation.errands import Errand, Lose
from juki_center.simulation.groups import Groups
from juki_center.simulation.move_errands import (
    ChangeMove,
    ContinueUse,
    FetchPaper,
    FileMove,
    MoveIn,
    StopHalfway,
    TakeBack,
    WithdrawMove,
)
from juki_center.simulation.people import Holding, Household, Person, Standing
from juki_center.simulation.world import World
from juki_center.simulation.year import midnight

_DAY: Final = timedelta(days=1)
_CONTINUED_WITHIN: Final = timedelta(days=90)
Step = Callable[[Course, datetime], Iterator[Errand]]


class Moving:
    """Lets groups of people move between municipalities."""

    def __init__(self, world: World, groups: Groups, rule_set: RuleSet) -> None:
        self._world = world
        self._groups = groups
        self._cards_continue = rule_set >= RuleSet.R2012_07_09
        # Where the planned destination may look beforehand, it sees that before any card.
        is_pushed = rule_set >= RuleSet.R2023_02_06
        self._if_run_out = Reason.SPECIAL_LAPSED if is_pushed else Reason.CARD_REVOKED
        self._count = 0

    def starts(self, at: datetime) -> Iterator[Errand]:
        """Let a group file a notice, unless earlier groups were larger than one person."""
        group = self._groups.of_movers(at)
        if not group:
            return
        is_abroad = self._happens(self._world.habits.abroad)
        origin = group[0].household.municipality
        yield from self._file(group, None if is_abroad else self._elsewhere(origin), at)

    def _happens(self, share: float) -> bool:
        return self._world.happens(share)

    def _between(self, low: int, high: int) -> int:
        return between(self._world.draws, low, high)

    def _elsewhere(self, origin: MunicipalityCode) -> MunicipalityCode:
        return self._world.office_away_from(origin)

    def _later(self, day: date, step: Step, course: Course) -> None:
        self._world.agenda.put(self._world.some_time(day), partial(step, course))

    # The notice

    def _file(
        self, group: list[Person], destination: MunicipalityCode | None, at: datetime
    ) -> Iterator[Errand]:
        course = self._course(group, destination, day_in_japan(at))
        yield FileMove(
            at,
            course.origin,
            None,
            course.number,
            tuple(one.number for one in group),
            destination,
            course.planned_on,
            by_card=course.by_card,
            by_post=course.by_card and self._happens(self._world.habits.by_post),
        )
        for person in group:
            person.standing, person.leaves_on = Standing.LEAVING, course.planned_on
        self._go_on_after_notice(course)

    def _course(
        self, group: list[Person], destination: MunicipalityCode | None, today: date
    ) -> Course:
        habits = self._world.habits
        earliest = max(max(one.since, one.birth) for one in group)
        planned_on = max(today + _DAY * self._days_until_the_move(), earliest)
        moved_on = planned_on
        if self._happens(habits.other_day):
            moved_on = max(planned_on + _DAY * self._between(-3, 6), earliest)
        is_in_time = today <= last_day(planned_on, 14)
        has_card = any(one.has_card(today) for one in group)
        may_be_special = has_card and is_in_time and destination is not None
        self._count += 1
        return Course(
            number=self._count,
            home=group[0].household,
            persons=group,
            destination=destination,
            planned_on=planned_on,
            moved_on=moved_on,
            filed_on=today,
            by_card=may_be_special and self._happens(habits.special),
            holders=[one for one in group if one.has_card(today)],
        )

    def _days_until_the_move(self) -> int:
        """Draw in how many days the move is planned; below 0 it is over already."""
        if self._happens(self._world.habits.filed_very_late):
            return -self._between(18, 40)
        if self._happens(self._world.habits.filed_before):
            return self._between(1, 14)
        return -self._between(0, 13)

    def _go_on_after_notice(self, course: Course) -> None:
        habits, filed_on = self._world.habits, course.filed_on
        self._plan_the_end(course)
        if self._happens(habits.withdrawn):
            self._later(filed_on + _DAY * self._between(1, 10), self._withdraw, course)
        elif course.destination is None or self._happens(habits.never_notified):
            return
        elif self._happens(habits.changed) and filed_on + _DAY * 4 < course.planned_on:
            self._later(filed_on + _DAY, self._change, course)
        else:
            self._plan_visit(course)

    def _withdraw(self, course: Course, at: datetime) -> Iterator[Errand]:
        if not course.moving:
            return
        yield WithdrawMove(at, course.origin, None, course.number)
        has_left = course.planned_on <= day_in_japan(at)
        for person in course.moving:
            self._stays(person)
            if has_left and not course.by_card:
                person.holding = Holding.NONE
        course.is_open = False

    def _change(self, course: Course, at: datetime) -> Iterator[Errand]:
        if not course.moving or course.destination is None:
            return
        later = _DAY * self._between(1, 5)
        course.planned_on += later
        course.moved_on += later
        for person in course.moving:
            person.leaves_on = course.planned_on
        yield ChangeMove(
            at,
            course.origin,
            None,
            course.number,
            tuple(one.number for one in course.moving),
            course.destination,
            course.planned_on,
        )
        self._plan_the_end(course)
        self._plan_visit(course)

    def _plan_the_end(self, course: Course) -> None:
        """Let the special case be over in the night in which the center ends it."""
        if course.by_card:
            night = midnight(last_day(course.planned_on, 30) + _DAY)
            self._world.agenda.put(night, partial(self._lapses, course))

    def _lapses(self, course: Course, at: datetime) -> Iterator[Errand]:
        """Let a special notice run out in the night after its last day."""
        if course.is_open and course.by_card and course.has_run_out(day_in_japan(at)):
            for person in course.moving:
                person.holding = Holding.NONE
        yield from ()

    # The way to the new city's window

    def _plan_visit(self, course: Course) -> None:
        habits = self._world.habits
        if course.by_card and self._happens(habits.card_lost):
            self._later(course.filed_on + _DAY, self._lose_card, course)
        day = self._visiting_day(course)
        if course.by_card and self._happens(habits.abandoned):
            self._later(day, self._stop_halfway, course)
        else:
            if not course.by_card and self._happens(habits.paper_again):
                self._later(course.filed_on + _DAY, self._paper_again, course)
            self._later(day, self._visit, course)

    def _visiting_day(self, course: Course) -> date:
        """Draw the day of the visit: soon after the move mostly, after the deadline rarely."""
        first = max(course.moved_on, course.filed_on + _DAY)
        last = course.last_day if course.by_card else last_day(course.moved_on, 14)
        if self._happens(self._world.habits.notified_late):
            return max(first, last + _DAY * self._between(1, 25))
        days = max((last - first).days, 0)
        return first + _DAY * int(days * self._world.draws.random() ** 1.5)

    def _lose_card(self, course: Course, at: datetime) -> Iterator[Errand]:
        bearer = course.bearer(day_in_japan(at))
        if course.is_open and course.by_card and bearer is not None:
            yield Lose(at, course.origin, None, bearer.number)
            bearer.holding = Holding.LOST

    def _paper_again(self, course: Course, at: datetime) -> Iterator[Errand]:
        if course.is_open and course.moving:
            yield FetchPaper(at, course.origin, None, course.number, gives_up_card=False)

    def _stop_halfway(self, course: Course, at: datetime) -> Iterator[Errand]:
        today = day_in_japan(at)
        bearer = course.bearer(today)
        if bearer is not None and course.destination is not None:
            refusal = course.refusal_by_card(today)
            yield StopHalfway(
                at, course.destination, refusal, course.number, bearer.number, course.moved_on
            )
        self._later(today + _DAY * self._between(0, 2), self._visit, course)

    def _visit(self, course: Course, at: datetime) -> Iterator[Errand]:
        if not course.moving or not course.is_open:
            return
        if course.by_card:
            yield from self._visit_by_card(course, at)
        else:
            yield from self._move_in(course, None, course.moving, at)

    def _visit_by_card(self, course: Course, at: datetime) -> Iterator[Errand]:
        today = day_in_japan(at)
        bearer = course.bearer(today)
        if bearer is None:
            # Lost, run out, or its holder dead: without a card nothing opens the move.
            tried = course.useless_card(today, self._if_run_out)
            if tried is not None:
                yield self._refused(course, *tried, at)
        elif course.refusal_by_card(today) is None:
            yield from self._move_in(course, bearer, self._ticked(course, bearer), at)
            return
        else:
            yield self._refused(course, bearer, Reason.DEADLINE_14, at)
        self._later(today + _DAY * self._between(1, 5), self._give_up_card, course)

    def _refused(self, course: Course, bearer: Person, reason: Reason, at: datetime) -> Errand:
        return self._errand(course, bearer, course.moving, at, reason)

    def _ticked(self, course: Course, bearer: Person) -> list[Person]:
        others = [one for one in course.moving if one is not bearer]
        if others and self._happens(self._world.habits.one_stays):
            return [one for one in course.moving if one is not others[-1]]
        return course.moving

    def _give_up_card(self, course: Course, at: datetime) -> Iterator[Errand]:
        if not course.moving or not course.is_open:
            return
        yield FetchPaper(at, course.origin, None, course.number, gives_up_card=True)
        course.by_card = False
        for person in course.moving:
            person.holding = Holding.NONE
        self._later(day_in_japan(at) + _DAY * self._between(0, 4), self._visit, course)

    # The move-in, and what follows

    def _move_in(
        self, course: Course, bearer: Person | None, ticked: list[Person], at: datetime
    ) -> Iterator[Errand]:
        is_elsewhere = bearer is not None and self._happens(self._world.habits.other_destination)
        if is_elsewhere:
            course.destination = self._elsewhere(course.origin)
        yield self._errand(course, bearer, ticked, at, None)
        self._arrive(course, ticked, at, by_card=bearer is not None)
        self._go_on_after_arrival(course, day_in_japan(at))

    def _errand(
        self,
        course: Course,
        bearer: Person | None,
        ticked: list[Person],
        at: datetime,
        refusal: Reason | None,
    ) -> Errand:
        if course.destination is None:
            raise LookupError("nobody moves in against a notice of moving abroad")
        today = day_in_japan(at)
        hand_in = [] if self._cards_continue or bearer is None else ticked
        return MoveIn(
            at,
            course.destination,
            refusal,
            course.number,
            tuple(one.number for one in ticked),
            relationships(ticked),
            None if bearer is None else bearer.number,
            course.moved_on,
            is_late=today > last_day(course.moved_on, 14),
            hands_in=tuple(one.number for one in hand_in if one.holding is Holding.USABLE),
        )

    def _arrive(self, course: Course, ticked: list[Person], at: datetime, *, by_card: bool) -> None:
        """Let the ticked ones live at the new place, and the others where they were."""
        today = day_in_japan(at)
        for person in [one for one in course.moving if one not in ticked]:
            self._stays(person)
        new = relationships(ticked)
        household = Household(self._destination(course))
        for person, relationship in zip(ticked, new, strict=True):
            self._world.people.leave_household(person)
            household.members.append(person)
            person.household, person.relationship = household, relationship
            person.standing, person.leaves_on = Standing.HOME, None
            person.since, person.moves = course.moved_on, person.moves + 1
            waits = by_card and self._cards_continue and person.has_card(today)
            person.holding = Holding.WAITING if waits else Holding.NONE
        course.arrive(ticked, today)

    def _destination(self, course: Course) -> MunicipalityCode:
        if course.destination is None:
            raise LookupError("nobody arrives from a move abroad")
        return course.destination

    def _go_on_after_arrival(self, course: Course, today: date) -> None:
        habits = self._world.habits
        for person in course.moved:
            if person.holding is Holding.WAITING:
                self._plan_continuation(course, person, today)
        if self._happens(habits.taken_back):
            self._later(today + _DAY * self._between(1, 12), self._take_back, course)
        elif self._happens(habits.returns):
            self._later(today + _DAY * self._between(20, 150), self._return, course)

    def _plan_continuation(self, course: Course, person: Person, today: date) -> None:
        if self._happens(self._world.habits.continued):
            day = today + _DAY * self._between(0, 60)
            step = partial(self._continue, course, person)
            self._world.agenda.put(self._world.some_time(day), step)
        else:
            over = midnight(today + _CONTINUED_WITHIN + _DAY)
            self._world.agenda.put(over, partial(self._not_continued, course, person))

    def _continue(self, course: Course, person: Person, at: datetime) -> Iterator[Errand]:
        if self._is_waiting(course, person) and day_in_japan(at) <= person.card_until:
            yield ContinueUse(at, person.household.municipality, None, person.number)
            person.holding = Holding.USABLE

    def _not_continued(self, course: Course, person: Person, _at: datetime) -> Iterator[Errand]:
        if self._is_waiting(course, person):
            person.holding = Holding.NONE
        yield from ()

    @staticmethod
    def _is_waiting(course: Course, person: Person) -> bool:
        return course.is_newest_of(person) and person.holding is Holding.WAITING

    def _return(self, course: Course, at: datetime) -> Iterator[Errand]:
        if self._are_settled(course) and self._groups.may_move(course.moved):
            yield from self._file(list(course.moved), course.origin, at)

    def _take_back(self, course: Course, at: datetime) -> Iterator[Errand]:
        if not self._are_settled(course):
            return
        office = course.moved[0].household.municipality
        numbers = tuple(one.number for one in course.moved)
        yield TakeBack(at, office, None, course.number, numbers)
        for person in course.moved:
            self._world.people.leave_household(person)
            course.home.members.append(person)
            person.household = course.home
            person.holding = self._brought_back(course, person)

    def _brought_back(self, course: Course, person: Person) -> Holding:
        """Return what a person has of a card again: only one that came along is brought back."""
        is_new = person.card_made >= course.arrived_on or person.holding is Holding.APPLIED
        if is_new or not self._cards_continue:
            return Holding.NONE
        return Holding.USABLE if person.holding is Holding.WAITING else person.holding

    @staticmethod
    def _are_settled(course: Course) -> bool:
        """Tell whether all who moved live where they moved to, and nobody else with them."""
        household = course.moved[0].household
        is_whole = len(household.members) == len(course.moved)
        return is_whole and all(course.is_newest_of(one) for one in course.moved)

    @staticmethod
    def _stays(person: Person) -> None:
        person.standing, person.leaves_on = Standing.HOME, None
