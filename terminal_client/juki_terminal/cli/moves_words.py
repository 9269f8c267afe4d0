"""Moves in words: kinds, states, alerts, and what stands beside an item, in both languages."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from juki_client.outcome import Language
from jukinet.moves.v1 import move_pb2 as pb
from jukinet.moves.v1 import move_service_pb2 as service_pb

if TYPE_CHECKING:
    from collections.abc import Mapping

Words = tuple[str, str]
KINDS: Final[Mapping[int, Words]] = {
    pb.Move.KIND_SPECIAL: ("特例（カード）", "special (card)"),
    pb.Move.KIND_ORDINARY: ("通常（転出証明書）", "ordinary (paper)"),
}
STATES: Final[Mapping[int, Words]] = {
    pb.Move.STATE_NOTIFIED: ("特例の届出済み", "notified"),
    pb.Move.STATE_ORDINARY: ("通常の届出済み", "notified, by paper"),
    pb.Move.STATE_TRANSFERRED: ("転入先が情報を取得", "information fetched"),
    pb.Move.STATE_COMPLETED: ("転入済み", "completed"),
    pb.Move.STATE_CANCELLED: ("取消し", "withdrawn"),
    pb.Move.STATE_LAPSED: ("特例の期限切れ", "special case run out"),
    pb.Move.STATE_CANCELLED_AFTER: ("転入の取消し", "taken back"),
}
ALERTS: Final[Mapping[int, Words]] = {
    pb.MoveAlert.KIND_ARRIVED: ("転入通知", "arrived"),
    pb.MoveAlert.KIND_ARRIVAL_MISSING: ("転入通知が未着", "no arrival notice"),
    pb.MoveAlert.KIND_LAPSED: ("特例の期限切れ", "special case run out"),
    pb.MoveAlert.KIND_CANCELLED_AFTER: ("転入の取消し", "taken back"),
    pb.MoveAlert.KIND_CORRECTION: ("転出元からの訂正", "correction by the origin"),
    pb.MoveAlert.KIND_SAME_NAME_OTHER_CODE: (
        "同じ氏名・生年月日で別の住民票コードの方がいます",
        "same name and birth date, another code",
    ),
    pb.MoveAlert.KIND_NAME_FORM_KEPT: (
        "再転入者の氏名の字体を残しました",
        "a returning resident's form of the name was kept",
    ),
    pb.MoveAlert.KIND_TRANSFER_GIVEN_BACK: ("取得した情報の返却", "information given back"),
    pb.MoveAlert.KIND_MEMBER_STAYED: ("転出しなかった方がいます", "a person stayed"),
    pb.MoveAlert.KIND_EXPECTED: ("転入予定", "expected"),
    pb.MoveAlert.KIND_NO_LONGER_EXPECTED: ("転入予定の取りやめ", "no longer expected"),
}
NOTICES: Final[Mapping[int, Words]] = {
    pb.MoveNotice.STATE_WAITS: ("待機中（相手が接続されていません）", "waits"),
    pb.MoveNotice.STATE_SET_ASIDE: (
        "保留中（センターが確認しています）",
        "set aside: the center looks into it",
    ),
    pb.MoveNotice.STATE_DELIVERED: ("届きました", "delivered"),
    pb.MoveNotice.STATE_OVERTAKEN: (
        "届ける前に不要になりました",
        "no longer concerns anybody",
    ),
    pb.MoveNotice.STATE_DROPPED: (
        "届きませんでした。ほかの方法で知らせてください",
        "given up: tell the office in another way",
    ),
}
CHANNELS: Final[Mapping[int, Words]] = {
    pb.Notification.CHANNEL_COUNTER: ("窓口", "counter"),
    pb.Notification.CHANNEL_POST: ("郵送", "post"),
}
FILERS: Final[Mapping[int, Words]] = {
    pb.Notification.FILER_SELF: ("本人", "self"),
    pb.Notification.FILER_HOUSEHOLDER: ("世帯主", "householder"),
    pb.Notification.FILER_HOUSEHOLD_MEMBER: ("世帯員", "member of the household"),
    pb.Notification.FILER_AGENT: ("代理人", "agent"),
}
_Why = service_pb.FileMoveOutResponse
REFUSALS: Final[Mapping[int, Words]] = {
    _Why.SPECIAL_REFUSAL_NO_USABLE_CARD: (
        "使えるカードを持つ方がいないため、特例は利用できません。",
        "Nobody who moves has a card that may be used: no special case.",
    ),
    _Why.SPECIAL_REFUSAL_NOTIFIED_LATE: (
        "転出の予定年月日から14日を過ぎているため、特例は利用できません。",
        "The notice came more than 14 days after the move: no special case.",
    ),
    _Why.SPECIAL_REFUSAL_DESTINATION_NOT_ON_NETWORK: (
        "転出先がこのネットワークに接続していないため、特例は利用できません。",
        "The destination's register is not in this network: no special case.",
    ),
}


class Label(Enum):
    """What an item of a move is called, in both languages."""

    NUMBER = ("届出番号", "Move")
    KIND = ("種別", "Kind")
    STATE = ("状態", "State")
    ORIGIN = ("転出元", "From")
    PLANNED_DESTINATION = ("転出先（予定）", "To (planned)")
    DESTINATION = ("転入先", "To")
    NOTICE_DATE = ("届出日", "Notified")
    PLANNED_DATE = ("転出予定日", "Planned day")
    LAST_DAY = ("特例の期限", "Last day by card")
    MOVED_DATE = ("異動日", "Moved on")
    MEMBERS = ("人数（転入済み/届出）", "Persons (moved/all)")
    VERSION = ("届出の版", "Notice version")
    CERTIFICATES = ("転出証明書の交付回数", "Certificates")
    LATE = ("期間経過後の届出", "Late")
    ENDED = ("終了日時", "Ended")

    def say(self, language: Language) -> str:
        """Return the label in a language."""
        return word(self.value, language)


class AlertLabel(Enum):
    """What an item of an alert is called, in both languages."""

    ID = ("お知らせ番号", "Alert")
    NUMBER = ("届出番号", "Move")
    KIND = ("内容", "What")
    TIME = ("日時", "When")
    SEEN = ("確認日時", "Seen")

    def say(self, language: Language) -> str:
        """Return the label in a language."""
        return word(self.value, language)


def word(words: Words, language: Language) -> str:
    """Return a word in a language."""
    ja, en = words
    return ja if language is Language.JAPANESE else en


def words_in(language: Language, words: Mapping[int, Words]) -> dict[int, str]:
    """Return the words of a table in a language."""
    return {number: word(both, language) for number, both in words.items()}
