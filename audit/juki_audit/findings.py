"""What an examination of a log can find: each finding names the rows or nodes that it is about."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """What does not hold."""

    ALTERED = "ALTERED"
    """The row is not the one that the tree was grown from."""
    CONTENT_ALTERED = "CONTENT_ALTERED"
    """Salt and content do not open the row's commitment."""
    COLUMNS_ALTERED = "COLUMNS_ALTERED"
    """The columns beside the content say something else than the content."""
    REMOVED = "REMOVED"
    """There is no row for the leaf."""
    REORDERED = "REORDERED"
    """The row holds another leaf: `other` is the place that this leaf belongs to."""
    ADDED = "ADDED"
    """The row was put in: the tree was not grown from it, or it is there twice."""
    NOT_SIGNED = "NOT_SIGNED"
    """The rows stand behind the signed head: nobody vouches for them."""
    NODE_ALTERED = "NODE_ALTERED"
    """A stored node of the tree is not the hash of what stands below it."""
    NODE_REMOVED = "NODE_REMOVED"
    """A node of the tree is not there."""
    HEAD_ALTERED = "HEAD_ALTERED"
    """The stored head is not that of the stored leaves."""
    ROOT_OTHER = "ROOT_OTHER"
    """The leaves do not lead to the root that the log signed."""
    CHECKPOINT_REFUSED = "CHECKPOINT_REFUSED"
    """The head is not signed by the log, or is no head; `facts` says why."""
    NOT_GROWN = "NOT_GROWN"
    """The log does not begin with the tree of the earlier head of `size` leaves."""
    SHRUNK = "SHRUNK"
    """The log has fewer leaves than the earlier head of `size` leaves."""
    WITNESSES_MISSING = "WITNESSES_MISSING"
    """Fewer witnesses than needed have cosigned the head."""
    COSIGNED_REFUSED = "COSIGNED_REFUSED"
    """A cosigned head is not signed by the log, or is no head; `facts` says why."""
    CUT_OFF = "CUT_OFF"
    """The copy ends before its end."""
    MALFORMED = "MALFORMED"
    """A line of the copy is none; `first` is its number."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold, of the leaves `first` to `last` where it is about leaves.

    `level` is that of a node. `facts` never holds anything of a content.
    """

    rule: Rule
    first: int | None = None
    last: int | None = None
    other: int | None = None
    level: int | None = None
    size: int | None = None
    facts: str = ""

    def text(self) -> str:
        """Return the finding in one line.

        >>> Finding(Rule.REORDERED, 4, 4, other=7).text()
        'REORDERED: leaf 4 (holds leaf 7)'
        """
        parts = [self._place()] if self.first is not None else []
        if self.other is not None:
            parts.append(f"(holds leaf {self.other})")
        if self.size is not None:
            parts.append(f"(head of {self.size} leaves)")
        if self.facts:
            parts.append(f"({self.facts})")
        return f"{self.rule}: {' '.join(parts)}" if parts else str(self.rule)

    def _place(self) -> str:
        if self.rule is Rule.MALFORMED:
            return f"line {self.first}"
        if self.level is not None:
            return f"node {self.first} at level {self.level}"
        if self.last is None or self.last == self.first:
            return f"leaf {self.first}"
        return f"leaves {self.first} to {self.last}"


def merged(findings: list[Finding]) -> list[Finding]:
    """Return the findings in order, those of one rule about neighbouring leaves as one."""
    done: list[Finding] = []
    for one in sorted(findings, key=lambda found: (found.level or 0, found.first or 0)):
        before = done[-1] if done else None
        if before is not None and _continues(before, one):
            done[-1] = Finding(one.rule, before.first, one.last, facts=one.facts)
        else:
            done.append(one)
    return done


def _continues(before: Finding, one: Finding) -> bool:
    alike = (before.rule, before.facts) == (one.rule, one.facts)
    plain = all(found.other is found.level is found.size is None for found in (before, one))
    return alike and plain and before.last is not None and one.first == before.last + 1
