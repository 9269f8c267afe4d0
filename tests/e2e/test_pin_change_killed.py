"""A terminal killed (-9) at every command of a change of PIN: one PIN is left, and all its tries.

The card is a file in the terminal's own process, so that the power goes with the terminal.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from juki_card.virtual.memory import PIN_TRIES, PinRecord, PinState
from juki_cardbox.cardfile import CardFile
from tests.e2e.mortal import Event, MortalTerminals, commands, mortal_terminals
from tests.e2e.stage import Run
from tests.support.center_process import CenterProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
LONG = os.environ.get("JUKI_LONG") == "1"
OLD, NEW = "1234", "7135"
HOLDER = "yoshida-taro"


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CenterProcess]:
    with CenterProcess(tmp_path_factory.mktemp("pin-change")) as serving:
        yield serving


def pin_of(card: Path) -> PinRecord:
    return CardFile(card).load().pin


def changed(
    terminals: MortalTerminals, card: Path, old: str, new: str, *, fatal: int = 0
) -> Run | None:
    """Change the PIN; return how it ended, None after a kill."""
    new_pin = terminals.folder / "new-pin"
    new_pin.write_text(f"{new}\n{new}\n", encoding="ascii")
    options = ("--pin-from", "-", "--new-pin-from", str(new_pin))
    return terminals.run(
        "card", "change-pin", *options, stdin=f"{old}\n", fatal=fatal, reader=f"virtual:{card}"
    )


def test_killed_change_of_pin_leaves_one_pin_and_no_lost_try(
    center: CenterProcess, tmp_path: Path
) -> None:
    original, card = center.folder / "cards" / f"{HOLDER}.card", tmp_path / "holder.card"
    left: dict[Event, PinRecord] = {}
    with mortal_terminals(tmp_path, center.folder / "terminal.toml", card) as terminals:
        shutil.copy(original, card)
        rehearsed = changed(terminals, card, OLD, NEW)
        new = pin_of(card)
        for event in commands(terminals.events(), every=LONG):
            shutil.copy(original, card)
            assert changed(terminals, card, OLD, NEW, fatal=event.number) is None
            left[event] = pin_of(card)
            finish(terminals, card)
            assert pin_of(card) == new, event

    old = pin_of(original)
    assert rehearsed is not None
    assert rehearsed.exit_code == 0
    assert len(left) > 6
    assert new.tries_left == PIN_TRIES
    assert [pin for pin in left.values() if pin not in (old, new)] == []
    assert len([pin for pin in left.values() if pin == new]) in range(1, 3)
    for event, pin in left.items():
        assert (pin.state, pin.tries_left) == (PinState.OPERATIONAL, PIN_TRIES), event


def finish(terminals: MortalTerminals, card: Path) -> None:
    """Go on as the integrator's page says: the new PIN first, and the old one if it is wrong."""
    ended = changed(terminals, card, NEW, NEW)
    assert ended is not None
    if ended.exit_code:
        assert ended.reason == "PIN_WRONG"
        again = changed(terminals, card, OLD, NEW)
        assert again is not None
        assert again.exit_code == 0, again.said
