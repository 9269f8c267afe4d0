"""A terminal's channel to the center: its services, traced where a trace was asked for."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.message import Message

# Before the stubs, which load gRPC: the channel settles its environment.
from juki_client import channel
from juki_client.channel import CALL_SECONDS
from juki_client.outcome import Problem
from jukinet.card.v1 import card_session_service_pb2_grpc
from jukinet.cards.v1 import card_application_service_pb2_grpc, card_service_pb2_grpc
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc
from jukinet.moves.v1 import move_service_pb2_grpc
from jukinet.residents.v1 import resident_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from juki_client.identity import ClientIdentity
    from juki_terminal.trace import Trace
    from juki_terminal.trust import Trust

Answer = TypeVar("Answer", bound=Message)


@dataclass(frozen=True, slots=True)
class Pins:
    """What ties the channel and the card session to each other."""

    certificate_hash: bytes
    center_leaf_hashes: frozenset[bytes]


class Center:
    """The center, over one channel; use it as a context manager, or close it."""

    def __init__(
        self,
        address: str,
        identity: ClientIdentity,
        trust: Trust,
        trace: Trace | None = None,
    ) -> None:
        self.address = address
        self.identity = identity
        self.trust = trust
        self.trace = trace
        self.pins = Pins(identity.certificate_hash, trust.leaf_hashes())
        self._channel = channel.pinned(address, identity, trust.center_leaves_pem)
        self.sessions = card_session_service_pb2_grpc.CardSessionServiceStub(self._channel)
        self.copies = certificate_copy_service_pb2_grpc.CertificateCopyServiceStub(self._channel)
        self.applications = card_application_service_pb2_grpc.CardApplicationServiceStub(
            self._channel
        )
        self.moves = move_service_pb2_grpc.MoveServiceStub(self._channel)
        self.cards = card_service_pb2_grpc.CardServiceStub(self._channel)
        self.residents = resident_service_pb2_grpc.ResidentServiceStub(self._channel)

    def __enter__(self) -> Self:
        """Return itself; the channel connects on its first use."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the channel."""
        self.close()

    def close(self) -> None:
        """Close the channel; calls under way end as cancelled."""
        self._channel.close()

    def call(
        self, method: Callable[..., Answer], request: Message, *, seconds: float = CALL_SECONDS
    ) -> Answer:
        """Make one unary call with a deadline; raise Problem for every error of gRPC."""
        if self.trace is None:
            return channel.call(method, request, seconds=seconds)
        self.trace.message(">", request)
        try:
            answer = channel.call(method, request, seconds=seconds)
        except Problem as problem:
            self.trace.event(repr(problem))
            raise
        self.trace.message("<", answer)
        return answer

    def require_reachable(self) -> None:
        """Ask for an issue that cannot exist; raise Problem where the answer is not just that.

        The round trip shows that the pinned handshake completes and that this terminal may call.
        """
        request = copies_pb.GetIssueRequest(request_id=str(uuid.uuid4()))
        try:
            self.call(self.copies.GetIssue, request)
        except Problem as problem:
            if problem.reason != "ISSUE_NOT_FOUND":
                raise
