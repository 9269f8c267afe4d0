"""What a client remembers of the audit log, as the text that it keeps.

Heads are kept as the signed checkpoints that they came in: whoever doubts a log shows these.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from juki_audit import checkpoints
from juki_audit.errors import HeadNotTrusted
from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from juki_audit.receipts import TrustedLog
    from juki_audit.tree import Head

_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class SeenHead:
    """A verified head, and the signed checkpoint that it came in."""

    head: Head
    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the log is not trusted any more, since when, and the checkpoint that came with it."""

    reason: str
    facts: tuple[tuple[str, str], ...]
    at: int
    checkpoint: bytes = b""

    def problem(self) -> Problem:
        """Return the fault as what stops a command."""
        return Problem(self.reason, {**dict(self.facts), "since": str(self.at)})


@dataclass(frozen=True, slots=True)
class LogMemory:
    """The newest head of all, and what is proved of it.

    `proved` is the head of the last proof, or the first that was seen; `waiting` are heads that
    no proof has joined to it yet, and which may well be smaller. Times are in whole seconds since
    1970.
    """

    proved: SeenHead | None = None
    proved_at: int = 0
    waiting: tuple[SeenHead, ...] = ()
    fault: Fault | None = None

    @property
    def newest(self) -> SeenHead | None:
        """The largest head that was seen."""
        return next(reversed(self.heads()), None)

    @property
    def size(self) -> int:
        """The size of the newest head; 0 where none was seen."""
        return self.newest.head.size if self.newest else 0

    def heads(self) -> tuple[SeenHead, ...]:
        """Return all heads that are kept, smallest first."""
        heads = (self.proved, *self.waiting) if self.proved else self.waiting
        return tuple(sorted(heads, key=_size))

    def with_head(self, seen: SeenHead, at: int) -> LogMemory:
        """Return what is known once a head was seen.

        Raises Problem LOG_FORKED where another one of the same size was seen.
        """
        for one in self.heads():
            if one.head.size == seen.head.size:
                if one.head != seen.head:
                    raise Problem("LOG_FORKED", {"size": str(seen.head.size)})
                return self
        if self.proved is None:
            return replace(self, proved=seen, proved_at=at)
        return replace(self, waiting=(*self.waiting, seen))

    def with_proof(self, joined: LogMemory, newest: SeenHead, at: int) -> LogMemory:
        """Return what is known once the heads of `joined` were proved to lead to the newest one.

        Heads that are not of them wait on. Raises Problem LOG_FORKED as `with_head` does.
        """
        told = {one.head for one in joined.heads()}
        waiting = tuple(one for one in self.heads() if one.head not in told | {newest.head})
        return replace(self, proved=newest, proved_at=at, waiting=()).with_all(waiting, at)

    def with_all(self, heads: tuple[SeenHead, ...], at: int) -> LogMemory:
        """Return what is known once all of these heads were seen; raises as `with_head` does."""
        memory = self
        for one in heads:
            memory = memory.with_head(one, at)
        return memory

    def encode(self) -> bytes:
        """Return the text that is kept."""
        content: dict[str, object] = {
            "v": _FORMAT,
            "proved": _text(self.proved),
            "proved_at": self.proved_at,
            "waiting": [_text(one) for one in self.waiting],
        }
        if self.fault is not None:
            content["fault"] = {
                "reason": self.fault.reason,
                "facts": dict(self.fault.facts),
                "at": self.fault.at,
                "checkpoint": self.fault.checkpoint.decode("utf-8", "backslashreplace"),
            }
        return json.dumps(content, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def decode(cls, octets: bytes, log: TrustedLog) -> LogMemory:
        """Read what was kept; every head is verified again where its signer is known.

        Raises ValueError, KeyError, TypeError or AttributeError for a text that is none, and
        LogRefused for a checkpoint that the log did not sign.
        """
        content = json.loads(octets)
        if not isinstance(content, dict) or content.get("v") != _FORMAT:
            raise ValueError("not a log book")
        proved = content["proved"]
        memory = cls(
            proved=_head(proved, log) if proved else None,
            proved_at=int(content["proved_at"]),
            waiting=tuple(_head(one, log) for one in content["waiting"]),
            fault=_fault(content.get("fault")),
        )
        sizes = {one.head.size for one in memory.heads()}
        if len(sizes) != len(memory.heads()):
            raise ValueError("two heads of one size")
        return memory


def _size(seen: SeenHead) -> int:
    return seen.head.size


def _text(seen: SeenHead | None) -> str:
    return seen.checkpoint.decode() if seen else ""


def _head(text: str, log: TrustedLog) -> SeenHead:
    """Return a head that was seen, verified by the keys of today where one of them signed it.

    One that a retired key has signed was verified when it was taken: what follows must go on from
    it all the same.
    """
    checkpoint = text.encode()
    try:
        return SeenHead(log.head(checkpoint), checkpoint)
    except HeadNotTrusted as error:
        if error.rule != "SIGNER_UNKNOWN":
            raise
    return SeenHead(checkpoints.parse(checkpoint).checkpoint.head, checkpoint)


def _fault(content: Mapping[str, Any] | None) -> Fault | None:  # JSON has any type
    if content is None:
        return None
    facts = tuple((str(name), str(fact)) for name, fact in content["facts"].items())
    checkpoint = str(content["checkpoint"]).encode()
    return Fault(str(content["reason"]), facts, int(content["at"]), checkpoint)
