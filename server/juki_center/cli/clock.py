"""The clock of the machine, which commands and servers hand to the rules."""

from __future__ import annotations

from datetime import UTC, datetime


def system_clock() -> datetime:
    """Return the time of the system's clock."""
    return datetime.now(UTC)
