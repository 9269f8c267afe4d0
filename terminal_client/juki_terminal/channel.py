"""A terminal's channel to the center: its services, traced where a trace was asked for.

Every answer to an act is held to the audit log before anybody sees it (`juki_client.receipts`).
"""

from __future__ import annotations

import copy
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar, cast

from google.protobuf.message import Message

# Before the stubs, which load gRPC: the channel settles its environment.
from juki_client import channel, trust_store
from juki_client.channel import CALL_SECONDS
from juki_client.log_book import LogBook
from juki_client.log_proofs import CenterProver
from juki_client.log_shelf import MemoryShelf
from juki_client.outcome import Problem
from juki_client.receipts import Receipts
from juki_client.rotating_channel import RotatingChannel
from juki_pki.identity import identity_from_certificate
from jukinet.approvals.v1 import approval_service_pb2_grpc
from jukinet.card.v1 import card_session_service_pb2_grpc
from jukinet.cards.v1 import card_application_service_pb2_grpc, card_service_pb2_grpc
from jukinet.copies.v1 import certificate_copy_service_pb2 as copies_pb
from jukinet.copies.v1 import certificate_copy_service_pb2_grpc
from jukinet.disclosure.v1 import disclosure_service_pb2_grpc
from jukinet.fleet.v1 import terminal_service_pb2_grpc
from jukinet.moves.v1 import move_service_pb2_grpc
from jukinet.residents.v1 import resident_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    import grpc

    from juki_client.identity import ClientIdentity
    from juki_client.log_shelf import Shelf
    from juki_terminal.trace import Trace
    from juki_terminal.trust import Trust

Answer = TypeVar("Answer", bound=Message)


@dataclass(frozen=True, slots=True)
class Pins:
    """What ties the channel and the card session to each other."""

    certificate_hash: bytes
    center_leaf_hashes: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class _Line:
    """What a connection was opened with."""

    identity: ClientIdentity
    trust: Trust
    pins: Pins


class Center:
    """The center, over one channel; use it as a context manager, or close it.

    `identity`, `trust` and `pins` are those of the connection on which calls begin now.
    """

    def __init__(
        self,
        address: str,
        identity: ClientIdentity,
        trust: Trust,
        trace: Trace | None = None,
        log_shelf: Shelf | None = None,
    ) -> None:
        """`log_shelf` keeps what is known of the audit log; without it, this channel alone does."""
        self.address = address
        self.trace = trace
        self._channel = RotatingChannel(*_line(address, identity, trust))
        line = cast("grpc.Channel", self._channel)
        self.sessions = card_session_service_pb2_grpc.CardSessionServiceStub(line)
        self.copies = certificate_copy_service_pb2_grpc.CertificateCopyServiceStub(line)
        self.applications = card_application_service_pb2_grpc.CardApplicationServiceStub(line)
        self.approvals = approval_service_pb2_grpc.ApprovalServiceStub(line)
        self.disclosures = disclosure_service_pb2_grpc.DisclosureServiceStub(line)
        self.moves = move_service_pb2_grpc.MoveServiceStub(line)
        self.cards = card_service_pb2_grpc.CardServiceStub(line)
        self.residents = resident_service_pb2_grpc.ResidentServiceStub(line)
        self.terminals = terminal_service_pb2_grpc.TerminalServiceStub(line)
        book = LogBook(trust.log, MemoryShelf() if log_shelf is None else log_shelf)
        uri = identity_from_certificate(identity.leaf).uri
        self.prover = CenterProver(line)
        self.receipts = Receipts(book, uri, self.prover)

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

    @property
    def identity(self) -> ClientIdentity:
        """The terminal's certificate and key."""
        return self._channel.facts.identity

    @property
    def trust(self) -> Trust:
        """The trust folder that the connection is pinned by."""
        return self._channel.facts.trust

    @property
    def pins(self) -> Pins:
        """What ties the channel and a card session to each other."""
        return self._channel.facts.pins

    def use(self, identity: ClientIdentity, trust: Trust) -> None:
        """Call with another certificate, or trust otherwise, from now on.

        Calls and streams under way end on the connection that they began on. Raises Problem
        CENTER_UNREACHABLE where the new connection does not stand in time: the old one stays.
        Where certificate and pins are those of before, so is the connection.
        """
        now = self._channel.facts
        is_same = identity.certificate_hash == now.identity.certificate_hash
        if is_same and trust.center_leaves_pem == now.trust.center_leaves_pem:
            self._channel.restate(replace(now, trust=trust))
        else:
            self._channel.exchange(*_line(self.address, identity, trust))
        self.receipts.book.log = trust.log

    def refresh_trust(self, folder: Path) -> bool:
        """Take over what is to be trusted now into a trust folder; say whether it was anything new.

        What is called with does not change by it; `use` does that. Raises Problem
        CENTER_NOT_TRUSTED, CENTER_UNREACHABLE, DESCRIPTIONS_UNAVAILABLE.
        """
        return trust_store.refresh(cast("grpc.Channel", self._channel), folder)

    @contextmanager
    def for_session(self) -> Iterator[Center]:
        """Give the center over the connection of now, whatever is exchanged meanwhile.

        A card session is bound to the certificate of the connection that it began on.
        """
        with self._channel.held() as held:
            fixed = copy.copy(self)
            fixed._channel = held  # of the same class
            line = cast("grpc.Channel", held)
            fixed.sessions = card_session_service_pb2_grpc.CardSessionServiceStub(line)
            yield fixed

    def close(self) -> None:
        """Close the channel; calls under way end as cancelled."""
        self._channel.close()

    @property
    def seen_tree_size(self) -> int:
        """The size of the newest tree of the audit log that is known; 0 for none."""
        return self.receipts.seen

    def call(
        self,
        method: Callable[..., Answer],
        request: Message,
        *,
        seconds: float = CALL_SECONDS,
        seen: int | None = None,
    ) -> Answer:
        """Make one unary call with a deadline; return the answer of an act with its receipt only.

        `seen` is the size of the tree that was known when the request was sent first, where it was
        before. Raises Problem: for every error of gRPC, RECEIPT_MISSING where an act is answered
        without a receipt, and RECEIPT_INVALID, LOG_SHRANK, LOG_FORKED and LOG_NOT_TRUSTED, after
        which no act is asked for until a person has looked into it.
        """
        asking = self.receipts.asking(request, seen)
        if asking is None:
            return self._traced(method, request, seconds)
        answer = self._traced(method, asking.stamped(request), seconds)
        asking.require(answer)
        # It has done its work here, and would stand in what commands print.
        answer.ClearField("receipt")
        return answer

    def _traced(self, method: Callable[..., Answer], request: Message, seconds: float) -> Answer:
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


def _line(address: str, identity: ClientIdentity, trust: Trust) -> tuple[grpc.Channel, _Line]:
    pins = Pins(identity.certificate_hash, trust.leaf_hashes())
    opened = channel.pinned(address, identity, trust.center_leaves_pem)
    return opened, _Line(identity, trust, pins)
