"""Judges a center on a server by what its clients were told: what is lost, and what is there twice.

A birth carries a request id and counts once, however often it was sent. A question has none: sent
again after a lost answer it is another one, and each sending counts once at the most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import psycopg

from juki_audit.leaf import Leaf
from tests.support.asking import Answered
from tests.support.registering import Registered

_QUESTION = "IDENTITY_CONFIRMED"
_BIRTH = "RECORD_ENTERED"


@dataclass(frozen=True)
class Held:
    """What a center has of the acts of its clients."""

    provisions: frozenset[str]
    persons: int
    leaves: Counter[tuple[str, bytes]]
    """How many leaves there are of an event and a request's id."""

    @classmethod
    def by(cls, url: str) -> Held:
        """Read what a database holds, and every opened leaf of its log."""
        with psycopg.connect(url) as sql:
            found = sql.execute("SELECT id FROM provisions").fetchall()
            (persons,) = sql.execute("SELECT count(*) FROM directory").fetchone() or (0,)
            leaves: Counter[tuple[str, bytes]] = Counter()
            for (content,) in sql.execute("SELECT content FROM audit_leaves"):
                if content is not None:
                    leaf = Leaf.decode(content)
                    leaves[leaf.event, leaf.request_id] += 1
        return cls(frozenset(str(row[0]) for row in found), persons, leaves)


@dataclass(frozen=True)
class Verdict:
    """How many acts were acknowledged, and how many of them are not there, or more than once."""

    acknowledged: int
    lost: int
    twice: int

    def __str__(self) -> str:
        return f"acknowledged={self.acknowledged} lost={self.lost} twice={self.twice}"


def judged(
    before: Held, after: Held, answered: Iterable[Sequence[Answered | Registered]]
) -> Verdict:
    """Compare what clients were told with what is there; nothing of theirs is open any more."""
    every = [one for line in answered for one in line]
    questions = [one for one in every if isinstance(one, Answered)]
    births = [one for one in every if isinstance(one, Registered)]
    asked = {one.question_id: one for one in questions}
    lost = sum(after.leaves[_QUESTION, one.question_id] == 0 for one in questions)
    lost += sum(one.provision not in after.provisions for one in questions)
    lost += sum(after.leaves[_BIRTH, one.request_id] == 0 for one in births)
    twice = len(questions) - len({one.provision for one in questions})
    twice += len(births) - len({one.code for one in births})
    twice += sum(max(0, after.leaves[_QUESTION, key] - one.tries) for key, one in asked.items())
    twice += sum(max(0, after.leaves[_BIRTH, one.request_id] - 1) for one in births)
    # What no leaf speaks of was done without anybody having asked for it.
    leaves = after.leaves - before.leaves
    twice += max(0, len(after.provisions - before.provisions) - _of(leaves, _QUESTION))
    twice += max(0, after.persons - before.persons - len(births))
    lost += max(0, len(births) - (after.persons - before.persons))
    return Verdict(len(every), lost, twice)


def _of(leaves: Counter[tuple[str, bytes]], event: str) -> int:
    return sum(number for (kind, _), number in leaves.items() if kind == event)
