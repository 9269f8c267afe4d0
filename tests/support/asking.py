"""Agencies that ask a center question after question, and what each was answered in the end."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from juki_agency.center import Center
from juki_agency.config import AgencyConfig
from juki_client import channel
from juki_client.outcome import Problem
from juki_client.receipts import event_of
from jukinet.agencies.v1 import identity_confirmation_service_pb2 as pb
from tests.support.center import SAMPLES

_CODE = SAMPLES["takahashi-ichiro"].record.code.digits
_SECONDS = 60.0
_PAUSE = 0.3


@dataclass(frozen=True)
class Answered:
    """A question that was answered: at which try, and the provision that was recorded."""

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

    def ask(self) -> None:
        """Ask one question, the same one again until it is answered; hold the answer to the log."""
        question_id = uuid.uuid4()
        request = pb.ConfirmByCodeRequest(
            affair=self.affair, code=_CODE, items=(pb.ITEM_NAME,), question_id=str(question_id)
        )
        asking = self.center.receipts.act(event_of(request), request_id=question_id.bytes)
        end, tries = time.monotonic() + _SECONDS, 0
        while True:
            tries += 1
            try:
                answer = channel.call(
                    self.center.confirmations.ConfirmByCode, asking.stamped(request)
                )
                asking.require(answer)
            except Problem as problem:
                if problem.reason not in ("CENTER_UNREACHABLE", "SHUTTING_DOWN", "INTERNAL"):
                    raise
                if time.monotonic() > end:
                    raise
                time.sleep(_PAUSE)
                continue
            self.answered.append(Answered(tries, answer.confirmation.provision_id))
            return

    def ask_until(self, over: threading.Event) -> None:
        """Ask until it is over; what goes wrong is kept for the test to see."""
        try:
            while not over.is_set():
                self.ask()
        except Problem as problem:
            self.defects.append(f"{problem.reason} {problem.metadata}")


@contextmanager
def asking_meanwhile(folder: Path, address: str, lines: int = 4) -> Iterator[list[Asking]]:
    """Have several lines ask while the block runs; all questions are answered afterwards."""
    over = threading.Event()
    with ExitStack() as open_lines:
        every = [open_lines.enter_context(Asking.at(folder, address)) for _ in range(lines)]
        threads = [threading.Thread(target=one.ask_until, args=(over,)) for one in every]
        for thread in threads:
            thread.start()
        try:
            yield every
        finally:
            over.set()
            for thread in threads:
                thread.join()
