"""What the commands say to people: Japanese for clerks, English for engineers.

Texts of errors are not here: they come from the descriptor (see `juki_client.outcome`).
"""

from __future__ import annotations

from enum import Enum

from juki_client.outcome import Language


class Text(Enum):
    """A sentence in both languages; names in braces are filled in."""

    ASK_CODE = ("住民票コード(11桁)", "Resident record code (11 digits)")
    ASK_NAME = ("氏名または通称", "Name or alias")
    ASK_KANA = (
        "氏名の読み (分からなければ空のまま)",
        "Reading of the name in kana (empty if unknown)",
    )
    ASK_BIRTH = (
        "生年月日 (例: 昭和45年3月2日)",
        "Birth date (such as 昭和45年3月2日 or 1970-03-02)",
    )
    ASK_SEX = ("性別 男/女 (分からなければ空のまま)", "Sex: MALE or FEMALE (empty if unknown)")
    ASK_ADDRESS = ("住所 (都道府県から)", "Address, from the prefecture on")
    ASK_MUNICIPALITY = (
        "市区町村コード(6桁、住所があれば空のまま)",
        "Municipality, 6 digits (empty with an address)",
    )
    ASK_PREFECTURE = (
        "都道府県コード(01-47、住所があれば空のまま)",
        "Prefecture, 01 to 47 (empty with an address)",
    )
    OUTCOME = ("照会結果", "outcome")
    COUNT = ("該当者数", "persons")
    VARIED = ("異体字等で一致した項目", "fits by a variant")
    DELETION_REASON = ("消除の事由", "reason of the deletion")
    DELETION_DATE = ("消除の年月日", "date of the deletion")
    REFERENCE = ("変更通知の参照番号", "reference in change notices")
    PROVISION = ("提供記録の番号", "provision")
    LINES = ("件数", "lines")
    SUM = ("合計", "sum")
    CAUGHT_UP = ("変更通知 {notices}件、すべて受け取りました。", "{notices} notices; all is told.")
    CAUGHT_UP_BUT = (
        "変更通知 {notices}件。切断中の市区町村の通知は保留されています: {waiting}",
        "{notices} notices; those of disconnected municipalities wait: {waiting}",
    )
    ALL_WELL = ("異常はありません。", "All checks passed.")

    def say(self, language: Language, **facts: object) -> str:
        """Return the sentence in a language, filled in."""
        ja, en = self.value
        return (ja if language is Language.JAPANESE else en).format(**facts)
