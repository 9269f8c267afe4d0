"""Growing the log's tree: the leaves of one database transaction, appended once at its end.

The leaves of an act get their indexes at the act's end, inside its savepoint. At the end of the
transaction they are written with the nodes that they complete, one head is signed over all of
them, and the head's row is written last. A signed head leaves the store after the commit only.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from juki_audit.leaf import SALT_OCTETS, Leaf, commitment
from juki_audit.tree import Frontier, Growth, inclusion_proof
from juki_center.areas.audit.events import AuditEvent
from juki_center.areas.audit.leaf import leaf
from juki_center.areas.calls import Call, Logged
from juki_center.areas.residents.records import PersonID
from juki_center.storage.act_trace import ActTrace, RequestKey
from juki_center.storage.keyring import KeyRing, LookUp
from juki_center.storage.log_table import read_head
from juki_center.storage.signing import Signing
from juki_center.storage.sql import SQL, Value, to_micros


@dataclass(frozen=True, slots=True)
class Written:
    """What an act has written: so many leaves from `first` on; and which answers it found."""

    first: int = 0
    count: int = 0
    found: tuple[RequestKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Grown:
    """What a transaction has appended, enough to prove each of its leaves without the database."""

    first: int
    size: int
    opened: list[tuple[bytes, bytes]] = field(repr=False)
    nodes: Mapping[tuple[int, int], bytes]
    checkpoint: bytes | None

    def logged(self, written: Written) -> list[Logged]:
        """Return the leaves of an act, proved to the transaction's head; none if it is unsigned."""
        if self.checkpoint is None:
            return []
        indexes = range(written.first, written.first + written.count)
        return [self._logged(index, self.checkpoint) for index in indexes]

    def _logged(self, index: int, checkpoint: bytes) -> Logged:
        salt, content = self.opened[index - self.first]
        proof = inclusion_proof(self._node, index, self.size)
        return Logged(index, salt, content, proof, checkpoint)

    def _node(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]


@dataclass(frozen=True, slots=True)
class _NewLeaf:
    """A leaf that is to be written at the transaction's end."""

    index: int
    leaf: Leaf
    salt: bytes
    content: bytes = field(repr=False)
    commitment: bytes

    def row(self) -> tuple[Value, ...]:
        one = self.leaf
        place = (self.index, to_micros(one.at), one.issuing or None, one.residence or None)
        return (*place, self.salt, self.content, self.commitment)

    def subject_rows(self) -> list[tuple[Value, ...]]:
        # A person whom an event names twice is one subject of it.
        return [(subject, self.index) for subject in dict.fromkeys(self.leaf.subjects)]


class LogGrowth:
    """The leaves that a connection's transaction is about to append."""

    def __init__(self, sql: SQL, keys: KeyRing, trace: ActTrace) -> None:
        self._sql = sql
        self._keys = keys
        self._trace = trace
        self._frontier: Frontier | None = None
        self._leaves: list[_NewLeaf] = []
        self._answered: list[tuple[Value, ...]] = []

    def begin(self) -> None:
        """Begin a transaction: what an earlier one appended is committed, or undone."""
        self._frontier = None
        self._leaves = []
        self._answered = []
        self._trace.clear()

    def begin_act(self) -> None:
        """Begin an act inside the transaction."""
        self._trace.clear()

    def end_act(self, call: Call | None = None) -> Written:
        """Make the leaves of the act that ends, inside its savepoint, to be noted by its answers.

        They name the request that the act answered, and what is known of the call. Nothing may
        fail the act after this but the transaction as a whole.
        """
        found = tuple(self._trace.found)
        if not self._trace.events:
            return Written(found=found)
        first = self._size()
        made = [
            self._made(index, event, call) for index, event in enumerate(self._trace.events, first)
        ]
        written = Written(first, len(made), found)
        self._answered += [
            (first, written.count, caller_uri, request_id.bytes)
            for caller_uri, request_id in self._trace.kept
        ]
        self._leaves += made
        return written

    def seal(self, signing: Signing | None) -> Grown | None:
        """Write what the acts have appended, the head last; None where they appended nothing.

        Raises HeadUnsigned where the head cannot be signed: the transaction must not be committed
        then. Without `signing` the head stays unsigned until the next one is signed.
        """
        if not self._leaves or self._frontier is None:
            return None
        before = self._frontier
        growth = before.append_all(one.commitment for one in self._leaves)
        head = growth.frontier.head()
        # The signer works while the rows are written.
        order = signing.begin(head) if signing else None
        self._write(growth)
        note = order.note() if order else None
        write_head(self._sql, growth.frontier, note)
        return self._grown(before, growth, note)

    def _size(self) -> int:
        if self._frontier is None:
            self._frontier = read_head(self._sql).frontier
        return self._frontier.size + len(self._leaves)

    def _made(self, index: int, event: AuditEvent, call: Call | None) -> _NewLeaf:
        request_id = self._trace.kept[0][1] if self._trace.kept else None
        made = leaf(event, self._subject, request_id, call)
        salt, content = secrets.token_bytes(SALT_OCTETS), made.encode()
        return _NewLeaf(index, made, salt, content, commitment(salt, content))

    def _subject(self, person: PersonID) -> bytes:
        return self._keys.look_up(LookUp.AUDIT).token(person.octets)

    def _write(self, growth: Growth) -> None:
        self._sql.executemany(
            "INSERT INTO audit_leaves (leaf_index, at, issuing, residence, salt, content,"
            " commitment) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [one.row() for one in self._leaves],
        )
        self._sql.executemany(
            "INSERT INTO audit_nodes (level, node_index, hash) VALUES (?, ?, ?)",
            [(node.level, node.index, node.hash) for node in growth.nodes],
        )
        self._sql.executemany(
            "UPDATE answers SET leaf_index = ?, leaf_count = ?"
            " WHERE caller_uri = ? AND request_id = ?",
            self._answered,
        )
        self._sql.executemany(
            "INSERT INTO audit_subjects (subject, leaf_index) VALUES (?, ?)",
            [row for one in self._leaves for row in one.subject_rows()],
        )

    def _grown(self, before: Frontier, growth: Growth, note: bytes | None) -> Grown:
        nodes = {(node.level, node.index): node.hash for node in growth.nodes}
        # What stands to the left of the new leaves is in the frontier that they were appended to.
        nodes.update(zip(edge(before.size), before.hashes, strict=True))
        opened = [(one.salt, one.content) for one in self._leaves]
        return Grown(before.size, growth.frontier.size, opened, nodes, note)


def sign_head(sql: SQL, frontier: Frontier, signing: Signing) -> None:
    """Sign the head as it is. Raises HeadUnsigned."""
    write_head(sql, frontier, signing.begin(frontier.head()).note())


def write_head(sql: SQL, frontier: Frontier, checkpoint: bytes | None) -> None:
    """Write the head, and that it is signed where it is."""
    if checkpoint is None:
        sql.execute("UPDATE audit_head SET frontier = ?", (frontier.encode(),))
    else:
        sql.execute(
            "UPDATE audit_head SET frontier = ?, signed_size = ?, checkpoint = ?",
            (frontier.encode(), frontier.size, checkpoint),
        )


def edge(size: int) -> list[tuple[int, int]]:
    """Return the addresses of the nodes of a frontier, in its order.

    >>> edge(6)
    [(2, 0), (1, 2)]
    """
    levels = [level for level in reversed(range(size.bit_length())) if size >> level & 1]
    return [(level, (size >> level) - 1) for level in levels]
