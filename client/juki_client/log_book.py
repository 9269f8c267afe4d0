"""What a client knows of the audit log, and what it holds the log to.

The newest head that was seen is never given up for a smaller one or for another of its size; heads
that were seen on the way are proved to be on one line with it, at the beginning of a card session
and from time to time. Once a check has failed, the log is not trusted until a person says so:
`require_trusted` raises what was found, in every program that shares the book.
"""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Protocol

from juki_audit.errors import HeadNotTrusted, LogRefused, ProofInvalid
from juki_audit.receipts import open_receipt, require_act
from juki_audit.tree import verify_consistency
from juki_client.log_memory import Fault, LogMemory, SeenHead
from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from juki_audit.receipts import OpenedLeaf, OwnAct, Receipt, TrustedLog
    from juki_audit.tree import Head
    from juki_client.log_shelf import Content, Shelf

PROVED_FOR_SECONDS: Final = 3600
"""For so long a proof is new enough."""
MOST_WAITING: Final = 64
"""With so many heads that no proof has joined yet, one is due at once."""


class Prover(Protocol):
    """Asks the center for proofs; raises Problem."""

    def newest(self, first: int) -> tuple[bytes, Sequence[bytes]]:
        """Return the newest checkpoint, and the proof that it follows the tree of a size."""
        ...

    def between(self, first: int, second: int) -> Sequence[bytes]:
        """Return the proof that the tree of the second size follows that of the first."""
        ...


def _now() -> int:
    return int(time.time())


class LogBook:
    """The book. Every method raises Problem JOURNAL_DAMAGED where it cannot be read or written."""

    def __init__(self, log: TrustedLog, shelf: Shelf, now: Callable[[], int] = _now) -> None:
        self.log = log
        self._shelf = shelf
        self._now = now

    def look(self) -> LogMemory:
        """Return what is known."""
        with self._shelf.turn() as content:
            return self._read(content)

    def require_trusted(self) -> LogMemory:
        """Return what is known; raise the Problem that was found, where one was."""
        memory = self.look()
        if memory.fault is not None:
            raise memory.fault.problem()
        return memory

    def is_due(self) -> bool:
        """Say whether the last proof is too old, or the heads since have become too many."""
        memory = self.look()
        age = self._now() - memory.proved_at
        return memory.proved is not None and (
            not 0 <= age < PROVED_FOR_SECONDS or len(memory.waiting) >= MOST_WAITING
        )

    def take(self, receipt: Receipt, act: OwnAct, *, known: LogMemory) -> OpenedLeaf:
        """Take the receipt of an own act; return the act's leaf.

        `known` is what was known when the act was asked for. Raises Problem, which is remembered:
        LOG_NOT_TRUSTED, LOG_SHRANK, LOG_FORKED or RECEIPT_INVALID.
        """
        with self._shelf.turn() as content:
            memory = self._read(content)
            try:
                opened = open_receipt(receipt, self.log)
                _require_no_smaller(opened.head, known)
                after = memory.with_head(SeenHead(opened.head, receipt.checkpoint), self._now())
                leaf = require_act(opened, act)
            except LogRefused as error:
                problem = _problem_of(error, is_proof=False)
                raise self._remembered(content, problem, receipt.checkpoint) from error
            except Problem as problem:
                raise self._remembered(content, problem, receipt.checkpoint) from problem
            if after is not memory:
                content.replace(after.encode())
            return leaf

    def doubt(self, rule: str, checkpoint: bytes) -> Problem:
        """Remember that a receipt says something else than its answer; return the Problem.

        It is RECEIPT_INVALID with the rule.
        """
        with self._shelf.turn() as content:
            problem = Problem("RECEIPT_INVALID", {"rule": rule})
            return self._remembered(content, problem, checkpoint)

    def prove(self, prover: Prover) -> None:
        """Let the center prove that all heads that were seen are on one line, up to the newest.

        Raises Problem: those of the prover, such as CENTER_UNREACHABLE, and those that are
        remembered: LOG_NOT_TRUSTED, LOG_SHRANK and LOG_FORKED.
        """
        known = self.require_trusted()
        if known.newest is None:
            return
        checkpoint = b""
        try:
            checkpoint, proof = prover.newest(known.size)
            newest = SeenHead(self.log.head(checkpoint), checkpoint)
            _require_no_smaller(newest.head, known)
            verify_consistency(known.newest.head, newest.head, proof)
            for older, newer in pairwise(one.head for one in known.heads()):
                verify_consistency(older, newer, prover.between(older.size, newer.size))
            self._keep_proved(known, newest)
        except LogRefused as error:
            raise self._found(_problem_of(error, is_proof=True), checkpoint) from error
        except Problem as problem:
            raise self._found(problem, checkpoint) from problem

    def begin_anew(self) -> str:
        """Forget the heads and the fault; return the name under which they are kept aside.

        The next head that comes is trusted as it is. Empty where nothing was kept.
        """
        return self._shelf.put_away(str(self._now()))

    def _keep_proved(self, known: LogMemory, newest: SeenHead) -> None:
        """Note the proof; heads that another program has seen meanwhile wait for the next one."""
        with self._shelf.turn() as content:
            after = self._read(content).with_proof(known, newest, self._now())
            content.replace(after.encode())

    def _found(self, problem: Problem, checkpoint: bytes) -> Problem:
        """Return what a proof has come to; remember it where it speaks against the log."""
        if problem.reason == _CENTER_HAS_LESS:
            problem = Problem("LOG_SHRANK", problem.metadata)
        if problem.reason not in _AGAINST_THE_LOG:
            return problem
        with self._shelf.turn() as content:
            return self._remembered(content, problem, checkpoint)

    def _remembered(self, content: Content, problem: Problem, checkpoint: bytes) -> Problem:
        """Write down what is wrong, where nothing was found before; return it."""
        memory = self._read(content)
        if memory.fault is None:
            facts = tuple(problem.metadata.items())
            fault = Fault(problem.reason, facts, self._now(), checkpoint)
            content.replace(replace(memory, fault=fault).encode())
        return problem

    def _read(self, content: Content) -> LogMemory:
        octets = content.read()
        if not octets:
            return LogMemory()
        try:
            return LogMemory.decode(octets, self.log)
        except LogRefused as error:
            raise Problem("JOURNAL_DAMAGED", {"file": "log book", "rule": error.rule}) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Problem("JOURNAL_DAMAGED", {"file": "log book"}) from error


_AGAINST_THE_LOG: Final = frozenset(
    ("LOG_SHRANK", "LOG_FORKED", "LOG_NOT_TRUSTED", "RECEIPT_INVALID")
)
_CENTER_HAS_LESS: Final = "LOG_SHORTER"


def _require_no_smaller(head: Head, known: LogMemory) -> None:
    """Raise Problem LOG_SHRANK for a head that is smaller than one that was seen before."""
    if head.size < known.size:
        facts = {"size": str(head.size), "knownSize": str(known.size)}
        raise Problem("LOG_SHRANK", facts)


def _problem_of(error: LogRefused, *, is_proof: bool) -> Problem:
    """Return the problem that a broken rule stands for."""
    match error:
        case HeadNotTrusted():
            return Problem("LOG_NOT_TRUSTED", {"rule": error.rule, "size": str(error.size)})
        case ProofInvalid() if is_proof:
            facts = {"rule": error.rule, "size": str(error.size), "knownSize": str(error.start)}
            return Problem("LOG_FORKED", facts)
        case _:
            return Problem("RECEIPT_INVALID", {"rule": error.rule})
