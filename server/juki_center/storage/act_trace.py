"""What one act has asked of the log and of the answers so far.

Leaves are written at the end of an act, because only then it is known which request they belong to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from juki_center.areas.audit.events import AuditEvent

RequestKey = tuple[str, UUID]
Mark = tuple[int, int, int]


@dataclass(slots=True)
class ActTrace:
    """The events of an act, the requests whose answers it kept, and those it found answered."""

    events: list[AuditEvent] = field(default_factory=list)
    kept: list[RequestKey] = field(default_factory=list)
    found: list[RequestKey] = field(default_factory=list)

    def clear(self) -> None:
        """Begin another act."""
        self.events.clear()
        self.kept.clear()
        self.found.clear()

    def mark(self) -> Mark:
        """Return the present state, for `back_to`."""
        return len(self.events), len(self.kept), len(self.found)

    def back_to(self, mark: Mark) -> None:
        """Forget what came after a mark: it was undone."""
        events, kept, found = mark
        del self.events[events:], self.kept[kept:], self.found[found:]
