"""A witness of the audit log: it cosigns a head only after that head followed its last one.

What it cosigned last is kept in a file of its own, and is written before the cosignature leaves the
program: not even a witness that was cut off signs two heads of one size.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from juki_audit import checkpoints, witnesses
from juki_audit.errors import HeadNotTrusted, LogRefused, ProofInvalid
from juki_audit.tree import verify_consistency
from juki_client.log_memory import Fault, LogMemory, SeenHead
from juki_client.outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_audit.receipts import TrustedLog
    from juki_audit.tree import Head
    from juki_client.log_book import Prover
    from juki_client.log_shelf import Content, Shelf
    from juki_client.witness_key import WitnessSecret


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A head that was cosigned, and its note with the line of the witness."""

    head: Head
    note: bytes


def _now() -> int:
    return int(time.time())


class Witness:
    """Cosigns the heads of one log with one key; `shelf` keeps the last of them."""

    def __init__(
        self,
        log: TrustedLog,
        secret: WitnessSecret,
        shelf: Shelf,
        now: Callable[[], int] = _now,
    ) -> None:
        self._log = log
        self._secret = secret
        self._shelf = shelf
        self._now = now

    def cosign(self, prover: Prover) -> Cosigned:
        """Cosign the newest head, if the center proves that it follows the last one.

        The first head of all is taken as it is. Raises Problem: those of the prover, such as
        CENTER_UNREACHABLE; JOURNAL_DAMAGED; and LOG_NOT_TRUSTED, LOG_SHRANK and LOG_FORKED, which
        are remembered with the head that showed it and raised from then on.
        """
        # No other run has its turn meanwhile: two of them could follow one head to two others.
        with self._shelf.turn() as content:
            memory = self._trusting(content)
            checkpoint, proof = self._asked(content, memory, prover)
            try:
                cosigned = self._cosigned(checkpoint)
                if memory.proved is not None:
                    verify_consistency(memory.proved.head, cosigned.head, proof)
            except LogRefused as error:
                problem = _problem_of(error, memory)
                raise self._remembered(content, memory, problem, checkpoint) from error
            seen = SeenHead(cosigned.head, checkpoint)
            content.replace(LogMemory(proved=seen, proved_at=self._now()).encode())
        return cosigned

    def check(self, prover: Prover) -> Head:
        """Return the newest head if it follows the last one; cosign and keep nothing.

        Raises Problem as `cosign` does, and remembers the same.
        """
        with self._shelf.turn() as content:
            memory = self._trusting(content)
            checkpoint, proof = self._asked(content, memory, prover)
            try:
                head = self._log.head(checkpoint)
                if memory.proved is not None:
                    verify_consistency(memory.proved.head, head, proof)
            except LogRefused as error:
                problem = _problem_of(error, memory)
                raise self._remembered(content, memory, problem, checkpoint) from error
        return head

    def size(self) -> int:
        """Return the size of the last head that was cosigned; 0 before the first.

        Raises Problem for a fault that was found before, and JOURNAL_DAMAGED.
        """
        with self._shelf.turn() as content:
            return self._trusting(content).size

    def _trusting(self, content: Content) -> LogMemory:
        memory = self._read(content)
        if memory.fault is not None:
            raise memory.fault.problem()
        return memory

    def _cosigned(self, checkpoint: bytes) -> Cosigned:
        head = self._log.head(checkpoint)
        signed = checkpoints.parse(checkpoint)
        if signed.checkpoint.extensions:
            # They are under the cosignature too, and could make two notes of one head.
            raise HeadNotTrusted("EXTENSIONS", size=head.size)
        at = datetime.fromtimestamp(self._now(), UTC)
        note = witnesses.cosign(signed, self._secret.name, self._secret.private, at).note()
        return Cosigned(head, note.encode())

    def _asked(
        self, content: Content, memory: LogMemory, prover: Prover
    ) -> tuple[bytes, tuple[bytes, ...]]:
        try:
            checkpoint, proof = prover.newest(memory.size)
        except Problem as problem:
            if problem.reason != "LOG_SHORTER":
                raise
            shrank = Problem("LOG_SHRANK", problem.metadata)
            raise self._remembered(content, memory, shrank, b"") from problem
        return checkpoint, tuple(proof)

    def _remembered(
        self, content: Content, memory: LogMemory, problem: Problem, checkpoint: bytes
    ) -> Problem:
        facts = tuple(problem.metadata.items())
        fault = Fault(problem.reason, facts, self._now(), checkpoint)
        content.replace(replace(memory, fault=fault).encode())
        return problem

    def _read(self, content: Content) -> LogMemory:
        octets = content.read()
        try:
            return LogMemory.decode(octets, self._log) if octets else LogMemory()
        except (LogRefused, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Problem("JOURNAL_DAMAGED", {"file": "witness state"}) from error


def _problem_of(error: LogRefused, memory: LogMemory) -> Problem:
    """Return the problem that a broken rule stands for."""
    if not isinstance(error, ProofInvalid):
        return Problem("LOG_NOT_TRUSTED", {"rule": error.rule})
    facts = {"size": str(error.size), "knownSize": str(memory.size)}
    if error.size < memory.size:
        return Problem("LOG_SHRANK", facts)
    return Problem("LOG_FORKED", {"rule": error.rule, **facts})
