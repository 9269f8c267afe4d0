"""Making a card before a center that says what a test says: what the terminal never passes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from juki_card.apdu import CommandAPDU
from juki_card.blank import get_challenge, get_state
from juki_cardbox.blanks import make_blank
from juki_client.outcome import Problem
from juki_pki.folder import PKIFolder
from juki_terminal.channel import Center
from juki_terminal.personalisation import Wanted, open_ones, write
from juki_terminal.reader.virtual import VirtualReader
from juki_terminal.session import Surroundings
from jukinet.card.v1 import card_session_service_pb2 as card_pb
from jukinet.cards.v1 import card_service_pb2 as pb
from tests.unit.terminal.center_double import LocksDouble
from tests.unit.terminal.test_session import Counting

WANTED = Wanted("A000000000195")
SECRET = "271828"
END_TO_END = card_pb.Batch.PROTECTION_END_TO_END


@dataclass
class ScriptedCenter(LocksDouble):
    """Says the steps of a test one after the other, and hears the answers."""

    steps: list[pb.PersonaliseCardResponse] = field(default_factory=list)
    heard: list[pb.PersonaliseCardRequest] = field(default_factory=list)
    pages: int = 1

    def PersonaliseCard(  # noqa: N802
        self,
        request_iterator: Iterator[pb.PersonaliseCardRequest],
        context: grpc.ServicerContext,  # noqa: ARG002  # it refuses nothing
    ) -> Iterator[pb.PersonaliseCardResponse]:
        for step in self.steps:
            self.heard.append(next(request_iterator))
            yield step

    def ListPersonalisations(  # noqa: N802
        self,
        request: pb.ListPersonalisationsRequest,
        context: grpc.ServicerContext,  # noqa: ARG002  # it refuses nothing
    ) -> pb.ListPersonalisationsResponse:
        number = int(request.page_token or "1")
        one = pb.Personalisation(personalisation_id=bytes([number]) * 16)
        token = str(number + 1) if number < self.pages else ""
        return pb.ListPersonalisationsResponse(personalisations=[one], next_page_token=token)


@pytest.fixture
def locks() -> ScriptedCenter:
    """The card service of the center in this process."""
    return ScriptedCenter()


@pytest.fixture
def reader(tmp_path: Path, pki: PKIFolder) -> Counting:
    path = tmp_path / "blank.card"
    make_blank(path, pki.personalisation_key())
    return Counting(VirtualReader(path))


def batch_of(
    *commands: CommandAPDU,
    number: int = 1,
    protection: card_pb.Batch.Protection.ValueType = END_TO_END,
) -> pb.PersonaliseCardResponse:
    sent = [
        card_pb.Command(apdu=command.encode(), acceptable_status_words=[0x9000])
        for command in commands
    ]
    return pb.PersonaliseCardResponse(
        batch=card_pb.Batch(number=number, protection=protection, commands=sent)
    )


def result() -> pb.PersonaliseCardResponse:
    return pb.PersonaliseCardResponse(result=pb.PersonaliseResult(card_access_number=SECRET))


def run(center: Center, reader: Counting) -> Problem:
    with pytest.raises(Problem) as caught:
        write(center, reader, WANTED, surroundings=Surroundings(card_wait_seconds=0))
    return caught.value


@pytest.mark.parametrize(
    "command",
    [
        CommandAPDU(0x00, 0x2C, 0x02, 0x03, b"1234"),
        CommandAPDU(0x00, 0xB0, 0x9C, 0x00, ne=256),
        CommandAPDU(0x00, 0xE0, 0x00, 0x00, ne=256),
        CommandAPDU(0x80, 0xEA, 0x00, 0x00),
        CommandAPDU(0x84, 0xE0, 0x00, 0x00, ne=256),
    ],
)
def test_what_is_no_command_of_a_blank_never_reaches_the_card(
    center: Center, locks: ScriptedCenter, reader: Counting, command: CommandAPDU
) -> None:
    locks.steps = [batch_of(command)]

    problem = run(center, reader)

    assert (problem.reason, problem.metadata) == ("PLAN_NOT_FOR_TERMINAL", {"field": "apdu"})
    assert reader.commands == []


@pytest.mark.parametrize(
    ("step", "field_name"),
    [
        (batch_of(), "commands"),
        (batch_of(*[get_state()] * 33), "commands"),
        (batch_of(get_state(), protection=card_pb.Batch.PROTECTION_TERMINAL), "protection"),
    ],
)
def test_batch_that_does_not_fit_never_reaches_the_card(
    center: Center,
    locks: ScriptedCenter,
    reader: Counting,
    step: pb.PersonaliseCardResponse,
    field_name: str,
) -> None:
    locks.steps = [step]

    problem = run(center, reader)

    assert (problem.reason, problem.metadata) == ("STEP_OUT_OF_ORDER", {"field": field_name})
    assert reader.commands == []


@pytest.mark.parametrize("step", [batch_of(get_state(), number=2), pb.PersonaliseCardResponse()])
def test_step_out_of_its_turn_is_refused(
    center: Center, locks: ScriptedCenter, reader: Counting, step: pb.PersonaliseCardResponse
) -> None:
    locks.steps = [step]

    assert run(center, reader).reason == "STEP_OUT_OF_ORDER"
    assert reader.commands == []


def test_center_that_never_comes_to_an_end_is_left(
    center: Center, locks: ScriptedCenter, reader: Counting
) -> None:
    locks.steps = [batch_of(get_state(), number=number) for number in range(1, 12)]

    assert run(center, reader).metadata == {"expected": "result"}


def test_batch_stops_at_the_first_status_word_that_is_not_acceptable(
    center: Center, locks: ScriptedCenter, reader: Counting
) -> None:
    refused = CommandAPDU(0x80, 0xEE, 0x00, 0x00)
    locks.steps = [batch_of(get_challenge(), refused, get_state()), result()]

    written = write(center, reader, WANTED, surroundings=Surroundings(card_wait_seconds=0))

    answers = locks.heard[1].answers
    assert [answer[-2:].hex() for answer in answers.responses] == ["9000", "6985"]
    assert written.was_written_before


def test_access_number_shows_in_no_repr(
    center: Center, locks: ScriptedCenter, reader: Counting
) -> None:
    locks.steps = [result()]

    written = write(center, reader, WANTED, surroundings=Surroundings(card_wait_seconds=0))

    assert written.card_access_number == SECRET
    assert SECRET not in repr(written)


def test_all_pages_of_open_ones_are_read(center: Center, locks: ScriptedCenter) -> None:
    locks.pages = 3

    found = open_ones(center)

    assert [one.personalisation_id[0] for one in found] == [1, 2, 3]
