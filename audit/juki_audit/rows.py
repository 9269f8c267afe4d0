"""A log as it lies in a store or in a copy, row by row: what an examination reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from juki_audit.tree import Frontier


@dataclass(frozen=True, slots=True)
class Columns:
    """What a store keeps beside a content to find it by; it must say what the content says."""

    at_micros: int
    issuing: str
    residence: str


@dataclass(frozen=True, slots=True)
class Row:
    """One leaf as it is kept. Salt and content are None where they have been deleted."""

    index: int
    commitment: bytes
    salt: bytes | None = None
    content: bytes | None = field(default=None, repr=False)
    columns: Columns | None = None


class LogRecords(Protocol):
    """What there is of a log. Each method may be called again, and reads from the beginning."""

    @property
    def keeps_tree(self) -> bool:
        """Whether all complete nodes and the frontier are kept, as a store does."""

    @property
    def size(self) -> int:
        """How many rows there are said to be; for telling how far a reader is."""

    def rows(self) -> Iterator[Row]:
        """Yield the rows in the order in which they lie."""

    def nodes(self, level: int) -> Iterator[tuple[int, bytes]]:
        """Yield index and hash of the complete nodes of a level, in order.

        Level 0 holds the hashes of the leaves, apart from their rows; a copy has no other.
        """

    def checkpoint(self) -> bytes:
        """Return the newest signed head; empty where there is none."""

    def frontier(self) -> Frontier | None:
        """Return the frontier that is kept; None where none is. Raises LogMalformed."""
