"""What a terminal does beside its stream, by itself, for as long as it runs.

It renews its certificate in time and goes over to the new one without a failed call; takes over
what is to be trusted now, with the signers of the log and of the hotlist; leaves a node of the
center that counts no more; and reports its status. What fails is tried again, and told.
"""

from __future__ import annotations

import secrets
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from google.protobuf.timestamp_pb2 import Timestamp

from juki_client import rotation
from juki_client.outcome import Problem
from juki_terminal.duties import Duties, Duty, unhurried
from juki_terminal.hotlist_guard import trusted_leaves
from juki_terminal.paper_press import copy_signers
from juki_terminal.trust import Trust
from juki_terminal.watch import EventKind, WatchEvent
from jukinet.fleet.v1 import terminal_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from juki_client.identity import ClientIdentity
    from juki_client.identity_slot import IdentitySlot
    from juki_terminal.channel import Center
    from juki_terminal.hotlist import Hotlist
    from juki_terminal.watch import TerminalWatch

_LOOK: Final = timedelta(minutes=5)
"""So often the identity's files are looked at: another program may have renewed it."""
_LONGEST_WAIT: Final = timedelta(minutes=1)
_SPREAD: Final = timedelta(seconds=5)
"""Over so long a fleet that is told the same at once comes back with it."""
_CENTERS_SPREAD: Final = timedelta(seconds=15)
"""Within so long every process of the center says what one of them has told."""
_REPORT_EVERY: Final = timedelta(minutes=5)
"""Where the center has not said how often."""
_END_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Outfit:
    """What a report says of the machine; both questions disturb no card session."""

    version: str
    has_reader: Callable[[], bool]
    can_print: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the terminal's identity and its trust lie."""

    slot: IdentitySlot
    trust_dir: Path


def _now() -> datetime:
    return datetime.now(UTC)


def _chance() -> float:
    return secrets.SystemRandom().random()


class Upkeep:
    """Keeps a center's channel current while a watch runs; use it as `with upkeep.running():`."""

    def __init__(  # two of them are a test's
        self,
        center: Center,
        watching: TerminalWatch,
        place: Place,
        outfit: Outfit,
        tell: Callable[[WatchEvent], object],
        *,
        now: Callable[[], datetime] = _now,
        chance: Callable[[], float] = _chance,
    ) -> None:
        """`tell` is called from another thread for everything that was done or failed."""
        self._center, self._watching = center, watching
        self._place, self._outfit, self._tell = place, outfit, tell
        self._now, self._chance = now, chance
        self._duties = Duties()
        self._table = threading.Lock()
        self._using = threading.Lock()
        self._wake = threading.Event()
        self._is_ended = False
        self._is_change_awaited = False
        self._defect: Exception | None = None
        self._do: dict[Duty, Callable[[], None]] = {
            Duty.IDENTITY: self._keep_identity,
            Duty.TRUST: self._use_trust,
            Duty.DESCRIPTIONS: self._fetch_descriptions,
            Duty.REPORT: self._report,
        }

    def hear(self, event: WatchEvent) -> None:
        """Learn of an event of the watch: it may call for something to be done."""
        match event.kind:
            case EventKind.CONNECTED:
                self._set_connected(is_connected=True)
                self._want(Duty.DESCRIPTIONS, Duty.REPORT)
            case EventKind.LOST:
                self._set_connected(is_connected=False)
            case EventKind.DESCRIPTIONS:
                self._is_change_awaited = True
                # What is new is published long before it is used: the old keys still hold.
                self._want(Duty.DESCRIPTIONS, after=unhurried(self._watching.reconnect_seconds))
            case EventKind.CONFIGURATION:
                self._want(Duty.REPORT)
            case EventKind.HOTLIST:
                self._want(Duty.TRUST)

    def take_up(self) -> None:
        """Use what another program has renewed meanwhile; raise Problem CENTER_UNREACHABLE."""
        self._use(self._place.slot.load(), self._center.trust)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Do what is due until the block ends; what cannot be gone on after ends the watch.

        The exception that ended it is raised at the end of the block.
        """
        with self._table:
            self._duties.want(Duty.IDENTITY, self._now())
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._is_ended = True
            self._wake.set()
            # A renewal that is cut off goes on with the next command: it need not be waited for.
            thread.join(_END_SECONDS)
        if self._defect is not None:
            raise self._defect

    def _run(self) -> None:
        try:
            while not self._is_ended:
                self._wake.clear()
                for duty in self._ready():
                    self._attempt(duty)
                with self._table:
                    pause = self._duties.wait(self._now(), _LONGEST_WAIT)
                self._wake.wait(pause.total_seconds())
        except Exception as error:  # nothing of it may go unseen in a thread
            self._defect = error
            self._watching.stop()

    def _ready(self) -> list[Duty]:
        with self._table:
            return self._duties.ready(self._now())

    def _attempt(self, duty: Duty) -> None:
        with self._table:
            self._duties.begin(duty)
        try:
            self._do[duty]()
        except (Problem, OSError) as error:
            if self._is_ended:
                return
            with self._table:
                pause = self._duties.failed(duty, self._now(), self._chance())
            reason = error.reason if isinstance(error, Problem) else type(error).__name__
            seconds = pause.total_seconds()
            self._told(EventKind.FAILED, duty.value, reason=reason, retry_seconds=seconds)
        else:
            with self._table:
                self._duties.done(duty)

    def _keep_identity(self) -> None:
        """Renew where it is due, and use what the slot has; look again in a while."""
        with self._table:
            self._duties.want(Duty.IDENTITY, self._now() + _LOOK)
        center, trust = self._center, self._center.trust
        dial = rotation.dialled(center.address, trust.center_leaves_pem)
        done = rotation.renew(
            self._place.slot, dial, center.receipts.book, self._now(), if_due=True
        )
        with self._table:
            self._duties.want(Duty.IDENTITY, max(done.due, self._now() + timedelta(seconds=1)))
        if self._use(done.identity, trust):
            ends = done.identity.leaf.not_valid_after_utc
            self._told(EventKind.RENEWED, f"{ends:%Y-%m-%d}")
            self._want(Duty.REPORT)

    def _fetch_descriptions(self) -> None:
        awaited, self._is_change_awaited = self._is_change_awaited, False
        is_new = self._center.refresh_trust(self._place.trust_dir)
        if awaited and not is_new:
            # Another of the center's processes has answered, which hears of it a moment later.
            with self._table:
                self._duties.want(Duty.DESCRIPTIONS, self._now() + _CENTERS_SPREAD)
        self._use_trust()

    def _use_trust(self) -> None:
        """Use the trust folder as it is now, without nodes of the center that were revoked."""
        folder = self._place.trust_dir
        trust = Trust.load(folder)
        trust = trust.anchored_by(trusted_leaves(trust.center_leaves_pem, self._hotlist()))
        self._watching.believe(copy_signers(folder))
        if self._use(self._center.identity, trust):
            self._told(EventKind.TRUST)
            self._want(Duty.REPORT)

    def _use(self, identity: ClientIdentity, trust: Trust) -> bool:
        """Go over to another certificate or other pins; say whether they are others."""
        center = self._center
        with self._using:
            is_same = identity.certificate_hash == center.identity.certificate_hash
            if is_same and trust == center.trust:
                return False
            before = center.pins
            center.use(identity, trust)
        if center.pins != before:
            self._watching.move()
        return True

    def _report(self) -> None:
        every = timedelta(seconds=self._watching.status_seconds) or _REPORT_EVERY
        request = pb.ReportStatusRequest(
            software_version=self._outfit.version,
            reader_ready=self._outfit.has_reader(),
            printer_ready=self._outfit.can_print(),
        )
        if (hotlist := self._hotlist()) is not None:
            made = Timestamp()
            made.FromDatetime(hotlist.made_at)
            request.hotlist_cursor = hotlist.cursor
            request.hotlist_made_time.CopyFrom(made)
        self._center.call(self._center.terminals.ReportStatus, request)
        with self._table:
            # Between nine tenths and the whole: a fleet that began at once does not stay in step.
            self._duties.want(Duty.REPORT, self._now() + every * (0.9 + 0.1 * self._chance()))
        self._told(EventKind.REPORTED)

    def _hotlist(self) -> Hotlist | None:
        kept = self._watching.kept
        return None if kept is None else kept.hotlist

    def _want(self, *duties: Duty, after: timedelta | None = None) -> None:
        """Have something done: soon, or at the time that this terminal was given."""
        with self._table:
            for duty in duties:
                pause = _SPREAD * self._chance() if after is None else after
                self._duties.want(duty, self._now() + pause)
        self._wake.set()

    def _set_connected(self, *, is_connected: bool) -> None:
        with self._table:
            self._duties.is_connected = is_connected

    def _told(
        self, kind: EventKind, subject: str = "", *, reason: str = "", retry_seconds: float = 0.0
    ) -> None:
        cursor = self._watching.cursor
        event = WatchEvent(kind, cursor, subject, reason=reason, retry_seconds=retry_seconds)
        self._tell(event)
