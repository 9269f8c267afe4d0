"""The Japanese words of letters about a card: the inquiry, its reply form, the notice."""

from __future__ import annotations

from typing import Final

HONORIFIC: Final = "　様"
REGISTERED_MAIL: Final = "書留郵便"

INQUIRY_TITLE: Final = "住民基本台帳カードの交付申請について（照会）"
INQUIRY: Final = (
    "あなたから住民基本台帳カードの交付の申請がありましたので、"
    "本人の意思による申請であることを確認するため、照会します。",
    "申請に間違いがなければ、同封の回答書に本人が自ら記入して署名し、"
    "回答期限までに、本人が窓口へお持ちください。",
    "回答期限までに回答がないときは、この申請は認められません。"
    "申請にお心当たりのない場合は、直ちにご連絡ください。",
)
BRING_TITLE: Final = "お持ちいただくもの"
_BRING: Final = ("・この照会書と、記入して署名した回答書",)
_BRING_DOCUMENT: Final = (
    "・本人確認書類（運転免許証、旅券、健康保険証、年金手帳など）",
    "　窓口では、本人であることを口頭の質問でも確認します。",
)
_BRING_REPRESENTATIVE: Final = (
    "・法定代理人がお持ちになるときは、代理人の資格を証する書類（戸籍謄本など）",
)

REPLY_TITLE: Final = "回答書"
REPLY: Final = (
    "私は、住民基本台帳カードの交付を申請したことに相違ありません。",
    "次の事項は、本人が自ら記入してください。",
)
REPLY_ROWS: Final = (
    ("回答日", "　　　　年　　　　月　　　　日"),
    ("住所", ""),
    ("氏名（自署）", ""),
    ("生年月日", "　　　　年　　　　月　　　　日"),
)
REPRESENTATIVE_TITLE: Final = "法定代理人が持参するとき"
REPRESENTATIVE_ROWS: Final = (("代理人の氏名（自署）", ""), ("本人との関係", ""))
OFFICE_TITLE: Final = "窓口記入欄"
_OFFICE: Final = (("受付日・担当", "　　　　年　　　月　　　日　　　担当："),)
_OFFICE_DOCUMENT: Final = (
    ("本人確認書類", "□運転免許証　□旅券　□その他（　　　　　　　　　　）"),
    ("口頭の質問", "□質問し、正しい回答を得た"),
)

NOTICE_TITLE: Final = "住民基本台帳カードの即日交付について（お知らせ）"
NOTICE: Final = (
    "あなたから住民基本台帳カードの交付の申請があり、窓口で本人確認書類により本人であることを確認して、"
    "即日交付の手続をとりましたので、お知らせします。",
    "申請にお心当たりのない場合は、直ちにご連絡ください。カードの一時停止の手続をとります。",
)


def mayor(municipality: str) -> str:
    """Return the title of a municipality's mayor.

    >>> mayor("所沢市")
    '所沢市長'
    """
    return f"{municipality}長"


def to_bring(*, needs_document: bool) -> tuple[str, ...]:
    """Return what the reply must be brought with, by the rule set in force."""
    document = _BRING_DOCUMENT if needs_document else ()
    return (*_BRING, *document, *_BRING_REPRESENTATIVE)


def office_rows(*, needs_document: bool) -> tuple[tuple[str, str], ...]:
    """Return the rows of the reply form that the window fills in."""
    return (*(_OFFICE_DOCUMENT if needs_document else ()), *_OFFICE)
