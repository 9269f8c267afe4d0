"""The deadlines of moves: the last day of each, and what is late.

All days are days in Japan; `today` is the day on which the act is done there. The first day is not
counted (Civil Code, article 140), so that fourteen days after 1 April end on the 15th. A last day
on which offices are closed moves on to the next open one (Local Autonomy Act, article 4-2(4)),
except where the rule counts plain days. What each of them asks for what no calendar knows, raises
RuleBroken, YEAR_WITHOUT_CALENDAR.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from juki_center.areas.open_days import rolled
from juki_center.errors import Reason, Refusal

NOTICE_DAYS: Final = 14
"""Within how many days a move is to be notified (Residential Basic Book Act, 22 to 24)."""
SPECIAL_DAYS: Final = 30
"""How many days after the planned date a move without paper is possible (article 24-2)."""
CONTINUATION_DAYS: Final = 90
"""How many days after the move-in notice a card may be continued."""
MISSING_AFTER_DAYS: Final = 60
"""After how many days the origin asks where somebody is who moved out and arrived nowhere."""


def last_day_of_notice(moved_on: date) -> date:
    """Return the last day of the notice of a move: fourteen days after it.

    It holds for a move in, one within a municipality, and for a move-out notice that comes after
    the move.

    >>> last_day_of_notice(date(2004, 4, 1)), last_day_of_notice(date(2004, 4, 21))
    (datetime.date(2004, 4, 15), datetime.date(2004, 5, 6))
    """
    return rolled(moved_on + timedelta(days=NOTICE_DAYS))


def is_notice_late(moved_on: date, today: date) -> bool:
    """Tell whether the notice of a move comes after its last day.

    A late move-in against paper, or within a municipality, is accepted with its reason; a late
    move-out has lost the special case and its certificate.
    """
    return today > last_day_of_notice(moved_on)


def last_day_of_plan(planned_on: date) -> date:
    """Return the last day on which a planned move is possible without paper, whenever it was."""
    return rolled(planned_on + timedelta(days=SPECIAL_DAYS))


def last_special_day(moved_on: date, planned_on: date) -> date:
    """Return the last day of a move-in without paper: the earlier of its two deadlines."""
    return min(last_day_of_notice(moved_on), last_day_of_plan(planned_on))


def refuse_late(moved_on: date, planned_on: date, today: date) -> None:
    """Refuse a move-in without paper after the earlier of its two deadlines (article 24-2).

    Raises Refusal DEADLINE_14 or DEADLINE_30 with `lastDay`: the deadline that was over first.
    """
    last_day = last_special_day(moved_on, planned_on)
    if today <= last_day:
        return
    is_by_move = last_day == last_day_of_notice(moved_on)
    reason = Reason.DEADLINE_14 if is_by_move else Reason.DEADLINE_30
    raise Refusal(reason, lastDay=last_day.isoformat())


def a_year_after(day: date) -> date:
    """Return the last day of the year that begins after a day (Civil Code, article 143).

    >>> a_year_after(date(2027, 2, 28)), a_year_after(date(2028, 2, 28))
    (datetime.date(2028, 2, 29), datetime.date(2029, 2, 28))
    """
    first = day + timedelta(days=1)
    try:
        return first.replace(year=first.year + 1) - timedelta(days=1)
    except ValueError:
        # The year begins on 29 February: it ends with the month, which has no such day.
        return date(first.year + 1, first.month, 28)


def last_day_of_continuation(notified_on: date) -> date:
    """Return the last day on which a card may be continued: plain days, also a closed one."""
    return notified_on + timedelta(days=CONTINUATION_DAYS)


def is_arrival_missing(planned_on: date, notified_on: date, today: date) -> bool:
    """Tell whether a person who moved out has been nowhere for too long: plain days.

    They count from the notice where that came after the move: its paper is not older.
    """
    return today > max(planned_on, notified_on) + timedelta(days=MISSING_AFTER_DAYS)
