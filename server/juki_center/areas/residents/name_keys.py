"""Keys under which names and addresses are compared and looked up; never stored in their place.

A key folds what two offices write differently for the same name: ideographic variation selectors,
compatibility forms, variant kanji, hiragana and katakana, small kana, spaces. Two texts with one
key are candidates for being the same, and no more than that.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from juki_center.areas.residents.municipalities import Municipality

# Each group begins with the character that stands for all of it.
_VARIANTS = (
    "辺邊邉",
    "浜濱濵",
    "藤籐籘",
    "高髙",
    "崎﨑嵜碕",
    "斎斉齋齊",
    "沢澤",
    "桜櫻",
    "島嶋嶌",
    "国國",
    "広廣",
    "吉𠮷",
    "竜龍",
    "真眞",
    "恵惠",
    "徳德",
    "曽曾",
    "富冨",
    "館舘",
    "峰峯",
    "桑桒",
    "万萬",
    "条條",
    "薮藪籔",
    "関關",
    "滝瀧",
    "実實",
    "宝寶",
    "栄榮",
    "来來",
    "豊豐",
    "亀龜",
    "会會",
    "円圓",
    "壮壯",
    "秋穐",
    "野埜",
    "鉄鐵",
    "静靜",
    "為爲",
    "与與",
    "桧檜",
    "柳栁",
    "梅楳",
    "松枩",
    "船舩",
    "淵渕渊",
    "糸絲",
    "県縣",
    "蔵藏",
    "弥彌",
    "礼禮",
    "氷冰",
    "塩鹽",
    "黒黑",
    "横橫",
    "緑綠",
    "青靑",
    "清淸",
    "内內",
    "呂吕",
    "戸戶",
    "満滿",
    "寿壽",
    "芦蘆",
    "桝枡",
)
_SELECTOR = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_SMALL_KANA = str.maketrans("ァィゥェォヵヶッャュョヮ", "アイウエオカケツヤユヨワ")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−ｰー─〜～－", "-"))
_NUMERAL = re.compile("[〇一二三四五六七八九十百]+(?=丁目|番|号|ノ|-|$)")
_LOT_WORD = re.compile("丁目|番地ノ|番地|番ノ|番|号|(?<=[0-9])ノ(?=[0-9])")
_DIGITS = {character: value for value, character in enumerate("〇一二三四五六七八九")}
_DECADES = "十"
_HUNDREDS = "百"
_PLACE_GA = re.compile("(?<=[\u3400-\u9fff])[ケガ](?=[\u3400-\u9fff])")
# Small kana are large ones by then, so ヴァ has become ヴア.
_SAME_SOUND = {
    "ヂ": "ジ",
    "ヅ": "ズ",
    "ヲ": "オ",
    "ヴア": "バ",
    "ヴイ": "ビ",
    "ヴエ": "ベ",
    "ヴオ": "ボ",
    "ヴ": "ブ",
}


def name_key(name: str) -> str:
    """Return the key of a name.

    >>> name_key("髙橋\u3000はなこ") == name_key("高橋ハナコ")
    True
    """
    return _folded(name).upper().replace("\u2019", "'")


def kana_key(kana: str) -> str:
    """Return the search key of a reading: voicing marks, long marks and small kana do not count.

    >>> kana_key("サイトウ") == kana_key("さいどー")
    True
    """
    folded = _folded(kana)
    for spelling, plain in _SAME_SOUND.items():
        folded = folded.replace(spelling, plain)
    bare = re.sub("[\u3099\u309a]", "", unicodedata.normalize("NFD", folded))
    return re.sub("(?<=[オコソトノホモヨロ])ウ", "", re.sub("[-ー―‐]", "", bare))


def address_key(address: str, municipality: Municipality) -> str:
    """Return the key of an address within a municipality, with or without its name in front.

    >>> from juki_center.areas.residents.codes import MunicipalityCode
    >>> from juki_center.areas.residents.municipalities import Municipality
    >>> city = Municipality(MunicipalityCode("112089"), "埼玉県", "所沢市", "", False)
    >>> address_key("埼玉県所沢市並木一丁目1番地の1", city) == address_key("並木１－１－１", city)
    True
    """
    folded = _folded(address)
    for prefix in (_folded(municipality.prefecture), _folded(municipality.name)):
        folded = folded.removeprefix(prefix)
    lots = _NUMERAL.sub(lambda match: _arabic(match[0]), folded.translate(_DASHES))
    lots = _PLACE_GA.sub("ケ", _LOT_WORD.sub("-", lots))
    return re.sub("-+", "-", lots).strip("-").upper()


def _folded(text: str) -> str:
    """Fold what is the same in every kind of key."""
    plain = unicodedata.normalize("NFKC", _SELECTOR.sub("", text))
    katakana = "".join(map(_katakana, plain.translate(_VARIANT_TABLE)))
    return re.sub("\\s", "", katakana).translate(_SMALL_KANA)


def _katakana(character: str) -> str:
    return chr(ord(character) + 0x60) if "\u3041" <= character <= "\u3096" else character


def _arabic(numeral: str) -> str:
    """Return a kanji numeral below 1,000 in digits; a row of bare digits is read as it stands."""
    if _DECADES not in numeral and _HUNDREDS not in numeral:
        return "".join(str(_DIGITS[character]) for character in numeral)
    value, pending = 0, 0
    for character in numeral:
        if character in _DIGITS:
            pending = _DIGITS[character]
        else:
            value += (pending or 1) * (100 if character == _HUNDREDS else 10)
            pending = 0
    return str(value + pending)


_VARIANT_TABLE = str.maketrans({variant: group[0] for group in _VARIANTS for variant in group[1:]})
