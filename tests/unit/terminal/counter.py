"""A window at which PINs are set, with scissors: whatever happens in it can be cut off, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from google.protobuf.message import Message

from juki_card.errors import CardRemoved
from juki_card.passwords import TransportPin
from juki_card.virtual.memory import PinRecord, PinState
from juki_cardbox.power import CutPoint
from juki_client.change_journal import ChangeJournal
from juki_client.changes import Answered, Changes
from juki_client.outcome import Problem
from juki_client.patience import Patience
from juki_terminal.can import FileCan
from juki_terminal.card_work import CardWork
from juki_terminal.channel import Answer, Center
from juki_terminal.hand_over import HandOverOrder, hand_over
from juki_terminal.identity_documents import SeenDocument
from juki_terminal.new_pin import FileNewPin
from juki_terminal.pin import FilePin
from juki_terminal.pin_desk import PinDesk
from juki_terminal.reader import Reader
from juki_terminal.reader.virtual import VirtualReader
from juki_terminal.unlock import UnlockOrder, unlock
from jukinet.card.v1 import card_session_service_pb2 as card_pb
from jukinet.cards.v1.identity_document_pb2 import IdentityDocument
from tests.unit.terminal.cards_double import APPLICATION, CARD_NUMBER, TRANSPORT

NEW = "2580"
CAN = "310452"
FRESH = PinRecord(PinState.TRANSPORT, TransportPin(TRANSPORT))
DOCUMENTS = (
    SeenDocument(IdentityDocument.KIND_DRIVING_LICENCE, "501234567890"),
    SeenDocument(IdentityDocument.KIND_PENSION_BOOK, "1234-567890"),
)


class Killed(Exception):
    """The terminal's process is gone."""


@dataclass
class Scissors:
    """Cuts at the `at`th thing that happens, once; 0 never cuts."""

    at: int = 0
    happened: int = 0

    def snip(self) -> bool:
        """Count one thing; say whether it is the one."""
        self.happened += 1
        return self.happened == self.at


@dataclass(frozen=True)
class Pulled:
    """The power of a card that is pulled once, at any point of any exchange."""

    scissors: Scissors

    def reached(self, point: CutPoint, exchange: int, write: int) -> None:  # noqa: ARG002  # counted all alike
        if self.scissors.snip():
            raise CardRemoved("pulled")


class CutCenter(Center):
    """The same channel; a call may be lost on its way there, or its answer on its way back."""

    def __init__(self, whole: Center, kill: Scissors, lose: Scissors) -> None:
        vars(self).update(vars(whole))
        self._kill = kill
        self._lose = lose

    def call(
        self,
        method: Callable[..., Answer],
        request: Message,
        *,
        seconds: float = 10,
        seen: int | None = None,
    ) -> Answer:
        """Make one call, or not."""
        self._cut()
        answer = super().call(method, request, seconds=seconds, seen=seen)
        self._cut()
        return answer

    def _cut(self) -> None:
        if self._kill.snip():
            raise Killed
        if self._lose.snip():
            raise Problem("CENTER_UNREACHABLE")


@dataclass(frozen=True)
class CutReader:
    """The same reader; the process may be killed around every exchange."""

    reader: Reader
    kill: Scissors

    @property
    def name(self) -> str:
        return self.reader.name

    def connect(self, wait_seconds: float) -> bytes:
        if self.kill.snip():
            raise Killed
        return self.reader.connect(wait_seconds)

    def transmit(self, command: bytes) -> bytes:
        if self.kill.snip():
            raise Killed
        return self.reader.transmit(command)

    def close(self) -> None:
        self.reader.close()


@dataclass
class Counter:
    """The window. `pull`, `kill` and `lose` cut the card, the process and the center's answers."""

    center: Center
    card: Path
    folder: Path
    application: str = APPLICATION
    card_number: str = CARD_NUMBER
    can: str = CAN
    pull: Scissors = field(default_factory=Scissors)
    kill: Scissors = field(default_factory=Scissors)
    lose: Scissors = field(default_factory=Scissors)

    @contextmanager
    def desk(self) -> Iterator[PinDesk]:
        """Open the window as one run of a command does."""
        reader = VirtualReader(self.card, supply=Pulled(self.pull))
        with (
            ChangeJournal(self.folder / "changes") as journal,
            CardWork(self.folder / "work") as work,
        ):
            center = CutCenter(self.center, self.kill, self.lose)
            changes = Changes(center, journal, now=self._now, patience=Patience(seconds=0))
            yield PinDesk(center, CutReader(reader, self.kill), changes, work)

    def hand_over(self, *entries: str) -> Answered:
        """Run the hand-over, with a PIN that is entered twice."""
        with self.desk() as desk:
            return hand_over(
                desk,
                HandOverOrder(
                    self.application,
                    DOCUMENTS,
                    _chosen(entries or (NEW, NEW)),
                    lambda _: None,
                ),
            )

    def unlock(self, *entries: str, forgotten: bool = False) -> Answered:
        """Run an unlocking, with the PIN that is known, or a new one that is entered twice."""
        with self.desk() as desk:
            return unlock(
                desk,
                UnlockOrder(
                    card_number=self.card_number,
                    forgotten=forgotten,
                    documents=DOCUMENTS,
                    can=FileCan([self.can] * 3),
                    pin=FilePin(list(entries)),
                    new_pin=_chosen(entries or (NEW, NEW)),
                ),
            )

    def bend(self, step: card_pb.AuthenticateResponse) -> card_pb.AuthenticateResponse:
        """Lose a step of the center's in a card session, for `SessionDouble.bend`."""
        if self.lose.snip():
            raise Killed
        return step

    def _now(self) -> datetime:
        """Tell the time, which is asked before each line of a journal."""
        if self.kill.snip():
            raise Killed
        return datetime.now(UTC)


def ended(act: Callable[[], object]) -> str:
    """Run an act; return how it ended."""
    try:
        act()
    except Problem as problem:
        return problem.reason
    except Killed:
        return "KILLED"
    return "DONE"


def _chosen(entries: Sequence[str]) -> Callable[[Sequence[str]], FileNewPin]:
    return lambda forbidden: FileNewPin(list(entries), forbidden)
