"""A desk's channel to the center, and the one method that it calls.

A report is sent whatever is known of the audit log, and counts without a receipt too: the center
suspends cards while its log is down. What a receipt says that does come, is checked.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from google.protobuf.message import Message

# Before the stubs, which load gRPC: the channel settles its environment.
from juki_client import anchors, channel, rotation
from juki_client.following_line import FollowingLine
from juki_client.identity_slot import IdentitySlot
from juki_client.log_book import LogBook
from juki_client.log_proofs import CenterProver, trusted_log
from juki_client.log_shelf import FileShelf
from juki_client.outcome import Problem
from juki_client.receipts import Receipts
from juki_pki.identity import identity_from_certificate
from jukinet.cards.v1 import card_service_pb2 as pb
from jukinet.cards.v1 import card_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from juki_client.identity import ClientIdentity
    from juki_desk.config import DeskConfig

Answer = TypeVar("Answer", bound=Message)

_REFUSALS_OF_NOTHING: Final = frozenset(("FIELD_INVALID", "CLERK_NAME_REQUIRED"))


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
        self.cards = pb_grpc.CardServiceStub(self._channel)
        uri = identity_from_certificate(identity.leaf).uri
        self._receipts = Receipts(book, uri, CenterProver(self._channel))
        self.receipt_problem: Problem | None = None
        """Why the last act has no receipt that counts; None where it has one."""

    @classmethod
    def of(cls, config: DeskConfig) -> Self:
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

    @property
    def seen_tree_size(self) -> int:
        """The size of the newest tree of the audit log that is known; 0 for none."""
        with suppress(Problem):
            return self._receipts.seen
        return 0

    def call(
        self, method: Callable[..., Answer], request: Message, *, seen: int | None = None
    ) -> Answer:
        """Make one unary call with a deadline; raise Problem for every error of gRPC.

        What is wrong with the answer's receipt stands in `receipt_problem`.
        """
        self.receipt_problem = None
        self._line.take_up()
        try:
            asking = self._receipts.asking_anyway(request, seen)
        except Problem as problem:
            self.receipt_problem = problem
            return channel.call(method, request)
        answer = channel.call(method, asking.stamped(request))
        try:
            asking.require(answer)
            # The card is stopped: now there is time to hold the log to what it said before.
            self._receipts.prove_in_time()
        except Problem as problem:
            # A center that does not answer when it is asked for a proof says nothing of its log.
            if problem.reason not in {"CENTER_UNREACHABLE", "LOG_NOT_SIGNED"}:
                self.receipt_problem = problem
        answer.ClearField("receipt")
        return answer

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
