"""CenterService, what operators close and open: disconnections, and updates that wait.

That opening takes two persons is the gate's business; here an act is only translated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from google.protobuf import timestamp_pb2

from juki_center.areas.fleet.disconnections import (
    MOST_REASON_CHARACTERS,
    Disconnect,
    Level,
    Reconnect,
    Scope,
    Subject,
    disconnect,
    reconnect,
)
from juki_center.rpc import fields
from juki_center.rpc.durable import durably
from juki_center.rpc.peers import current_caller
from jukinet.operations.v1 import center_service_pb2 as pb
from jukinet.operations.v1 import disconnection_pb2 as messages

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import TypeVar

    import grpc

    from juki_center.areas.fleet.disconnections import Disconnection
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

    async def GetStatus(  # noqa: N802  # the proto's name
        self,
        _request: pb.GetStatusRequest,
        _context: Context[pb.GetStatusRequest, pb.GetStatusResponse],
    ) -> pb.GetStatusResponse:
        """Say what is cut off."""
        found = self._disconnections.store.read(lambda tx: tx.disconnections.every())
        return pb.GetStatusResponse(disconnections=map(disconnection_message, found))


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
    at = timestamp_pb2.Timestamp()
    at.FromDatetime(one.at)
    return messages.Disconnection(
        subject=subject_message(one.subject),
        level=_LEVEL_NUMBERS[one.level],
        reason=one.reason,
        disconnected_at=at,
        disconnected_by=one.by,
    )
