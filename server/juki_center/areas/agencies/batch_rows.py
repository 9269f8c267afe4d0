"""A batch as the store keeps it: what it was opened with, and how far it is. No line is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from juki_center.areas.agencies.commands import AffairCode, Outcome
from juki_center.areas.residents.changes import Item

KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch. `counts` and `refused` sum up the lines that are done, each as answered first."""

    agency: str
    batch_id: UUID
    affair: AffairCode
    items: tuple[Item, ...]
    is_watching: bool
    line_count: int
    began_at: datetime
    changed_at: datetime
    lines_done: int = 0
    counts: Mapping[Outcome, int] = field(default_factory=dict)
    refused: int = 0


class Batches(Protocol):
    """What the store keeps of batches."""

    def find(self, agency: str, batch_id: UUID) -> Batch | None:
        """Return an agency's batch."""

    def add(self, batch: Batch, content_digest: bytes) -> None:
        """Add a batch; its id is new for its agency. The digest is kept as a keyed token."""

    def is_content(self, batch: Batch, content_digest: bytes) -> bool:
        """Tell whether a batch was added with this digest, or with none."""

    def update(self, batch: Batch) -> None:
        """Write how far a batch is."""

    def forget_before(self, moment: datetime) -> None:
        """Delete the batches that were changed last before a time."""


class BatchesTx(Protocol):
    """What keeping batches needs of a transaction."""

    @property
    def batches(self) -> Batches: ...


def forget_old_batches(tx: BatchesTx, now: datetime) -> None:
    """Act: forget the batches that nobody has touched for 30 days, finished or not.

    Their provisions stay for their own time; the id then begins a new batch.
    """
    tx.batches.forget_before(now - KEPT_FOR)
