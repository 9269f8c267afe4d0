"""What signing in and approving say to people: Japanese for clerks, English for engineers."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from juki_client.outcome import Language

if TYPE_CHECKING:
    from collections.abc import Mapping


class Text(Enum):
    """Each sentence in Japanese and in English."""

    CARD_AWAITED = ("職員カードを置いてください。", "Put the clerk's card on the reader.")
    SIGNED_IN = (
        "{name}さん（{clerk}）がサインインしました。{until}まで有効です。権限：{rights}",
        "{name} ({clerk}) is signed in until {until}. Rights: {rights}",
    )
    AT_WORK = ("担当者：{name}さん（{clerk}）", "Clerk: {name} ({clerk})")
    SIGNED_OUT = ("サインアウトしました。", "Nobody is signed in at this terminal now.")
    NOTHING_PENDING = ("承認待ちの操作はありません。", "Nothing waits for an approval.")
    PROPOSAL = (
        "{id}  {method}  申請：{by}  {until}まで  {state}",
        "{id}  {method}  by {by}  until {until}  {state}",
    )
    WAITS = ("承認待ち", "waits for a second person")
    IS_APPROVED = ("承認済み", "approved")
    ASK_APPROVE = ("この操作を承認しますか", "Approve this act?")
    APPROVED = ("承認しました：{id}", "Approved: {id}")

    def say(self, language: Language, **facts: object) -> str:
        """Return the sentence in a language, filled in."""
        ja, en = self.value
        return (ja if language is Language.JAPANESE else en).format(**facts)


RIGHTS: Mapping[str, str] = {
    "COPIES": "写しの交付",
    "CARDS": "カード",
    "MOVES": "異動",
    "REGISTER": "住民票",
    "PROTECTION": "支援措置",
    "DISCLOSURE": "開示",
    "ADMINISTRATION": "管理",
}
"""The rights as clerks call them."""
