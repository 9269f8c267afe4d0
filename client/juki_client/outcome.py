"""How an act at a terminal ends: done, or a problem with a reason, part, remedy and retry class.

Everything about a reason (text, remedy, part, retry class) is read from the descriptor of
`jukinet.error.v1.ErrorReason`, so that the command line, the library and the center say the same.
The exit codes and the `juki/1` envelope are fixed interfaces. How errors of gRPC become problems
is in `channel`, how errors of cards become problems is in `card_problems`.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from jukinet.error.v1 import error_reason_pb2
from jukinet.options.v1 import options_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA: Final = "juki/1"
_PREFIX: Final = "ERROR_REASON_"

JSON: TypeAlias = "str | int | bool | list[JSON] | dict[str, JSON] | None"


class Language(StrEnum):
    """The languages of texts: Japanese for clerks, English for engineers."""

    JAPANESE = "ja"
    ENGLISH = "en"


class Part(StrEnum):
    """The part of the system in which the cause of a problem lies."""

    READER = "reader"
    CARD = "card"
    PIN = "pin"
    NETWORK = "network"
    CENTER = "center"


class Retry(StrEnum):
    """Whether, and how, what failed may be tried again."""

    NEVER = "never"
    SAME_REQUEST = "same_request"
    NEW_REQUEST = "new_request"
    AFTER = "after"


class Exit(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    DEFECT = 1
    USAGE = 2
    REFUSED = 3
    READER_OR_CARD = 4
    UNREACHABLE = 5
    UNKNOWN = 6
    INTERRUPTED = 130


_EXITS: Final[Mapping[str, Exit]] = {
    "INTERNAL": Exit.DEFECT,
    "TERMINAL_DEFECT": Exit.DEFECT,
    "JOURNAL_DAMAGED": Exit.DEFECT,
    "CONFIGURATION_INVALID": Exit.USAGE,
    "USAGE_INVALID": Exit.USAGE,
    "READER_NOT_FOUND": Exit.READER_OR_CARD,
    "READER_FAILED": Exit.READER_OR_CARD,
    "PRINTER_FAILED": Exit.READER_OR_CARD,
    "CARD_REMOVED": Exit.READER_OR_CARD,
    "CARD_TIMEOUT": Exit.READER_OR_CARD,
    "CARD_REFUSED": Exit.READER_OR_CARD,
    "CARD_ACCESS_MALFORMED": Exit.READER_OR_CARD,
    "CENTER_UNREACHABLE": Exit.UNREACHABLE,
    "STORE_UNAVAILABLE": Exit.UNREACHABLE,
    "SHUTTING_DOWN": Exit.UNREACHABLE,
    "OVERLOADED": Exit.UNREACHABLE,
    "OUTCOME_UNKNOWN": Exit.UNKNOWN,
    "INTERRUPTED": Exit.INTERRUPTED,
}
"""Reasons that are not plainly "refused"; every other reason exits with REFUSED."""


class Problem(Exception):
    """An act did not end well. The facts are attributes; `text` and `remedy` are for people.

    `reason` is a name of `ErrorReason` without its prefix; a name that this version does not know
    (sent by a newer center) is kept and treated as a refusal by the center.
    """

    def __init__(self, reason: str, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.metadata: Mapping[str, str] = dict(metadata or {})
        self._facts = _facts(reason)

    def __repr__(self) -> str:
        """Show the reason and the metadata, neither of which carries personal data."""
        return f"Problem({self.reason}, {dict(self.metadata)})"

    @property
    def part(self) -> Part:
        """Where the cause lies."""
        name = options_pb2.Part.Name(self._facts.part).removeprefix("PART_")
        return Part(name.lower()) if self._facts.part else Part.CENTER

    @property
    def retry(self) -> Retry:
        """Whether it may be tried again."""
        name = options_pb2.Retry.Name(self._facts.retry).removeprefix("RETRY_")
        return Retry(name.lower()) if self._facts.retry else Retry.NEVER

    @property
    def exit(self) -> Exit:
        """The exit code of a command that ends with this problem."""
        return _EXITS.get(self.reason, Exit.REFUSED)

    def text(self, language: Language) -> str:
        """Return one sentence that says what happened."""
        facts = self._facts
        return (facts.text_ja if language is Language.JAPANESE else facts.text_en) or self.reason

    def remedy(self, language: Language) -> str:
        """Return one sentence that says what to do next; empty for an unknown reason."""
        facts = self._facts
        return facts.remedy_ja if language is Language.JAPANESE else facts.remedy_en


def _facts(reason: str) -> options_pb2.Reason:
    value = error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_name.get(_PREFIX + reason)
    if value is None:
        return options_pb2.Reason()
    return value.GetOptions().Extensions[options_pb2.reason]


def success(command: str, result: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the envelope of a command that ended well."""
    return {"schema": SCHEMA, "command": command, "ok": True, "result": dict(result)}


def failure(command: str, problem: Problem, language: Language) -> dict[str, JSON]:
    """Return the envelope of a command that did not end well."""
    return {
        "schema": SCHEMA,
        "command": command,
        "ok": False,
        "error": {
            "reason": problem.reason,
            "part": problem.part.value,
            "message": problem.text(language),
            "remedy": problem.remedy(language),
            "retry": problem.retry.value,
            "metadata": dict(problem.metadata),
        },
    }
