"""An agency's channel to the center, and the one service that it calls.

Every answer to a question is held to the audit log before anybody sees it.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final, TypeVar

from google.protobuf.message import Message
from grpc_health.v1 import health_pb2

# Before the stubs, which load gRPC: the channel settles its environment.
from juki_client import anchors, channel, rotation
from juki_client.following_line import FollowingLine
from juki_client.identity_slot import IdentitySlot
from juki_client.log_book import LogBook
from juki_client.log_proofs import CenterProver, trusted_log
from juki_client.log_shelf import FileShelf
from juki_client.outcome import Problem
from juki_client.receipts import Receipts, event_of
from juki_pki.identity import identity_from_certificate
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from jukinet.agencies.v1 import identity_confirmation_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from juki_agency.config import AgencyConfig
    from juki_client.identity import ClientIdentity

Answer = TypeVar("Answer", bound=Message)

_HEALTH_CHECK: Final = "/grpc.health.v1.Health/Check"
_SERVICE: Final = pb.DESCRIPTOR.services_by_name["IdentityConfirmationService"].full_name


class Center:
    """The center, over one channel; use it as a context manager, or close it."""

    def __init__(
        self,
        address: str,
        identity: ClientIdentity,
        center_leaves_pem: bytes,
        book: LogBook,
        slot: IdentitySlot | None = None,
    ) -> None:
        """With a slot, a certificate that is renewed meanwhile is taken up."""
        self._line = FollowingLine(address, identity, center_leaves_pem, slot)
        self._channel = self._line.channel
        self.confirmations = pb_grpc.IdentityConfirmationServiceStub(self._channel)
        uri = identity_from_certificate(identity.leaf).uri
        self.receipts = Receipts(book, uri, CenterProver(self._channel))

    @classmethod
    def of(cls, config: AgencyConfig) -> Self:
        """Return the configured center; raise Problem CONFIGURATION_INVALID."""
        leaves = anchors.read_public(config.trust_dir, anchors.LEAVES)
        dial = rotation.dialled(config.center_address, leaves)
        book = LogBook(trusted_log(config.trust_dir), FileShelf(config.log_book))
        slot = IdentitySlot(config.certificate, config.key)
        identity = rotation.settle(slot, dial, book)
        return cls(config.center_address, identity, leaves, book, slot)

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
        self._line.close()

    def take_up(self) -> bool:
        """Call with a certificate that was renewed meanwhile; say whether there was one."""
        return self._line.take_up()

    def require_serving(self) -> None:
        """Ask whether the service is there; raise Problem where it is not.

        The round trip shows that the pinned handshake completes. It is no question about a person,
        so it leaves no trace in the log of provisions.
        """
        check = self._channel.unary_unary(
            _HEALTH_CHECK,
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        answer = channel.call(check, health_pb2.HealthCheckRequest(service=_SERVICE))
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise Problem("SHUTTING_DOWN")

    def confirm_by_code(self, request: pb.ConfirmByCodeRequest) -> pb.Confirmation:
        """Ask by code; raise Problem, also where the log does not show the question."""
        return self._asked(self.confirmations.ConfirmByCode, request).confirmation

    def confirm_by_attributes(self, request: pb.ConfirmByAttributesRequest) -> pb.Confirmation:
        """Ask by attributes; raise Problem, also where the log does not show the question."""
        return self._asked(self.confirmations.ConfirmByAttributes, request).confirmation

    def _asked(
        self,
        method: Callable[..., Answer],
        request: pb.ConfirmByCodeRequest | pb.ConfirmByAttributesRequest,
    ) -> Answer:
        """Ask under an id of its own; return the answer with the question's receipt only."""
        self.take_up()
        request.question_id = str(uuid.uuid4())
        self.receipts.prove_in_time()
        asking = self.receipts.act(
            event_of(request), request_id=uuid.UUID(request.question_id).bytes
        )
        answer = channel.call(method, asking.stamped(request))
        asking.require(answer)
        return answer
