"""A count of rows as the areas read it."""

from __future__ import annotations

from juki_center.areas.cards.holdings import Holding
from juki_center.storage.sql import Row, as_number, from_micros


def holding(row: Row | None) -> Holding:
    """Read a row of count, oldest time, and SQLite's total of those that have run out."""
    count, oldest, due = row or (0, None, 0.0)
    moment = None if oldest is None else from_micros(as_number(oldest))
    return Holding(as_number(count), moment, int(due or 0))
