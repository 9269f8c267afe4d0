"""A card made at a window in a process of its own, in a virtual reader and in a real one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from juki_card.virtual.memory import CardMemory, PinState
from juki_cardbox.blanks import make_blank
from juki_cardbox.cardfile import CardFile
from juki_pki.folder import PKIFolder
from tests.e2e.stage import Run, Stage
from tests.support.register_service import code_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
LICENCE = {"kind": "KIND_DRIVING_LICENCE", "number": "301234567890", "chip_verified": True}


@dataclass(frozen=True)
class Counter:
    """A window of Chiyoda, and the blanks in its drawer."""

    stage: Stage

    def apply(self, key: str) -> str:
        """End a resident's card, and take an application for another; return its number."""
        config = ("--config", str(self.stage.folder / "center.toml"), "--json")
        ended = self.stage.operator(
            "cards", "revoke", *config, "--from", "-", stdin=f"{code_of(key)}\n"
        )
        assert ended.exit_code == 0, ended.said
        form = {
            "code": code_of(key),
            "style": "CARD_STYLE_1",
            "place": "PLACE_COUNTER",
            "documents": [LICENCE],
        }
        taken = self.stage.terminal(
            *("application", "submit", "--yes", "--from", "-"),
            stdin=json.dumps({"form": form}),
        )
        assert taken.exit_code == 0, taken.said
        return str(taken.result["application"]["number"])

    def blank(self, name: str) -> Path:
        path = self.stage.folder / f"{name}.card"
        make_blank(path, PKIFolder(self.stage.folder / "pki").personalisation_key())
        return path

    def card(self, verb: str, *arguments: str, chip: Path) -> Run:
        with self.stage.slots.insert(chip) as reader:
            return self.stage.terminal("card", verb, *arguments, reader=reader)


@pytest.fixture
def counter(stage: Stage) -> Counter:
    return Counter(stage)


def test_blank_in_a_reader_becomes_a_card_and_stays_that_card(counter: Counter) -> None:
    number, chip = counter.apply("yamazaki-ken"), counter.blank("ken")

    made = counter.card("personalise", number, chip=chip)
    again = counter.card("personalise", number, chip=chip)

    memory = CardFile(chip).read()
    assert isinstance(memory, CardMemory)
    assert (made.exit_code, made.result["written_before"]) == (0, False)
    assert (again.exit_code, again.result["written_before"]) == (0, True)
    assert again.result["card_number"] == made.result["card_number"]
    assert (memory.pin.state, memory.pin.tries_left) == (PinState.TRANSPORT, 3)


def test_card_that_is_used_in_another_life_is_refused(counter: Counter) -> None:
    number = counter.apply("tsuji-makoto")

    refused = counter.card("personalise", number, chip=counter.stage.card("tsuji-misaki"))
    left = counter.card("open", chip=counter.stage.card("tsuji-misaki"))

    assert refused.reason == "CARD_NOT_BLANK"
    assert left.result["personalisations"] == []
