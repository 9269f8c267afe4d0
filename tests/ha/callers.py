"""Callers of both nodes, and what they wrote down: the history by which everything is judged.

A caller asks one question after the other. What is not answered by one node is put to the other
one, until it is answered. By the contract a question that is put again is another one: so each try
has an id of its own, which the log names, and may be done once at the most.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from juki_agency.center import Center
from juki_agency.config import AgencyConfig
from juki_client import channel
from juki_client.outcome import Problem
from juki_client.patience import told_seconds
from juki_client.receipts import Asking, event_of
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from jukinet.audit.v1 import receipt_pb2
from tests.support.center import SAMPLES

AGENCY: Final = "agency-pension.toml"
_AFFAIR: Final = "pension"
_CODE: Final = SAMPLES["takahashi-ichiro"].record.code.digits
_PASSING: Final = frozenset(
    ("CENTER_UNREACHABLE", "SHUTTING_DOWN", "STORE_UNAVAILABLE", "OVERLOADED", "LOG_UNAVAILABLE")
)
_CALL_SECONDS: Final = 5.0
_GIVES_UP_SECONDS: Final = 180.0
_PAUSE_SECONDS: Final = 0.2
_BETWEEN_SECONDS: Final = 0.01


@dataclass(frozen=True, slots=True)
class Answered:
    """A question that was answered: when, at which try, as which provision, with which receipt."""

    question_id: uuid.UUID
    at: float
    tries: int
    provision: str
    receipt: receipt_pb2.Receipt


@dataclass(slots=True)
class Caller:
    """One caller, with a connection to each node and one log book for both."""

    nodes: Sequence[Center]
    answered: list[Answered] = field(default_factory=list)
    unanswered: list[uuid.UUID] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    _node: int = 0

    @classmethod
    @contextmanager
    def of(cls, folder: Path, addresses: Sequence[str], number: int) -> Iterator[Self]:
        """Open the lines; every second caller asks the second node first."""
        config = AgencyConfig.load(folder / AGENCY)
        book = folder / f"caller-{number}.log-book"
        with ExitStack() as opened:
            nodes = [
                opened.enter_context(
                    Center.of(replace(config, center_address=address, log_book=book))
                )
                for address in addresses
            ]
            yield cls(nodes, _node=number % len(nodes))

    def ask(self) -> None:
        """Ask one question until it is answered. Raises Problem for what does not pass."""
        until = time.monotonic() + _GIVES_UP_SECONDS
        for tries in range(1, 1_000_000):
            question_id = uuid.uuid4()
            try:
                # As every client does: heads that were seen are proved to be of one log.
                self.nodes[self._node].receipts.prove_in_time()
                answer = self._sent(question_id)
            except Problem as problem:
                self.unanswered.append(question_id)
                self._bear(problem, until)
                continue
            provision = answer.confirmation.provision_id
            done = Answered(question_id, time.monotonic(), tries, provision, answer.receipt)
            self.answered.append(done)
            return

    def _sent(self, question_id: uuid.UUID) -> pb.ConfirmByCodeResponse:
        request = _question(question_id)
        center = self.nodes[self._node]
        asking: Asking = center.receipts.act(event_of(request), request_id=question_id.bytes)
        method = center.confirmations.ConfirmByCode
        answer = channel.call(method, asking.stamped(request), seconds=_CALL_SECONDS)
        asking.require(answer)
        return answer

    def _bear(self, problem: Problem, until: float) -> None:
        """Pause, and turn to the other node."""
        self.refused[problem.reason] += 1
        if problem.reason not in _PASSING or time.monotonic() > until:
            raise problem
        self._node = (self._node + 1) % len(self.nodes)
        time.sleep(max(_PAUSE_SECONDS, told_seconds(problem) or 0.0))

    def ask_until(self, over: threading.Event) -> None:
        """Ask until it is over; what goes wrong is kept for the verdict."""
        try:
            while not over.is_set():
                self.ask()
                over.wait(_BETWEEN_SECONDS)
        except Problem as problem:
            self.defects.append(f"{problem.reason} {dict(problem.metadata)}")

    def prove(self) -> None:
        """Have the log proved to be one, from the first head seen to the newest; raises Problem."""
        self.nodes[self._node].receipts.prove()


def _question(question_id: uuid.UUID) -> pb.ConfirmByCodeRequest:
    return pb.ConfirmByCodeRequest(
        affair=_AFFAIR, code=_CODE, items=(pb.ITEM_NAME,), question_id=str(question_id)
    )


@contextmanager
def asking_meanwhile(
    folder: Path, addresses: Sequence[str], count: int
) -> Iterator[Sequence[Caller]]:
    """Have callers ask while the block runs; at its end every question has its answer."""
    over = threading.Event()
    with ExitStack() as opened:
        callers = [
            opened.enter_context(Caller.of(folder, addresses, number)) for number in range(count)
        ]
        threads = [
            threading.Thread(target=one.ask_until, args=(over,), daemon=True) for one in callers
        ]
        for thread in threads:
            thread.start()
        try:
            yield callers
        finally:
            over.set()
            for thread in threads:
                thread.join()
