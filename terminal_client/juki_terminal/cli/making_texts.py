"""What the commands that make cards say: Japanese for clerks, English for engineers."""

from __future__ import annotations

from enum import Enum

from juki_client.outcome import Language


class Text(Enum):
    """A sentence in both languages; names in braces are filled in."""

    BLANK_AWAITED = ("未発行のカードを置いてください。", "Waiting for a blank card.")
    WRITING = (
        "カードに書き込んでいます。カードを取り出さないでください。",
        "Writing; leave the card in the reader.",
    )
    WRITTEN = (
        "書き込みが終わりました。確認が終わるまでカードを取り出さないでください。",
        "Written; leave the card in until it has proved itself.",
    )
    WRITTEN_BEFORE = (
        "書き込み済みのカードです。この申請のカードかどうかを確認しています。",
        "Written before; checking whether it is the card of this application.",
    )
    MADE = (
        "カードができました。カード番号 {number}、有効期限 {until}。",
        "The card is made: number {number}, valid until {until}.",
    )
    RUN_AGAIN = (
        "途中で止まりました。同じカードを置いて、もう一度実行してください:"
        " juki-terminal card personalise {application}",
        "It was cut off. Put the same card in and run again:"
        " juki-terminal card personalise {application}",
    )
    NONE_OPEN = ("作りかけのカードはありません。", "No card is begun and unfinished.")
    HEAD_ID = ("識別子", "Id")
    HEAD_APPLICATION = ("申請番号", "Application")
    HEAD_BEGUN = ("開始", "Begun")
    HEAD_CARD = ("カード番号", "Card number")
    GIVEN_UP = (
        "カードの作成を取りやめました。申請 {application} は別のカードで作成できます。"
        "取りやめたカードは使えません。廃棄してください。",
        "The card is given up. Application {application} may have another one; destroy the chip.",
    )
    FINISHED = (
        "リーダーのカードを仕上げました。申請 {application}。",
        "The card in the reader is finished: application {application}.",
    )
    STILL_OPEN = (
        "申請 {application}: カードをリーダーに置いて次を実行するか:"
        " juki-terminal card personalise {application}\n"
        "  カードが使えないときは取りやめてください: juki-terminal card void {id}",
        "Application {application}: put its card into the reader and run:"
        " juki-terminal card personalise {application}\n"
        "  where the card is dead, give it up: juki-terminal card void {id}",
    )

    def say(self, language: Language, **facts: object) -> str:
        """Return the sentence in a language, filled in."""
        ja, en = self.value
        return (ja if language is Language.JAPANESE else en).format(**facts)
