"""Agencies that ask a center question after question, and what each was answered in the end."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, Self

from juki_agency.center import Center
from juki_agency.config import AgencyConfig
from juki_client import channel
from juki_client.outcome import Problem
from juki_client.receipts import event_of
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from tests.support.again import until_answered
from tests.support.center import SAMPLES

_CODE = SAMPLES["takahashi-ichiro"].record.code.digits


class Line(Protocol):
    """Somebody who asks again and again."""

    defects: list[str]

    def ask(self) -> None:
        """Ask once; come back with the answer. Raises Problem."""

    @property
    def count(self) -> int:
        """How many answers there were."""


@dataclass(frozen=True)
class Answered:
    """A question that was answered: at which try, and the provision that was recorded."""

    question_id: bytes
    tries: int
    provision: str


@dataclass
class Asking:
    """One agency's line, with a log book of its own."""

    center: Center
    affair: str
    answered: list[Answered] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def at(cls, folder: Path, address: str, affair: str = "pension") -> Iterator[Self]:
        """Open a line of the agency of an affair; its connection is its own."""
        file = {"pension": "agency-pension.toml", "passport": "agency.toml"}[affair]
        config = AgencyConfig.load(folder / file)
        name = uuid.uuid4().hex
        config = replace(config, center_address=address, log_book=folder / f"{name}.log-book")
        with Center.of(config) as center:
            yield cls(center, affair)

    @property
    def count(self) -> int:
        """How many answers there were."""
        return len(self.answered)

    def ask(self) -> None:
        """Ask one question, the same one again until it is answered; hold the answer to the log."""
        question_id = uuid.uuid4()
        request = pb.ConfirmByCodeRequest(
            affair=self.affair, code=_CODE, items=(pb.ITEM_NAME,), question_id=str(question_id)
        )
        # Heads that wait for a proof are verified at each answer: from time to time it is due.
        until_answered(self.center.receipts.prove_in_time)
        asking = self.center.receipts.act(event_of(request), request_id=question_id.bytes)
        stub = self.center.confirmations
        tries, answer = until_answered(
            lambda: channel.call(stub.ConfirmByCode, asking.stamped(request))
        )
        asking.require(answer)
        provision = answer.confirmation.provision_id
        self.answered.append(Answered(question_id.bytes, tries, provision))


def ask_until(line: Line, over: threading.Event) -> None:
    """Ask until it is over; what goes wrong is kept for the test to see."""
    try:
        while not over.is_set():
            line.ask()
    except Problem as problem:
        line.defects.append(f"{problem.reason} {problem.metadata}")
    except BaseException as error:
        line.defects.append(type(error).__name__)
        raise


@contextmanager
def asking(lines: list[Line]) -> Iterator[None]:
    """Have lines ask while the block runs; all that was asked is answered afterwards."""
    over = threading.Event()
    threads = [threading.Thread(target=ask_until, args=(one, over)) for one in lines]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


@contextmanager
def asking_meanwhile(folder: Path, address: str, lines: int = 4) -> Iterator[list[Asking]]:
    """Have several lines of one agency ask while the block runs."""
    with ExitStack() as open_lines:
        every = [open_lines.enter_context(Asking.at(folder, address)) for _ in range(lines)]
        with asking([*every]):
            yield every
