"""A terminal against a whole center: cards pulled at each APDU, and what is left of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from juki_cardbox.cardfile import CardFile
from juki_client.identity import ClientIdentity
from juki_client.outcome import Part, Problem
from juki_terminal.channel import Center
from juki_terminal.config import TerminalConfig
from juki_terminal.pin import FilePin
from juki_terminal.reader.virtual import VirtualReader
from juki_terminal.session import AuthenticatedCard, authenticate
from juki_terminal.trust import Trust
from tests.support.card_factory import patiently
from tests.support.center_process import CenterProcess

pytestmark = pytest.mark.e2e

PIN = "1234"
FULL = 3


class Pulled(VirtualReader):
    """A virtual reader whose card is pulled before or after one of its APDUs."""

    def __init__(self, path: Path, *, before: int = 0, after: int = 0) -> None:
        super().__init__(path)
        self._before = before
        self._after = after
        self.exchanges = 0

    def transmit(self, command: bytes) -> bytes:
        """Exchange, or lose the card."""
        self.exchanges += 1
        if self.exchanges == self._before:
            self.close()
        answer = super().transmit(command)
        if self.exchanges == self._after:
            self.close()
            raise Problem("CARD_REMOVED", {"reader": self.name})
        return answer


@dataclass(frozen=True)
class Window:
    """A terminal of the development center, with one resident's card."""

    center: Center
    card: Path

    def authenticate(self, reader: VirtualReader) -> AuthenticatedCard:
        return authenticate(self.center, reader, FilePin([PIN]))

    def tries_left(self) -> int:
        return CardFile(self.card).load().pin.tries_left


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    folder = tmp_path_factory.mktemp("center")
    with CenterProcess(folder):
        config = TerminalConfig.load(folder / "terminal.toml")
        identity = ClientIdentity.load(config.certificate, config.key)
        trust = Trust.load(config.trust_dir)
        with Center(config.center_address, identity, trust) as center:
            yield Window(center, Path(config.reader.removeprefix("virtual:")))


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 19))
def test_card_pulled_at_any_apdu_is_no_wrong_pin_and_no_stuck_session(
    window: Window, number: int, where: str
) -> None:
    reader = Pulled(window.card, **{where: number})

    # The center may still be ending the stream of the card that was pulled just before.
    with pytest.raises(Problem) as caught:
        patiently(lambda: window.authenticate(reader))
    left = window.tries_left()
    again = patiently(lambda: window.authenticate(VirtualReader(window.card)))

    assert (caught.value.reason, caught.value.part) == ("CARD_REMOVED", Part.CARD)
    assert reader.exchanges == number
    assert left == FULL
    assert len(again.transcript_hash) == 32


def test_second_terminal_program_with_an_open_session_is_told_the_limit(window: Window) -> None:
    """The center serves one card session of a terminal at a time; the first is not disturbed."""
    seen: list[str] = []

    class Meanwhile(VirtualReader):
        def connect(self, wait_seconds: float) -> bytes:
            try:
                window.authenticate(VirtualReader(window.card))
            except Problem as problem:
                seen.append(problem.reason)
            return super().connect(wait_seconds)

    done = window.authenticate(Meanwhile(window.card))

    assert seen == ["SESSION_LIMIT"]
    assert len(done.session_id) == 16
