"""Keys under which names and addresses are compared and looked up; never stored in their place.

A key folds what two offices write differently for the same name, as the standard specification's
search does (2.1.2): ideographic variation selectors, compatibility forms, variant kanji, hiragana
and katakana, small kana, spaces, dashes. Two texts with one key are candidates for being the same,
and no more than that.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from juki_center.areas.residents import characters as c
from juki_center.areas.residents import kanji_variants

if TYPE_CHECKING:
    from juki_center.areas.residents.municipalities import Municipality

# Texts in which normalising could change nothing but what the table below folds anyway.
_PLAIN = re.compile("[\u3000\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc\u4e00-\u9fff0-9A-Za-z-]*")
_SELECTOR = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_LATIN_MARK = re.compile(f"[{c.LATIN_MARKS}]")
_VOICING_MARK = re.compile(f"[{c.VOICING_MARKS}]")
_SPACES = dict.fromkeys("\t\n\v\f\r\x1c\x1d\x1e\x1f\x20\x85\xa0\u1680\u2028\u2029\u3000")
_DASHES = dict.fromkeys("‐‑‒–—―⁃−ー─〜~～－", "-")
_APOSTROPHES = dict.fromkeys("\u2018\u2019\u02bc", "'")
# Letters that no mark makes out of another one; so cards and passports write them.
_LATIN = {"Đ": "D", "đ": "D", "Ø": "O", "ø": "O", "Ł": "L", "ł": "L", "Æ": "AE", "æ": "AE"}
_LARGE_KANA = dict(zip("ァィゥェォヵヶッャュョヮ", "アイウエオカケツヤユヨワ", strict=True))
_HIRAGANA = {
    chr(point - 0x60): _LARGE_KANA.get(chr(point), chr(point)) for point in range(0x30A1, 0x30F7)
}
_ALIKE = _SPACES | _APOSTROPHES | _LATIN | kanji_variants.FOLD | _LARGE_KANA | _HIRAGANA
# Kanji that stay as they are stand in the table too: translating a character that is in none costs
# an exception inside.
_FOLD = {point: point for point in range(0x4E00, 0xA000)} | str.maketrans(_ALIKE | _DASHES)

# A reading loses its voicing marks; ヂ, ヅ and ヴ lose them as what sounds like them, so that ヂ is
# シ and not チ. Small kana are large ones by then: ヴァ has become ヴア.
_VU = {"ヴア": "ハ", "ヴイ": "ヒ", "ヴエ": "ヘ", "ヴオ": "ホ", "ヴ": "フ"}
_SAME_SOUND = {"ヂ": "シ", "ヅ": "ス", "ヲ": "オ", "ヺ": "オ"}
_UNVOICED = {
    chr(point): unicodedata.normalize("NFD", chr(point))[0] for point in range(0x30A1, 0x30FB)
}
_FOLD_SOUND = str.maketrans(_UNVOICED | _SAME_SOUND | {"-": None})
_LONG_O = re.compile("(?<=[オコソトノホモヨロ])[ウオ]+")

_NUMERAL = re.compile("[〇一二三四五六七八九十百]+(?=丁目|番|号|ノ|-|$)")
_LOT_WORD = re.compile("丁目|番地ノ|番地|番ノ|番|号|(?<=[0-9])ノ(?=[0-9])")
_DIGITS = {character: value for value, character in enumerate("〇一二三四五六七八九")}
_DECADES = "十"
_HUNDREDS = "百"
_PLACE_GA = re.compile(f"(?<=[{c.KANJI}])[ケガ](?=[{c.KANJI}])")
_DASHES_IN_A_ROW = re.compile("--+")


def name_key(name: str) -> str:
    """Return the key of a name.

    >>> name_key("髙橋\u3000はなこ") == name_key("高橋ハナコ")
    True
    """
    return _folded(name).upper()


def kana_key(kana: str) -> str:
    """Return the search key of a reading: voicing marks, long marks and small kana do not count.

    >>> kana_key("サイトウ") == kana_key("さいどー")
    True
    """
    folded = _folded(kana)
    if "ヴ" in folded:
        for spelling, plain in _VU.items():
            folded = folded.replace(spelling, plain)
    bare = folded.translate(_FOLD_SOUND)
    if not bare.isalpha():
        bare = _VOICING_MARK.sub("", bare)
    # By the specification ウ after the o-column is オ, and long marks are ignored: サトウ is サトオ
    # and サトー is サト. So that a long o has one key, however it is written, it is ignored too.
    return _LONG_O.sub("", bare)


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
    lots = _NUMERAL.sub(_arabic, folded)
    lots = _PLACE_GA.sub("ケ", _LOT_WORD.sub("-", lots))
    return _DASHES_IN_A_ROW.sub("-", lots).strip("-").upper()


def _folded(text: str) -> str:
    """Fold what is the same in every kind of key."""
    return (text if _PLAIN.fullmatch(text) else _normal(text)).translate(_FOLD)


def _normal(text: str) -> str:
    """Return a text without selectors, compatibility forms and the marks of Latin letters."""
    decomposed = unicodedata.normalize("NFKD", _SELECTOR.sub("", text))
    return unicodedata.normalize("NFC", _LATIN_MARK.sub("", decomposed))


def _arabic(found: re.Match[str]) -> str:
    """Return a kanji numeral below 1,000 in digits; a row of bare digits is read as it stands."""
    numeral = found[0]
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
