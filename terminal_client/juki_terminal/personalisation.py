"""Making a card at a terminal: a blank in the reader is written by the center, then proves itself.

    with Center(address, identity, trust) as center:
        made = personalise(center, open_reader("pcsc:Reader"), wanted)

The chip and the center speak through this terminal, which cannot read what they say. What a run
that was cut off must know lies at the center and in the chip: run it again with the same chip.
Nothing is written here, and the number from the card's face (CAN) stays in memory.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, cast

from juki_card.apdu import CommandAPDU, ResponseAPDU
from juki_card.blank import CLA, Instruction
from juki_card.errors import ParseError
from juki_card.passwords import Can
from juki_client.changes import carry_out
from juki_client.outcome import Problem
from juki_client.stream import Stream
from juki_terminal.calls import Call, Service
from juki_terminal.can import KnownCan
from juki_terminal.card_problems import card_problems
from juki_terminal.reader import connected
from juki_terminal.session import Surroundings, authenticate
from juki_terminal.stream import STEP_SECONDS, STREAM_SECONDS
from jukinet.card.v1 import card_session_service_pb2 as card_pb
from jukinet.cards.v1 import card_service_pb2 as pb
from jukinet.options.v1 import options_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from juki_client.changes import Changes
    from juki_terminal.channel import Center
    from juki_terminal.reader import Reader
    from jukinet.cards.v1.card_application_pb2 import Application

_MOST_BATCHES: Final = 8
_MOST_COMMANDS: Final = 32
_MOST_PAGES: Final = 100
_CLASSES: Final = (CLA, CLA | 0x0C)
"""In the clear, and protected."""
_OF_A_BLANK: Final = frozenset(Instruction)
_EVENT: Final = "PERSONALISATION_BEGUN"
VOID: Final = "void"
"""The word under which the journal finds a card that was given up."""
CALLS: Final = {VOID: Call(Service.CARDS, pb.VoidPersonalisationRequest, "VoidPersonalisation")}
_ELSEWHERE: Final = frozenset(
    ("CHIP_ALREADY_USED", "PERSONALISATION_OPEN", "CARD_NOT_BLANK", "CARD_NOT_OF_APPLICATION")
)
_NOT_THIS_CARD: Final = frozenset(("CARD_ACCESS_NUMBER_WRONG", "CARD_UNKNOWN"))


class Progress(StrEnum):
    """How far the making of a card has come, for people who wait."""

    BLANK_AWAITED = "blank_awaited"
    WRITING = "writing"
    WRITTEN = "written"
    WRITTEN_BEFORE = "written_before"


def _ignore(progress: Progress) -> None:  # noqa: ARG001  # nobody waits
    return


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which card is wanted: the one for an application."""

    application: str


@dataclass(frozen=True, slots=True)
class WrittenCard:
    """A chip that is written. `personalisation_id` is 16 bytes; the rest is printed on the face.

    `was_written_before` tells that a card lay in the reader that was a blank no longer, so that
    nothing was written and only the card itself can show whether it is the wanted one.
    """

    personalisation_id: bytes
    card_number: str
    card_access_number: str = field(repr=False)
    valid_until: str
    was_written_before: bool = False


def personalise(
    center: Center,
    reader: Reader,
    wanted: Wanted,
    *,
    surroundings: Surroundings | None = None,
    progress: Callable[[Progress], None] = _ignore,
) -> WrittenCard:
    """Make a card of the blank in the reader, and let it prove that it is one.

    After a cut, run it again with the same chip. Raises Problem: the center's reasons, those of the
    card and the reader, CARD_NOT_BLANK for a card that is another one, CARD_NOT_OF_APPLICATION
    where the card has proved itself and the center waits for another all the same.
    """
    around = surroundings or Surroundings()
    written = write(center, reader, wanted, surroundings=around, progress=progress)
    try:
        prove(center, reader, written.card_access_number, surroundings=around)
    except Problem as problem:
        if written.was_written_before and problem.reason in _NOT_THIS_CARD:
            raise Problem("CARD_NOT_BLANK") from problem
        raise
    if is_open(center, written.personalisation_id):
        raise Problem("CARD_NOT_OF_APPLICATION")
    return written


def write(
    center: Center,
    reader: Reader,
    wanted: Wanted,
    *,
    surroundings: Surroundings,
    progress: Callable[[Progress], None] = _ignore,
) -> WrittenCard:
    """Wait for a blank and relay until its chip is written; raise Problem."""
    progress(Progress.BLANK_AWAITED)
    with (
        connected(reader, surroundings.card_wait_seconds),
        closing(_TracedStream(center)) as stream,
    ):
        progress(Progress.WRITING)
        hello = pb.PersonaliseHello(application_number=wanted.application)
        stream.send(pb.PersonaliseCardRequest(hello=hello))
        written = _Relay(reader).run(stream)
    progress(Progress.WRITTEN_BEFORE if written.was_written_before else Progress.WRITTEN)
    return written


def prove(
    center: Center, reader: Reader, access_number: str, *, surroundings: Surroundings
) -> None:
    """Run the session over the CAN, by which the center knows that the card was made.

    Raises Problem as `session.authenticate` does.
    """
    try:
        source = KnownCan(Can(access_number))
    except ParseError as error:
        raise Problem("STEP_OUT_OF_ORDER", {"field": "card_access_number"}) from error
    authenticate(
        center,
        reader,
        source,
        purpose=options_pb2.PURPOSE_CARD_CHECK,
        surroundings=surroundings,
    )


def take_up(
    center: Center,
    reader: Reader,
    *,
    surroundings: Surroundings | None = None,
    progress: Callable[[Progress], None] = _ignore,
) -> pb.Personalisation | None:
    """Finish what the chip in the reader was begun for; return it, or None where it is of none.

    Raises Problem as `personalise` does, for anything but a chip that belongs elsewhere.
    """
    for one in open_ones(center):
        wanted = Wanted(one.application_number)
        try:
            personalise(center, reader, wanted, surroundings=surroundings, progress=progress)
        except Problem as problem:
            if problem.reason not in _ELSEWHERE:
                raise
        else:
            return one
    return None


def void(changes: Changes, personalisation_id: bytes) -> Application:
    """Give a card up, once; return the application, which waits for another. Raises Problem."""
    attempt = changes.begin(VOID, personalisation_id.hex())
    request = pb.VoidPersonalisationRequest(personalisation_id=personalisation_id)
    method = CALLS[VOID].of(cast("Center", changes.center))
    answered = carry_out(changes, attempt, method, request)
    return cast("pb.VoidPersonalisationResponse", answered.message).application


def open_ones(center: Center) -> list[pb.Personalisation]:
    """Return what was begun and not finished at this municipality, oldest first; raise Problem."""
    return [one for page in _pages(center) for one in page.personalisations]


def is_open(center: Center, personalisation_id: bytes) -> bool:
    """Tell whether the center still waits for a card; raise Problem."""
    found = open_ones(center)
    return any(one.personalisation_id == personalisation_id for one in found)


def _pages(center: Center) -> Iterator[pb.ListPersonalisationsResponse]:
    token = ""
    for _ in range(_MOST_PAGES):
        request = pb.ListPersonalisationsRequest(page_token=token)
        page = center.call(center.cards.ListPersonalisations, request)
        yield page
        token = page.next_page_token
        if not token:
            return


class _TracedStream:
    """One `PersonaliseCard` stream, traced where a trace was asked for.

    The first receipt must be that of what was begun. A card that was written before comes without
    one, because nothing is begun for it.
    """

    def __init__(self, center: Center) -> None:
        self._asking = center.receipts.act(_EVENT)
        self._is_shown = False
        self._trace = center.trace
        self._stream: Stream[pb.PersonaliseCardRequest, pb.PersonaliseCardResponse] = Stream(
            lambda steps: center.cards.PersonaliseCard(steps, timeout=STREAM_SECONDS),
            seconds=STEP_SECONDS,
        )

    def send(self, step: pb.PersonaliseCardRequest) -> None:
        step = self._asking.stamped(step)
        if self._trace is not None:
            self._trace.message(">", step)
        self._stream.send(step)

    def receive(self) -> pb.PersonaliseCardResponse:
        step = self._stream.receive()
        if self._trace is not None:
            self._trace.message("<", step)
        if step.HasField("receipt") and not self._is_shown:
            self._asking.require(step)
            self._is_shown = True
        return step

    def require_shown(self) -> None:
        """Require that the audit log shows what was begun; raise Problem RECEIPT_MISSING."""
        if not self._is_shown:
            raise Problem("RECEIPT_MISSING", {"event": _EVENT})

    def finish(self) -> None:
        self._stream.finish()

    def close(self) -> None:
        self._stream.close()


class _Relay:
    """Batches from the center to the chip and answers back, until the result."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._was_closed = False

    def run(self, stream: _TracedStream) -> WrittenCard:
        """Relay; raise Problem."""
        for number in range(1, _MOST_BATCHES + 1):
            step = stream.receive()
            if step.WhichOneof("step") == "result":
                stream.finish()
                if self._was_closed:
                    stream.require_shown()
                return _written(step.result, was_written_before=not self._was_closed)
            if step.WhichOneof("step") != "batch" or step.batch.number != number:
                raise Problem("STEP_OUT_OF_ORDER", {"expected": f"batch {number} or result"})
            answers = card_pb.Answers(batch_number=number, responses=self._batch(step.batch))
            stream.send(pb.PersonaliseCardRequest(answers=answers))
        raise Problem("STEP_OUT_OF_ORDER", {"expected": "result"})

    def _batch(self, batch: card_pb.Batch) -> list[bytes]:
        """Run a batch up to the first status word that is not acceptable (TR-03112)."""
        if not 1 <= len(batch.commands) <= _MOST_COMMANDS:
            raise _malformed("commands")
        if batch.protection != card_pb.Batch.PROTECTION_END_TO_END:
            raise _malformed("protection")
        answers: list[bytes] = []
        for command in batch.commands:
            instruction = _instruction(command.apdu)
            answers.append(self._reader.transmit(command.apdu))
            if _status_word(answers[-1]) not in command.acceptable_status_words:
                break
            self._was_closed |= instruction is Instruction.TERMINATE
        return answers


def _instruction(apdu: bytes) -> Instruction:
    """Return which command of a blank it is: not even the center sends a card anything else."""
    try:
        command = CommandAPDU.decode(apdu)
    except ParseError as error:
        raise _malformed("apdu") from error
    if command.cla not in _CLASSES or command.ins not in _OF_A_BLANK:
        raise Problem("PLAN_NOT_FOR_TERMINAL", {"field": "apdu"})
    return Instruction(command.ins)


def _status_word(answer: bytes) -> int:
    with card_problems():
        return ResponseAPDU.decode(answer).sw


def _written(result: pb.PersonaliseResult, *, was_written_before: bool) -> WrittenCard:
    return WrittenCard(
        personalisation_id=result.personalisation_id,
        card_number=result.card_number,
        card_access_number=result.card_access_number,
        valid_until=result.valid_until,
        was_written_before=was_written_before,
    )


def _malformed(field_name: str) -> Problem:
    return Problem("STEP_OUT_OF_ORDER", {"field": field_name})
