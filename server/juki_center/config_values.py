"""Values of a configuration's keys, each refused by its key where it is no such value.

A table is flat: `listen.grpc` and not a table in a table. All but `flatten` raise ConfigInvalid.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import TypeVar

from juki_center.errors import ConfigInvalid

Choice = TypeVar("Choice", bound=StrEnum)


def flatten(table: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Return the keys of a table and of all tables in it, joined by dots."""
    flat: dict[str, object] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def text(flat: Mapping[str, object], key: str, default: str | None = None) -> str:
    """Return a text that is not empty."""
    value = flat.get(key, default)
    if value is None:
        raise ConfigInvalid(key, "missing")
    if not isinstance(value, str) or not value:
        raise ConfigInvalid(key, "must be a text that is not empty")
    return value


def address(flat: Mapping[str, object], key: str, default: str) -> str:
    """Return an address, HOST:PORT."""
    found = text(flat, key, default)
    host, _, port = found.rpartition(":")
    is_port = port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 65_535
    if not host or not is_port:
        raise ConfigInvalid(key, "must be HOST:PORT, such as 127.0.0.1:7443")
    return found


def choice(
    flat: Mapping[str, object], key: str, kind: type[Choice], default: Choice | None = None
) -> Choice:
    """Return a member of an enumeration."""
    found = text(flat, key, default)
    try:
        return kind(found)
    except ValueError:
        raise ConfigInvalid(key, f"must be one of {', '.join(kind)}") from None


def seconds(flat: Mapping[str, object], key: str, default: timedelta) -> timedelta:
    """Return whole seconds, 1 to 3600."""
    value = flat.get(key, int(default.total_seconds()))
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 3600:
        raise ConfigInvalid(key, "must be whole seconds, 1 to 3600")
    return timedelta(seconds=value)


def minutes(flat: Mapping[str, object], key: str, default: timedelta) -> timedelta:
    """Return whole minutes, 1 to a day's."""
    most = 24 * 60
    whole = number(flat, key, int(default.total_seconds()) // 60, least=1, most=most)
    return timedelta(minutes=whole)


def number(flat: Mapping[str, object], key: str, default: int, *, least: int, most: int) -> int:
    """Return a whole number within its bounds."""
    value = flat.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ConfigInvalid(key, f"must be a whole number, {least} to {most}")
    return value


def flag(flat: Mapping[str, object], key: str) -> bool:
    """Return true or false."""
    value = flat.get(key, False)
    if not isinstance(value, bool):
        raise ConfigInvalid(key, "must be true or false")
    return value


def clock_time(flat: Mapping[str, object], key: str, default: time) -> time:
    """Return a time of day."""
    found = text(flat, key, default.strftime("%H:%M"))
    try:
        return datetime.strptime(found, "%H:%M").time()  # noqa: DTZ007  # a time of day has no zone
    except ValueError:
        raise ConfigInvalid(key, "must be a time of day, such as 08:30") from None
