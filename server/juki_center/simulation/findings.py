"""What an audit has to say: which rule is broken by whom. Never a word of anybody's entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from juki_center.simulation.ledger import Ledger


class Rule(StrEnum):
    """What must hold after the year."""

    ONE_PLACE = "everybody stands in the directory once, and has the newest record there"
    OPENS = "every version of every record opens, with the key of the book it stands in"
    ONE_CODE = "no two persons have the same code"
    ONE_HOUSEHOLD = "nobody lives in two households, and no household in two municipalities"
    WHOLE_HISTORY = "the versions of a record follow each other without a gap"
    LAWFUL_STATES = "each version's state follows from the one before by its reason"
    ONE_CARD = "nobody has two cards that are good"
    CARD_FOLLOWS = "a card is good only where its holder is a resident"
    MOVE_AND_RECORDS = "a move says the same as its persons' records, and each arrival is one"
    OPEN_MOVE = "an open move names nobody who has arrived or died, and nobody twice"
    DEADLINE = "every deadline of a move was kept, and what was late is marked"
    NOTICE_GAPLESS = "the change notices are counted without a gap"
    NOTICE_FOR_EACH = "each version that changes an item has one notice, and no other has any"
    HEADCOUNT = "there are as many residents as began, were born, and did not die or leave"
    AS_FORESEEN = "every errand ends as the plan foresaw"


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that does not hold: for whom, by a number of the store, and what is wrong."""

    rule: Rule
    subject: str
    problem: str

    def __str__(self) -> str:
        return f"{self.rule.name}: {self.subject}: {self.problem}"


Check = Callable[[Ledger], Iterator[Finding]]
