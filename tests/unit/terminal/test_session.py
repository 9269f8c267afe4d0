"""A card session against a center in this process: what is counted, refused and left behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest

from juki_card.errors import CardRemoved
from juki_cardbox.cardfile import CardFile
from juki_cardbox.power import CutAt, CutPoint
from juki_client.outcome import Part, Problem
from juki_pki.folder import PKIFolder
from juki_terminal.channel import Center
from juki_terminal.pin import FilePin
from juki_terminal.reader import Reader
from juki_terminal.reader.virtual import VirtualReader
from juki_terminal.session import Stage, Surroundings, authenticate
from tests.unit.terminal.center_double import SessionDouble
from tests.unit.terminal.conftest import PIN, RESIDENT_CODE, new_card

WRONG = "0000"
Pins = Callable[..., FilePin]


def tries_of(card: Path) -> int:
    return CardFile(card).load().pin.tries_left


class Counting:
    """A reader that counts APDUs and can pull the card before or after one of them."""

    def __init__(self, reader: Reader, pull_before: int = 0, pull_after: int = 0) -> None:
        self._reader = reader
        self._pull_before = pull_before
        self._pull_after = pull_after
        self.commands: list[bytes] = []

    @property
    def name(self) -> str:
        return self._reader.name

    def connect(self, wait_seconds: float) -> bytes:
        return self._reader.connect(wait_seconds)

    def transmit(self, command: bytes) -> bytes:
        self.commands.append(command)
        if len(self.commands) == self._pull_before:
            self._pull()
        answer = self._reader.transmit(command)
        if len(self.commands) == self._pull_after:
            self._pull()
        return answer

    def close(self) -> None:
        self._reader.close()

    def _pull(self) -> None:
        self._reader.close()
        raise Problem("CARD_REMOVED")


def test_right_pin_ends_in_a_session_with_the_transcript_of_both_sides(
    center: Center, sessions: SessionDouble, card: Path, pins: Pins
) -> None:
    reader = Counting(VirtualReader(card))

    done = authenticate(center, reader, pins(PIN))

    assert sessions.transcripts == {done.session_id: done.transcript_hash}
    assert sessions.codes == [RESIDENT_CODE]
    assert len(reader.commands) == 18


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 19))
def test_card_pulled_at_any_apdu_is_a_removed_card_and_never_a_wrong_pin(
    center: Center, card: Path, pins: Pins, number: int, where: str
) -> None:
    before, after = (number, 0) if where == "before" else (0, number)
    reader = Counting(VirtualReader(card), before, after)

    with pytest.raises(Problem) as caught:
        authenticate(center, reader, pins(PIN))
    again = authenticate(center, VirtualReader(card), pins(PIN))

    assert (caught.value.reason, caught.value.part) == ("CARD_REMOVED", Part.CARD)
    assert len(reader.commands) == number
    assert len(again.transcript_hash) == 32
    assert tries_of(card) == 3


@pytest.mark.parametrize("point", list(CutPoint))
@pytest.mark.parametrize("number", range(1, 19))
def test_power_cut_inside_any_exchange_is_a_removed_card_and_costs_at_most_one_try(
    center: Center, card: Path, pins: Pins, number: int, point: CutPoint
) -> None:
    supply = CutAt(point, number)
    reader = VirtualReader(card, supply=supply)

    try:
        authenticate(center, reader, pins(PIN))
    except Problem as problem:
        ended = problem.reason
    else:
        ended = "DONE"
    left = tries_of(card)
    authenticate(center, VirtualReader(card), pins(PIN))

    # A point that no exchange of this number has (a write where nothing is written) is not met.
    assert ended in {"CARD_REMOVED", "DONE"}
    assert left >= 2
    assert tries_of(card) == 3


def test_wrong_pin_twice_then_right_is_a_session_and_fills_the_counter(
    center: Center, card: Path, pins: Pins
) -> None:
    authenticate(center, VirtualReader(card), pins(WRONG, WRONG, PIN))

    assert tries_of(card) == 3


@pytest.mark.parametrize(("wrong", "left"), [(1, "2"), (2, "1")])
def test_wrong_pin_is_reported_with_the_tries_that_remain(
    center: Center, card: Path, pins: Pins, wrong: int, left: str
) -> None:
    with pytest.raises(Problem) as caught:
        authenticate(center, VirtualReader(card), pins(*[WRONG] * wrong))

    assert caught.value.reason == "PIN_WRONG"
    assert caught.value.part is Part.PIN
    assert caught.value.metadata == {"attemptsRemaining": left}


def test_third_wrong_pin_locks_and_then_the_right_one_is_not_even_asked(
    center: Center, card: Path, pins: Pins
) -> None:
    with pytest.raises(Problem) as third:
        authenticate(center, VirtualReader(card), pins(WRONG, WRONG, WRONG, PIN))
    unasked = FilePin([PIN])
    with pytest.raises(Problem) as after:
        authenticate(center, VirtualReader(card), unasked)

    assert (third.value.reason, after.value.reason) == ("PIN_LOCKED", "PIN_LOCKED")
    assert unasked.ask(None, 1)


def test_tries_left_are_told_before_each_pin(center: Center, card: Path) -> None:
    told: list[int | None] = []

    class Telling(FilePin):
        def ask(self, tries_left: int | None, seconds: float):  # type: ignore[no-untyped-def]  # as the base
            told.append(tries_left)
            return super().ask(tries_left, seconds)

    authenticate(center, VirtualReader(card), Telling([WRONG, WRONG, PIN]))

    assert told == [None, 2, 1]


def test_no_pin_entered_counts_nothing(center: Center, card: Path, pins: Pins) -> None:
    with pytest.raises(Problem) as caught:
        authenticate(center, VirtualReader(card), pins())

    assert caught.value.reason == "PIN_NOT_ENTERED"
    assert tries_of(card) == 3


def test_pin_may_take_no_longer_than_the_plan_lives(
    center: Center, sessions: SessionDouble, card: Path
) -> None:
    sessions.plan_seconds = 30
    given: list[float] = []

    class Timed(FilePin):
        def ask(self, tries_left: int | None, seconds: float):  # type: ignore[no-untyped-def]  # as the base
            given.append(seconds)
            return super().ask(tries_left, seconds)

    authenticate(center, VirtualReader(card), Timed([PIN]))

    assert 20 < given[0] < 28


@pytest.mark.parametrize(
    "reason", ["CARD_SUSPENDED", "CARD_REVOKED", "CARD_UNKNOWN", "CARD_EXPIRED"]
)
def test_refusal_by_the_register_comes_with_its_reason_and_before_dg1(
    center: Center, sessions: SessionDouble, card: Path, pins: Pins, reason: str
) -> None:
    sessions.refusal = (grpc.StatusCode.FAILED_PRECONDITION, reason)
    reader = Counting(VirtualReader(card))

    with pytest.raises(Problem) as caught:
        authenticate(center, reader, pins(PIN))

    assert caught.value.reason == reason
    assert len(reader.commands) == 16
    assert sessions.codes == []
    assert tries_of(card) == 3


def test_card_of_another_cvca_is_not_served(
    center: Center, other_pki: PKIFolder, pki: PKIFolder, tmp_path: Path, pins: Pins
) -> None:
    stranger = new_card(other_pki, tmp_path / "stranger.card")

    with pytest.raises(Problem) as caught:
        authenticate(center, VirtualReader(stranger), pins(PIN))

    # Both hierarchies name their CVCA alike, so the card gets as far as the DV's signature.
    assert caught.value.part is Part.CARD
    assert caught.value.reason in {"CARD_REFUSED", "TRUST_POINT_UNKNOWN"}


def test_card_file_that_is_not_there_is_a_reader_without_card(
    center: Center, tmp_path: Path, pins: Pins
) -> None:
    with pytest.raises(Problem) as caught:
        authenticate(center, VirtualReader(tmp_path / "none.card"), pins(PIN))

    assert caught.value.reason == "READER_NOT_FOUND"


def test_card_in_another_program_is_a_reader_failure(
    center: Center, card: Path, pins: Pins
) -> None:
    holder = VirtualReader(card)
    holder.connect(0)

    with pytest.raises(Problem) as caught:
        authenticate(center, VirtualReader(card), pins(PIN))
    holder.close()

    assert caught.value.reason == "READER_FAILED"


def test_center_that_is_not_there_is_unreachable_and_no_card_is_touched(
    pki: PKIFolder, card: Path, pins: Pins, center: Center
) -> None:
    nowhere = Center("127.0.0.1:1", center.identity, center.trust)
    reader = Counting(VirtualReader(card))

    with nowhere, pytest.raises(Problem) as caught:
        authenticate(nowhere, reader, pins(PIN))

    assert (caught.value.reason, caught.value.part) == ("CENTER_UNREACHABLE", Part.NETWORK)
    assert reader.commands == []


def test_plan_that_is_over_is_refused_before_the_card(
    center: Center, card: Path, pins: Pins
) -> None:
    tomorrow = Surroundings(now=lambda: datetime.now(UTC) + timedelta(hours=1))

    with pytest.raises(Problem) as caught:
        authenticate(center, VirtualReader(card), pins(PIN), surroundings=tomorrow)

    assert caught.value.reason == "PLAN_EXPIRED"


def test_progress_is_told_in_order(center: Center, card: Path, pins: Pins) -> None:
    told: list[Stage] = []

    authenticate(
        center,
        VirtualReader(card),
        pins(WRONG, PIN),
        surroundings=Surroundings(progress=told.append),
    )

    assert told == [
        Stage.CARD_AWAITED,
        Stage.CARD_IN,
        Stage.PIN_WRONG,
        Stage.PIN_RIGHT,
        Stage.CARD_CHECKED,
    ]


def test_card_that_goes_away_in_an_unforeseen_way_is_a_removed_card(
    center: Center, card: Path, pins: Pins
) -> None:
    class Vanishing(Counting):
        def transmit(self, command: bytes) -> bytes:  # noqa: ARG002  # it goes whatever is sent
            raise CardRemoved

    with pytest.raises(Problem) as caught:
        authenticate(center, Vanishing(VirtualReader(card)), pins(PIN))

    assert caught.value.reason == "CARD_REMOVED"
