"""Names what became of rows that are not where the tree says: altered, removed, moved or put in.

A row that was taken away may have drawn all later ones forward, and one that was put in may have
pushed them on. Such rows are not named: what moved them is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from juki_audit.findings import Finding, Rule
from juki_audit.walk import Pair


@dataclass(frozen=True, slots=True)
class _Shifts:
    """The places at which a leaf is gone or a row is new, and so moves what comes after it."""

    gone: list[int]
    new: list[int]

    def explain(self, index: int, belongs: int) -> bool:
        """Say whether the row of the leaf `belongs` lies at `index` by these alone."""
        return belongs - index == bisect_left(self.gone, belongs) - bisect_left(self.new, index)


def name_rows(differing: Mapping[int, Pair]) -> Iterator[Finding]:
    """Yield what happened to rows, where the hashes of the tree are the right ones."""
    rows = {row: index for index, (row, _) in differing.items() if row is not None}
    tree = {kept: index for index, (_, kept) in differing.items() if kept is not None}
    last = max(rows.values(), default=-1)
    gone = [at for at, (_, kept) in differing.items() if kept is not None and kept not in rows]
    new = [at for at, (row, _) in differing.items() if row is not None and row not in tree]
    # A place that is empty between others has moved nothing; at the end, everything may have moved.
    moving = [at for at in gone if at > last or differing[at][0] is not None]
    # Where a new row stands in the place of one that is gone, nothing has moved either.
    missing = set(gone)
    altered = missing & set(new)
    shifts = _Shifts(sorted({*moving} - altered), sorted({*new} - altered))
    for index in sorted(differing):
        row = differing[index][0]
        if index in altered:
            yield Finding(Rule.ALTERED, index, index)
        elif index in missing:
            yield Finding(Rule.REMOVED, index, index)
        elif row is not None and row not in tree:
            yield Finding(Rule.ADDED, index, index)
        belongs = None if row is None else tree.get(row)
        if belongs is not None and not shifts.explain(index, belongs):
            yield Finding(Rule.REORDERED, index, index, other=belongs)


def name_hashes(differing: Mapping[int, Pair]) -> Iterator[Finding]:
    """Yield what happened to the hashes of the tree, where the rows are the right ones."""
    for index in sorted(differing):
        _, kept = differing[index]
        rule = Rule.NODE_REMOVED if kept is None else Rule.NODE_ALTERED
        yield Finding(rule, index, index, level=0)
