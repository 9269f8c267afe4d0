"""What the commands of applications say to people: Japanese for clerks, English for engineers."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from juki_client.outcome import Language
from jukinet.cards.v1 import card_application_pb2 as pb
from jukinet.cards.v1 import card_application_service_pb2 as service_pb

if TYPE_CHECKING:
    from collections.abc import Mapping

Words = tuple[str, str]
_Form = pb.ApplicationForm
_End = service_pb.RejectApplicationRequest

STYLES: Final[Mapping[int, Words]] = {
    pb.CARD_STYLE_1: ("写真なし (様式1)", "style 1, no photo"),
    pb.CARD_STYLE_2: ("写真付き (様式2)", "style 2, with photo"),
}
PLACES: Final[Mapping[int, Words]] = {
    _Form.PLACE_COUNTER: ("本庁窓口", "counter"),
    _Form.PLACE_BRANCH: ("出張所", "branch office"),
}
LAPSED_CARDS: Final[Mapping[int, Words]] = {
    _Form.LAPSED_CARD_UNSPECIFIED: ("確認していない", "not asked"),
    _Form.LAPSED_CARD_NONE_HELD: ("所持していない", "none held"),
    _Form.LAPSED_CARD_HANDED_IN: ("所持しており返納する", "held and handed in"),
}
STATES: Final[Mapping[int, Words]] = {
    pb.APPLICATION_STATE_INQUIRY_SENT: ("照会中", "inquiry sent"),
    pb.APPLICATION_STATE_APPROVED: ("交付決定", "approved"),
    pb.APPLICATION_STATE_READY: ("交付待ち", "ready"),
    pb.APPLICATION_STATE_DELIVERED: ("交付済み", "delivered"),
    pb.APPLICATION_STATE_REJECTED: ("却下", "rejected"),
    pb.APPLICATION_STATE_CANCELLED: ("取消し", "cancelled"),
}
APPLICATION_KINDS: Final[Mapping[int, Words]] = {
    pb.APPLICATION_KIND_FIRST: ("初回", "first"),
    pb.APPLICATION_KIND_REISSUE: ("再交付", "reissue"),
    pb.APPLICATION_KIND_RENEWAL: ("更新", "renewal"),
}

END_REASONS_TOLD: Final[Mapping[str, Words]] = {
    "LETTER_RETURNED": ("照会書の返戻", "letter returned"),
    "NOT_THE_PERSON": ("本人でない", "not the person"),
    "WITHDRAWN": ("取下げ", "withdrawn"),
    "NOT_COLLECTED": ("受取りなし", "not collected"),
    "LETTER_NUMBER_WRONG": ("照会番号の相違", "number of another letter"),
    "REPLY_TOO_LATE": ("回答期限の経過", "reply too late"),
    "HOLDER_GONE": ("転出・死亡・消除", "moved, died or deleted"),
    "CODE_CHANGED": ("住民票コードの変更", "code changed"),
}
"""Why an application has ended, by the word that the center sends."""
END_REASONS: Final[Mapping[int, Words]] = {
    number: END_REASONS_TOLD[name.removeprefix("END_REASON_")]
    for name, number in _End.EndReason.items()
    if number
}
"""Those that a window can give."""


def words_in(language: Language, words: Mapping[int, Words]) -> dict[int, str]:
    """Return words by their numbers in a language."""
    place = 0 if language is Language.JAPANESE else 1
    return {number: both[place] for number, both in words.items()}


class Text(Enum):
    """A sentence in both languages; names in braces are filled in."""

    ASK_CODE = ("住民票コード (11桁)", "Resident record code (11 digits)")
    ASK_STYLE = ("カードの様式", "Style of the card")
    ASK_PLACE = ("申請の場所", "Place of the application")
    ASK_TAKEN_ON = ("写真の撮影日", "Day on which the photo was taken")
    ASK_REPRESENTATIVE = (
        "法定代理人の氏名 (本人の申請は空のままEnter)",
        "Name of the legal representative (empty for none)",
    )
    ASK_SHOWN_BY = ("代理人の資格を証する書類", "What shows the representation")
    ASK_LAPSED_CARD = ("失効した住基カードの所持", "Whether a lapsed card is held")
    ASK_LETTER = ("照会番号 (Lと12桁)", "Number on the letter (L and 12 digits)")
    ASK_BROUGHT = (
        "持参した人は本人(又は法定代理人)ですか",
        "Was it brought by the applicant, or the legal representative?",
    )
    ASK_ORAL = (
        "口頭の質問をし、正しい回答を得ましたか",
        "Were the oral questions asked and rightly answered?",
    )
    SUMMARY = ("次の内容で処理します。", "This is what will be done.")
    APPLICANT = ("申請者: {name}", "Applicant: {name}")
    ADDRESS = ("住所: {address}", "Address: {address}")
    STYLE = ("様式: {style}", "Style: {style}")
    PLACE = ("場所: {place}", "Place: {place}")
    PHOTO = ("写真: {size}バイト、{day}撮影", "Photo: {size} bytes, taken on {day}")
    DOCUMENTS = ("本人確認書類: {documents}", "Documents: {documents}")
    REPRESENTATIVE = ("法定代理人: {name} ({shown})", "Representative: {name} ({shown})")
    LAPSED_CARD = ("失効カード: {answer}", "Lapsed card: {answer}")
    NUMBER = ("申請番号: {number}", "Application: {number}")
    LETTER = ("照会番号: {number}", "Letter: {number}")
    BROUGHT = ("本人の持参: {answer}", "Brought by the applicant: {answer}")
    ORAL = ("口頭の質問: {answer}", "Oral questions: {answer}")
    REASON = ("終了の理由: {reason}", "Reason: {reason}")
    GO_ON = ("よろしいですか", "Go on?")
    YES = ("はい", "yes")
    NO = ("いいえ", "no")
    DONE = ("処理しました。", "Done.")
    LETTER_PRINTED = (
        "照会書を出力しました: {file} (回答期限 {until})",
        "Letter written: {file}; a reply counts until {until}.",
    )
    NOTICE_PRINTED = ("お知らせを出力しました: {file}", "Notice written: {file}")
    REGISTERED_MAIL = ("書留郵便で送付してください。", "Send it by registered mail.")
    LETTER_WAITS = (
        "照会書を印刷してください: juki-terminal application letter {number} --out FILE",
        "Print the letter: juki-terminal application letter {number} --out FILE",
    )
    SAME_DAY = ("本人を確認しました。照会書はありません。", "Identified: there is no letter.")
    NOT_PRINTED = (
        "申請 {number} は受け付けましたが、照会書を出力できませんでした。"
        "原因を除いて実行してください: juki-terminal application letter {number} --out FILE",
        "Application {number} was taken, and its letter was not written. Mend the cause, then run:"
        " juki-terminal application letter {number} --out FILE",
    )
    REPEATED = (
        "前回の「{command}」は結果が分かりませんでした。同じ受付番号で送りました。",
        "The outcome of the last {command} was unknown: its request id was sent again.",
    )
    EARLIER_STANDS = (
        "前回の「{command}」は処理済みです。今回の内容は処理されていません。"
        "申請の一覧を確認してから、必要ならもう一度実行してください。",
        "The last {command} was carried out; this one was not."
        " List the applications, then run it again if it is still needed.",
    )
    RUN_AGAIN = (
        "結果が分かりません。同じ内容で「{command}」をもう一度実行してください。"
        "二重に処理されることはありません。",
        "The outcome is unknown. Run {command} again with the same content;"
        " it is never done twice.",
    )
    LISTED = ("{count}件を読み込みました。", "{count} read.")
    NONE_LISTED = ("申請はありません。", "No applications.")
    FACE_PRINTED = ("券面を出力しました: {file}", "Face written: {file}")

    def say(self, language: Language, **facts: object) -> str:
        """Return the sentence in a language, filled in."""
        ja, en = self.value
        return (ja if language is Language.JAPANESE else en).format(**facts)


class Label(Enum):
    """What an item of an application is called, in both languages."""

    NUMBER = ("申請番号", "Application")
    STATE = ("状態", "State")
    KIND = ("種別", "Kind")
    STYLE = ("様式", "Style")
    SUBMITTED = ("申請日時", "Submitted")
    REPLY_UNTIL = ("回答期限", "Reply until")
    END_REASON = ("終了の理由", "End reason")
    CARD = ("カード番号", "Card number")

    def say(self, language: Language) -> str:
        """Return the label in a language."""
        ja, en = self.value
        return ja if language is Language.JAPANESE else en
