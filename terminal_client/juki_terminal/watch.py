"""What a terminal is told while it runs: one stream, taken up again from where it was.

    watch = TerminalWatch(stub_watch, kept=load(path, signers), signers=signers)
    for event in watch.events():
        ...

The rule: every message that was taken moves the cursor; whatever ends the stream, the next one
begins from there, after the time that the center has named for this terminal. Three ends are
final: the certificate counts no more, another stream has taken this one's place, and a refusal
that no waiting mends. What the terminal does of its own accord meanwhile is in `upkeep`.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from juki_client.outcome import Problem, Retry
from juki_terminal.hotlist import Piece, read_piece
from juki_terminal.hotlist_file import KeptList, begun
from jukinet.fleet.v1 import terminal_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from juki_terminal.paper.trust import CopySigners

_FIRST_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 300.0
_AGAIN: Final = frozenset({"CENTER_UNREACHABLE", "SHUTTING_DOWN", "INTERNAL"})
_RETIRED: Final = "CERTIFICATE_RETIRED"
_FINAL: Final = frozenset({"WATCH_REPLACED", "CERTIFICATE_REVOKED"})


class EventKind(StrEnum):
    """What happened."""

    CONNECTED = "connected"
    HOTLIST = "hotlist"
    FRESH = "fresh"
    DISCONNECTED = "disconnected"
    RECONNECTED = "reconnected"
    DESCRIPTIONS = "descriptions"
    CONFIGURATION = "configuration"
    LOST = "lost"
    RENEWED = "renewed"
    TRUST = "trust"
    REPORTED = "reported"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """Something that happened: of what (`subject`), how many cards are listed, when it goes on."""

    kind: EventKind
    cursor: int
    subject: str = ""
    cards: int = 0
    reason: str = ""
    retry_seconds: float = 0.0


class Stream(Protocol):
    """A stream of the center; it raises Problem for every error."""

    def __iter__(self) -> Iterator[pb.WatchResponse]:
        """Return the messages."""

    def cancel(self) -> object:
        """End the stream."""


def _chance() -> float:
    return secrets.SystemRandom().random()


class TerminalWatch:
    """Keeps a hotlist fresh and tells what happens, over as many streams as it takes."""

    def __init__(
        self,
        opened: Callable[[int], Stream],
        *,
        signers: CopySigners,
        kept: KeptList | None = None,
        keep: Callable[[KeptList], object] = lambda _: None,
        pause: Callable[[float], object] | None = None,
        chance: Callable[[], float] = _chance,
    ) -> None:
        """`opened` opens a stream from a cursor; `keep` is given each newer list."""
        self._opened = opened
        self._signers = signers
        self._keep = keep
        self._stopped = threading.Event()
        self._pause = pause or self._stopped.wait
        self._chance = chance
        self._stream: Stream | None = None
        self._moves = threading.Event()
        self._whole: list[Piece] = []
        self._failures = 0
        self.reconnect_seconds = 0.0
        """When the center last said that this terminal should come back; 0 where it has not."""
        self.status_seconds = 0.0
        """How often the center wants a report; 0 where it has not said."""
        self.kept = kept
        self.cursor = 0 if kept is None else kept.cursor

    def stop(self) -> None:
        """End the events; may be called from a signal's handler or from another thread."""
        self._stopped.set()
        if self._stream is not None:
            self._stream.cancel()

    def move(self) -> None:
        """Go on over another stream at once, from where this one was: the channel has changed."""
        if (stream := self._stream) is not None:
            self._moves.set()
            stream.cancel()

    def believe(self, signers: CopySigners) -> None:
        """Take lists that these have signed, from now on."""
        self._signers = signers

    def events(self) -> Iterator[WatchEvent]:
        """Tell what happens until it is stopped; raise the Problem that no waiting mends."""
        while not self._stopped.is_set():
            try:
                yield from self._one_stream()
                problem = None
            except Problem as caught:
                problem = caught
            if self._stopped.is_set():
                return
            if self._moves.is_set():
                self._moves.clear()
                continue
            yield (lost := self._lost(problem))
            self._pause(lost.retry_seconds)

    def _lost(self, problem: Problem | None) -> WatchEvent:
        """Return what is told of a lost stream; raise the problem that no waiting mends."""
        if problem is not None and not self._may_come_back(problem):
            raise problem
        seconds = self._delay(problem)
        reason = "CENTER_UNREACHABLE" if problem is None else problem.reason
        return WatchEvent(EventKind.LOST, self.cursor, reason=reason, retry_seconds=seconds)

    def _may_come_back(self, problem: Problem) -> bool:
        if problem.reason == _RETIRED:
            # The newer certificate may be there: once, the next stream is opened to see.
            return self._failures == 0
        return _may_come_back(problem)

    def _one_stream(self) -> Iterator[WatchEvent]:
        if self.kept is None or self.kept.is_long:
            self.cursor = 0
        self._whole = []
        self._stream = stream = self._opened(self.cursor)
        try:
            for message in stream:
                self._failures = 0
                yield from self._taken(message)
        finally:
            stream.cancel()
            self._stream = None

    def _taken(self, message: pb.WatchResponse) -> Iterator[WatchEvent]:
        """Take one message: the list first, then the cursor, then whoever is told."""
        told = self._told(message)
        self._advance(message.cursor)
        if told is not None:
            yield told

    def _told(self, message: pb.WatchResponse) -> WatchEvent | None:
        cursor = message.cursor
        match message.WhichOneof("step"):
            case "welcome":
                self._configure(message.welcome.configuration)
                return WatchEvent(EventKind.CONNECTED, cursor)
            case "configuration":
                self._configure(message.configuration)
                return WatchEvent(EventKind.CONFIGURATION, cursor)
            case "hotlist":
                return self._listed(message.hotlist.cose, cursor, EventKind.HOTLIST)
            case "heartbeat":
                return self._beaten(message.heartbeat, cursor)
            case "notice":
                return _notice(message)
            case "descriptions_changed":
                return WatchEvent(EventKind.DESCRIPTIONS, cursor)
            case _:
                # A newer center says what this version does not know; its cursor counts.
                return None

    def _beaten(self, beat: pb.WatchResponse.Heartbeat, cursor: int) -> WatchEvent | None:
        self.reconnect_seconds = _seconds(beat)
        fresh = beat.hotlist.cose
        return self._listed(fresh, cursor, EventKind.FRESH) if fresh else None

    def _configure(self, settings: pb.WatchResponse.Configuration) -> None:
        self.reconnect_seconds = _seconds(settings)
        self.status_seconds = settings.status_interval.ToTimedelta().total_seconds()

    def _listed(self, cose: bytes, cursor: int, kind: EventKind) -> WatchEvent | None:
        piece = read_piece(cose, self._signers)
        if piece.is_whole:
            self._whole.append(piece)
            begun_list = begun(self._whole, cursor)
            if begun_list is None:
                return None
            self.kept, self._whole = begun_list, []
        elif self.kept is None:
            raise Problem("HOTLIST_NOT_TRUSTED", {"rule": "GAP"})
        else:
            self.kept = self.kept.taking(piece)
        return WatchEvent(kind, cursor, cards=len(self.kept.hotlist.cards))

    def _advance(self, cursor: int) -> None:
        is_newer = cursor > self.cursor
        self.cursor = cursor if is_newer else self.cursor
        if self.kept is not None and not self._whole:
            self.kept = self.kept.at(self.cursor)
            self._keep(self.kept)

    def _delay(self, problem: Problem | None) -> float:
        """Return when to come back: the center's word first, else doubling with jitter."""
        named = "" if problem is None else problem.metadata.get("retryAfterSeconds", "")
        seconds = _number(named) or (self.reconnect_seconds if self._failures == 0 else 0.0)
        doubled = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2 ** min(self._failures, 10))
        self._failures += 1
        if problem is not None and problem.reason == "HOTLIST_NOT_TRUSTED":
            # What does not fit is fetched as a whole, and never in a hurry.
            self.kept, self.cursor = None, 0
        return min(_LONGEST_SECONDS, seconds or doubled * (0.5 + self._chance()))


def _may_come_back(problem: Problem) -> bool:
    if problem.reason in _FINAL:
        return False
    waits = problem.retry in {Retry.AFTER, Retry.SAME_REQUEST}
    return waits or problem.reason in _AGAIN or problem.reason == "HOTLIST_NOT_TRUSTED"


def _notice(message: pb.WatchResponse) -> WatchEvent | None:
    notice = message.notice
    subject = f"{notice.scope} {notice.subject}".strip()
    match notice.kind:
        case pb.WatchResponse.Notice.KIND_DISCONNECTED:
            return WatchEvent(EventKind.DISCONNECTED, message.cursor, subject)
        case pb.WatchResponse.Notice.KIND_RECONNECTED:
            return WatchEvent(EventKind.RECONNECTED, message.cursor, subject)
        case _:
            return None


def _seconds(message: pb.WatchResponse.Configuration | pb.WatchResponse.Heartbeat) -> float:
    seconds: float = message.reconnect_after.ToTimedelta().total_seconds()
    return seconds


def _number(text: str) -> float:
    try:
        return max(0.0, min(_LONGEST_SECONDS, float(text)))
    except ValueError:
        return 0.0
