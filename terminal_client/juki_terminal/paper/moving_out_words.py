"""The Japanese words of the certificate of moving out."""

from __future__ import annotations

from typing import Final

CERTIFICATE_TITLE: Final = "転出証明書"
EQUIVALENT_TITLE: Final = "転出証明書に準ずる証明書"
CERTIFICATE_STATEMENT: Final = (
    "上記の者について、転出の届出があったことを証明する。"
    "新しい住所に住み始めた日から14日以内に、この証明書を転入先の市区町村へ提出してください。"
)
EQUIVALENT_STATEMENT: Final = (
    "上記の者について、転出の届出がなされず、住民票を職権で消除したことを証明する。"
    "この証明書を、速やかに転入先の市区町村へ提出してください。"
)
NUMBER: Final = "届出番号"
VERIFICATION_CODE: Final = "照合番号"
ORIGIN: Final = "転出元"
DESTINATION: Final = "転出先"
DESTINATION_ADDRESS: Final = "転出先の住所"
PLANNED_DATE: Final = "転出の予定年月日"
EQUIVALENT_DATE: Final = "転出年月日"
NOTICE_DATE: Final = "届出年月日"
COUNT: Final = "転出する者"
END_OF_ENTRIES: Final = "以下余白"

NAME: Final = "氏名"
BIRTH: Final = "生年月日"
SEX: Final = "性別"
RELATIONSHIP: Final = "世帯主・続柄"
RESIDENT_SINCE: Final = "住民となった年月日"
ADDRESS: Final = "住所"
DOMICILE: Final = "本籍"
REGISTER_HEAD: Final = "筆頭者"
CODE: Final = "住民票コード"
ALIAS: Final = "通称"
KANJI_NAME: Final = "漢字氏名"


def reissue(count: int) -> str:
    """Return the marking of a paper that was printed before.

    >>> reissue(2)
    '再交付（2回目）'
    """
    return f"再交付（{count}回目）"


def persons(count: int) -> str:
    """Return how many persons a paper shows."""
    return f"{count}人"


def page(number: int, last: int) -> str:
    """Return which page of how many this is."""
    return f"{number} / {last}"


def mayor(municipality: str) -> str:
    """Return the title of the mayor who certifies."""
    return f"{municipality}長"
