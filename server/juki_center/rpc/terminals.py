"""TerminalService, put together: each part of it is a class of its own, in a module of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from juki_center.rpc.terminal_sign_in import SignIns
from jukinet.fleet.v1 import terminal_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from juki_center.rpc.terminal_sign_in import SignInParts


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service stands on, part by part."""

    sign_in: SignInParts


class Terminals(SignIns, pb_grpc.TerminalServiceServicer):
    """The servicer: nothing but its parts."""

    def __init__(self, parts: Parts) -> None:
        self._sign_in = parts.sign_in
