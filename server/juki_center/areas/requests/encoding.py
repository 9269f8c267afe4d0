"""One encoding of a command's whole content, so that two requests can be told apart."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import timedelta
from uuid import UUID

import cbor2


def canonical(command: object) -> bytes:
    """Return the deterministic CBOR of a command: a frozen record of records and plain values."""
    return cbor2.dumps(_plain(command), canonical=True)


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return [
            type(value).__name__,
            *(_plain(getattr(value, field.name)) for field in fields(value)),
        ]
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, UUID):
        return value.bytes
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    # Enumerations are texts; cbor2 takes the exact type only.
    return str(value) if isinstance(value, str) else value
