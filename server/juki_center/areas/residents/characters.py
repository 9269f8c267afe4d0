"""Which characters names, readings and addresses of the register are written with.

The ideographs are a table of Unicode 17 and not the interpreter's: an office's newer kanji is not
to be refused because an interpreter is older (3.11 knows Unicode 14), and what is accepted is not
to change with the interpreter. Each constant is the inside of a regular expression's character
class.
"""

from __future__ import annotations

from typing import Final

# Unified ideographs with extensions A to J, and the compatibility ideographs of both blocks.
KANJI: Final = (
    "\u3400-\u4dbf\u4e00-\u9fff"
    "\U00020000-\U0002a6df\U0002a700-\U0002b739\U0002b740-\U0002b81d\U0002b820-\U0002cea1"
    "\U0002ceb0-\U0002ebe0\U0002ebf0-\U0002ee5d\U00030000-\U0003134a\U00031350-\U000323af"
    "\U000323b0-\U00033479"
    "\uf900-\ufa6d\ufa70-\ufad9\U0002f800-\U0002fa1d"
)
# 々 〆 〇 behave as kanji do; 〻 repeats one.
KANJI_SIGNS: Final = "\u3005-\u3007"
REPEATED_KANJI: Final = "\u303b"
# Kana that a voicing mark may follow, and signs that only stand between kana.
VOICEABLE_KANA: Final = "\u3041-\u3096\u309d\u30a1-\u30fa\u30fd\u31f0-\u31ff"
OTHER_KANA: Final = "\u309e\u30fc\u30fe"
MIDDLE_DOT: Final = "\u30fb"
HENTAIGANA: Final = (
    "\U0001b000-\U0001b122\U0001b132\U0001b150-\U0001b152\U0001b155\U0001b164-\U0001b167"
)
VOICING_MARKS: Final = "\u3099\u309a"
IDEOGRAPHIC_SELECTORS: Final = "\U000e0100-\U000e01ef"
LATIN: Final = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"
LATIN_MARKS: Final = "\u0300-\u036f"
NAME_PUNCTUATION: Final = "'\u2019.\\-"
ADDRESS_PUNCTUATION: Final = (
    "\\-\u2010\u2011\u2015\u2212\u301c\uff0d\uff5e\u30fb"
    "'\u2019,.\uff0c\uff0e()\uff08\uff09#\uff03/\uff0f&\uff06"
)
# Houses are called in Latin and Greek letters, and numbered in both widths.
ADDRESS_LETTERS: Final = "0-9\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\u0391-\u03a1\u03a3-\u03c9"
HANGUL: Final = "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff\uffa0-\uffdc"
HALF_WIDTH_KANA: Final = "\uff61-\uff9f"

JAPANESE: Final = (
    KANJI + KANJI_SIGNS + REPEATED_KANJI + VOICEABLE_KANA + OTHER_KANA + MIDDLE_DOT + HENTAIGANA
)
KANA: Final = VOICEABLE_KANA + OTHER_KANA

# What nobody sees: what turns the direction, has no width, or chooses a glyph where none is known.
_INVISIBLE_RANGES: Final = (
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xE0000, 0xE007F),
)
INVISIBLE: Final = "".join(f"{chr(first)}-{chr(last)}" for first, last in _INVISIBLE_RANGES)
