"""Days as the offices count them: the civil calendar of Japan."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

JAPAN = timezone(timedelta(hours=9), "JST")


def day_in_japan(now: datetime) -> date:
    """Return the day on which an aware point in time falls in Japan."""
    return now.astimezone(JAPAN).date()
