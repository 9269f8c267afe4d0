"""CenterService, what operators close and open: disconnections, and updates that wait.

That opening takes two persons is the gate's business; here an act is only translated.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Final

from google.protobuf import timestamp_pb2

from juki_center.areas.fleet.consistency import Progress, check_further
from juki_center.areas.fleet.disconnections import (
    MOST_REASON_CHARACTERS,
    Disconnect,
    Disconnection,
    Level,
    Reconnect,
    Scope,
    Subject,
    disconnect,
    reconnect,
)
from juki_center.areas.fleet.queues import (
    QuarantineUpdates,
    ReleaseQuarantine,
    keep_report,
    quarantine,
    quarantined,
    release,
)
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.errors import NotAllowed, Reason, Refusal, RuleBroken
from juki_center.rpc import fields
from juki_center.rpc.durable import durably
from juki_center.rpc.peers import current_caller
from jukinet.operations.v1 import center_service_pb2 as pb
from jukinet.operations.v1 import disconnection_pb2 as messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from typing import TypeVar

    import grpc

    from juki_center.areas.fleet.queues import Report, UpdateQueue
    from juki_center.areas.ports import Store

    Request = TypeVar("Request")
    Answer = TypeVar("Answer")
    Context = grpc.aio.ServicerContext[Request, Answer]

_LEVELS: Final = {
    messages.THREAT_LEVEL_NONE: Level.NONE,
    messages.THREAT_LEVEL_LOW: Level.LOW,
    messages.THREAT_LEVEL_HIGH: Level.HIGH,
}
_LEVEL_NUMBERS: Final = {level: number for number, level in _LEVELS.items()}


@dataclass(frozen=True, slots=True)
class DisconnectParts:
    """What closing and opening stand on."""

    store: Store
    clock: Callable[[], datetime]


class Disconnecting:
    """The part of the servicer that closes and opens."""

    _disconnections: DisconnectParts

    async def Disconnect(  # noqa: N802  # the proto's name
        self,
        request: pb.DisconnectRequest,
        _context: Context[pb.DisconnectRequest, pb.DisconnectResponse],
    ) -> pb.DisconnectResponse:
        """Cut something off."""
        command, parts = disconnect_command(request, _caller()), self._disconnections
        now = parts.clock()
        made = await durably(parts.store.act(lambda tx: disconnect(tx, command, now)))
        return pb.DisconnectResponse(disconnection=disconnection_message(made))

    async def Reconnect(  # noqa: N802  # the proto's name
        self,
        request: pb.ReconnectRequest,
        _context: Context[pb.ReconnectRequest, pb.ReconnectResponse],
    ) -> pb.ReconnectResponse:
        """Connect something again."""
        command, parts = reconnect_command(request, _caller()), self._disconnections
        now = parts.clock()
        ended = await durably(parts.store.act(lambda tx: reconnect(tx, command, now)))
        return pb.ReconnectResponse(ended=disconnection_message(ended))

    async def QuarantineUpdates(  # noqa: N802  # the proto's name
        self,
        request: pb.QuarantineUpdatesRequest,
        _context: Context[pb.QuarantineUpdatesRequest, pb.QuarantineUpdatesResponse],
    ) -> pb.QuarantineUpdatesResponse:
        """Let a municipality's updates wait."""
        parts, by = self._disconnections, _caller()
        command = quarantine_command(request, by)
        now = parts.clock()
        with of_request():
            queue = await durably(parts.store.act(lambda tx: quarantine(tx, command, now)))
        return pb.QuarantineUpdatesResponse(quarantine=queue_message(queue))

    async def CheckQuarantine(  # noqa: N802  # the proto's name
        self,
        request: pb.CheckQuarantineRequest,
        _context: Context[pb.CheckQuarantineRequest, pb.CheckQuarantineResponse],
    ) -> pb.CheckQuarantineResponse:
        """Check a register whose updates wait."""
        parts, by = self._disconnections, _caller()
        municipality = _municipality(request.municipality_code)
        await parts.store.ask(lambda tx: quarantined(tx, municipality))
        report = await _checked(parts, municipality)
        queue = await durably(parts.store.act(lambda tx: keep_report(tx, municipality, report, by)))
        return pb.CheckQuarantineResponse(quarantine=queue_message(queue))

    async def ReleaseQuarantine(  # noqa: N802  # the proto's name
        self,
        request: pb.ReleaseQuarantineRequest,
        _context: Context[pb.ReleaseQuarantineRequest, pb.ReleaseQuarantineResponse],
    ) -> pb.ReleaseQuarantineResponse:
        """Have what has waited applied."""
        parts, command = self._disconnections, release_command(request, _caller())
        now = parts.clock()
        with of_request():
            queue = await durably(parts.store.act(lambda tx: release(tx, command, now)))
        return pb.ReleaseQuarantineResponse(quarantine=queue_message(queue))

    async def GetStatus(  # noqa: N802  # the proto's name
        self,
        _request: pb.GetStatusRequest,
        _context: Context[pb.GetStatusRequest, pb.GetStatusResponse],
    ) -> pb.GetStatusResponse:
        """Say what is cut off, and whose updates wait."""
        cut_off, queues = await self._disconnections.store.ask(
            lambda tx: (tx.disconnections.every(), tx.queues.every())
        )
        return pb.GetStatusResponse(
            disconnections=map(disconnection_message, cut_off),
            quarantines=map(queue_message, queues),
        )


async def _checked(parts: DisconnectParts, municipality: MunicipalityCode) -> Report:
    """Check a register, and let others have their turn between its households."""
    progress = Progress(municipality)
    while not progress.is_over:
        reached = progress
        progress = await parts.store.ask(lambda tx, so_far=reached: check_further(tx, so_far))  # type: ignore[misc]  # the loop's own
        await asyncio.sleep(0)
    return progress.report(parts.clock())


def _caller() -> str:
    return current_caller().identity.uri


def disconnect_command(request: pb.DisconnectRequest, by: str) -> Disconnect:
    """Return what is asked; raise FIELD_INVALID."""
    level = _LEVELS.get(request.level)
    if level is None:
        raise fields.invalid("level", "UNKNOWN_VALUE" if request.level else "REQUIRED")
    return Disconnect(
        by,
        fields.uuid4("request_id", request.request_id),
        subject(request, request.subject),
        level,
        fields.text("reason", request.reason, longest=MOST_REASON_CHARACTERS),
    )


def reconnect_command(request: pb.ReconnectRequest, by: str) -> Reconnect:
    """Return what is asked; raise FIELD_INVALID."""
    request_id = fields.uuid4("request_id", request.request_id)
    return Reconnect(by, request_id, subject(request, request.subject))


def quarantine_command(request: pb.QuarantineUpdatesRequest, by: str) -> QuarantineUpdates:
    """Return what is asked; raise FIELD_INVALID."""
    return QuarantineUpdates(
        by,
        fields.uuid4("request_id", request.request_id),
        _municipality(request.municipality_code),
        fields.text("reason", request.reason, longest=MOST_REASON_CHARACTERS),
    )


def release_command(request: pb.ReleaseQuarantineRequest, by: str) -> ReleaseQuarantine:
    """Return what is asked; raise FIELD_INVALID."""
    return ReleaseQuarantine(
        by,
        fields.uuid4("request_id", request.request_id),
        _municipality(request.municipality_code),
        request.accepted_findings,
    )


def _municipality(code: str) -> MunicipalityCode:
    with fields.field("municipality_code"):
        return MunicipalityCode(code)


@contextmanager
def of_request() -> Iterator[None]:
    """Turn what an act says of its command into what its caller reads."""
    try:
        yield
    except RuleBroken as broken:
        raise fields.invalid(broken.field, broken.rule) from broken
    except NotAllowed as no:
        raise Refusal(Reason.NOT_IN_THIS_STATE, state=no.state, event=no.event) from no


def subject(
    request: pb.DisconnectRequest | pb.ReconnectRequest, message: messages.Subject
) -> Subject:
    """Return what a request is about; raise FIELD_INVALID."""
    fields.present(request, "subject", "subject")
    enum = messages.DESCRIPTOR.enum_types_by_name["Scope"]
    scope = fields.choice("subject.scope", message.scope, enum, Scope)
    with fields.field("subject.name"):
        return Subject(scope, message.name)


def subject_message(one: Subject) -> messages.Subject:
    """Return a subject as its message."""
    return messages.Subject(scope=messages.Scope.Value(f"SCOPE_{one.scope}"), name=one.name)


def disconnection_message(one: Disconnection) -> messages.Disconnection:
    """Return a disconnection as its message."""
    return messages.Disconnection(
        subject=subject_message(one.subject),
        level=_LEVEL_NUMBERS[one.level],
        reason=one.reason,
        disconnected_at=_stamp(one.at),
        disconnected_by=one.by,
    )


def disconnection_of(message: messages.Disconnection) -> Disconnection:
    """Return what a center answered as the record that it stands for. Raises RuleBroken."""
    scope = messages.Scope.Name(message.subject.scope).removeprefix("SCOPE_")
    return Disconnection(
        Subject(Scope(scope), message.subject.name),
        _LEVELS[message.level],
        message.reason,
        message.disconnected_at.ToDatetime(UTC),
        message.disconnected_by,
    )


def queue_message(queue: UpdateQueue) -> messages.Quarantine:
    """Return a queue of updates as its message."""
    report = queue.report
    return messages.Quarantine(
        municipality_code=str(queue.municipality),
        state=messages.Quarantine.State.Value(f"STATE_{queue.state}"),
        reason=queue.reason,
        quarantined_at=_stamp(queue.at),
        quarantined_by=queue.by,
        held_updates=queue.held,
        checked_at=_stamp(report.checked_at) if report else None,
        persons_checked=report.persons if report else 0,
        findings=[
            messages.Finding(kind=messages.Finding.Kind.Value(f"KIND_{kind}"), count=count)
            for kind, count in (report.findings if report else ())
        ],
    )


def _stamp(at: datetime) -> timestamp_pb2.Timestamp:
    stamp = timestamp_pb2.Timestamp()
    stamp.FromDatetime(at)
    return stamp
