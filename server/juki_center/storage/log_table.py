"""The audit log in the database, for one transaction: events taken, leaves and tree read.

One row for each leaf, numbered from 0 without a gap; one for each complete node of the tree; one
for the head: the frontier, and the newest signed checkpoint. Who writes them is `log_growth`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from juki_audit.leaf import Leaf
from juki_audit.tree import Frontier, inclusion_proof
from juki_center.areas.audit.events import AuditEvent
from juki_center.areas.audit.rows import Address, StoredLeaf
from juki_center.areas.calls import Logged
from juki_center.areas.residents.records import PersonID
from juki_center.storage.act_trace import ActTrace
from juki_center.storage.keyring import KeyRing, LookUp
from juki_center.storage.sql import SQL, Row, Value, as_number, as_octets, from_micros

_LEAVES: Final = (
    "SELECT leaf_index, at, commitment, salt, content FROM audit_leaves WHERE leaf_index >= ?"
    " ORDER BY leaf_index LIMIT ?"
)
_LEAVES_OF_SUBJECT: Final = (
    "SELECT leaf_index, at, commitment, salt, content FROM audit_subjects JOIN audit_leaves"
    " USING (leaf_index) WHERE subject = ? AND leaf_index >= ? ORDER BY leaf_index LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class HeadRow:
    """The head: what the tree is, and the newest of its heads that was signed."""

    frontier: Frontier
    signed_size: int
    checkpoint: bytes | None

    @property
    def is_signed(self) -> bool:
        """Whether the present tree is covered by a signed head."""
        return self.checkpoint is not None and self.signed_size == self.frontier.size


def read_head(sql: SQL) -> HeadRow:
    """Return the head. Raises LogMalformed for a frontier that is none, TypeError without a row."""
    row = sql.execute("SELECT frontier, signed_size, checkpoint FROM audit_head").fetchone()
    frontier, signed_size, checkpoint = row or (None, None, None)
    return HeadRow(
        Frontier.decode(as_octets(frontier)), as_number(signed_size), _optional(checkpoint)
    )


class LogTable:
    """The log, for one transaction."""

    def __init__(self, sql: SQL, keys: KeyRing, trace: ActTrace) -> None:
        self._sql = sql
        self._keys = keys
        self._trace = trace

    def append(self, event: AuditEvent) -> None:
        """Take an event; its leaf is written at the end of the act."""
        self._trace.events.append(event)

    def size(self) -> int:
        """Return the number of leaves in the tree."""
        return read_head(self._sql).frontier.size

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete node; raises LookupError for one that is not complete."""
        row = self._sql.execute(
            "SELECT hash FROM audit_nodes WHERE level = ? AND node_index = ?", (level, index)
        ).fetchone()
        if row is None:
            raise LookupError(f"no complete node {index} at level {level}")
        return as_octets(row[0])

    def nodes(self, addresses: Collection[Address]) -> dict[Address, bytes]:
        """Return the hashes of these nodes, none for one that is not complete."""
        wanted = [part for address in addresses for part in address]
        places = ", ".join(["(?, ?)"] * len(addresses))
        rows = self._sql.execute(
            f"WITH wanted (level, node_index) AS (VALUES {places})"  # noqa: S608  # question marks
            " SELECT level, node_index, hash FROM wanted CROSS JOIN audit_nodes"
            " USING (level, node_index)",
            wanted,
        ).fetchall()
        return {(as_number(level), as_number(index)): as_octets(one) for level, index, one in rows}

    def checkpoint(self) -> bytes | None:
        """Return the newest signed head; None where none was ever signed."""
        return read_head(self._sql).checkpoint

    def leaves(self, first: int, count: int) -> list[StoredLeaf]:
        """Return at most `count` leaves in order, from the leaf `first` on."""
        rows = self._sql.execute(_LEAVES, (first, count)).fetchall()
        return [_stored(row) for row in rows]

    def contents(self, first: int, count: int) -> list[tuple[int, Leaf]]:
        """Return those of these leaves whose content is kept, read, with their indexes.

        Raises LogMalformed for a content that is none.
        """
        return [
            (one.index, Leaf.decode(one.content))
            for one in self.leaves(first, count)
            if one.content is not None
        ]

    def subject(self, person: PersonID) -> bytes:
        """Return the keyed hash by which leaves name a person."""
        return self._keys.look_up(LookUp.AUDIT).token(person.octets)

    def of_subject(self, person: PersonID, first: int = 0, count: int = 1000) -> list[StoredLeaf]:
        """Return at most `count` leaves that concern a person, in order, from `first` on."""
        wanted = (self.subject(person), first, count)
        rows = self._sql.execute(_LEAVES_OF_SUBJECT, wanted).fetchall()
        return [_stored(row) for row in rows]

    def receipt_of(self, caller_uri: str, request_id: UUID) -> tuple[Logged, ...]:
        """Return the leaves of the act that answered a request, proved to the newest signed head.

        Empty where there is nothing to prove, or nothing to prove it by.
        """
        first, count = self._leaves_of(caller_uri, request_id)
        head = read_head(self._sql)
        if head.checkpoint is None or not 0 < count <= head.signed_size - first:
            return ()
        logged = tuple(self._logged(one, head) for one in self.leaves(first, count))
        return tuple(one for one in logged if one is not None) if all(logged) else ()

    def _leaves_of(self, caller_uri: str, request_id: UUID) -> tuple[int, int]:
        row = self._sql.execute(
            "SELECT leaf_index, leaf_count FROM answers WHERE caller_uri = ? AND request_id = ?",
            (caller_uri, request_id.bytes),
        ).fetchone()
        return (0, 0) if row is None or row[0] is None else (as_number(row[0]), as_number(row[1]))

    def _logged(self, leaf: StoredLeaf, head: HeadRow) -> Logged | None:
        if leaf.salt is None or leaf.content is None or head.checkpoint is None:
            return None
        proof = inclusion_proof(self.node, leaf.index, head.signed_size)
        return Logged(leaf.index, leaf.salt, leaf.content, proof, head.checkpoint)


def _stored(row: Row) -> StoredLeaf:
    index, at, commitment, salt, content = row
    return StoredLeaf(
        index=as_number(index),
        at=from_micros(as_number(at)),
        commitment=as_octets(commitment),
        salt=_optional(salt),
        content=_optional(content),
    )


def _optional(value: Value) -> bytes | None:
    return None if value is None else as_octets(value)
