"""Identity documents on a form or by prompts: kind, number, whether the chip was verified.

On a form they stand where the proto has them, with `number` in place of hash and salt, which the
terminal makes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from juki_client.outcome import Problem
from juki_terminal.cli.document_texts import KINDS, Text
from juki_terminal.cli.prompts import ask, ask_choice, ask_yes_or_no
from juki_terminal.identity_documents import SeenDocument
from jukinet.cards.v1.identity_document_pb2 import IdentityDocument

if TYPE_CHECKING:
    from juki_client.outcome import Language

_KEYS: Final = frozenset(("kind", "number", "chip_verified"))
_MADE_HERE: Final = frozenset(("number_hash", "number_salt"))


def take_documents(fields: object, place: str) -> tuple[SeenDocument, ...]:
    """Take `documents` out of a form's object, and return them.

    Raises Problem USAGE_INVALID naming what is wrong, never a number.
    """
    entries = fields.pop("documents", []) if isinstance(fields, dict) else []
    if not isinstance(entries, list):
        raise _invalid(place, "a JSON list")
    return tuple(_document(one, f"{place}[{index}]") for index, one in enumerate(entries))


def ask_documents(language: Language) -> tuple[SeenDocument, ...]:
    """Ask for documents until the kind is left empty."""
    seen: list[SeenDocument] = []
    while True:
        kind = ask_choice(Text.ASK_KIND.say(language), KINDS[language], or_none=True)
        if kind is None:
            return tuple(seen)
        number = ""
        while not number:
            number = ask(Text.ASK_NUMBER.say(language))
        verified = ask_yes_or_no(Text.ASK_CHIP.say(language), language)
        seen.append(SeenDocument(IdentityDocument.Kind.ValueType(kind), number, verified))


def document_lines(seen: tuple[SeenDocument, ...], language: Language) -> list[str]:
    """Say which documents were shown, without their numbers."""
    if not seen:
        return [Text.NONE_SHOWN.say(language)]
    return [
        KINDS[language].get(one.kind, "")
        + (Text.CHIP_VERIFIED.say(language) if one.chip_verified else "")
        for one in seen
    ]


def _document(entry: object, place: str) -> SeenDocument:
    if not isinstance(entry, dict):
        raise _invalid(place, "a JSON object")
    for key in entry:
        if key in _MADE_HERE:
            raise _invalid(f"{place}.{key}", "made by the terminal; give the number")
        if key not in _KEYS:
            raise _invalid(place, f"unknown key {key!r}")
    kind, number, verified = (entry.get(key) for key in ("kind", "number", "chip_verified"))
    kinds = IdentityDocument.Kind.keys()
    if not isinstance(kind, str) or kind not in kinds:
        raise _invalid(f"{place}.kind", "KIND_DRIVING_LICENCE, …")
    if not isinstance(number, str) or not number.strip():
        raise _invalid(f"{place}.number", "letters and digits")
    if not isinstance(verified, bool | None):
        raise _invalid(f"{place}.chip_verified", "true or false")
    return SeenDocument(IdentityDocument.Kind.Value(kind), number, bool(verified))


def _invalid(field: str, rule: str) -> Problem:
    return Problem("USAGE_INVALID", {"field": field, "rule": rule})
