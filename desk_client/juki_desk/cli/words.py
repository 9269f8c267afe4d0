"""Card numbers and times as the desk reads them."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from jukinet.cards.v1 import card_service_pb2 as pb

JST: Final = timezone(timedelta(hours=9))
_GROUP: Final = 4


def number_text(number: str) -> str:
    """Return a card number as it stands on the face, 4-4-4."""
    return "-".join(number[at : at + _GROUP] for at in range(0, len(number), _GROUP))


def time_text(moment: datetime) -> str:
    """Return a moment by the clocks of Japan."""
    return f"{moment.astimezone(JST):%Y-%m-%d %H:%M:%S} JST"


def since_text(answer: pb.SuspendCardResponse) -> str:
    """Return since when a suspension is in force."""
    return time_text(answer.suspend_time.ToDatetime(UTC))
