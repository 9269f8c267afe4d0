"""What the commands of a card's life say to people: Japanese for clerks, English for engineers."""

from __future__ import annotations

from enum import Enum

from juki_client.outcome import Language


class Label(Enum):
    """What stands beside an item of a card."""

    NUMBER = ("カード番号", "Card number")
    STATE = ("運用状況", "State")
    MADE_ON = ("作成日", "Made on")
    VALID_UNTIL = ("有効期限", "Valid until")
    PIN = ("暗証番号", "PIN")
    RETURNED = ("返納日時", "Returned")
    CONTINUE_UNTIL = ("継続利用の手続期限", "Use to be continued by")

    def say(self, language: Language) -> str:
        """Return the label in a language."""
        ja, en = self.value
        return ja if language is Language.JAPANESE else en


class Text(Enum):
    """A sentence in both languages; names in braces are filled in."""

    ASK_NUMBER = (
        "カードに印刷された番号 (12桁。分からなければ空のままEnter)",
        "Number on the card's face (12 digits; empty where it is not known)",
    )
    ASK_CODE = ("住民票コード (11桁)", "Resident record code (11 digits)")
    ASK_TOPIC = ("本人確認の質問 (終わりは空のままEnter)", "Question asked (empty to end)")
    ASK_RIGHT = ("正しく答えましたか", "Was it answered rightly?")
    ASK_REPRESENTATIVE = (
        "法定代理人の氏名 (本人だけなら空のままEnter)",
        "Name of the legal representative (empty for none)",
    )
    ASK_SHOWN_BY = ("代理権を示す書類", "What shows the representation")
    GO_ON = ("この内容で処理しますか", "Go on?")
    CARD_BY_NUMBER = ("カード: {number}", "Card: {number}")
    CARD_BY_CODE = ("カード: 住民票コードで指定", "Card: the one of the person with the code")
    REPORT = ("届出: {reporter}、{channel}、{reason}", "Report: {reporter}, {channel}, {reason}")
    ANSWERS = (
        "質問 {asked}件のうち正答 {right}件",
        "Questions asked: {asked}, answered rightly: {right}",
    )
    DOCUMENTS = ("本人確認書類: {documents}", "Documents: {documents}")
    WILL_HAND_OVER = (
        "申請 {number} のカードを交付します。",
        "The card of application {number} will be handed over.",
    )
    WILL_KEEP = (
        "暗証番号のロックを解除します。暗証番号は変わりません。",
        "The PIN will be unlocked, and stays what it is.",
    )
    WILL_FORGET = (
        "今の暗証番号を消し、新しい暗証番号を設定します。",
        "The PIN will be taken away, and a new one set.",
    )
    WILL_SUSPEND = ("カードを一時停止します。", "The card will be suspended.")
    WILL_RESUME = (
        "一時停止を解除します。カードをリーダーに置いてください。",
        "The suspension will be taken back: the card must be in the reader.",
    )
    WILL_REVOKE = (
        "カードを廃止します。元に戻すことはできません。",
        "The card will be revoked for ever.",
    )
    WILL_RETURN = (
        "カードの返納を受けます。元に戻すことはできません。",
        "The card will be taken back for ever.",
    )
    WILL_REISSUE_LOST = (
        "今のカードを廃止し、再交付の申請を受け付けます。廃止は元に戻せません。",
        "The present card will be revoked for ever, and another one applied for.",
    )
    WILL_REISSUE_RETURNED = (
        "今のカードの返納を受け、新しいカードの申請を受け付けます。",
        "The present card will be taken back, and another one applied for.",
    )
    SUSPENDED = (
        "カード {number} を一時停止しました ({at}から)。どの窓口でも使えません。"
        "解除は、本人がカードと本人確認書類2点を持って住所地の窓口で行います。",
        "Card {number} is suspended since {at}; no window takes it."
        " Its holder takes that back in person, with the card and two documents.",
    )
    RESUMED = (
        "カード {number} の一時停止を解除しました。カードは使えます。",
        "Card {number} is in use again.",
    )
    RESUMED_UNDELIVERED = (
        "カード {number} の一時停止を解除しました。まだ交付されていません。",
        "Card {number} is suspended no more; it was not handed over yet.",
    )
    REVOKED = (
        "カード {number} を廃止しました。見つかっても使えません。"
        "見つかったら返納を受けてください。",
        "Card {number} is revoked for ever; where it is found, take it back.",
    )
    RETURNED = (
        "カード {number} の返納を受けました。チップを壊して廃棄してください。",
        "Card {number} was taken back. Destroy its chip.",
    )
    REISSUED = (
        "カード {number} を終わらせ、申請 {application} を受け付けました。",
        "Card {number} has ended; application {application} was taken.",
    )
    NO_CARDS = ("カードはありません。", "There is no card.")
    OTHER_CARD = (
        "注意: 指定した番号 {wanted} ではなく、リーダーのカード {number} を処理しました。",
        "Note: the card in the reader was {number}, not {wanted}.",
    )
    PIN_PENDING = ("解除の手続き中", "an unlock is open")
    PIN_SET = ("窓口での手続きなし", "no unlock is open")
    PUT_CARD = (
        "カード {number} をリーダーに置いてください。手数料は{fee}円です。",
        "Put card {number} into the reader. The fee is {fee} yen.",
    )
    CHOOSE_PIN = (
        "本人に、新しい暗証番号(4桁)を2回入力してもらいます。同じ数字の繰り返し、"
        "連続した数字、生年月日は使えません。前に入力した番号があれば、同じ番号を入力します。",
        "The holder enters the new PIN twice: no repeated digit, no sequence, no birth date."
        " Where one was entered before a cut, it is entered again.",
    )
    HANDED_OVER = (
        "カード {number} を交付しました。カードは使えます。手数料 {fee}円を領収しました。",
        "Card {number} is in its holder's hands and in use. Fee taken: {fee} yen.",
    )
    UNLOCKED = (
        "カード {number} の暗証番号のロックを解除しました。",
        "The PIN of card {number} is unlocked.",
    )
    NEW_PIN_PROVED = (
        "カード {number} に新しい暗証番号を設定しました。",
        "Card {number} has its new PIN.",
    )
    STILL_TO_HAND_OVER = (
        "このカードはまだ交付されていません。card hand-over を続けてください。",
        "The card was not handed over yet: go on with card hand-over.",
    )
    NOTHING_COUNTED = (
        "暗証番号の試行は数えられていません。同じコマンドをもう一度実行してください。",
        "No try of the PIN was counted. Run the same command again.",
    )
    GO_ON_LATER = (
        "途中で終わりました。同じコマンドをもう一度実行すると続きから処理します。",
        "It was cut off. The same command goes on from there.",
    )

    def say(self, language: Language, **facts: object) -> str:
        """Return the sentence in a language, filled in."""
        ja, en = self.value
        return (ja if language is Language.JAPANESE else en).format(**facts)


def grouped(number: str) -> str:
    """Return a card's number as it is printed.

    >>> grouped("123456789012")
    '1234-5678-9012'
    """
    return "-".join(number[place : place + 4] for place in range(0, len(number), 4))
