"""TerminalService, put together: each part of it is a class of its own, in a module of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from juki_center.rpc.terminal_sign_in import SignIns
from juki_center.rpc.terminal_watch import Watching
from jukinet.fleet.v1 import terminal_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from juki_center.rpc.terminal_sign_in import SignInParts
    from juki_center.rpc.terminal_watch import WatchParts


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service stands on, part by part."""

    sign_in: SignInParts
    watch: WatchParts


class Terminals(SignIns, Watching, pb_grpc.TerminalServiceServicer):  # type: ignore[misc]  # Watch writes
    """The servicer: nothing but its parts."""

    def __init__(self, parts: Parts) -> None:
        self._sign_in = parts.sign_in
        self._watch = parts.watch
