"""One encoding of a command's whole content, so that two requests can be told apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from datetime import timedelta
from operator import attrgetter
from typing import Final, cast
from uuid import UUID

import cbor2

_PLAIN: Final = frozenset({str, int, bytes, bool, type(None)})
# How each kind is encoded, which takes longer to find out than to do. There are few kinds.
_ENCODERS: Final[dict[type, Callable[[object], object]]] = {}


def canonical(command: object) -> bytes:
    """Return the deterministic CBOR of a command: a frozen record of records and plain values."""
    return cbor2.dumps(_plain(command), canonical=True)


def _plain(value: object) -> object:
    kind = type(value)
    encoder = _ENCODERS.get(kind)
    if encoder is None:
        encoder = _ENCODERS[kind] = _encoder_of(kind)
    return encoder(value)


def _encoder_of(kind: type) -> Callable[[object], object]:
    if is_dataclass(kind):
        return _record_encoder(kind.__name__, [one.name for one in fields(kind)])
    if issubclass(kind, tuple):
        return _list
    if issubclass(kind, UUID):
        return attrgetter("bytes")
    if issubclass(kind, timedelta):
        return _microseconds
    # Enumerations are texts; cbor2 takes the exact type only.
    return str if issubclass(kind, str) and kind is not str else _as_it_is


def _record_encoder(kind: str, names: list[str]) -> Callable[[object], object]:
    if len(names) < 2:
        # A getter gives several values as a tuple, but one as it is.
        return lambda record: [kind, *_each([getattr(record, name) for name in names])]
    of = attrgetter(*names)
    return lambda record: [kind, *_each(of(record))]


def _each(values: Iterable[object]) -> list[object]:
    # Most are plain, and need not be asked what they are.
    return [one if type(one) in _PLAIN else _plain(one) for one in values]


def _list(value: object) -> list[object]:
    return _each(cast("tuple[object, ...]", value))


def _microseconds(value: object) -> int:
    return cast("timedelta", value) // timedelta(microseconds=1)


def _as_it_is(value: object) -> object:
    return value
