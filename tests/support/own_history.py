"""Judges a center on a server by what its clients were told: what is lost, and what is there twice.

A birth carries a request id and counts once, however often it was sent. A question has none: sent
again after a lost answer it is another one, and each sending counts once at the most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
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
    twice = len(questions) - len({one.provision for one in questions})
    twice += sum(max(0, after.leaves[_QUESTION, key] - one.tries) for key, one in asked.items())
    # What no leaf speaks of was done without anybody having asked for it.
    leaves = after.leaves - before.leaves
    twice += max(0, len(after.provisions - before.provisions) - _of(leaves, _QUESTION))
    of_births = judged_births(before, after, births)
    return Verdict(len(every), lost + of_births.lost, twice + of_births.twice)


def judged_births(
    before: Held, after: Held, births: Sequence[Registered], unanswered: Collection[bytes] = ()
) -> Verdict:
    """Compare births with the persons and the leaves that are there.

    What was sent and never answered may be there, once; nobody else registers births meanwhile.
    """
    ids = {one.request_id for one in births}
    new = after.persons - before.persons
    lost = sum(after.leaves[_BIRTH, one] == 0 for one in ids) + max(0, len(births) - new)
    twice = len(births) - len({one.code for one in births})
    entered = {key: number for (kind, key), number in after.leaves.items() if kind == _BIRTH}
    known = {key for kind, key in before.leaves if kind == _BIRTH}
    sent = ids | set(unanswered)
    twice += sum(max(0, entered.get(one, 0) - 1) for one in sent)
    twice += sum(number for key, number in entered.items() if key not in sent | known)
    twice += max(0, new - len(births) - len(unanswered))
    return Verdict(len(births), lost, twice)


def _of(leaves: Counter[tuple[str, bytes]], event: str) -> int:
    return sum(number for (kind, _), number in leaves.items() if kind == event)
