"""The verdict: what callers were told, held against what is in the store and in the log.

Nothing is taken from the center's own word: the callers' history says what must be there, and the
tree is grown anew from the leaves that the database has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID

from juki_audit.leaf import DONE, Leaf, commitment
from juki_audit.receipts import TrustedLog
from juki_audit.tree import Frontier
from juki_client.receipts import event_of, opened
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from tests.ha.callers import Answered

EVENT = event_of(pb.ConfirmByCodeRequest())


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
        faults=tuple(_faults(answered, stored, log)),
    )


def _acts(leaves: Sequence[StoredLeaf]) -> dict[int, bytes]:
    """Return the requests whose questions were answered, by the places of their leaves."""
    acts = {}
    for index, one in enumerate(leaves):
        if one.content is not None:
            leaf = Leaf.decode(one.content)
            if leaf.event == EVENT and leaf.outcome == DONE:
                acts[index] = leaf.request_id
    return acts


def _is_there(one: Answered, stored: Stored, acts: Mapping[int, bytes]) -> bool:
    """Whether an act is recorded, and its leaves stand where its receipt says."""
    places = [leaf.index for leaf in one.receipt.leaves]
    return (
        one.provision in stored.provisions
        and any(acts.get(place) == one.question_id.bytes for place in places)
        and all(
            leaf.index < len(stored.leaves)
            and stored.leaves[leaf.index].commitment == commitment(leaf.salt, leaf.content)
            for leaf in one.receipt.leaves
        )
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


def _faults(answered: Sequence[Answered], stored: Stored, log: TrustedLog) -> Iterable[str]:
    """Tell what of the tree does not hold: the last head, and each receipt's."""
    heads = {}
    for one in answered:
        head = log.head(opened(one.receipt).checkpoint)
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
