"""What the commands say to people: Japanese for the desk, English for engineers.

Texts of errors are not here: they come from the descriptor (see `juki_client.outcome`).
"""

from __future__ import annotations

from enum import Enum

from juki_client.outcome import Language


class Text(Enum):
    """A sentence in both languages; names in braces are filled in."""

    ASK_CLERK = ("担当者の氏名", "Name of the clerk")
    ASK_CARD = (
        "カード番号(12桁)または住民票コード(11桁)",
        "Card number (12 digits) or resident record code (11 digits)",
    )
    CARD_AGAIN = (
        "番号に誤りがあります。もう一度確かめて入力してください。",
        "There is a slip in the number. Have it read again, and enter it.",
    )
    QUESTIONS = (
        "本人確認の質問をします。y: 正しい  n: 誤り  空のまま: 尋ねない。答えは記録されません。",
        "Ask the caller. y: rightly answered, n: wrongly, empty: not asked. No answer is recorded.",
    )
    ASK_SAME = (
        "{time} の一時停止は結果が不明です。同じ届出ですか [y/N]",
        "The outcome of the report of {time} is unknown. Is this the same report? [y/N]",
    )
    STOPPED = (
        "一時停止しました。カード {number} は {time} から使えません。",
        "SUSPENDED. Card {number} cannot be used since {time}.",
    )
    NOT_STOPPED_STATE = (
        "一時停止していません。カード {number} の状態: {state}",
        "NOT SUSPENDED. Card {number} is in state {state}.",
    )
    NOT_STOPPED = (
        "この届出ではカードを一時停止していません。",
        "NOT SUSPENDED by this report.",
    )
    OVER = (
        "一時停止の必要はありません。このカードはすでに使えません。",
        "Nothing needs to be suspended: the card has ended and cannot be used.",
    )
    UNKNOWN = (
        "一時停止したかどうか分かりません。同じ内容で次を実行してください:"
        " juki-desk suspend --repeat {id}",
        "It is not known whether the card is suspended. Run, with the same content:"
        " juki-desk suspend --repeat {id}",
    )
    REMINDER = (
        "結果が不明の一時停止があります: {time}  juki-desk suspend --repeat {id}",
        "The outcome of another report is unknown: {time}  juki-desk suspend --repeat {id}",
    )
    EARLIER_STANDS = (
        "先の一時停止は処理済みでした。今回の届出も送ります。",
        "The earlier report was carried out, and was not quite the same; this one is sent too.",
    )
    NO_RECEIPT = (
        "センターの回答に監査ログの受領証がありません。一時停止は届いています。後で責任者へ伝えてください。",
        "The answer came without a receipt of the audit log. The report was taken all the same;"
        " tell whoever is responsible for this desk.",
    )
    REPEATED = ("先の届出と同じものとして処理しました。", "Sent as the earlier report.")
    IN_PERSON = (
        "解除は、本人がカードと本人確認書類2点を持って住所地の窓口へ来た場合に限ります。",
        "It is taken back in person only: at the residence's window, by card and two documents.",
    )
    ALL_WELL = ("異常はありません。", "All checks passed.")

    def say(self, language: Language, **facts: object) -> str:
        """Return the sentence in a language, filled in."""
        ja, en = self.value
        return (ja if language is Language.JAPANESE else en).format(**facts)
