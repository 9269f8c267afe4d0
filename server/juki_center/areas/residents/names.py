"""Names and addresses as they come in: what is accepted, code point by code point.

Nothing is normalised but what cannot change a name: the space between family and given name is
one U+3000, and a kana with a separate voicing mark is composed. Normalising kanji would destroy
names (U+FA19 would become U+795E). Keys for searching stand in `name_keys`.

A text in ordinary characters is accepted as a whole, which is all that most rows of an import need;
every other one is looked at character by character, so that a refusal can say which one it was.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from juki_center.areas.residents import characters as c
from juki_center.areas.residents.records import Nationality
from juki_center.errors import RuleBroken

SPACE = "\u3000"
_ORDINARY_NAME = re.compile(f"[{c.JAPANESE}]+(?:{SPACE}[{c.JAPANESE}]+)*")
_ORDINARY_KANA = re.compile(f"[{c.KANA}]+(?:{SPACE}[{c.KANA}]+)*")
_ADDRESS_CHARACTERS = c.JAPANESE + c.LATIN + c.ADDRESS_LETTERS + c.ADDRESS_PUNCTUATION
_ORDINARY_ADDRESS = re.compile(f"[{_ADDRESS_CHARACTERS}]+")

_VOICED_KANA = re.compile(f"[{c.VOICEABLE_KANA}][{c.VOICING_MARKS}]")
_VOICEABLE_KANA = re.compile(f"[{c.VOICEABLE_KANA}]")
_BEFORE_SELECTOR = re.compile(f"[{c.KANJI}{c.KANJI_SIGNS}]")
_BEFORE_LATIN_MARK = re.compile(f"[{c.LATIN}{c.LATIN_MARKS}]")
_LATIN_MARK = re.compile(f"[{c.LATIN_MARKS}]")
_JAPANESE_LETTER = re.compile(f"[{c.JAPANESE}{c.VOICING_MARKS}{c.IDEOGRAPHIC_SELECTORS}]")
_KANA_LETTER = re.compile(f"[{c.KANA}{c.VOICING_MARKS}{SPACE}]")
_FOREIGN_LETTER = re.compile(f"[{c.LATIN}{c.LATIN_MARKS}{c.NAME_PUNCTUATION}]")
_ADDRESS_LETTER = re.compile(
    f"[ {SPACE}{_ADDRESS_CHARACTERS}{c.VOICING_MARKS}{c.IDEOGRAPHIC_SELECTORS}]"
)
_HANGUL = re.compile(f"[{c.HANGUL}]")
_HALF_WIDTH_KANA = re.compile(f"[{c.HALF_WIDTH_KANA}]")
_INVISIBLE = re.compile(f"[{c.INVISIBLE}]")
_VOICING_MARK = re.compile(f"[{c.VOICING_MARKS}]")
_SELECTOR = re.compile(f"[{c.IDEOGRAPHIC_SELECTORS}]")

_CheckCharacter = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a text may be, in code points and in bytes of UTF-8."""

    code_points: int
    octets: int


NAME = Limits(100, 400)
ADDRESS = Limits(200, 800)
KANA = Limits(150, 600)


def accept_name(text: str, nationality: Nationality) -> str:
    """Return a name in the form in which it is stored; a blank one is that of a newborn.

    Raises RuleBroken naming the rule and the code point, never the text.
    """
    if _ORDINARY_NAME.fullmatch(text) and len(text) <= NAME.code_points:
        return text
    is_foreign = nationality is Nationality.FOREIGN
    check = _check_foreign_name if is_foreign else _check_japanese_name
    return _checked(_one_space(text), NAME, check)


def accept_kana(text: str) -> str:
    """Return a reading in kana in the form in which it is stored. Raises RuleBroken."""
    if _ORDINARY_KANA.fullmatch(text) and len(text) <= KANA.code_points:
        return text
    return _checked(_one_space(text), KANA, _check_kana)


def accept_address(text: str) -> str:
    """Return an address in the form in which it is stored. Raises RuleBroken."""
    if _ORDINARY_ADDRESS.fullmatch(text) and len(text) <= ADDRESS.code_points:
        return text
    return _checked(text.strip(" \u3000"), ADDRESS, _check_address)


def _one_space(text: str) -> str:
    return text.replace(" ", SPACE).strip(SPACE)


def _checked(text: str, limits: Limits, check: _CheckCharacter) -> str:
    composed = _VOICED_KANA.sub(lambda pair: unicodedata.normalize("NFC", pair[0]), text)
    _check_length(composed, limits)
    before = ""
    for character in composed:
        _check_forbidden(character, before)
        check(character, before)
        before = character
    return composed


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
    if _JAPANESE_LETTER.match(character):
        _check_mark(character, before)
        return
    category = unicodedata.category(character)
    if category == "Cc":
        raise _broken("CONTROL_CHARACTER", character)
    if _INVISIBLE.match(character):
        raise _broken("INVISIBLE_CHARACTER", character)
    if category == "Co":
        # Only with a declared glyph could somebody else read it, and no field declares one.
        raise _broken("PRIVATE_USE", character)
    if category in {"Cn", "Cf"}:
        raise _broken("NO_CHARACTER", character)
    if _HALF_WIDTH_KANA.match(character):
        raise _broken("HALF_WIDTH_KANA", character)
    _check_mark(character, before)


def _check_mark(character: str, before: str) -> None:
    """Refuse a selector or a mark that has nothing before it to belong to."""
    if _SELECTOR.match(character) and not _BEFORE_SELECTOR.match(before):
        raise _broken("SELECTOR_WITHOUT_IDEOGRAPH", character)
    if _VOICING_MARK.match(character) and not _VOICEABLE_KANA.match(before):
        raise _broken("MARK_WITHOUT_KANA", character)
    if _LATIN_MARK.match(character) and not _BEFORE_LATIN_MARK.match(before):
        raise _broken("MARK_WITHOUT_LETTER", character)


def _check_japanese_name(character: str, before: str) -> None:
    _check_two_spaces(character, before)
    if character == SPACE or _JAPANESE_LETTER.match(character):
        return
    # Where a code of the network's own set was never converted, a Hangul syllable stands.
    raise _broken("HANGUL" if _HANGUL.match(character) else "NO_NAME_CHARACTER", character)


def _check_foreign_name(character: str, before: str) -> None:
    """Names of foreign residents are entered in Latin letters or in kanji, never in Hangul."""
    if not _FOREIGN_LETTER.match(character):
        _check_japanese_name(character, before)


def _check_kana(character: str, before: str) -> None:
    _check_two_spaces(character, before)
    if not _KANA_LETTER.match(character):
        raise _broken("NO_KANA", character)


def _check_address(character: str, _before: str) -> None:
    if not _ADDRESS_LETTER.match(character):
        raise _broken("NO_ADDRESS_CHARACTER", character)


def _check_two_spaces(character: str, before: str) -> None:
    if character == SPACE == before:
        raise _broken("TWO_SPACES", character)


def _broken(rule: str, character: str) -> RuleBroken:
    return RuleBroken(f"{rule} U+{ord(character):04X}")
