"""The log as it is kept, and what may be asked of it.

A leaf stays for ever by its commitment. Its salt and its content can be deleted; the tree and all
proofs go on without them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from juki_center.areas.audit.events import AuditLog

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from uuid import UUID

    from juki_audit.leaf import Leaf
    from juki_center.areas.calls import Logged
    from juki_center.areas.residents.records import PersonID


Address: TypeAlias = tuple[int, int]
"""Level and index of a node of the tree."""


@dataclass(frozen=True, slots=True)
class StoredLeaf:
    """A leaf in its place. `salt` and `content` are None once they are deleted."""

    index: int
    at: datetime
    commitment: bytes
    salt: bytes | None
    content: bytes | None = field(repr=False)


class LogRows(AuditLog, Protocol):
    """The log, for one transaction: what an act may append, and all that may be read."""

    def size(self) -> int:
        """Return the number of leaves in the tree."""

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete node, as `juki_audit.tree.ReadNode` is asked to.

        Raises LookupError for a node that is not complete.
        """

    def nodes(self, addresses: Collection[Address]) -> Mapping[Address, bytes]:
        """Return the hashes of these nodes, none for one that is not complete."""

    def checkpoint(self) -> bytes | None:
        """Return the newest signed head; None where none was ever signed.

        Its tree may be smaller than the present one: a head stays unsigned where it was written
        without the key, until the next one is signed.
        """

    def leaves(self, first: int, count: int) -> list[StoredLeaf]:
        """Return at most `count` leaves in order, from the leaf `first` on."""

    def contents(self, first: int, count: int) -> list[tuple[int, Leaf]]:
        """Return those of these leaves whose content is kept, read, with their indexes.

        Raises LogMalformed for a content that is none.
        """

    def subject(self, person: PersonID) -> bytes:
        """Return the keyed hash by which leaves name a person, 32 octets."""

    def of_subject(self, person: PersonID, first: int = 0, count: int = 1000) -> list[StoredLeaf]:
        """Return at most `count` leaves that concern a person, in order, from `first` on."""

    def receipt_of(self, caller_uri: str, request_id: UUID) -> tuple[Logged, ...]:
        """Return the leaves of the act that answered a request, proved to the newest signed head.

        Empty where the request is unknown, wrote no leaf, was never covered by a signed head, or
        where a content is deleted. The store itself asks it for every request that is sent again
        and every answer that is read again, and leaves the result in `Call.logged`.
        """
