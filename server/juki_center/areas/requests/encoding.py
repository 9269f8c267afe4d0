"""One encoding of a command's whole content, so that two requests can be told apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import Final, cast
from uuid import UUID

import cbor2

_PLAIN: Final = frozenset({str, int, bytes, bool, type(None)})
# Asking a record what its fields are takes longer than encoding them. There are few kinds.
_NAMES: Final[dict[type, tuple[str, ...] | None]] = {}


def canonical(command: object) -> bytes:
    """Return the deterministic CBOR of a command: a frozen record of records and plain values."""
    return cbor2.dumps(_plain(command), canonical=True)


def _plain(value: object) -> object:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is tuple:
        return _each(cast("tuple[object, ...]", value))
    names = _field_names(kind)
    if names is not None:
        return [kind.__name__, *_each([getattr(value, name) for name in names])]
    if isinstance(value, tuple):
        return _each(value)
    if isinstance(value, UUID):
        return value.bytes
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    # Enumerations are texts; cbor2 takes the exact type only.
    return str(value) if isinstance(value, str) else value


def _each(values: Iterable[object]) -> list[object]:
    # Most are plain, and need not be asked what they are.
    return [one if type(one) in _PLAIN else _plain(one) for one in values]


def _field_names(kind: type) -> tuple[str, ...] | None:
    """Return the names of a record's fields, None for what is no record."""
    if kind not in _NAMES:
        named = tuple(one.name for one in fields(kind)) if is_dataclass(kind) else None
        _NAMES[kind] = named
    return _NAMES[kind]
