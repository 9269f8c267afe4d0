"""A desk's channel to the center, and the one method that it calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from google.protobuf.message import Message

# Before the stubs, which load gRPC: the channel settles its environment.
from juki_client import anchors, channel
from juki_client.identity import ClientIdentity
from juki_client.outcome import Problem
from jukinet.cards.v1 import card_service_pb2 as pb
from jukinet.cards.v1 import card_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from juki_desk.config import DeskConfig

Answer = TypeVar("Answer", bound=Message)

_REFUSALS_OF_NOTHING: Final = frozenset(("FIELD_INVALID", "CLERK_NAME_REQUIRED"))


class Center:
    """The center, over one channel; use it as a context manager, or close it."""

    def __init__(self, address: str, identity: ClientIdentity, center_leaves_pem: bytes) -> None:
        self._channel = channel.pinned(address, identity, center_leaves_pem)
        self.cards = pb_grpc.CardServiceStub(self._channel)

    @classmethod
    def of(cls, config: DeskConfig) -> Self:
        """Return the configured center; raise Problem CONFIGURATION_INVALID."""
        identity = ClientIdentity.load(config.certificate, config.key)
        leaves = anchors.read_public(config.trust_dir, anchors.LEAVES)
        return cls(config.center_address, identity, leaves)

    def __enter__(self) -> Self:
        """Return itself; the channel connects on its first use."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the channel; calls under way end as cancelled."""
        self._channel.close()

    def call(self, method: Callable[..., Answer], request: Message) -> Answer:
        """Make one unary call with a deadline; raise Problem for every error of gRPC."""
        return channel.call(method, request)

    def require_admitted(self) -> None:
        """Send a report without any content; raise Problem where the answer is not just that.

        The round trip shows that the pinned handshake completes and that this desk may report. It
        means no card, so nothing is suspended and nothing is recorded.
        """
        try:
            self.call(self.cards.SuspendCard, pb.SuspendCardRequest())
        except Problem as problem:
            if problem.reason not in _REFUSALS_OF_NOTHING:
                raise
