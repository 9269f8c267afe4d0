"""PersonaliseCard against a terminal that says what a test says: each message that does not fit."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from juki_center.areas.audit.events import Event
from juki_client.outcome import Problem
from juki_client.stream import Stream
from jukinet.card.v1 import card_session_service_pb2 as card_pb
from jukinet.cards.v1 import card_service_pb2 as pb
from tests.support.card_factory import CLERK, Factory, card_factory, furnish
from tests.support.leaves import leaves
from tests.support.undisturbed import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from juki_pki.folder import PKIFolder
    from juki_terminal.channel import Center
    from juki_terminal.reader.virtual import VirtualReader

Said = pb.PersonaliseCardRequest


@dataclass
class Clock:
    """A clock that a test may put forward."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Talk:
    """A stream, and the chip in this terminal's reader."""

    stream: Stream[pb.PersonaliseCardRequest, pb.PersonaliseCardResponse]
    reader: VirtualReader

    def hello(self, number: str) -> card_pb.Batch:
        hello = pb.PersonaliseHello(clerk_name=CLERK, application_number=number)
        self.stream.send(Said(hello=hello))
        return self.stream.receive().batch

    def answers(self, batch: card_pb.Batch) -> card_pb.Answers:
        """Return what the chip says to a batch."""
        responses = [self.reader.transmit(command.apdu) for command in batch.commands]
        return card_pb.Answers(batch_number=batch.number, responses=responses)

    def onward(self, batch: card_pb.Batch) -> card_pb.Batch:
        """Answer a batch as a terminal does; return the next one."""
        self.stream.send(Said(answers=self.answers(batch)))
        return self.stream.receive().batch

    def reason(self, said: Said) -> str:
        """Say something; return why the center ends the stream."""
        self.stream.send(said)
        with pytest.raises(Problem) as caught:
            self.stream.receive()
        return caught.value.reason


@dataclass
class Bench:
    """A center, its clock and a terminal."""

    factory: Factory
    clock: Clock
    center: Center

    @contextmanager
    def talk(self, chip: Path | None = None) -> Iterator[Talk]:
        reader = self.factory.reader(chip or self.factory.blank())
        stream: Stream[pb.PersonaliseCardRequest, pb.PersonaliseCardResponse] = Stream(
            lambda steps: self.center.cards.PersonaliseCard(steps, timeout=20), seconds=15
        )
        with closing(stream), closing(reader):
            reader.connect(1)
            yield Talk(stream, reader)


@pytest.fixture
def bench(tmp_path: Path, pki: PKIFolder) -> Iterator[Bench]:
    folder, clock = tmp_path / "store", Clock()
    folder.mkdir()
    furnish(folder)
    with card_factory(folder, pki, clock=clock) as factory, factory.terminal() as center:
        yield Bench(factory, clock, center)


def more(answers: card_pb.Answers) -> None:
    answers.responses.append(b"\x90\x00")


def fewer(answers: card_pb.Answers) -> None:
    del answers.responses[-1]


def another_number(answers: card_pb.Answers) -> None:
    answers.batch_number += 1


def no_status_word(answers: card_pb.Answers) -> None:
    answers.responses[0] = b"\x90"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (more, "ANSWERS_MALFORMED"),
        (fewer, "ANSWERS_TRUNCATED"),
        (another_number, "STEP_OUT_OF_ORDER"),
        (no_status_word, "ANSWERS_MALFORMED"),
    ],
)
def test_answers_that_no_run_gives_are_refused_and_begin_nothing(
    bench: Bench, spoil: Callable[[card_pb.Answers], None], reason: str
) -> None:
    number = bench.factory.apply()
    with bench.talk() as talk:
        answers = talk.answers(talk.hello(number))
        spoil(answers)

        assert talk.reason(Said(answers=answers)) == reason

    assert bench.factory.read(lambda tx: tx.personalisations.newest_of(number)) is None


@pytest.mark.parametrize("batches", range(1, 6))
def test_altered_answer_of_the_chip_is_refused_at_every_batch(bench: Bench, batches: int) -> None:
    number, chip = bench.factory.apply(), bench.factory.blank()
    with bench.talk(chip) as talk:
        batch = talk.hello(number)
        for _ in range(1, batches):
            batch = talk.onward(batch)
        answers = talk.answers(batch)
        first = bytearray(answers.responses[0])
        first[3] ^= 0x01
        answers.responses[0] = bytes(first)

        assert talk.reason(Said(answers=answers)) == "CARD_NOT_AUTHENTIC"

    last = leaves(bench.factory.store)[-1]
    assert (last["ev"], last["out"]) == (Event.CARD_ACT_REFUSED, "CARD_NOT_AUTHENTIC")


def test_answers_before_hello_are_out_of_order(bench: Bench) -> None:
    with bench.talk() as talk:
        assert talk.reason(Said(answers=card_pb.Answers(batch_number=1))) == "STEP_OUT_OF_ORDER"


def test_second_hello_is_out_of_order(bench: Bench) -> None:
    number = bench.factory.apply()
    with bench.talk() as talk:
        talk.hello(number)
        hello = pb.PersonaliseHello(clerk_name=CLERK, application_number=number)

        assert talk.reason(Said(hello=hello)) == "STEP_OUT_OF_ORDER"


def test_empty_step_is_out_of_order(bench: Bench) -> None:
    with bench.talk() as talk:
        assert talk.reason(Said()) == "STEP_OUT_OF_ORDER"


def test_second_stream_of_a_terminal_is_told_the_limit(bench: Bench) -> None:
    first, second = bench.factory.apply(), bench.factory.apply()
    with bench.talk() as talk:
        # The place is the stream's that arrives first, so the other one comes when it is taken.
        talk.hello(first)
        with bench.talk() as other:
            hello = pb.PersonaliseHello(clerk_name=CLERK, application_number=second)

            assert other.reason(Said(hello=hello)) == "SESSION_LIMIT"


def test_run_that_takes_too_long_ends_by_its_reason(bench: Bench) -> None:
    number = bench.factory.apply()
    with bench.talk() as talk:
        answers = talk.answers(talk.hello(number))
        bench.clock.ahead = timedelta(seconds=181)

        assert talk.reason(Said(answers=answers)) == "SESSION_EXPIRED"


def test_every_command_is_sent_as_it_is(bench: Bench) -> None:
    number = bench.factory.apply()
    with bench.talk() as talk:
        batch = talk.hello(number)
        for _ in range(4):
            assert batch.protection == card_pb.Batch.PROTECTION_END_TO_END
            batch = talk.onward(batch)


def test_whole_run_with_a_virtual_blank_is_quick(bench: Bench) -> None:
    number = bench.factory.apply()
    watch = Stopwatch()
    with bench.talk() as talk:
        batch = talk.hello(number)
        for _ in range(4):
            batch = talk.onward(batch)
        talk.stream.send(Said(answers=talk.answers(batch)))
        result = talk.stream.receive().result

    assert len(result.card_number) == 12
    assert watch.seconds() < 5
