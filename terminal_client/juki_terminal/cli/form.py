"""What the applicant says, from a file, from standard input or by prompts; never from arguments.

The file is JSON: {"photo_id": {"kind", "number", "name", "birth", "address", "municipality"},
"members": [{"name", "birth"}]}; both keys are optional, others are refused.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from juki_client import civil_date
from juki_client.outcome import Problem
from juki_terminal.application import DocumentKind, PhotoDocument, Subject
from juki_terminal.cli.texts import Text

if TYPE_CHECKING:
    from juki_client.outcome import Language

_FORM: Final = frozenset(("photo_id", "members"))
_PHOTO_ID: Final = frozenset(("kind", "number", "name", "birth", "address", "municipality"))
_MEMBER: Final = frozenset(("name", "birth"))
_SALT_SIZE: Final = 16


class Form:
    """An applicant's form; what it does not hold is asked for by prompts."""

    def __init__(self, fields: Mapping[str, object], language: Language) -> None:
        self._fields = fields
        self._language = language

    @classmethod
    def read(cls, source: str | None, language: Language) -> Form:
        """Read a file, `-` for standard input, or nothing; raise Problem USAGE_INVALID."""
        if source is None:
            return cls({}, language)
        try:
            text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
            fields = json.loads(text)
        except (OSError, ValueError) as error:
            raise _invalid("from") from error
        _require_keys(fields, _FORM, "from")
        return cls(fields, language)

    @property
    def names_members(self) -> bool:
        """Whether the form lists members of the household."""
        return bool(self._fields.get("members"))

    def photo_document(self) -> PhotoDocument:
        """Return the photo document on the form, or ask for it; each with a salt of its own."""
        fields = self._fields.get("photo_id")
        if fields is None:
            fields = self._ask_photo_document()
        _require_keys(fields, _PHOTO_ID, "photo_id")
        texts = {key: _text(fields, key, "photo_id") for key in _PHOTO_ID}
        try:
            kind = DocumentKind(texts["kind"])
        except ValueError as error:
            raise _invalid("photo_id.kind") from error
        return PhotoDocument(
            kind=kind,
            number=texts["number"],
            name=texts["name"],
            birth_date=civil_date.parse(texts["birth"], "photo_id.birth"),
            address=texts["address"],
            municipality=texts["municipality"],
            salt=secrets.token_bytes(_SALT_SIZE),
        )

    def members(self) -> tuple[Subject, ...]:
        """Return the members on the form, or ask for them."""
        entries = self._fields.get("members")
        if entries is None:
            entries = self._ask_members()
        if not isinstance(entries, list):
            raise _invalid("members")
        return tuple(_member(entry, place) for place, entry in enumerate(entries))

    def _ask_photo_document(self) -> dict[str, object]:
        kinds = "/".join(DocumentKind)
        return {
            "kind": self._prompt(Text.ASK_KIND, f" [{kinds}]"),
            "number": self._prompt(Text.ASK_NUMBER),
            "name": self._prompt(Text.ASK_NAME),
            "birth": self._prompt(Text.ASK_BIRTH),
            "address": self._prompt(Text.ASK_ADDRESS),
            "municipality": self._prompt(Text.ASK_MUNICIPALITY),
        }

    def _ask_members(self) -> list[dict[str, str]]:
        members: list[dict[str, str]] = []
        while name := self._prompt(Text.ASK_MEMBER):
            members.append({"name": name, "birth": self._prompt(Text.ASK_BIRTH)})
        return members

    def _prompt(self, text: Text, more: str = "") -> str:
        question = text.say(self._language) + more
        answer: str = typer.prompt(question, default="", show_default=False, err=True)
        return answer.strip()


def _invalid(field: str) -> Problem:
    return Problem("USAGE_INVALID", {"field": field})


def _require_keys(fields: object, known: frozenset[str], place: str) -> None:
    if not isinstance(fields, Mapping):
        raise _invalid(place)
    for key in fields:
        if key not in known:
            raise Problem("USAGE_INVALID", {"field": place, "rule": f"unknown key {key!r}"})


def _text(fields: object, key: str, place: str) -> str:
    value = fields.get(key) if isinstance(fields, Mapping) else None
    if not isinstance(value, str):
        raise _invalid(f"{place}.{key}")
    return value


def _member(entry: object, place: int) -> Subject:
    name = f"members[{place}]"
    _require_keys(entry, _MEMBER, name)
    birth = civil_date.parse(_text(entry, "birth", name), f"{name}.birth")
    return Subject(_text(entry, "name", name), birth)
