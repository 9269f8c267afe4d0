"""Agencies that ask both nodes, and what they wrote down: a half of the history that is judged.

A caller asks one question after the other. What is not answered by one node is put to the other
one, until it is answered. By the contract a question that is put again is another one: so each try
has an id of its own, which the log names, and may be done once at the most.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from juki_agency.center import Center
from juki_agency.config import AgencyConfig
from juki_client import channel
from juki_client.outcome import Problem
from juki_client.receipts import Asking, event_of
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from jukinet.audit.v1 import receipt_pb2
from tests.ha.turns import BETWEEN_SECONDS, CALL_SECONDS, GIVES_UP_SECONDS, Turns
from tests.support.center import SAMPLES

AGENCY: Final = "agency-pension.toml"
_AFFAIR: Final = "pension"
_CODE: Final = SAMPLES["takahashi-ichiro"].record.code.digits


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
    turns: Turns
    answered: list[Answered] = field(default_factory=list)
    unanswered: list[uuid.UUID] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)

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
            yield cls(nodes, Turns(len(nodes), number % len(nodes)))

    def ask(self) -> None:
        """Ask one question until it is answered. Raises Problem for what does not pass."""
        until = time.monotonic() + GIVES_UP_SECONDS
        for tries in range(1, 1_000_000):
            question_id = uuid.uuid4()
            try:
                # As every client does: heads that were seen are proved to be of one log.
                self.nodes[self.turns.now].receipts.prove_in_time()
                answer = self._sent(question_id)
            except Problem as problem:
                self.unanswered.append(question_id)
                self.turns.bear(problem, until)
                continue
            provision = answer.confirmation.provision_id
            done = Answered(question_id, time.monotonic(), tries, provision, answer.receipt)
            self.answered.append(done)
            return

    def _sent(self, question_id: uuid.UUID) -> pb.ConfirmByCodeResponse:
        request = _question(question_id)
        center = self.nodes[self.turns.now]
        asking: Asking = center.receipts.act(event_of(request), request_id=question_id.bytes)
        method = center.confirmations.ConfirmByCode
        answer = channel.call(method, asking.stamped(request), seconds=CALL_SECONDS)
        asking.require(answer)
        return answer

    def times(self) -> list[float]:
        """When something was acknowledged."""
        return [one.at for one in list(self.answered)]

    def ask_until(self, over: threading.Event) -> None:
        """Ask until it is over."""
        while not over.is_set():
            self.ask()
            over.wait(BETWEEN_SECONDS)

    def prove(self) -> None:
        """Have the log proved to be one, from the first head seen to the newest; raises Problem."""
        self.nodes[self.turns.now].receipts.prove()


def _question(question_id: uuid.UUID) -> pb.ConfirmByCodeRequest:
    return pb.ConfirmByCodeRequest(
        affair=_AFFAIR, code=_CODE, items=(pb.ITEM_NAME,), question_id=str(question_id)
    )
