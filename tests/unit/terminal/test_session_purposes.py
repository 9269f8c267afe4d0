"""Card sessions of every purpose at a terminal: which password, how many APDUs, what is refused."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from juki_card.passwords import Can, Pin
from juki_card.virtual.memory import PinRecord, PinState
from juki_cardbox.cardfile import CardFile
from juki_cardbox.power import CutAt, CutPoint
from juki_client.outcome import Problem
from juki_terminal.can import CanSource, FileCan
from juki_terminal.channel import Center
from juki_terminal.pin import FilePin, PinSource
from juki_terminal.plan import password_for
from juki_terminal.reader.virtual import VirtualReader
from juki_terminal.session import Stage, Surroundings, authenticate
from jukinet.card.v1 import card_session_service_pb2 as card_pb
from jukinet.options.v1 import options_pb2
from tests.unit.terminal.center_double import LocksDouble, SessionDouble
from tests.unit.terminal.conftest import PIN
from tests.unit.terminal.test_pin_setting import Counting, put, record_of

CAN = "310452"
WITH_PIN = [
    options_pb2.PURPOSE_CERTIFICATE_COPY,
    options_pb2.PURPOSE_PIN_PROOF,
    options_pb2.PURPOSE_CLERK_SIGN_IN,
    options_pb2.PURPOSE_SPECIAL_MOVE_IN,
]
WITH_CAN = [options_pb2.PURPOSE_CARD_CHECK, options_pb2.PURPOSE_PIN_UNLOCK]
APDUS = {
    options_pb2.PURPOSE_CERTIFICATE_COPY: 18,
    options_pb2.PURPOSE_PIN_PROOF: 16,
    options_pb2.PURPOSE_CARD_CHECK: 16,
    options_pb2.PURPOSE_PIN_UNLOCK: 17,
    options_pb2.PURPOSE_CLERK_SIGN_IN: 16,
    options_pb2.PURPOSE_SPECIAL_MOVE_IN: 16,
}
Purpose = options_pb2.Purpose.ValueType


def source_for(purpose: Purpose) -> PinSource | CanSource:
    return FileCan([CAN]) if purpose in WITH_CAN else FilePin([PIN])


@pytest.mark.parametrize("purpose", [*WITH_PIN, *WITH_CAN])
def test_each_purpose_ends_in_a_session_after_its_apdus(
    center: Center, sessions: SessionDouble, card: Path, purpose: Purpose
) -> None:
    reader = Counting(VirtualReader(card))

    done = authenticate(center, reader, source_for(purpose), purpose=purpose)

    assert sessions.transcripts == {done.session_id: done.transcript_hash}
    assert len(reader.commands) == APDUS[purpose]
    assert bool(sessions.codes) == (purpose == options_pb2.PURPOSE_CERTIFICATE_COPY)


def test_the_unlock_is_named_in_hello_and_no_other_purpose_names_one(
    center: Center, sessions: SessionDouble, card: Path
) -> None:
    act_id = uuid.uuid4().bytes
    authenticate(
        center,
        VirtualReader(card),
        FileCan([CAN]),
        purpose=options_pb2.PURPOSE_PIN_UNLOCK,
        act_id=act_id,
    )
    authenticate(center, VirtualReader(card), FilePin([PIN]))

    assert [hello.act_id for hello in sessions.hellos] == [act_id, b""]


@pytest.mark.parametrize("purpose", WITH_CAN)
def test_a_wrong_number_is_asked_again_and_never_counted(
    center: Center, card: Path, purpose: Purpose
) -> None:
    told: list[Stage] = []

    authenticate(
        center,
        VirtualReader(card),
        FileCan(["000000", "111111", "222222", "333333", CAN]),
        purpose=purpose,
        surroundings=Surroundings(progress=told.append),
    )

    assert told.count(Stage.CAN_WRONG) == 4
    assert Stage.CAN_RIGHT in told
    assert not {Stage.PIN_WRONG, Stage.PIN_RIGHT} & set(told)
    assert record_of(card).tries_left == 3


@pytest.mark.parametrize("purpose", WITH_CAN)
def test_a_wrong_number_that_nobody_mends_is_no_wrong_pin(
    center: Center, locks: LocksDouble, card: Path, purpose: Purpose
) -> None:
    with pytest.raises(Problem) as caught:
        authenticate(center, VirtualReader(card), FileCan(["000000"]), purpose=purpose)

    assert caught.value.reason == "CARD_ACCESS_NUMBER_WRONG"
    assert record_of(card) == PinRecord(PinState.OPERATIONAL, Pin(PIN))
    assert locks.reports == []


@pytest.mark.parametrize("purpose", WITH_PIN)
def test_a_number_where_the_pin_is_due_never_reaches_the_card(
    center: Center, card: Path, purpose: Purpose
) -> None:
    reader = Counting(VirtualReader(card))

    with pytest.raises(Problem) as caught:
        authenticate(center, reader, FileCan([CAN]), purpose=purpose)

    assert caught.value.reason == "USAGE_INVALID"
    assert [command[1] for command in reader.commands] == [0xB0, 0x22]
    assert record_of(card).tries_left == 3


@pytest.mark.parametrize("purpose", WITH_CAN)
def test_a_pin_where_the_number_is_due_never_reaches_the_card(
    center: Center, card: Path, purpose: Purpose
) -> None:
    with pytest.raises(Problem) as caught:
        authenticate(center, VirtualReader(card), FilePin([PIN]), purpose=purpose)

    assert caught.value.reason == "USAGE_INVALID"
    assert record_of(card).tries_left == 3


@pytest.mark.parametrize("purpose", WITH_PIN)
def test_a_card_refuses_the_number_for_a_purpose_of_the_pin_even_from_a_terminal_that_lies(
    center: Center, card: Path, purpose: Purpose, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = password_for(options_pb2.PURPOSE_CARD_CHECK)
    monkeypatch.setattr("juki_terminal.plan.password_for", lambda _: reference)

    with pytest.raises(Problem) as caught:
        authenticate(center, VirtualReader(card), FileCan([CAN]), purpose=purpose)

    assert caught.value.reason == "CARD_REFUSED"
    assert caught.value.metadata["statusWord"] == "6982"


@pytest.mark.parametrize("purpose", WITH_CAN)
def test_a_locked_pin_does_not_stop_the_number(
    center: Center, locks: LocksDouble, card: Path, purpose: Purpose
) -> None:
    put(card, replace(record_of(card), tries_left=0))

    authenticate(center, VirtualReader(card), FileCan([CAN]), purpose=purpose)

    is_unlocked = purpose == options_pb2.PURPOSE_PIN_UNLOCK
    assert record_of(card).tries_left == (3 if is_unlocked else 0)
    assert locks.reports == []


@pytest.mark.parametrize("purpose", WITH_PIN)
def test_a_lock_is_reported_without_a_word_of_the_card(
    center: Center, locks: LocksDouble, card: Path, purpose: Purpose
) -> None:
    put(card, replace(record_of(card), tries_left=0))

    with pytest.raises(Problem, match="PIN_LOCKED"):
        authenticate(center, VirtualReader(card), FilePin([PIN]), purpose=purpose)

    (report,) = locks.reports
    assert [field.name for field, _ in report.ListFields()] == ["request_id"]


def test_a_forgotten_pin_is_taken_away_and_proof_of_it_is_no_wrong_pin(
    center: Center, sessions: SessionDouble, card: Path
) -> None:
    sessions.takes_pin_away = True
    purpose = options_pb2.PURPOSE_PIN_UNLOCK

    authenticate(center, VirtualReader(card), FileCan([CAN]), purpose=purpose)
    with pytest.raises(Problem) as caught:
        authenticate(
            center, VirtualReader(card), FilePin([PIN]), purpose=options_pb2.PURPOSE_PIN_PROOF
        )

    assert record_of(card).state is PinState.TRANSPORT
    assert caught.value.reason == "CARD_PIN_PENDING"


@pytest.mark.parametrize("point", list(CutPoint))
@pytest.mark.parametrize("number", range(1, 18))
def test_power_cut_anywhere_in_an_unlock_keeps_pin_and_counter_and_it_can_be_repeated(
    center: Center, card: Path, number: int, point: CutPoint
) -> None:
    put(card, replace(record_of(card), tries_left=0))
    purpose = options_pb2.PURPOSE_PIN_UNLOCK

    try:
        reader = VirtualReader(card, supply=CutAt(point, number))
        authenticate(center, reader, FileCan([CAN]), purpose=purpose)
        ended = "DONE"
    except Problem as problem:
        ended = problem.reason
    between = record_of(card)
    authenticate(center, VirtualReader(card), FileCan([CAN]), purpose=purpose)

    assert ended in {"CARD_REMOVED", "DONE"}
    assert between.tries_left in {0, 3}
    assert record_of(card).value == Pin(PIN)
    assert record_of(card).tries_left == 3


@pytest.mark.parametrize(
    ("purpose", "right"),
    [
        (options_pb2.PURPOSE_PIN_PROOF, 0x100),
        (options_pb2.PURPOSE_PIN_PROOF, 0x10),
        (options_pb2.PURPOSE_CLERK_SIGN_IN, 0x20),
        (options_pb2.PURPOSE_SPECIAL_MOVE_IN, 0x100),
        (options_pb2.PURPOSE_SPECIAL_MOVE_IN, 0x20),
        (options_pb2.PURPOSE_CARD_CHECK, 0x130),
        (options_pb2.PURPOSE_CERTIFICATE_COPY, 0x110),
    ],
)
def test_a_plan_that_asks_for_more_than_the_purpose_needs_is_refused_before_the_card(
    center: Center, sessions: SessionDouble, card: Path, purpose: Purpose, right: int
) -> None:
    def greedy(step: card_pb.AuthenticateResponse) -> card_pb.AuthenticateResponse:
        if step.WhichOneof("step") == "plan":
            step.plan.chat = right.to_bytes(5, "big")
        return step

    sessions.bend = greedy
    reader = Counting(VirtualReader(card))

    with pytest.raises(Problem) as caught:
        authenticate(center, reader, source_for(purpose), purpose=purpose)

    assert caught.value.reason == "PLAN_NOT_FOR_TERMINAL"
    assert caught.value.metadata == {"field": "chat"}
    assert reader.commands == []


def test_the_number_of_the_face_is_in_no_exception_and_no_record(
    center: Center, card: Path
) -> None:
    with pytest.raises(Problem) as caught:
        authenticate(
            center,
            VirtualReader(card),
            FileCan(["271828"]),
            purpose=options_pb2.PURPOSE_CARD_CHECK,
        )

    error: BaseException | None = caught.value
    shown = repr(Can("271828"))
    while error is not None:
        shown += repr(error) + str(error) + str(vars(error))
        error = error.__cause__ or error.__context__
    assert "271828" not in shown
    assert CardFile(card).load().can == Can(CAN)
