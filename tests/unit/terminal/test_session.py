"""A card session against a center in this process: what is counted, refused and left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from juki_terminal.channel import Center
from juki_terminal.pin import FilePin
from juki_terminal.reader.virtual import VirtualReader
from juki_terminal.session import authenticate
from tests.unit.terminal.center_double import SessionDouble
from tests.unit.terminal.conftest import PIN, RESIDENT_CODE

WRONG = "0000"
Pins = Callable[..., FilePin]


def test_right_pin_ends_in_a_session_with_the_transcript_of_both_sides(
    center: Center, sessions: SessionDouble, card: Path, pins: Pins
) -> None:
    done = authenticate(center, VirtualReader(card), pins(PIN))

    assert sessions.finished == [done.session_id]
    assert sessions.codes == [RESIDENT_CODE]
    assert len(done.transcript_hash) == 32
