"""Registrars: one terminal's clerks who enter births at both nodes, and repeat each request.

A birth has a request id. What is not answered by one node is put to the other one under the same
id, until it is answered. Then the other node is sent it once more, and so it is when all kills
are over: every time the answer must be the first one.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from juki_client import channel
from juki_client.log_shelf import FileShelf
from juki_client.outcome import Problem
from juki_terminal.channel import Center
from jukinet.audit.v1 import receipt_pb2
from jukinet.residents.v1 import resident_service_pb2 as pb
from tests.ha.turns import BETWEEN_SECONDS, CALL_SECONDS, GIVES_UP_SECONDS, Turns
from tests.support.register_service import birth
from tests.support.registering import TERMINAL, Registered, terminal_at


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer to a request: all of it but the receipt, octet by octet, and the receipt."""

    answer: bytes = field(repr=False)
    receipt: receipt_pb2.Receipt = field(repr=False)

    @classmethod
    def of(cls, answer: pb.RegisterBirthResponse) -> Self:
        """Take an answer apart."""
        bare = pb.RegisterBirthResponse()
        bare.CopyFrom(answer)
        bare.ClearField("receipt")
        return cls(bare.SerializeToString(deterministic=True), answer.receipt)

    def says_as(self, other: Reply) -> bool:
        """Whether both tell the same of the same act; proofs and heads may be of other sizes."""
        return self.answer == other.answer and self._leaves() == other._leaves()

    def _leaves(self) -> list[tuple[int, bytes, bytes]]:
        return [(one.index, one.salt, one.content) for one in self.receipt.leaves]


@dataclass(frozen=True, slots=True)
class Entered:
    """A birth that was answered: when, what first, and what the same request was told again."""

    registered: Registered
    at: float
    first: Reply
    again: list[Reply] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Sent:
    """A request, and the size of the tree that was known when it was sent first."""

    request: pb.RegisterBirthRequest = field(repr=False)
    seen: int


@dataclass(slots=True)
class Registrar:
    """One registrar, with a connection to each node and one log book for both."""

    nodes: Sequence[Center]
    turns: Turns
    entered: list[Entered] = field(default_factory=list)
    unanswered: list[bytes] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    _sent: list[_Sent] = field(default_factory=list)

    @classmethod
    @contextmanager
    def of(cls, folder: Path, addresses: Sequence[str], number: int) -> Iterator[Self]:
        """Open the lines; every second registrar asks the second node first."""
        shelf = FileShelf(folder / f"registrar-{number}.log-book")
        with ExitStack() as opened:
            nodes = [
                opened.enter_context(terminal_at(folder, address, TERMINAL, shelf))
                for address in addresses
            ]
            yield cls(nodes, Turns(len(nodes), number % len(nodes)))

    def ask(self) -> None:
        """Enter one birth, and send the request once more to the node that has not answered.

        Raises Problem for what does not pass.
        """
        request = birth()
        sent = _Sent(request, self.nodes[self.turns.now].seen_tree_size)
        request_id = uuid.UUID(request.request_id).bytes
        self.unanswered.append(request_id)
        tries, answer = self._until_answered(sent)
        registered = Registered(request_id, tries, answer.record.code)
        self.entered.append(Entered(registered, time.monotonic(), Reply.of(answer)))
        self._sent.append(sent)
        self.unanswered.pop()
        self._repeat(len(self.entered) - 1)

    def _repeat(self, number: int) -> None:
        self.turns.turn()
        _, answer = self._until_answered(self._sent[number])
        self.entered[number].again.append(Reply.of(answer))

    def _until_answered(self, sent: _Sent) -> tuple[int, pb.RegisterBirthResponse]:
        until, tries = time.monotonic() + GIVES_UP_SECONDS, 0
        while True:
            tries += 1
            try:
                return tries, self._answer(sent)
            except Problem as problem:
                self.turns.bear(problem, until)

    def _answer(self, sent: _Sent) -> pb.RegisterBirthResponse:
        """Send it as a terminal does, and keep the receipt, which a terminal takes away."""
        center = self.nodes[self.turns.now]
        asking = center.receipts.asking(sent.request, sent.seen)
        if asking is None:
            raise TypeError("births are in the log")
        stamped = asking.stamped(sent.request)
        answer = channel.call(center.residents.RegisterBirth, stamped, seconds=CALL_SECONDS)
        asking.require(answer)
        return answer

    def times(self) -> list[float]:
        """When something was acknowledged."""
        return [one.at for one in list(self.entered)]

    def ask_until(self, over: threading.Event) -> None:
        """Enter births until it is over; then repeat every request. Raises Problem as `ask`."""
        while not over.is_set():
            self.ask()
            over.wait(BETWEEN_SECONDS)
        for number in range(len(self.entered)):
            self._repeat(number)

    def prove(self) -> None:
        """Have the log proved to be one, from the first head seen to the newest; raises Problem."""
        self.nodes[self.turns.now].receipts.prove()
