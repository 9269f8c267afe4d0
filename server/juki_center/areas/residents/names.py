"""Names and addresses as they come in: what is accepted, code point by code point.

Nothing is normalised but what cannot change a name: the space between family and given name is
one U+3000, and a kana with a separate voicing mark is composed. Normalising kanji would destroy
names (U+FA19 would become U+795E). Keys for searching stand in `name_keys`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from juki_center.areas.residents.records import Nationality
from juki_center.errors import RuleBroken

SPACE = "\u3000"
_SELECTORS = range(0xE0100, 0xE01F0)
_HANGUL = (
    range(0x1100, 0x1200),
    range(0x3130, 0x3190),
    range(0xA960, 0xA980),
    range(0xAC00, 0xD800),
)
_HALF_WIDTH_KANA = range(0xFF61, 0xFFA0)
_FULL_WIDTH_FORMS = range(0xFF00, 0xFFF0)
_ZERO_WIDTH = frozenset({0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF, 0x061C})
_BIDI = frozenset({*range(0x202A, 0x202F), *range(0x2066, 0x206A)})
_TAGS = range(0xE0000, 0xE0080)
_SIMPLE_SELECTORS = range(0xFE00, 0xFE10)
_VOICED_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa][\u3099\u309a]")
_KANA_BEFORE_MARK = re.compile("[\u3041-\u3096\u30a1-\u30fa\u31f0-\u31ff]")
_JAPANESE_LETTER = re.compile(
    "[\u3005\u3006\u3007\u303b\u3041-\u3096\u309d\u309e\u30a1-\u30fe\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
)
_IDEOGRAPH = re.compile(
    "[\u3005\u3006\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_KANA = re.compile("[\u3041-\u3096\u309d\u309e\u30a1-\u30fa\u30fc-\u30fe\u31f0-\u31ff]")
_FOREIGN_PUNCTUATION = frozenset("'\u2019-.")
_ADDRESS_PUNCTUATION = frozenset(
    "-\u2010\u2011\u2015\u2212\u301c\uff0d\uff5e\u30fb,.\uff0c\uff0e()\uff08\uff09#\uff03/\uff0f&\uff06'\u2019"
)
# What nearly every text consists of, and what every rule below lets through. A register has
# hundreds of millions of such characters, and they need not be looked at one by one.
_ORDINARY = "\u3005\u3041-\u3096\u30a1-\u30fa\u30fc\u4e00-\u9fa5"
_ORDINARY_NAME = re.compile(f"[{_ORDINARY}]+(?:{SPACE}[{_ORDINARY}]+)*")
_ORDINARY_KANA = re.compile(f"[\u30a1-\u30fa\u30fc]+(?:{SPACE}[\u30a1-\u30fa\u30fc]+)*")
_ORDINARY_ADDRESS = re.compile(f"[-0-9A-Za-z{_ORDINARY}]+")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a text may be, in code points and in bytes of UTF-8."""

    code_points: int
    octets: int


NAME = Limits(100, 400)
ADDRESS = Limits(200, 800)
KANA = Limits(150, 600)


def accept_name(text: str, nationality: Nationality) -> str:
    """Return a name in the form in which it is stored.

    Raises RuleBroken naming the rule and the code point, never the text.
    """
    if _is_ordinary(text, _ORDINARY_NAME, NAME):
        return text
    name = _composed(_one_space(text))
    _check_length(name, NAME)
    for index, character in enumerate(name):
        _check_forbidden(character, name[index - 1] if index else "")
        _check_name_character(character, nationality, name[index - 1] if index else "")
    return name


def accept_kana(text: str) -> str:
    """Return a reading in kana in the form in which it is stored. Raises RuleBroken."""
    if _is_ordinary(text, _ORDINARY_KANA, KANA):
        return text
    kana = _composed(_one_space(text))
    _check_length(kana, KANA)
    for index, character in enumerate(kana):
        _check_forbidden(character, kana[index - 1] if index else "")
        if character != SPACE and not _KANA.match(character) and not _is_mark(character):
            raise _broken("NO_KANA", character)
    return kana


def accept_address(text: str) -> str:
    """Return an address in the form in which it is stored. Raises RuleBroken."""
    if _is_ordinary(text, _ORDINARY_ADDRESS, ADDRESS):
        return text
    address = _composed(text.strip(" \u3000"))
    _check_length(address, ADDRESS)
    for index, character in enumerate(address):
        _check_forbidden(character, address[index - 1] if index else "")
        if not _is_address_character(character):
            raise _broken("NO_ADDRESS_CHARACTER", character)
    return address


def _is_ordinary(text: str, pattern: re.Pattern[str], limits: Limits) -> bool:
    """Tell whether a text is empty or needs no further look; three bytes a character at most."""
    return not text or (len(text) <= limits.code_points and bool(pattern.fullmatch(text)))


def _one_space(text: str) -> str:
    return SPACE.join(text.replace(" ", SPACE).split(SPACE)).strip(SPACE)


def _composed(text: str) -> str:
    return _VOICED_KANA.sub(lambda pair: unicodedata.normalize("NFC", pair[0]), text)


def _check_length(text: str, limits: Limits) -> None:
    if len(text) > limits.code_points:
        raise RuleBroken("TOO_LONG")
    try:
        octets = len(text.encode())
    except UnicodeEncodeError as error:
        raise _broken("LONE_SURROGATE", text[error.start]) from None
    if octets > limits.octets:
        raise RuleBroken("TOO_LONG")


def _check_forbidden(character: str, before: str) -> None:
    """Refuse what no text of the register may hold (controls, invisible and private characters)."""
    point = ord(character)
    category = unicodedata.category(character)
    if category == "Cc":
        raise _broken("CONTROL_CHARACTER", character)
    if point in _BIDI or point in _ZERO_WIDTH or point in _TAGS or point in _SIMPLE_SELECTORS:
        raise _broken("INVISIBLE_CHARACTER", character)
    if category == "Co":
        raise _broken("PRIVATE_USE", character)
    if category in {"Cn", "Cs", "Cf"}:
        raise _broken("NO_CHARACTER", character)
    if point in _SELECTORS and not _IDEOGRAPH.match(before):
        raise _broken("SELECTOR_WITHOUT_IDEOGRAPH", character)
    if _is_mark(character) and not _KANA_BEFORE_MARK.match(before):
        raise _broken("MARK_WITHOUT_KANA", character)
    if point in _HALF_WIDTH_KANA:
        raise _broken("HALF_WIDTH_KANA", character)


def _check_name_character(character: str, nationality: Nationality, before: str) -> None:
    if character == SPACE:
        if before == SPACE:
            raise _broken("TWO_SPACES", character)
        return
    if _is_mark(character) or ord(character) in _SELECTORS or _JAPANESE_LETTER.match(character):
        return
    if any(ord(character) in block for block in _HANGUL):
        raise _broken("HANGUL", character)
    if nationality is Nationality.FOREIGN and _is_foreign_letter(character):
        return
    raise _broken("NO_NAME_CHARACTER", character)


def _is_foreign_letter(character: str) -> bool:
    if ord(character) in _FULL_WIDTH_FORMS:
        return False
    is_letter = unicodedata.category(character) in {"Lu", "Ll", "Lo", "Lt", "Lm", "Mn"}
    return is_letter or character in _FOREIGN_PUNCTUATION or character == "\u30fb"


def _is_address_character(character: str) -> bool:
    if character in " \u3000" or character in _ADDRESS_PUNCTUATION or _is_mark(character):
        return True
    if ord(character) in _SELECTORS or _JAPANESE_LETTER.match(character):
        return True
    # Houses are called in Latin letters and numbered in both widths.
    return unicodedata.category(character) in {"Lu", "Ll", "Nd"}


def _is_mark(character: str) -> bool:
    return character in "\u3099\u309a"


def _broken(rule: str, character: str) -> RuleBroken:
    return RuleBroken(f"{rule} U+{ord(character):04X}")
