"""CenterService, put together: each part of it is a class of its own, in a module of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from juki_center.rpc.operations_disconnect import Disconnecting
from juki_center.rpc.operations_log import LogProofs
from juki_center.rpc.operations_revoke import Revoking
from jukinet.operations.v1 import center_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from juki_center.rpc.operations_disconnect import DisconnectParts
    from juki_center.rpc.operations_log import LogParts
    from juki_center.rpc.operations_revoke import RevokeParts


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service stands on, part by part."""

    log: LogParts
    revoke: RevokeParts
    disconnections: DisconnectParts


class CenterOperations(LogProofs, Revoking, Disconnecting, pb_grpc.CenterServiceServicer):
    """The servicer: nothing but its parts."""

    def __init__(self, parts: Parts) -> None:
        self._log = parts.log
        self._revoke = parts.revoke
        self._disconnections = parts.disconnections
