"""A client's own acts held to the audit log: what is sent with each, what its answer must show.

Which acts are logged, and under which event, the option of the method says. A request names the
size of the tree that is known; its answer's receipt must be of the own act, behind that size, in a
tree that goes on from every one that was seen. Proofs are asked for before an act where they are
due, and at the beginning of a card session.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.message import Message

from juki_audit.receipts import LoggedLeaf, OwnAct, Receipt
from juki_client.outcome import Problem
from jukinet.options.v1 import options_pb2

if TYPE_CHECKING:
    from juki_audit.receipts import OpenedLeaf
    from juki_client.log_book import LogBook, Prover
    from juki_client.log_memory import LogMemory
    from jukinet.audit.v1 import receipt_pb2 as pb

Request = TypeVar("Request", bound=Message)


@dataclass(frozen=True, slots=True)
class Receipts:
    """Whose acts are held to which log, and how it is proved."""

    book: LogBook
    caller_uri: str
    prover: Prover

    @property
    def seen(self) -> int:
        """The size of the newest tree that is known; 0 for none."""
        return self.book.look().size

    def prove(self) -> None:
        """Let the center prove its log; raises Problem as `LogBook.prove` does."""
        self.book.prove(self.prover)

    def asking(self, request: Message, seen: int | None = None) -> Asking | None:
        """Return how an act is asked for; None for a request that the log does not show.

        `seen` is the size that went with the request when it was sent first, where it was.
        Raises Problem where the log is not trusted any more, or does not prove itself in time.
        """
        event = event_of(request)
        if not event:
            return None
        self.prove_in_time()
        return self.act(event, request_id=request_id_of(request), seen=seen)

    def asking_anyway(self, request: Message, seen: int | None = None) -> Asking:
        """Return how an act is asked for that must not wait until the log is trusted again."""
        known = self.book.look()
        size = known.size if seen is None else seen
        return Asking(self, event_of(request), known, size, request_id_of(request))

    def prove_in_time(self) -> None:
        """Let the center prove its log where that is due; raises Problem as `prove` does, and where
        the log is not trusted any more."""
        if self.book.is_due():
            self.prove()

    def act(self, event: str, *, request_id: bytes = b"", seen: int | None = None) -> Asking:
        """Return how an act is asked for whose event is known; raises Problem as `asking` does."""
        known = self.book.require_trusted()
        return Asking(self, event, known, known.size if seen is None else seen, request_id)


@dataclass(frozen=True, slots=True)
class Asking:
    """One act that is asked for: what was known of the log then, and how its leaf is told."""

    receipts: Receipts
    event: str
    known: LogMemory
    seen: int
    request_id: bytes

    def stamped(self, request: Request) -> Request:
        """Return the request with the size that is known."""
        stamped = type(request)()
        stamped.CopyFrom(request)
        stamped.seen_tree_size = self.seen  # type: ignore[attr-defined]  # every such request has it
        return stamped

    def require(
        self, answer: Message, *, resource: str = "", details: tuple[tuple[str, str], ...] = ()
    ) -> OpenedLeaf:
        """Return the act's leaf by the receipt in its answer.

        Raises Problem RECEIPT_MISSING where there is none, and what `LogBook.take` raises.
        """
        if not answer.HasField("receipt"):
            raise Problem("RECEIPT_MISSING", {"event": self.event})
        receipt: pb.Receipt = answer.receipt  # type: ignore[attr-defined]  # every such answer has it
        act = OwnAct(
            event=self.event,
            caller_uri=self.receipts.caller_uri,
            seen=self.seen,
            request_id=self.request_id,
            resource=resource,
            details=details,
        )
        return self.receipts.book.take(opened(receipt), act, known=self.known)

    def after(self, told: OpenedLeaf) -> Asking:
        """Return how the next act of a stream is asked for: its leaf stands behind this one."""
        return replace(self, seen=told.index + 1)


def event_of(request: Message) -> str:
    """Return the event that the method with this request writes; empty where it writes none."""
    for service in request.DESCRIPTOR.file.services_by_name.values():
        for method in service.methods:
            if method.input_type is request.DESCRIPTOR:
                return method.GetOptions().Extensions[options_pb2.access].audit_event
    return ""


def request_id_of(request: Message) -> bytes:
    """Return the id by which a request names its leaf, 16 bytes; empty where it has none."""
    text = getattr(request, "request_id", "") or getattr(request, "question_id", "")
    return uuid.UUID(text).bytes if text else b""


def opened(receipt: pb.Receipt) -> Receipt:
    """Return a receipt without the wire's types; nothing of it is looked at."""
    leaves = tuple(
        LoggedLeaf(one.index, one.salt, one.content, tuple(one.inclusion_proof))
        for one in receipt.leaves
    )
    return Receipt(leaves, receipt.checkpoint)
