"""Setting a PIN at the card alone: first, after an unlock, by the old one; cut at every point."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from juki_card.passwords import Can, Pin, TransportPin
from juki_card.virtual.memory import PinRecord, PinState
from juki_cardbox.cardfile import CardFile
from juki_cardbox.power import CutAt, CutPoint
from juki_client.outcome import Problem
from juki_terminal.new_pin import FileNewPin
from juki_terminal.pin import FilePin
from juki_terminal.pin_setting import (
    Patient,
    change_pin,
    finish_first_pin,
    set_first_pin,
    set_pin_after_unlock,
)
from juki_terminal.reader import Reader
from juki_terminal.reader.virtual import VirtualReader
from juki_terminal.trace import Trace, TracedReader
from tests.unit.terminal.conftest import PIN
from tests.unit.terminal.test_secrets import forms_of

NEW = "2580"
WRONG = "9172"
TRANSPORT = TransportPin("60718")
CAN = Can("310452")
APDUS = 7
"""EF.CardAccess, MSE:Set AT, four steps of PACE, RESET RETRY COUNTER."""
Act = Callable[[Reader], None]


def record_of(card: Path) -> PinRecord:
    return CardFile(card).load().pin


def put(card: Path, record: PinRecord) -> Path:
    """Give the card another PIN record."""
    file = CardFile(card)
    file.save(replace(file.load(), pin=record))
    return card


@pytest.fixture
def fresh(card: Path) -> Path:
    """A card that was made and not handed over."""
    return put(card, PinRecord(PinState.TRANSPORT, TRANSPORT))


@pytest.fixture
def emptied(card: Path) -> Path:
    """A card whose PIN a window has taken away."""
    return put(card, PinRecord(PinState.TRANSPORT, None))


def change(reader: Reader, *old: str) -> None:
    change_pin(reader, FilePin(list(old or (PIN,))), FileNewPin([NEW, NEW]))


class Counting:
    """A reader that counts what reaches the card."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.commands: list[bytes] = []

    @property
    def name(self) -> str:
        return self._reader.name

    def connect(self, wait_seconds: float) -> bytes:
        return self._reader.connect(wait_seconds)

    def transmit(self, command: bytes) -> bytes:
        self.commands.append(command)
        return self._reader.transmit(command)

    def close(self) -> None:
        self._reader.close()


class Garbled(Counting):
    """A reader that spoils the last octets of one answer, as a bad contact does."""

    def __init__(self, reader: Reader, number: int) -> None:
        super().__init__(reader)
        self._number = number

    def transmit(self, command: bytes) -> bytes:
        answer = super().transmit(command)
        if len(self.commands) != self._number:
            return answer
        return answer[:-3] + bytes((answer[-3] ^ 1,)) + answer[-2:]


def test_the_old_pin_sets_a_new_one(card: Path) -> None:
    reader = Counting(VirtualReader(card))

    change(reader)

    assert record_of(card) == PinRecord(PinState.OPERATIONAL, Pin(NEW))
    assert len(reader.commands) == APDUS


def test_a_wrong_old_pin_is_counted_asked_again_and_forgiven_by_the_right_one(card: Path) -> None:
    change(VirtualReader(card), WRONG, PIN)

    assert record_of(card) == PinRecord(PinState.OPERATIONAL, Pin(NEW))


def test_a_wrong_old_pin_is_told_with_the_tries_that_are_left(card: Path) -> None:
    told: list[int] = []

    change_pin(
        VirtualReader(card),
        FilePin([WRONG, WRONG, PIN]),
        FileNewPin([NEW, NEW]),
        Patient(pin_was_wrong=told.append),
    )

    assert told == [2, 1]


def test_a_wrong_old_pin_that_nobody_mends_changes_nothing(card: Path) -> None:
    with pytest.raises(Problem) as caught:
        change(VirtualReader(card), WRONG)

    assert caught.value.reason == "PIN_WRONG"
    assert caught.value.metadata == {"attemptsRemaining": "2"}
    assert record_of(card) == PinRecord(PinState.OPERATIONAL, Pin(PIN), tries_left=2)


def test_the_third_wrong_old_pin_locks_the_card(card: Path) -> None:
    with pytest.raises(Problem) as third:
        change(VirtualReader(card), WRONG, WRONG, WRONG, PIN)
    with pytest.raises(Problem) as after:
        change(VirtualReader(card))

    assert (third.value.reason, after.value.reason) == ("PIN_LOCKED", "PIN_LOCKED")
    assert record_of(card).value == Pin(PIN)


@pytest.mark.parametrize("entry", ["12345", "123", "12a4", "２５８０", "1234", "7777"])
def test_case_34_a_new_pin_that_breaks_the_rule_sends_no_pin_to_the_card(
    card: Path, entry: str
) -> None:
    reader = Counting(VirtualReader(card))

    with pytest.raises(Problem) as caught:
        change_pin(reader, FilePin([PIN]), FileNewPin([entry, entry]))

    assert caught.value.reason in {"PIN_NOT_FOUR_DIGITS", "PIN_TOO_OBVIOUS"}
    # EF.CardAccess and the tries that are left, which cost none; no step of PACE.
    assert [command[1] for command in reader.commands] == [0xB0, 0x22]
    assert record_of(card) == PinRecord(PinState.OPERATIONAL, Pin(PIN))


def test_the_transport_pin_sets_the_first_pin_once(fresh: Path) -> None:
    set_first_pin(VirtualReader(fresh), TRANSPORT, Pin(NEW))

    assert record_of(fresh) == PinRecord(PinState.OPERATIONAL, Pin(NEW))
    with pytest.raises(Problem, match="PIN_WRONG"):
        set_first_pin(VirtualReader(fresh), TRANSPORT, Pin(PIN))
    assert record_of(fresh).value == Pin(NEW)


def test_the_can_sets_a_new_pin_after_the_old_one_was_taken_away(emptied: Path) -> None:
    set_pin_after_unlock(VirtualReader(emptied), CAN, Pin(NEW))

    assert record_of(emptied) == PinRecord(PinState.OPERATIONAL, Pin(NEW))


def test_a_wrong_can_is_never_a_wrong_pin(emptied: Path) -> None:
    with pytest.raises(Problem) as caught:
        set_pin_after_unlock(VirtualReader(emptied), Can("000000"), Pin(NEW))

    assert caught.value.reason == "CARD_ACCESS_NUMBER_WRONG"
    assert record_of(emptied) == PinRecord(PinState.TRANSPORT, None)


def test_the_can_of_a_card_with_a_pin_sets_none(card: Path) -> None:
    with pytest.raises(Problem) as caught:
        set_pin_after_unlock(VirtualReader(card), CAN, Pin(NEW))

    assert caught.value.reason == "CARD_REFUSED"
    assert caught.value.metadata["statusWord"] == "6982"
    assert record_of(card) == PinRecord(PinState.OPERATIONAL, Pin(PIN))


def test_an_answer_with_a_wrong_mac_is_inconclusive_and_says_nothing_of_the_pin(
    card: Path,
) -> None:
    with pytest.raises(Problem) as caught:
        change(Garbled(VirtualReader(card), APDUS))

    assert caught.value.reason == "PIN_CHANGE_INCONCLUSIVE"
    assert caught.value.metadata == {"cause": "CARD_REFUSED"}
    assert record_of(card).tries_left == 3


def test_a_card_token_that_does_not_fit_is_not_a_wrong_pin(card: Path) -> None:
    with pytest.raises(Problem) as caught:
        change(Garbled(VirtualReader(card), APDUS - 1))

    assert caught.value.reason in {"CARD_NOT_AUTHENTIC", "CARD_REFUSED"}
    assert record_of(card) == PinRecord(PinState.OPERATIONAL, Pin(PIN))


def cut(act: Act, card: Path, point: CutPoint, number: int) -> str:
    """Run an act with a power cut; return how it ended."""
    try:
        act(VirtualReader(card, supply=CutAt(point, number)))
    except Problem as problem:
        return problem.reason
    return "DONE"


@pytest.mark.parametrize("point", list(CutPoint))
@pytest.mark.parametrize("number", range(1, APDUS + 1))
def test_power_cut_anywhere_in_a_change_leaves_the_old_pin_or_the_new_and_its_counter(
    card: Path, number: int, point: CutPoint
) -> None:
    ended = cut(change, card, point, number)

    left = record_of(card)
    assert left.state is PinState.OPERATIONAL
    assert left.value in (Pin(PIN), Pin(NEW))
    assert left.tries_left >= 2
    assert ended in ({"CARD_REMOVED", "DONE"} if number < APDUS else _INCONCLUSIVE)
    assert ended != "DONE" or left.value == Pin(NEW)
    # The new PIN first; a wrong one costs a try, and the right one gives all back.
    change_pin(VirtualReader(card), FilePin([NEW, PIN]), FileNewPin([NEW, NEW]))
    assert record_of(card) == PinRecord(PinState.OPERATIONAL, Pin(NEW))


@pytest.mark.parametrize("point", list(CutPoint))
@pytest.mark.parametrize("number", range(1, APDUS + 1))
def test_power_cut_anywhere_in_the_first_pin_is_finished_by_the_next_call(
    fresh: Path, number: int, point: CutPoint
) -> None:
    ended = cut(lambda r: set_first_pin(r, TRANSPORT, Pin(NEW)), fresh, point, number)

    assert ended in ({"CARD_REMOVED", "DONE"} if number < APDUS else _INCONCLUSIVE)
    assert record_of(fresh).value in (TRANSPORT, Pin(NEW))
    finish_first_pin(VirtualReader(fresh), TRANSPORT, Pin(NEW))
    assert record_of(fresh) == PinRecord(PinState.OPERATIONAL, Pin(NEW))


@pytest.mark.parametrize("point", list(CutPoint))
@pytest.mark.parametrize("number", range(1, APDUS + 1))
def test_power_cut_anywhere_after_an_unlock_leaves_no_pin_or_the_new_one(
    emptied: Path, number: int, point: CutPoint
) -> None:
    ended = cut(lambda r: set_pin_after_unlock(r, CAN, Pin(NEW)), emptied, point, number)

    left = record_of(emptied)
    assert ended in ({"CARD_REMOVED", "DONE"} if number < APDUS else _INCONCLUSIVE)
    assert left.value in (None, Pin(NEW))
    assert left.tries_left == 3
    if left.value is None:
        set_pin_after_unlock(VirtualReader(emptied), CAN, Pin(NEW))
    assert record_of(emptied) == PinRecord(PinState.OPERATIONAL, Pin(NEW))


_INCONCLUSIVE = {"PIN_CHANGE_INCONCLUSIVE", "DONE"}


def test_two_wrong_guesses_after_a_cut_leave_a_try_for_the_right_pin(fresh: Path) -> None:
    set_first_pin(VirtualReader(fresh), TRANSPORT, Pin(NEW))

    with pytest.raises(Problem) as caught:
        finish_first_pin(VirtualReader(fresh), TRANSPORT, Pin(WRONG))
    left = record_of(fresh).tries_left
    finish_first_pin(VirtualReader(fresh), TRANSPORT, Pin(NEW))

    assert caught.value.metadata == {"attemptsRemaining": "1"}
    assert left == 1
    assert record_of(fresh) == PinRecord(PinState.OPERATIONAL, Pin(NEW))


def test_case_34_neither_pin_stands_in_a_trace_a_log_or_an_exception(
    card: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.NOTSET)
    trace = Trace(tmp_path / "trace.jsonl")
    with pytest.raises(Problem) as caught:
        change(TracedReader(VirtualReader(card), trace), WRONG)
    change(TracedReader(VirtualReader(card), trace), PIN)
    trace.close()

    shown = "".join((caplog.text, *capfd.readouterr()))
    error: BaseException | None = caught.value
    while error is not None:
        shown += repr(error) + str(error) + str(vars(error))
        error = error.__cause__ or error.__context__
    written = (tmp_path / "trace.jsonl").read_bytes()
    for pin in (PIN, WRONG, NEW):
        assert pin not in shown
        for octets in forms_of(pin)[1:]:
            assert octets not in written.replace(b'"t": ', b"")
    assert b"002c0203" not in written
