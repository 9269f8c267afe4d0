"""What the values of a card are called: one table for every window and every telephone.

The states are those that municipalities write down. Sentences are each program's own.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from juki_client.outcome import Language
from jukinet.cards.v1 import card_pb2
from jukinet.cards.v1 import card_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Mapping

Words = tuple[str, str]
"""Japanese for those who work with it, English for engineers."""
_Suspend = pb.SuspendCardRequest

STATES: Final[Mapping[int, Words]] = {
    card_pb2.CARD_STATE_MAKING: ("作成中", "being made"),
    card_pb2.CARD_STATE_MADE: ("交付待ち", "made"),
    card_pb2.CARD_STATE_ACTIVE: ("運用中", "active"),
    card_pb2.CARD_STATE_SUSPENDED: ("一時停止", "suspended"),
    card_pb2.CARD_STATE_REVOKED: ("廃止", "revoked"),
    card_pb2.CARD_STATE_LAPSED: ("失効", "lapsed"),
    card_pb2.CARD_STATE_RETURNED: ("返納済み", "returned"),
    card_pb2.CARD_STATE_VOID: ("作成取りやめ", "void"),
    card_pb2.CARD_STATE_EXPIRED: ("有効期限切れ", "expired"),
}
REPORTERS: Final[Mapping[int, Words]] = {
    _Suspend.REPORTER_HOLDER: ("本人", "holder"),
    _Suspend.REPORTER_HOUSEHOLD_MEMBER: ("同一世帯員", "member of the household"),
    _Suspend.REPORTER_LEGAL_REPRESENTATIVE: ("法定代理人", "legal representative"),
    _Suspend.REPORTER_POLICE: ("警察", "police"),
    _Suspend.REPORTER_OTHER: ("その他", "somebody else"),
}
CHANNELS: Final[Mapping[int, Words]] = {
    _Suspend.CHANNEL_PHONE: ("電話", "telephone"),
    _Suspend.CHANNEL_COUNTER: ("窓口", "counter"),
}
LOSSES: Final[Mapping[int, Words]] = {
    _Suspend.REASON_LOST: ("紛失", "lost"),
    _Suspend.REASON_STOLEN: ("盗難", "stolen"),
    _Suspend.REASON_FOUND_BY_OTHER: ("他人が拾得", "found by somebody else"),
}
TOPICS: Final[Mapping[int, Words]] = {
    pb.CallerQuestion.TOPIC_NAME: ("氏名", "name"),
    pb.CallerQuestion.TOPIC_BIRTH_DATE: ("生年月日", "birth date"),
    pb.CallerQuestion.TOPIC_ADDRESS: ("住所", "address"),
    pb.CallerQuestion.TOPIC_HOUSEHOLD: ("世帯の構成", "members of the household"),
    pb.CallerQuestion.TOPIC_ISSUE: ("交付の時期と場所", "when and where it was issued"),
    pb.CallerQuestion.TOPIC_OTHER: ("その他の質問", "another question"),
}


class ReportItem(Enum):
    """What is asked about every report of a loss."""

    REPORTER = ("届出人", "Who reports")
    CHANNEL = ("届出の方法", "How the report came")
    LOSS = ("届出の理由", "What happened")
    POLICE = (
        "警察への届出の受理番号 (なければ空のままEnter)",
        "Number of the report to the police (empty for none)",
    )

    def say(self, language: Language) -> str:
        """Return the question in a language."""
        return word(self.value, language)


def word(words: Words, language: Language) -> str:
    """Return a word in a language."""
    ja, en = words
    return ja if language is Language.JAPANESE else en


def state_word(state: int, language: Language) -> str:
    """Return what a card's state is called; its number, where a newer center has named it.

    >>> state_word(card_pb2.CARD_STATE_REVOKED, Language.JAPANESE)
    '廃止'
    """
    words = STATES.get(state)
    return str(state) if words is None else word(words, language)
