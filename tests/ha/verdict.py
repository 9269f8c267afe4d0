"""The verdict: what callers were told, held against what is in the store and in the log.

Nothing is taken from the center's own word: the callers' history says what must be there, and the
tree is grown anew from the leaves that the database has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final
from uuid import UUID

from juki_audit.leaf import DONE, Leaf, commitment
from juki_audit.receipts import TrustedLog
from juki_audit.tree import Frontier
from juki_client.receipts import event_of, opened
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from jukinet.audit.v1 import receipt_pb2
from jukinet.residents.v1 import resident_service_pb2 as residents_pb
from tests.ha.callers import Answered
from tests.ha.registrars import Entered
from tests.support.own_history import Held, judged_births

EVENT: Final = event_of(pb.ConfirmByCodeRequest())
EVENT_OF_BIRTHS: Final = event_of(residents_pb.RegisterBirthRequest())


@dataclass(frozen=True, slots=True)
class StoredLeaf:
    """A row of the log; what opens it may have been deleted."""

    salt: bytes | None
    content: bytes | None = field(repr=False)
    commitment: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database has: since the callers began, its provisions, and the whole log."""

    provisions: set[str]
    leaves: Sequence[StoredLeaf]
    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many acts were acknowledged, and what does not hold."""

    acknowledged: int
    lost: int
    twice: int
    faults: tuple[str, ...]

    def with_other(self, other: Verdict) -> Verdict:
        """Return the verdict on both; what both found in the one log is told once."""
        return Verdict(
            self.acknowledged + other.acknowledged,
            self.lost + other.lost,
            self.twice + other.twice,
            tuple(dict.fromkeys(self.faults + other.faults)),
        )


def judge(
    answered: Sequence[Answered], unanswered: Sequence[UUID], stored: Stored, log: TrustedLog
) -> Verdict:
    """Hold every acknowledged act to the store and to the log.

    What was sent and not answered may have been done, once at the most.

    Raises LogRefused where the last checkpoint is not one of the log.
    """
    acts = _acts(stored.leaves)
    sent = {one.question_id.bytes for one in answered} | {one.bytes for one in unanswered}
    lost = sum(not _is_there(one, stored, acts) for one in answered)
    return Verdict(
        acknowledged=len(answered),
        lost=lost,
        twice=_twice(answered, sent, stored, acts),
        faults=tuple(_faults([one.receipt for one in answered], stored, log)),
    )


def judge_births(
    entered: Sequence[Entered],
    unanswered: Collection[bytes],
    held: tuple[Held, Held],
    stored: Stored,
    log: TrustedLog,
) -> Verdict:
    """Hold every birth to the persons, before and after, to the log, and to its first answer.

    An answer to the same request that is not the first one tells of another act. Raises LogRefused
    where the last checkpoint is not one of the log.
    """
    acts = _acts(stored.leaves, EVENT_OF_BIRTHS)
    counted = judged_births(*held, [one.registered for one in entered], unanswered)
    misplaced = sum(
        not all(
            _stands(reply.receipt, one.registered.request_id, stored, acts)
            for reply in (one.first, *one.again)
        )
        for one in entered
    )
    other = sum(not reply.says_as(one.first) for one in entered for reply in one.again)
    receipts = [reply.receipt for one in entered for reply in (one.first, *one.again)]
    return Verdict(
        acknowledged=len(entered),
        # A leaf that is gone is found in both ways.
        lost=max(counted.lost, misplaced),
        twice=counted.twice + other,
        faults=tuple(_faults(receipts, stored, log)),
    )


def _acts(leaves: Sequence[StoredLeaf], event: str = EVENT) -> dict[int, bytes]:
    """Return the requests whose act was done, by the places of their leaves."""
    acts = {}
    for index, one in enumerate(leaves):
        if one.content is not None:
            leaf = Leaf.decode(one.content)
            if leaf.event == event and leaf.outcome == DONE:
                acts[index] = leaf.request_id
    return acts


def _is_there(one: Answered, stored: Stored, acts: Mapping[int, bytes]) -> bool:
    """Whether an act is recorded, and its leaves stand where its receipt says."""
    is_recorded = one.provision in stored.provisions
    return is_recorded and _stands(one.receipt, one.question_id.bytes, stored, acts)


def _stands(
    receipt: receipt_pb2.Receipt, request_id: bytes, stored: Stored, acts: Mapping[int, bytes]
) -> bool:
    """Whether the leaves of a receipt stand where it says, and one of them is the request's."""
    return any(acts.get(leaf.index) == request_id for leaf in receipt.leaves) and all(
        leaf.index < len(stored.leaves)
        and stored.leaves[leaf.index].commitment == commitment(leaf.salt, leaf.content)
        for leaf in receipt.leaves
    )


def _twice(
    answered: Sequence[Answered], sent: set[bytes], stored: Stored, acts: Mapping[int, bytes]
) -> int:
    """Count the second acts: of one id, of no id that was sent, and of one provision."""
    done = Counter(acts.values())
    again = sum(count - 1 for count in done.values())
    unasked = len(done.keys() - sent)
    told = Counter(one.provision for one in answered)
    shared = sum(count - 1 for count in told.values())
    # Each leaf is of one provision: one more was recorded by an act that left no leaf.
    surplus = max(0, len(stored.provisions) - len(acts))
    return again + unasked + shared + surplus


def _faults(
    receipts: Iterable[receipt_pb2.Receipt], stored: Stored, log: TrustedLog
) -> Iterable[str]:
    """Tell what of the tree does not hold: the last head, and each receipt's."""
    heads = {}
    for receipt in receipts:
        head = log.head(opened(receipt).checkpoint)
        heads[head.size] = head
    last = log.head(stored.checkpoint)
    heads[last.size] = last
    frontier = Frontier()
    for leaf in stored.leaves:
        if not _opens(leaf):
            yield f"leaf {frontier.size}: its content is not what was committed to"
        frontier = frontier.append(leaf.commitment).frontier
        head = heads.pop(frontier.size, None)
        if head is not None and head != frontier.head():
            yield f"head of size {head.size}: the log has another root there"
    for size in sorted(heads):
        yield f"head of size {size}: the log ends at {frontier.size}"


def _opens(leaf: StoredLeaf) -> bool:
    if leaf.salt is None or leaf.content is None:
        return True
    return commitment(leaf.salt, leaf.content) == leaf.commitment


def largest_gap(times: Sequence[float], begin: float, end: float) -> float:
    """Return the longest time without an acknowledged act from `begin` on, in seconds.

    >>> largest_gap([1.0, 1.5, 4.0, 4.2], 2.0, 5.0)
    2.5
    """
    before = max((at for at in times if at <= begin), default=begin)
    points = [before, *sorted(at for at in times if begin < at <= end)]
    # Where nothing came any more, the silence lasts to the end.
    if len(points) == 1:
        return end - before
    return max(right - left for left, right in pairwise(points))
