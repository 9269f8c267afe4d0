"""The access log: one JSON line a call, buffered, without personal data.

A line holds who called by URI, the method, how it ended and how long it took; never a field of a
request or an answer, and never the text of an exception.
"""

from __future__ import annotations

import asyncio
import traceback
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

_LINES: Final = 128
_SECONDS: Final = 1.0


class Entry(NamedTuple):
    """How one call ended; a tuple, because one is made for every call."""

    at: datetime
    method: str
    peer: str
    code: str
    reason: str
    milliseconds: float

    def line(self) -> bytes:
        """Return the entry as one line of JSON."""
        # A mapping is written in a third of the time of a record.
        mapping = {
            "at": self.at,
            "method": self.method,
            "peer": self.peer,
            "code": self.code,
            "reason": self.reason,
            "milliseconds": self.milliseconds,
        }
        return orjson.dumps(mapping, option=orjson.OPT_APPEND_NEWLINE)


@dataclass(frozen=True, slots=True)
class Incident:
    """A defect of the center: what kind of exception, and where, without its text."""

    at: datetime
    incident: str
    method: str
    exception: str
    where: tuple[str, ...]

    @classmethod
    def of(cls, error: BaseException, *, at: datetime, incident: str, method: str) -> Incident:
        """Describe an exception by its type and the places it passed, innermost last."""
        frames = traceback.extract_tb(error.__traceback__)
        where = tuple(f"{PurePath(f.filename).name}:{f.lineno}:{f.name}" for f in frames)
        return cls(at, incident, method, type(error).__qualname__, where)

    def line(self) -> bytes:
        """Return the incident as one line of JSON."""
        return orjson.dumps(self) + b"\n"


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that an operator must look at: its name, and whose doing it is."""

    at: datetime
    alarm: str
    peer: str

    def line(self) -> bytes:
        """Return the alarm as one line of JSON."""
        return orjson.dumps(self) + b"\n"


@dataclass(frozen=True, slots=True)
class Reload:
    """What a running center has taken over, or has refused and gone on as before."""

    at: datetime
    reload: str
    outcome: str
    details: tuple[str, ...] = ()

    def line(self) -> bytes:
        """Return the reload as one line of JSON."""
        return orjson.dumps(self) + b"\n"


class AccessLog:
    """Collects lines and hands them to `write` in blocks."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None

    def record(self, entry: Entry | Incident | Alarm | Reload) -> None:
        """Take a line; it is written with the block, or after a second at the latest."""
        self._lines.append(entry.line())
        if len(self._lines) >= _LINES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_SECONDS, self.flush)

    def flush(self) -> None:
        """Write what was collected."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            block, self._lines = b"".join(self._lines), []
            self._write(block)
