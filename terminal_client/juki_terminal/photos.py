"""A photo for a card of style 2: refused here already where the center would refuse it.

What is looked at is size, kind by content, pixels, proportion and the day on which it was taken;
whether the picture can be decoded is for the center, which has the last word on all of it.
"""

from __future__ import annotations

import calendar
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from juki_client.outcome import Problem

if TYPE_CHECKING:
    from pathlib import Path

MOST_OCTETS: Final = 200 * 1024
LEAST: Final = (413, 531)
MOST: Final = (2_000, 2_600)
MONTHS: Final = 6
_JST: Final = timezone(timedelta(hours=9), "JST")
_START: Final = b"\xff\xd8\xff"
# Frames of every kind; tables (C4, CC) and the reserved C8 are none.
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WIDE, _HIGH, _TOLERANCE_PERCENT = 35, 45, 2


def read_photo(path: Path) -> bytes:
    """Return a photo that a card can carry.

    Raises Problem USAGE_INVALID where the file cannot be read; PHOTO_NOT_USABLE with the rule
    TOO_LARGE, NOT_JPEG, DAMAGED, PIXELS or PROPORTION.
    """
    try:
        with path.open("rb") as file:
            octets = file.read(MOST_OCTETS + 1)
    except OSError as error:
        raise Problem("USAGE_INVALID", {"field": "photo", "rule": "a file"}) from error
    if len(octets) > MOST_OCTETS:
        raise _not_usable("TOO_LARGE")
    if not octets.startswith(_START):
        raise _not_usable("NOT_JPEG")
    width, height = _size(octets)
    if not (LEAST[0] <= width <= MOST[0] and LEAST[1] <= height <= MOST[1]):
        raise _not_usable("PIXELS")
    if abs(width * _HIGH - height * _WIDE) * 100 > height * _WIDE * _TOLERANCE_PERCENT:
        raise _not_usable("PROPORTION")
    return octets


def require_recent(taken_on: date, now: datetime) -> None:
    """Raise Problem PHOTO_TOO_OLD for a day in the future or more than six months ago, in Japan.

    The corresponding day counts, or the month's last where it has none (Civil Code, article 143).
    """
    today = now.astimezone(_JST).date()
    if not taken_on <= today <= _months_later(taken_on):
        raise Problem("PHOTO_TOO_OLD")


def _months_later(day: date) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + MONTHS, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _size(octets: bytes) -> tuple[int, int]:
    """Return width and height from the first frame header (ITU-T T.81, B.2.2)."""
    at = 2
    while at + 4 <= len(octets) and octets[at] == 0xFF:
        marker = octets[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _FRAMES and at + 9 <= len(octets):
            height, width = octets[at + 5 : at + 7], octets[at + 7 : at + 9]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
        at += 2 + max(2, int.from_bytes(octets[at + 2 : at + 4], "big"))
    raise _not_usable("DAMAGED")


def _not_usable(rule: str) -> Problem:
    return Problem("PHOTO_NOT_USABLE", {"rule": rule})
