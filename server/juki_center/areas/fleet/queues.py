"""Updates of one municipality that wait in order: while it is cut off, or under quarantine.

Every update that comes meanwhile stands at the end of the queue, until nothing waits any more. A
quarantine is released only after the register was checked, and with its findings named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol
from uuid import UUID

from juki_center.areas.audit.events import AuditEvent, AuditLog, Event
from juki_center.areas.requests.answers import Answers, Request, first_answer
from juki_center.areas.requests.encoding import canonical
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.registers import Registers
from juki_center.errors import NotAllowed, Reason, Refusal, RuleBroken

if TYPE_CHECKING:
    # Updates ask whether they have to wait.
    from juki_center.areas.residents.updates import Update

MOST_REASON_CHARACTERS: Final = 200


class QueueState(StrEnum):
    """What becomes of what waits; the names of the proto's State without their prefix."""

    DISCONNECTED = "DISCONNECTED"
    QUARANTINED = "QUARANTINED"
    RELEASING = "RELEASING"


class FindingKind(StrEnum):
    """What does not agree in a register; the names of the proto's Kind without their prefix."""

    VERSION_GAP = "VERSION_GAP"
    CODE_INVALID = "CODE_INVALID"
    CODE_OF_ANOTHER = "CODE_OF_ANOTHER"
    DIRECTORY_DIFFERS = "DIRECTORY_DIFFERS"
    HOUSEHOLD_HEAD = "HOUSEHOLD_HEAD"
    RECORD_UNREADABLE = "RECORD_UNREADABLE"


@dataclass(frozen=True, slots=True)
class Report:
    """What a check of a register has found, how often of each kind."""

    checked_at: datetime
    persons: int
    findings: tuple[tuple[FindingKind, int], ...] = ()

    @property
    def total(self) -> int:
        """How many findings there are."""
        return sum(count for _, count in self.findings)


@dataclass(frozen=True, slots=True)
class UpdateQueue:
    """The queue of one municipality; `reason` is empty where a disconnection is the cause."""

    municipality: MunicipalityCode
    state: QueueState
    reason: str = field(repr=False)
    at: datetime
    by: str
    report: Report | None = None
    held: int = 0


class UpdateQueues(Protocol):
    """What the store keeps of updates that wait. Each is sealed so that only its register opens it,
    and that it can be sealed while the register is closed."""

    def of(self, municipality: MunicipalityCode) -> UpdateQueue | None:
        """Return a municipality's queue."""

    def every(self) -> list[UpdateQueue]:
        """Return all queues, by municipality."""

    def state_of(self, municipality: MunicipalityCode) -> QueueState | None:
        """Return the state of a municipality's queue; None where nothing has to wait."""

    def begin(self, queue: UpdateQueue) -> None:
        """Begin a queue. Raises Refusal(RESIDENCE_DISCONNECTED)."""

    def change(self, queue: UpdateQueue) -> None:
        """Write a queue's state, reason and report."""

    def end(self, municipality: MunicipalityCode) -> None:
        """End a queue in which nothing waits."""

    def put(self, update: Update, now: datetime) -> None:
        """Let an update stand at the end of its municipality's queue."""

    def first(self, municipality: MunicipalityCode, limit: int) -> Sequence[tuple[int, Update]]:
        """Open the updates that wait longest, with their places.

        Raises Refusal(RESIDENCE_DISCONNECTED).
        """

    def remove(self, place: int) -> None:
        """Let an update wait no longer."""


class QueueTx(Protocol):
    """What queues need of a transaction."""

    @property
    def answers(self) -> Answers: ...

    @property
    def audit(self) -> AuditLog: ...

    @property
    def queues(self) -> UpdateQueues: ...

    @property
    def registers(self) -> Registers: ...


@dataclass(frozen=True, slots=True)
class QuarantineUpdates:
    """Command: let a municipality's updates wait."""

    by: str
    request_id: UUID
    municipality: MunicipalityCode
    reason: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReleaseQuarantine:
    """Command: apply what has waited. That two persons want it was looked at before.

    `accepted` is the number of findings that they have read.
    """

    by: str
    request_id: UUID
    municipality: MunicipalityCode
    accepted: int


def quarantine(tx: QueueTx, command: QuarantineUpdates, now: datetime) -> UpdateQueue:
    """Let a municipality's updates wait until they are released; again, it renews the reason.

    Raises RuleBroken, and Refusal: RESIDENCE_DISCONNECTED, REQUEST_ID_REUSED, ANSWER_EXPIRED.
    """
    reason = command.reason.strip()
    if not 1 <= len(reason) <= MOST_REASON_CHARACTERS or not reason.isprintable():
        raise RuleBroken("TEXT_UNUSABLE", "reason")

    def act() -> None:
        if not tx.registers.is_hosted(command.municipality):
            raise RuleBroken("NOT_HOSTED", "municipality_code")
        queue = UpdateQueue(command.municipality, QueueState.QUARANTINED, reason, now, command.by)
        _begin_or_change(tx, queue)
        _log(tx, Event.QUARANTINED, command, now)

    return _once(tx, command, now, act)


def release(tx: QueueTx, command: ReleaseQuarantine, now: datetime) -> UpdateQueue:
    """Have what has waited applied in its order.

    Raises NotAllowed where the register was not checked since the quarantine began; and Refusal:
    NOT_QUARANTINED, REGISTER_INCONSISTENT where another number of findings was accepted,
    RESIDENCE_DISCONNECTED, REQUEST_ID_REUSED, ANSWER_EXPIRED.
    """

    def act() -> None:
        queue = quarantined(tx, command.municipality)
        if not tx.registers.is_connected(command.municipality):
            raise Refusal(Reason.RESIDENCE_DISCONNECTED)
        if queue.report is None:
            raise NotAllowed(queue.state, "RELEASED_UNCHECKED")
        if queue.report.total != command.accepted:
            raise Refusal(Reason.REGISTER_INCONSISTENT, findings=str(queue.report.total))
        tx.queues.change(replace(queue, state=QueueState.RELEASING))
        _log(tx, Event.QUARANTINE_RELEASED, command, now, ("findings", str(command.accepted)))

    return _once(tx, command, now, act)


def keep_report(
    tx: QueueTx, municipality: MunicipalityCode, report: Report, by: str
) -> UpdateQueue:
    """Keep what a check has found. Raises Refusal(NOT_QUARANTINED)."""
    queue = replace(quarantined(tx, municipality), report=report)
    tx.queues.change(queue)
    tx.audit.append(
        AuditEvent(
            Event.REGISTER_CHECKED,
            report.checked_at,
            by,
            residence=municipality,
            resource=str(municipality),
            details=(
                ("persons", str(report.persons)),
                *((str(kind), str(count)) for kind, count in report.findings),
            ),
        )
    )
    return queue


def quarantined(tx: QueueTx, municipality: MunicipalityCode) -> UpdateQueue:
    """Return a municipality's quarantine. Raises Refusal(NOT_QUARANTINED)."""
    queue = tx.queues.of(municipality)
    if queue is None or queue.state is not QueueState.QUARANTINED:
        raise Refusal(Reason.NOT_QUARANTINED)
    return queue


def wait_while_closed(tx: QueueTx, municipality: MunicipalityCode, now: datetime, by: str) -> None:
    """Let a municipality's updates wait from now on, because its register closes."""
    queue = tx.queues.of(municipality)
    if queue is None:
        closed = UpdateQueue(municipality, QueueState.DISCONNECTED, "", now, by)
        tx.queues.begin(closed)
    elif queue.state is QueueState.RELEASING:
        tx.queues.change(replace(queue, state=QueueState.DISCONNECTED))


def go_on(tx: QueueTx, municipality: MunicipalityCode) -> None:
    """Have applied what has waited, because the register is open again; a quarantine stays."""
    queue = tx.queues.of(municipality)
    if queue is not None and queue.state is QueueState.DISCONNECTED:
        tx.queues.change(replace(queue, state=QueueState.RELEASING))


def _begin_or_change(tx: QueueTx, queue: UpdateQueue) -> None:
    before = tx.queues.of(queue.municipality)
    if before is None:
        tx.queues.begin(queue)
        return
    # What was found before the quarantine says nothing of what has come since.
    report = before.report if before.state is QueueState.QUARANTINED else None
    tx.queues.change(replace(queue, at=before.at, report=report))


def _once(
    tx: QueueTx,
    command: QuarantineUpdates | ReleaseQuarantine,
    now: datetime,
    act: Callable[[], None],
) -> UpdateQueue:
    """Do it unless it was done; return the queue as it stands, which may have ended meanwhile."""
    request = Request(command.by, command.request_id, canonical(command))
    if first_answer(tx.answers, request, now) is None:
        act()
        resource = str(command.municipality)
        tx.answers.put(request, b"done", resource=resource, sealed_for=None, now=now)
    ended = UpdateQueue(command.municipality, QueueState.RELEASING, "", now, command.by)
    return tx.queues.of(command.municipality) or ended


def _log(
    tx: QueueTx,
    event: Event,
    command: QuarantineUpdates | ReleaseQuarantine,
    now: datetime,
    *facts: tuple[str, str],
) -> None:
    tx.audit.append(
        AuditEvent(
            event,
            now,
            command.by,
            residence=command.municipality,
            resource=str(command.municipality),
            details=facts,
            request_id=command.request_id,
        )
    )
