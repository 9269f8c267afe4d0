"""Leaves of the store with their proofs, and how a proven leaf is shown to a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from uuid import UUID

from juki_audit.checkpoints import parse
from juki_audit.errors import LogMalformed
from juki_audit.leaf import Leaf
from juki_audit.proven import ProofFile, ProvenRow
from juki_audit.tree import inclusion_proof
from juki_center.errors import Reason, Refusal, RuleBroken

if TYPE_CHECKING:
    from juki_audit.rows import Row
    from juki_center.cli.report import JSON
    from juki_center.storage.log_records import StoredLog


def prove(log: StoredLog, index: int | None, request: str | None) -> ProofFile:
    """Prove a leaf, or those of a request, under the newest signed head.

    Raises RuleBroken, and Refusal: LOG_NOT_SIGNED, LOG_SHORTER for a leaf behind the head.
    """
    if (index is None) == (request is None):
        raise RuleBroken("LEAF_OR_REQUEST")
    note = log.checkpoint()
    if not note:
        raise Refusal(Reason.LOG_NOT_SIGNED)
    size = parse(note).checkpoint.head.size
    if request is not None:
        rows = list(_of_request(log, _request_id(request), size))
    else:
        rows = [row for row in [log.row(index or 0)] if row is not None and row.index < size]
    if not rows:
        raise Refusal(Reason.LOG_SHORTER, treeSize=str(size))
    proven = (ProvenRow(row, inclusion_proof(log.node, row.index, size)) for row in rows)
    return ProofFile(note, tuple(proven))


def shown(index: int, leaf: Leaf | None) -> dict[str, JSON]:
    """Return what a leaf says, key by key."""
    if leaf is None:
        return {"leaf": index, "content": "deleted when its retention ended"}
    return {
        "leaf": index,
        "event": leaf.event,
        "at": leaf.at.isoformat(),
        "caller": leaf.caller_uri,
        "outcome": leaf.outcome,
        "request": str(UUID(bytes=leaf.request_id)) if leaf.request_id else "",
        "clerk": leaf.clerk,
        "issuing": leaf.issuing,
        "residence": leaf.residence,
        "subjects": [one.hex() for one in leaf.subjects],
        "items": [*leaf.items],
        "resource": leaf.resource,
        "details": dict(leaf.details),
    }


def _request_id(text: str) -> bytes:
    try:
        return UUID(text).bytes
    except ValueError:
        raise RuleBroken("REQUEST_ID", "--request") from None


def _of_request(log: StoredLog, request_id: bytes, size: int) -> Iterator[Row]:
    """Yield the leaves that name a request; all are looked through, because none is found by it."""
    for row in log.rows():
        if row.index < size and row.content is not None and request_id in row.content:
            try:
                leaf = Leaf.decode(row.content)
            except LogMalformed:
                continue
            if leaf.request_id == request_id:
                yield row
