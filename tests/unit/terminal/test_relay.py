"""What a center may make a terminal send to a card, and when a result is believed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from juki_card.apdu import CommandAPDU
from juki_cardbox.cardfile import CardFile
from juki_client.outcome import Problem
from juki_terminal.channel import Center
from juki_terminal.pin import FilePin
from juki_terminal.reader.virtual import VirtualReader
from juki_terminal.session import authenticate
from jukinet.card.v1 import card_session_service_pb2 as card_pb
from tests.unit.terminal.center_double import SessionDouble
from tests.unit.terminal.conftest import PIN
from tests.unit.terminal.test_session import Counting

Change = Callable[[card_pb.AuthenticateResponse], None]
NEW_PIN = CommandAPDU(0x00, 0x2C, 0x02, 0x03, b"1234").encode()
VERIFY = CommandAPDU(0x00, 0x20, 0x00, 0x03, b"1234").encode()


def run_bent(
    center: Center, sessions: SessionDouble, card: Path, arm: str, change: Change
) -> tuple[Problem, Counting]:
    """Run a session whose messages of one kind are changed; it must end in a problem."""

    def bend(step: card_pb.AuthenticateResponse) -> card_pb.AuthenticateResponse:
        if step.WhichOneof("step") == arm:
            change(step)
        return step

    sessions.bend = bend
    reader = Counting(VirtualReader(card))
    with pytest.raises(Problem) as caught:
        authenticate(center, reader, FilePin([PIN]))
    return caught.value, reader


@pytest.mark.parametrize("apdu", [NEW_PIN, VERIFY], ids=["new PIN", "verify"])
def test_center_cannot_make_the_terminal_touch_the_pin(
    center: Center, sessions: SessionDouble, card: Path, apdu: bytes
) -> None:
    def first_command(step: card_pb.AuthenticateResponse) -> None:
        step.batch.commands[0].apdu = apdu

    problem, reader = run_bent(center, sessions, card, "batch", first_command)

    assert (problem.reason, problem.metadata) == ("PLAN_NOT_FOR_TERMINAL", {"field": "apdu"})
    assert len(reader.commands) == 12
    assert CardFile(card).load().pin.tries_left == 3


def number_two(step: card_pb.AuthenticateResponse) -> None:
    step.batch.number = 7


def no_commands(step: card_pb.AuthenticateResponse) -> None:
    del step.batch.commands[:]


def too_many_commands(step: card_pb.AuthenticateResponse) -> None:
    for _ in range(40):
        step.batch.commands.add(apdu=b"\x00\xb0\x9c\x00\x00", acceptable_status_words=[0x9000])


def unknown_protection(step: card_pb.AuthenticateResponse) -> None:
    step.batch.protection = card_pb.Batch.PROTECTION_UNSPECIFIED


def no_apdu(step: card_pb.AuthenticateResponse) -> None:
    step.batch.commands[0].apdu = b"\x00"


def another_plan(step: card_pb.AuthenticateResponse) -> None:
    step.plan.version = 1


@pytest.mark.parametrize(
    "change",
    [number_two, no_commands, too_many_commands, unknown_protection, no_apdu, another_plan],
)
def test_batch_that_does_not_fit_ends_the_session(
    center: Center, sessions: SessionDouble, card: Path, change: Change
) -> None:
    problem, reader = run_bent(center, sessions, card, "batch", change)

    assert problem.reason == "STEP_OUT_OF_ORDER"
    assert len(reader.commands) == 12


def other_session(step: card_pb.AuthenticateResponse) -> None:
    step.result.session_id = bytes(16)


def other_transcript(step: card_pb.AuthenticateResponse) -> None:
    step.result.transcript_hash = bytes(32)


@pytest.mark.parametrize("change", [other_session, other_transcript])
def test_result_of_another_session_is_not_believed(
    center: Center, sessions: SessionDouble, card: Path, change: Change
) -> None:
    problem, _ = run_bent(center, sessions, card, "result", change)

    assert problem.reason == "PLAN_NOT_FOR_TERMINAL"
    assert problem.metadata["field"].startswith("result.")


def result_instead(step: card_pb.AuthenticateResponse) -> None:
    step.result.session_id = bytes(16)


def test_result_in_the_place_of_the_plan_is_out_of_order(
    center: Center, sessions: SessionDouble, card: Path
) -> None:
    problem, reader = run_bent(center, sessions, card, "plan", result_instead)

    assert problem.reason == "STEP_OUT_OF_ORDER"
    assert problem.metadata == {"expected": "plan", "got": "result"}
    assert reader.commands == []


def test_card_that_refuses_a_relayed_command_ends_as_the_center_decides(
    center: Center, sessions: SessionDouble, card: Path
) -> None:
    """A signature by another key: the card answers 6300 or alike, and the center says why."""

    def spoil(step: card_pb.AuthenticateResponse) -> None:
        apdu = step.batch.commands[0].apdu
        if apdu[1] == 0x82:
            step.batch.commands[0].apdu = apdu[:-1] + bytes((apdu[-1] ^ 1,))

    problem, reader = run_bent(center, sessions, card, "batch", spoil)

    assert problem.reason == "CARD_NOT_AUTHENTIC"
    assert len(reader.commands) == 13
    assert CardFile(card).load().pin.tries_left == 3
