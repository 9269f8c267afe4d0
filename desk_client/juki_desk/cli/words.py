"""The words of the wire as the desk reads them: choices, card numbers, times."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from typing import TYPE_CHECKING, Final

from juki_client.outcome import Language
from jukinet.cards.v1 import card_pb2
from jukinet.cards.v1 import card_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

JST: Final = timezone(timedelta(hours=9))
_GROUP: Final = 4

REPORTERS: Final[Mapping[int, tuple[str, str]]] = {
    pb.SuspendCardRequest.REPORTER_HOLDER: ("本人", "holder"),
    pb.SuspendCardRequest.REPORTER_HOUSEHOLD_MEMBER: ("同一世帯員", "member of the household"),
    pb.SuspendCardRequest.REPORTER_LEGAL_REPRESENTATIVE: ("法定代理人", "legal representative"),
    pb.SuspendCardRequest.REPORTER_POLICE: ("警察", "police"),
    pb.SuspendCardRequest.REPORTER_OTHER: ("その他", "somebody else"),
}
CHANNELS: Final[Mapping[int, tuple[str, str]]] = {
    pb.SuspendCardRequest.CHANNEL_PHONE: ("電話", "telephone"),
    pb.SuspendCardRequest.CHANNEL_COUNTER: ("窓口", "counter"),
}
REASONS: Final[Mapping[int, tuple[str, str]]] = {
    pb.SuspendCardRequest.REASON_LOST: ("紛失", "lost"),
    pb.SuspendCardRequest.REASON_STOLEN: ("盗難", "stolen"),
    pb.SuspendCardRequest.REASON_FOUND_BY_OTHER: ("拾得の届出", "found by somebody else"),
}
TOPICS: Final[Mapping[int, tuple[str, str]]] = {
    pb.CallerQuestion.TOPIC_NAME: ("氏名", "name"),
    pb.CallerQuestion.TOPIC_BIRTH_DATE: ("生年月日", "birth date"),
    pb.CallerQuestion.TOPIC_ADDRESS: ("住所", "address"),
    pb.CallerQuestion.TOPIC_HOUSEHOLD: ("世帯員", "members of the household"),
    pb.CallerQuestion.TOPIC_ISSUE: ("交付の時期と場所", "when and where the card was issued"),
    pb.CallerQuestion.TOPIC_OTHER: ("その他の質問", "another question"),
}


def word(pair: tuple[str, str], language: Language) -> str:
    """Return a word in a language."""
    return pair[0] if language is Language.JAPANESE else pair[1]


def number_text(number: str) -> str:
    """Return a card number as it stands on the face, 4-4-4."""
    return "-".join(number[at : at + _GROUP] for at in range(0, len(number), _GROUP))


def time_text(moment: datetime) -> str:
    """Return a moment by the clocks of Japan."""
    return f"{moment.astimezone(JST):%Y-%m-%d %H:%M:%S} JST"


def since_text(answer: pb.SuspendCardResponse) -> str:
    """Return since when a suspension is in force."""
    return time_text(answer.suspend_time.ToDatetime(UTC))


def state_text(card: card_pb2.Card) -> str:
    """Return the name of a card's state; a number for one of a newer center."""
    value = card_pb2.CardState.DESCRIPTOR.values_by_number.get(card.state)
    return value.name.removeprefix("CARD_STATE_") if value is not None else str(card.state)
