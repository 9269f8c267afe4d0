"""A card on the hotlist is refused at the terminal, and the center never sees what it said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from juki_client.outcome import Problem
from juki_terminal.pin import FilePin
from juki_terminal.reader.virtual import VirtualReader
from juki_terminal.session import Surroundings, authenticate
from jukinet.options.v1 import options_pb2
from tests.unit.terminal.conftest import PIN

if TYPE_CHECKING:
    from pathlib import Path

    from juki_terminal.channel import Center


class Guard:
    """Notes the serials that it is given, and refuses where it is told to."""

    def __init__(self, *, begins: bool = True, takes: bool = True) -> None:
        self._begins = begins
        self._takes = takes
        self.serials: list[bytes] = []

    def begin(self) -> None:
        if not self._begins:
            raise Problem("HOTLIST_TOO_OLD")

    def refuse(self, serial: bytes) -> None:
        self.serials.append(serial)
        if not self._takes:
            raise Problem("CARD_SUSPENDED", {"by": "hotlist"})


def test_guard_is_given_the_serial_and_the_session_goes_on(center: Center, card: Path) -> None:
    guard = Guard()

    authenticate(
        center, VirtualReader(card), FilePin([PIN]), surroundings=Surroundings(guard=guard)
    )

    assert [len(serial) for serial in guard.serials] == [32]


def test_listed_card_is_refused_before_the_center_hears_its_answers(
    center: Center, card: Path
) -> None:
    guard = Guard(takes=False)

    with pytest.raises(Problem) as raised:
        authenticate(
            center, VirtualReader(card), FilePin([PIN]), surroundings=Surroundings(guard=guard)
        )

    assert raised.value.reason == "CARD_SUSPENDED"
    assert len(guard.serials) == 1


def test_session_does_not_begin_where_the_guard_forbids_it(center: Center, card: Path) -> None:
    with pytest.raises(Problem) as raised:
        authenticate(
            center,
            VirtualReader(card),
            FilePin([PIN]),
            surroundings=Surroundings(guard=Guard(begins=False)),
        )

    assert raised.value.reason == "HOTLIST_TOO_OLD"


def test_proof_of_the_pin_is_no_matter_of_the_list(center: Center, card: Path) -> None:
    guard = Guard(begins=False, takes=False)

    authenticate(
        center,
        VirtualReader(card),
        FilePin([PIN]),
        purpose=options_pb2.PURPOSE_PIN_PROOF,
        surroundings=Surroundings(guard=guard),
    )

    assert guard.serials == []
