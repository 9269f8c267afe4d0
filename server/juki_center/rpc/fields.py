"""Fields of requests, checked at the border.

Each function returns the checked value or raises FIELD_INVALID with the field's path and the rule
that it breaks; what the caller wrote is never echoed.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from juki_center.errors import Reason, Refusal, RuleBroken

if TYPE_CHECKING:
    from types import TracebackType

    from google.protobuf.descriptor import EnumDescriptor
    from google.protobuf.message import Message

Choice = TypeVar("Choice", bound=StrEnum)


def invalid(field: str, rule: str) -> Refusal:
    """Return the refusal of a field."""
    return Refusal(Reason.FIELD_INVALID, field=field, rule=rule)


class Named:
    """A block whose broken rule is named; a class, since most fields of requests are in one."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Let out what ended the block; of a broken rule, the refusal that names the field."""
        if isinstance(error, RuleBroken):
            path = f"{self._name}.{error.field}" if error.field else self._name
            raise invalid(path, error.rule) from error


def field(name: str) -> Named:
    """Name the field whose value breaks the rule of its type.

    Where the rule is one of a record, the part of it that breaks it is named too.
    """
    return Named(name)


def uuid4(name: str, text: str) -> UUID:
    """Parse a UUIDv4 in its canonical form, so that one id has one spelling."""
    try:
        parsed = UUID(text)
    except ValueError:
        raise invalid(name, "UUID_V4") from None
    if parsed.version != 4 or str(parsed) != text:
        raise invalid(name, "UUID_V4")
    return parsed


def required(name: str, value: str) -> None:
    """Raise where a text is empty or blank."""
    if not value.strip():
        raise invalid(name, "REQUIRED")


def text(name: str, value: str, *, longest: int, may_be_empty: bool = False) -> str:
    """Check a text's length in characters, and that it holds no control character."""
    if not may_be_empty:
        required(name, value)
    if len(value) > longest:
        raise invalid(name, "TOO_LONG")
    if any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in value):
        raise invalid(name, "CONTROL_CHARACTER")
    return value


def day(name: str, value: str) -> date:
    """Parse a day in its one spelling, YYYY-MM-DD, so that no week or ordinal date passes."""
    try:
        parsed = date.fromisoformat(value)
    except ValueError:
        raise invalid(name, "DAY") from None
    if parsed.isoformat() != value:
        raise invalid(name, "DAY")
    return parsed


def octets(name: str, value: bytes, *, size: int) -> bytes:
    """Check the exact number of bytes."""
    if len(value) != size:
        raise invalid(name, f"BYTES_{size}")
    return value


def number(name: str, value: int, *, least: int, most: int) -> int:
    """Check a range, both ends included."""
    if not least <= value <= most:
        raise invalid(name, f"RANGE_{least}_{most}")
    return value


def choice(name: str, value: int, enum: EnumDescriptor, kind: type[Choice]) -> Choice:
    """Return the member of `kind` that a proto enum's value names; unknown is as unspecified."""
    found = enum.values_by_number.get(value)
    if found is None or value == 0:
        raise invalid(name, "UNKNOWN_VALUE" if value else "REQUIRED")
    return kind(found.name.removeprefix(_prefix(enum)))


def present(message: Message, name: str, path: str) -> None:
    """Raise where a submessage is absent."""
    if not message.HasField(name):
        raise invalid(path, "REQUIRED")


def proto_name(member: StrEnum, enum: EnumDescriptor) -> str:
    """Return the name of the proto enum's value that stands for `member`."""
    return _prefix(enum) + member.value


@lru_cache(maxsize=256)
def _prefix(enum: EnumDescriptor) -> str:
    return enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
