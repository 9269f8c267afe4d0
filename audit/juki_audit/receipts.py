"""Receipts: what the center gives with an act, so that whoever asked can hold the log to it.

A receipt opens the act's leaves and proves that they are in the tree of one signed head. It says
nothing by itself: first it must be of the trusted log (`open_receipt`), then of the caller's own
act, and behind everything that the caller had seen of the log (`require_act`). Which heads were
seen before, and whether this one follows them, is not here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from juki_audit import checkpoints
from juki_audit.errors import LogMalformed, ReceiptRefused
from juki_audit.leaf import DONE, SALT_OCTETS, Leaf, commitment
from juki_audit.notes import VerifierKey
from juki_audit.tree import Head, verify_inclusion


@dataclass(frozen=True, slots=True)
class TrustedLog:
    """The one log that is trusted: its name, and the keys that may sign its heads."""

    origin: str
    keys: tuple[VerifierKey, ...]

    @classmethod
    def decode(cls, text: str) -> TrustedLog:
        """Read verifiers, `name+id+key`, one a line; the name is the log's.

        Raises LogMalformed for a line that is none, for no line, and for the keys of two logs.
        """
        keys = tuple(map(VerifierKey.decode, text.splitlines()))
        if len({key.name for key in keys}) != 1:
            raise LogMalformed("LOG_NAMES")
        return cls(keys[0].name, keys)

    def head(self, checkpoint: bytes) -> Head:
        """Return the head that a signed checkpoint is of.

        Raises LogMalformed for octets that are none, HeadNotTrusted for one of another log, by
        another key or with a wrong signature.
        """
        return checkpoints.verify(checkpoints.parse(checkpoint), self.origin, self.keys).head


@dataclass(frozen=True, slots=True)
class LoggedLeaf:
    """One leaf as a receipt has it: its place, what opens its commitment, and its proof."""

    index: int
    salt: bytes
    content: bytes = field(repr=False)
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """Leaves in the order of the log, and the signed checkpoint that their proofs lead to."""

    leaves: tuple[LoggedLeaf, ...]
    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class OpenedLeaf:
    """A leaf that is in the log, at its place."""

    index: int
    leaf: Leaf


@dataclass(frozen=True, slots=True)
class OpenedReceipt:
    """What a receipt of the trusted log says."""

    head: Head
    leaves: tuple[OpenedLeaf, ...]


@dataclass(frozen=True, slots=True)
class OwnAct:
    """The act that a caller has asked for, as its leaf must tell it.

    `seen` is the size of the tree that the caller knew when it asked. `request_id` and `resource`
    are empty where the act has none that the caller knows; `details` are facts that the leaf must
    hold among its others.
    """

    event: str
    caller_uri: str
    seen: int
    request_id: bytes = b""
    resource: str = ""
    details: tuple[tuple[str, str], ...] = ()


def open_receipt(receipt: Receipt, log: TrustedLog) -> OpenedReceipt:
    """Open a receipt of the trusted log.

    Raises LogMalformed, HeadNotTrusted, ProofInvalid, and ReceiptRefused where there is no leaf or
    the leaves are out of order.
    """
    if not receipt.leaves:
        raise ReceiptRefused("RECEIPT_EMPTY")
    if any(left.index >= right.index for left, right in pairwise(receipt.leaves)):
        raise ReceiptRefused("LEAF_ORDER")
    head = log.head(receipt.checkpoint)
    return OpenedReceipt(head, tuple(_opened(one, head) for one in receipt.leaves))


def _opened(logged: LoggedLeaf, head: Head) -> OpenedLeaf:
    if len(logged.salt) != SALT_OCTETS:
        raise LogMalformed("LEAF_SALT")
    committed = commitment(logged.salt, logged.content)
    verify_inclusion(head, committed, logged.index, logged.proof)
    return OpenedLeaf(logged.index, Leaf.decode(logged.content))


def require_act(opened: OpenedReceipt, act: OwnAct) -> OpenedLeaf:
    """Return the leaf of the caller's own act.

    Raises ReceiptRefused: LEAF_OLD where a leaf stood in the log before the caller asked, else what
    the leaves do not say of the act, such as EVENT_OTHER or REQUEST_OTHER.
    """
    if any(one.index < act.seen for one in opened.leaves):
        raise ReceiptRefused("LEAF_OLD")
    faults = [_fault(one.leaf, act) for one in opened.leaves]
    for one, fault in zip(opened.leaves, faults, strict=True):
        if not fault:
            return one
    # A leaf of another event is no news beside one that is nearly that of the act.
    nearest = [fault for fault in faults if fault != "EVENT_OTHER"]
    raise ReceiptRefused((nearest or faults)[0])


def _fault(leaf: Leaf, act: OwnAct) -> str:
    """Return the rule by which a leaf is not that of the act; empty where it is."""
    is_other = {
        "EVENT_OTHER": leaf.event != act.event,
        "CALLER_OTHER": leaf.caller_uri != act.caller_uri,
        "OUTCOME_OTHER": leaf.outcome != DONE,
        "REQUEST_OTHER": bool(act.request_id) and leaf.request_id != act.request_id,
        "RESOURCE_OTHER": bool(act.resource) and leaf.resource != act.resource,
        "DETAIL_OTHER": any(leaf.details.get(key) != fact for key, fact in act.details),
    }
    return next((rule for rule, is_so in is_other.items() if is_so), "")
