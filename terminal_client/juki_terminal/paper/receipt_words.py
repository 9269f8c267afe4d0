"""The Japanese words of receipts for notices of moves; no resident record code is on them."""

from __future__ import annotations

from enum import Enum
from typing import Final

NUMBER: Final = "届出番号"
RECEIVED: Final = "届出年月日"
FROM: Final = "転出元"
TO: Final = "転出先"
OLD_MUNICIPALITY: Final = "前住所地"
ADDRESS: Final = "新しい住所"
PLANNED_DATE: Final = "転出の予定年月日"
MOVED_DATE: Final = "異動年月日"
LAST_DAY: Final = "特例による転入届の期限"
ABROAD_PLACE: Final = "国外"
PERSONS: Final = "届出に係る者"
NAME: Final = "氏名"
BIRTH: Final = "生年月日"
RELATIONSHIP: Final = "続柄"

SPECIAL_OUT: Final = (
    "転出入の特例により受理しました。転出証明書は交付しません。",
    "新しい住所に住み始めた日から14日以内（かつ上の期限まで）に、住民基本台帳カードを持って"
    "転入先の窓口で転入の届出をしてください。窓口で暗証番号を入力していただきます。",
    "期限を過ぎたときや、カードが使えないときは、転出証明書が必要です。転出元の窓口へご連絡ください。",
)
ORDINARY_OUT: Final = (
    "転出証明書を交付しました。新しい住所に住み始めた日から14日以内に、"
    "転出証明書を持って転入先の窓口で転入の届出をしてください。",
    "住民基本台帳カードは、転出により使えなくなります。窓口へ返納してください。",
)
ABROAD: Final = ("国外への転出のため、転出証明書は交付しません。",)
MOVED_IN: Final = ("転入の届出を受理し、住民票に記載しました。",)
MOVED_WITHIN: Final = ("転居の届出を受理し、住民票に記載しました。",)
CONTINUE: Final = (
    "住民基本台帳カードを続けて使うには、{last}までに、本人がカードを持って"
    "窓口で継続利用の手続きをしてください。"
)
BACK: Final = "住民基本台帳カードの裏面に新しい住所の記載を受けてください。"
LAPSED: Final = (
    "前の住所地の住民基本台帳カードは失効しました。新しいカードは、申請により交付します。"
)


class Title(Enum):
    """What was received."""

    OUT = "転出届受理証"
    IN = "転入届受理証"
    WITHIN = "転居届受理証"


def statement(title: Title) -> str:
    """Return the sentence that the mayor says.

    >>> statement(Title.OUT)
    '下記の者の転出の届出を受理しました。'
    """
    return f"下記の者の{title.value[:2]}の届出を受理しました。"
