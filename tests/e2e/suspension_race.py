"""A desk stops a card while the card is used at a terminal again and again: how soon it is refused.

Time runs from the desk's command, its journal's sync included; starting the programs is left out.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from juki_client.change_journal import ChangeJournal
from juki_client.changes import Changes
from juki_client.outcome import Problem
from juki_desk.center import Center
from juki_desk.config import DeskConfig
from juki_desk.suspensions import Suspended, suspend
from jukinet.cards.v1 import card_service_pb2 as pb
from tests.e2e.window import Window

CLERK = "受付\u3000電子"


@dataclass(frozen=True)
class Desk:
    """A desk with its channel open, as while it is on duty."""

    center: Center
    changes: Changes

    def stop(self, code: str) -> Suspended:
        """Report a card as lost by telephone."""
        report = pb.SuspendCardRequest(
            clerk_name=CLERK,
            card=pb.CardReference(code=code),
            reporter=pb.SuspendCardRequest.REPORTER_HOLDER,
            channel=pb.SuspendCardRequest.CHANNEL_PHONE,
            reason=pb.SuspendCardRequest.REASON_LOST,
        )
        return suspend(self.center, self.changes, report)


@contextmanager
def opened_desk(config_path: Path) -> Iterator[Desk]:
    """Open the desk of a development center's folder."""
    config = DeskConfig.load(config_path)
    with Center.of(config) as center, ChangeJournal(config.journal) as journal:
        # The first call makes the handshake, which an open desk has behind it.
        center.require_admitted()
        yield Desk(center, Changes(center, journal))


@dataclass(frozen=True)
class Stopped:
    """When a card was stopped, in seconds from the desk's command.

    `answered` is the desk's answer, `refused` the first refusal at the terminal. `sessions` were
    finished before. `late` are those that began after the answer and were finished all the same.
    """

    answered: float
    refused: float
    sessions: int
    late: int


@dataclass
class _Visits:
    """A card at a terminal, session after session, until it is refused."""

    window: Window
    card: Path
    began: list[float] = field(default_factory=list)
    refused: float = 0.0
    reason: str = ""
    is_going: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        try:
            while not self.reason:
                self._visit()
        finally:
            self.is_going.set()

    def _visit(self) -> None:
        now = time.monotonic()
        try:
            self.window.authenticate(self.card)
        except Problem as problem:
            self.refused, self.reason = time.monotonic(), problem.reason
        else:
            self.began.append(now)
            self.is_going.set()


def race(window: Window, desk: Desk, key: str, code: str, *, after_seconds: float) -> Stopped:
    """Use a sample's card at a window, stop it after so many seconds, and time the refusal.

    Raises AssertionError where it is refused for another reason than that it is suspended.
    """
    visits = _Visits(window, window.card(key))
    visitor = threading.Thread(target=visits.run)
    visitor.start()
    visits.is_going.wait(30)
    visits.is_going.clear()
    visits.is_going.wait(after_seconds)
    command = time.monotonic()
    desk.stop(code)
    answer = time.monotonic()
    visitor.join(60)
    assert visits.reason == "CARD_SUSPENDED", visits.reason
    late = sum(began > answer for began in visits.began)
    return Stopped(answer - command, visits.refused - command, len(visits.began), late)
