"""Calls of an operator to a serving center, by the operator's own certificate.

Most of an operator's commands work on the store beside the center. Those that need two persons go
over the wire like everybody else's calls, so that the center itself sees who asks.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from google.protobuf.message import Message

from juki_center.cli.whereabouts import address_of
from juki_center.errors import Reason, Refusal
from juki_client import channel as pinned_channel
from juki_client.anchors import LEAVES, read_public
from juki_client.identity import ClientIdentity
from juki_client.outcome import Problem
from juki_pki.folder import PKIFolder
from juki_pki.identity import PeerIdentity, Role
from jukinet.approvals.v1 import approval_service_pb2 as pb
from jukinet.approvals.v1 import approval_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import grpc

    from juki_center.config import CenterConfig

Answer = TypeVar("Answer", bound=Message)

_CHAIN: Final = "chain.pem"
_KEY: Final = "key.pem"


@dataclass(frozen=True, slots=True)
class OperatorLine:
    """A channel on which one operator calls."""

    operator: str
    channel: grpc.Channel

    def call(self, method: Callable[..., Answer], request: Message) -> Answer:
        """Make one call; raise Refusal with the center's reason, or CENTER_UNREACHABLE."""
        try:
            return pinned_channel.call(method, request)
        except Problem as problem:
            raise refusal_of(problem) from problem

    def propose(self, method: str, request: Message) -> pb.ProposeResponse:
        """Propose a request of a method that needs two persons."""
        wanted = pb.ProposeRequest(
            request_id=str(uuid.uuid4()), method=method, act=request.SerializeToString()
        )
        return self.call(self.approvals.Propose, wanted)

    @property
    def approvals(self) -> pb_grpc.ApprovalServiceStub:
        """The service of approvals."""
        return pb_grpc.ApprovalServiceStub(self.channel)


def refusal_of(problem: Problem) -> Refusal:
    """Return a problem of the line as the refusal that every command reports."""
    try:
        reason = Reason(problem.reason)
    except ValueError:
        reason = Reason.INTERNAL
    return Refusal(reason, **dict(problem.metadata))


@contextmanager
def operator_line(config: CenterConfig, operator: str, center: str = "") -> Iterator[OperatorLine]:
    """Open a channel as an operator, such as `operator-1`, whose keys lie in the PKI folder.

    `center` is HOST:PORT; empty for where the center that runs beside says that it listens, or for
    the address of the configuration. Raises Refusal:
    CONFIGURATION_INVALID where there are no such keys, and IdentityError for no name of one.
    """
    pki = PKIFolder(config.pki_dir)
    folder = pki.peer_path(PeerIdentity(Role.OPERATOR, operator))
    try:
        identity = ClientIdentity.load(folder / _CHAIN, folder / _KEY)
        leaves = read_public(pki.trust_path, LEAVES)
    except Problem as problem:
        raise refusal_of(problem) from problem
    with pinned_channel.pinned(center or address_of(config), identity, leaves) as line:
        yield OperatorLine(operator, line)
