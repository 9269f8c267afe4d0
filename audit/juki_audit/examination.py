"""Examines a whole log offline: rows, tree, signed head, and whether it grew from earlier heads.

Whom to trust is an argument and never comes from what is examined. A log that was rewritten as a
whole, by whoever has its key, agrees with itself: only an earlier head or a witness tells.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from juki_audit import checkpoints
from juki_audit.checkpoints import Checkpoint, SignedCheckpoint
from juki_audit.errors import HeadNotTrusted, LogMalformed
from juki_audit.findings import Finding, Rule, merged
from juki_audit.naming import name_hashes, name_rows
from juki_audit.notes import VerifierKey
from juki_audit.rows import LogRecords, Row
from juki_audit.tree import Head, node_hash
from juki_audit.walk import Progress, Walk
from juki_audit.witnesses import WitnessKey, cosigned_by

MOST_NAMED: Final = 1000


@dataclass(frozen=True, slots=True)
class Trust:
    """The keys of the log, and of witnesses, `needed` of whom must have cosigned its head."""

    verifiers: tuple[VerifierKey, ...]
    witnesses: tuple[WitnessKey, ...] = ()
    needed: int = 0

    def checkpoint(self, note: bytes) -> Checkpoint:
        """Return a head that the log signed; raises HeadNotTrusted and LogMalformed."""
        return self._verified(checkpoints.parse(note))

    def cosigners(self, note: bytes) -> list[str]:
        """Return the names of the witnesses who cosigned a head; raises LogMalformed."""
        return cosigned_by(checkpoints.parse(note), self.witnesses)

    def _verified(self, signed: SignedCheckpoint) -> Checkpoint:
        origin = signed.checkpoint.origin
        own = [one for one in self.verifiers if one.name == origin]
        if not own:
            raise HeadNotTrusted("ORIGIN_OTHER", size=signed.checkpoint.head.size)
        return checkpoints.verify(signed, origin, own)


@dataclass(frozen=True, slots=True)
class Examined:
    """How many leaves were looked at, the head that was trusted, and what does not hold."""

    size: int
    head: Head | None
    witnesses: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def examine(
    records: LogRecords, trust: Trust, earlier: Sequence[Head], progress: Progress
) -> Examined:
    """Examine a log. `earlier` are heads of it that were trusted before."""
    head, witnesses, findings = _signed_head(records, trust)
    wanted = frozenset(one.size for one in (*earlier, *((head,) if head else ())))
    walk = Walk(wanted)
    walk.run(records.rows(), records.nodes(0), progress)
    findings += [*walk.findings, *(Finding(Rule.REMOVED, *gap) for gap in walk.gaps)]
    findings += _of_root(walk, head)
    if records.keeps_tree:
        findings += _of_nodes(records, walk)
        findings += _of_kept_head(records, walk)
    findings += _of_earlier(walk, head, earlier)
    return Examined(walk.size, head, witnesses, tuple(merged(findings)))


def differing_rows(earlier: Iterator[Row], later: Iterator[Row]) -> list[Finding]:
    """Return the rows of an earlier copy that a later log does not have so, at most MOST_NAMED."""
    found: list[Finding] = []
    now = next(later, None)
    for before in earlier:
        while now is not None and now.index < before.index:
            now = next(later, None)
        if now is None or now.index != before.index:
            found.append(Finding(Rule.REMOVED, before.index, before.index))
        elif not hmac.compare_digest(now.commitment, before.commitment):
            found.append(Finding(Rule.ALTERED, before.index, before.index))
        if len(found) == MOST_NAMED:
            break
    return merged(found)


def _signed_head(
    records: LogRecords, trust: Trust
) -> tuple[Head | None, tuple[str, ...], list[Finding]]:
    note = records.checkpoint()
    if not note:
        return None, (), [Finding(Rule.CHECKPOINT_REFUSED, facts="NOT_THERE")]
    try:
        head = trust.checkpoint(note).head
        witnesses = tuple(trust.cosigners(note))
    except (HeadNotTrusted, LogMalformed) as refused:
        return None, (), [Finding(Rule.CHECKPOINT_REFUSED, facts=refused.rule)]
    findings = []
    if len(witnesses) < trust.needed:
        facts = f"{len(witnesses)} of {trust.needed}"
        findings.append(Finding(Rule.WITNESSES_MISSING, facts=facts))
    return head, witnesses, findings


def _of_root(walk: Walk, head: Head | None) -> list[Finding]:
    """Hold rows and leaf hashes to the signed root; it says which of the two is wrong."""
    if head is None:
        return [*name_rows(walk.differing)]
    by_tree = walk.roots.get(head.size)
    by_rows = by_tree if walk.by_rows is None else walk.roots_by_rows.get(head.size, by_tree)
    if by_tree == head.root:
        findings = _of_one_root(walk, head.size)
    elif by_rows == head.root:
        findings = [*name_hashes(walk.differing)]
    else:
        findings = [*name_rows(walk.differing)]
        if by_tree is not None:
            findings.append(Finding(Rule.ROOT_OTHER, size=head.size))
    return findings + _beyond(walk, head.size)


def _of_one_root(walk: Walk, size: int) -> list[Finding]:
    """Name what differs where the tree is right; where it lacks a hash, the row gave it."""
    lacking = {at: pair for at, pair in walk.differing.items() if pair[1] is None and at < size}
    others = {at: pair for at, pair in walk.differing.items() if at not in lacking}
    return [*name_hashes(lacking), *name_rows(others)]


def _beyond(walk: Walk, size: int) -> list[Finding]:
    """Return the leaves between the signed head and the end, on whichever side they are."""
    if walk.size < size:
        return [Finding(Rule.REMOVED, walk.size, size - 1)]
    unsigned = [one for one in range(size, walk.tree.size) if one not in walk.differing]
    return [Finding(Rule.NOT_SIGNED, unsigned[0], unsigned[-1])] if unsigned else []


def _of_nodes(records: LogRecords, walk: Walk) -> Iterator[Finding]:
    """Hold every stored node to the two that are stored below it."""
    blamed = set(walk.differing)
    for level in range(1, walk.tree.size.bit_length()):
        faults = list(_of_level(records, level, walk.tree.size >> level))
        # A fault below shows at the node above it too, which is not to blame.
        for index, is_there in (one for one in faults if not _is_over(one[0], blamed)):
            rule = Rule.NODE_ALTERED if is_there else Rule.NODE_REMOVED
            yield Finding(rule, index, index, level=level)
        blamed = {index for index, _ in faults}


def _is_over(index: int, blamed: set[int]) -> bool:
    return 2 * index in blamed or 2 * index + 1 in blamed


def _of_level(records: LogRecords, level: int, count: int) -> Iterator[tuple[int, bool]]:
    """Yield the nodes of a level that are wrong or missing, and whether they are there."""
    below = records.nodes(level - 1)
    kept = records.nodes(level)
    stored = next(kept, None)
    for index, expected in _pairs(below, count):
        while stored is not None and stored[0] < index:
            stored = next(kept, None)
        if stored is None or stored[0] != index:
            yield index, False
        elif expected is not None and stored[1] != expected:
            yield index, True


def _pairs(below: Iterator[tuple[int, bytes]], count: int) -> Iterator[tuple[int, bytes | None]]:
    """Yield each place of a level with the hash over the two nodes below it; None without them."""
    child = next(below, None)
    for index in range(count):
        found: list[bytes] = []
        while child is not None and child[0] >> 1 <= index:
            if child[0] >> 1 == index:
                found.append(child[1])
            child = next(below, None)
        yield index, node_hash(*found) if len(found) == 2 else None


def _of_kept_head(records: LogRecords, walk: Walk) -> list[Finding]:
    try:
        kept = records.frontier()
    except LogMalformed as refused:
        return [Finding(Rule.HEAD_ALTERED, facts=refused.rule)]
    trees = [walk.tree] if walk.by_rows is None else [walk.tree, walk.by_rows]
    possible = [tree.frontier() for tree in trees]
    return [] if kept in possible or None in possible else [Finding(Rule.HEAD_ALTERED)]


def _of_earlier(walk: Walk, head: Head | None, earlier: Sequence[Head]) -> Iterator[Finding]:
    """Hold the log to heads that were trusted before."""
    size = head.size if head else walk.size
    for one in earlier:
        root = walk.roots.get(one.size)
        if one.size > size:
            yield Finding(Rule.SHRUNK, size=one.size)
        elif root is not None and not hmac.compare_digest(root, one.root):
            yield Finding(Rule.NOT_GROWN, size=one.size)
        elif root is None:
            yield Finding(Rule.NOT_GROWN, size=one.size, facts="leaves are missing")
