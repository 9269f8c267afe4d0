"""Windows and the center killed (-9) at each step of a card's life.

The card is a file in the window's own process, so that its power goes with the window. After each
death the same order is run again, which is all that a clerk has to know. Then there is one usable
card, which the center knows, with all its tries, and nothing is open.

Long by JUKI_LONG=1: every event of a window, every point of every act of the center. Short: some of
the steps, each kind of event among them, and two acts of the center in each order, chosen by a
seed, which a failure prints; JUKI_SEED=n chooses those again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from juki_card.passwords import Pin
from juki_card.virtual.memory import PIN_TRIES, CardMemory, PinRecord, PinState
from juki_cardbox.blanks import make_blank
from juki_cardbox.cardfile import CardFile
from juki_client.outcome import Problem
from juki_pki.folder import PKIFolder
from jukinet.cards.v1 import card_pb2
from tests.e2e.counter import Counter
from tests.e2e.mortal import Ended, MortalWindows, fatal_events, mortal_windows
from tests.e2e.new_residents import enter_residents
from tests.support.center_process import CenterProcess
from tests.support.sampling import sampled

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]
LONG = os.environ.get("JUKI_LONG") == "1"
PIN, OTHER = "7135", "8246"
MADE, ACTIVE = card_pb2.CARD_STATE_MADE, card_pb2.CARD_STATE_ACTIVE
USABLE = frozenset((MADE, ACTIVE, card_pb2.CARD_STATE_SUSPENDED))
RESIDENTS = 1_000 if LONG else 150
_ACTS_OF_THE_CENTER = {
    "make": ("expect", "begin", "know", "session"),
    "hand_over": ("begin-hand-over", "session", "hand-over"),
    "unlock": ("begin-unlock", "attempt", "session", "unlock"),
}
# What was written and not committed is as if the act had not begun: the death after the act before.
_POINTS = ("begun", "written", "committed") if LONG else ("committed",)
CENTER_CUTS = {
    name: tuple(f"{act}:{point}" for act in acts for point in _POINTS)
    for name, acts in _ACTS_OF_THE_CENTER.items()
}


@dataclass
class Holder:
    """A resident, the application, and the chip that is or becomes the card."""

    code: str
    application: str
    card: Path
    number: str = ""
    can: str = ""

    @property
    def chip(self) -> CardMemory | None:
        """What is in the chip; None while it is a blank."""
        memory = CardFile(self.card).read()
        return memory if isinstance(memory, CardMemory) else None

    @property
    def pin(self) -> PinRecord:
        chip = self.chip
        assert chip is not None
        return chip.pin

    def set_pin(self, pin: PinRecord) -> None:
        """Give the card a PIN, whatever led there."""
        chip = self.chip
        assert chip is not None
        CardFile(self.card).save(replace(chip, pin=pin))


@dataclass
class Town:
    """A center, residents without cards, and windows that die."""

    center: CenterProcess
    windows: MortalWindows
    codes: list[str]

    def counter(self, card: Path | None = None) -> Counter:
        """A window that lives."""
        reader = "" if card is None else f"virtual:{card}"
        return Counter(self.center.folder, self.center.address, reader)

    def applicant(self) -> Holder:
        """A resident whose application is approved, and a blank chip."""
        code = self.codes.pop()
        application = self.counter().apply(code).application.number
        card = self.windows.scratch / f"{application}.card"
        make_blank(card, PKIFolder(self.center.folder / "pki").personalisation_key())
        return Holder(code, application, card)

    def made(self) -> Holder:
        """A resident whose card lies ready."""
        holder = self.applicant()
        made = self.counter(holder.card).make(holder.application)
        return replace(holder, number=made.card_number, can=made.card_access_number)

    def handed_over(self) -> Holder:
        """A resident with a card."""
        holder = self.made()
        self.counter(holder.card).hand_over(holder.application, PIN)
        return holder

    def states(self, holder: Holder) -> list[card_pb2.CardState.ValueType]:
        """What the center says of a resident's cards."""
        try:
            return [card.state for card in self.counter().cards_of(holder.code)]
        except Problem as problem:
            if problem.reason != "CARD_UNKNOWN":
                raise
            return []

    def require_sound(self, holder: Holder) -> None:
        """Whatever has died: not two usable cards, no finished card that the center does not know,
        no lost try."""
        states = self.states(holder)
        assert sum(state in USABLE for state in states) <= 1
        if holder.chip is not None:
            assert len(states) == 1, "a card that the center does not know"
            assert holder.pin.tries_left in {PIN_TRIES, 0}


@dataclass(frozen=True)
class Act:
    """An order that is run again until it is done: for whom, how, and what is right afterwards."""

    prepare: Callable[[Town], Holder]
    prepare_again: Callable[[Town, Holder], Holder]
    run: Callable[[MortalWindows, Holder, int], Ended]
    require_done: Callable[[Town, Holder], None]


def make(windows: MortalWindows, holder: Holder, fatal: int = 0) -> Ended:
    return windows.run("make", holder.card, fatal=fatal, application=holder.application)


def hand_over(windows: MortalWindows, holder: Holder, fatal: int = 0) -> Ended:
    return windows.run(
        "hand_over", holder.card, fatal=fatal, application=holder.application, pin=PIN
    )


def keep(windows: MortalWindows, holder: Holder, fatal: int = 0) -> Ended:
    return unlock(windows, holder, "keep", PIN, fatal)


def replace_forgotten(windows: MortalWindows, holder: Holder, fatal: int = 0) -> Ended:
    return unlock(windows, holder, "forgotten", OTHER, fatal)


def unlock(windows: MortalWindows, holder: Holder, mode: str, pin: str, fatal: int) -> Ended:
    return windows.run(
        "unlock",
        holder.card,
        fatal=fatal,
        number=holder.number,
        can=holder.can,
        pin=pin,
        mode=mode,
    )


def require_made(town: Town, holder: Holder) -> None:
    assert town.states(holder) == [MADE]
    assert holder.pin.state is PinState.TRANSPORT
    assert town.counter().open_makings() == 0


def require_pin(pin: str) -> Callable[[Town, Holder], None]:
    def require(town: Town, holder: Holder) -> None:
        (card,) = town.counter().cards_of(holder.code)
        assert (card.state, card.pin_pending) == (ACTIVE, False)
        found = holder.pin
        assert (found.state, found.value, found.tries_left) == (
            PinState.OPERATIONAL,
            Pin(pin),
            PIN_TRIES,
        )

    return require


def lock(town: Town, holder: Holder) -> Holder:
    """Lock the card again, as three wrong PINs do; it can be unlocked ten times."""
    holder.set_pin(PinRecord(PinState.OPERATIONAL, Pin(PIN), tries_left=0))
    return holder


def locked(town: Town) -> Holder:
    """A resident whose card is locked."""
    return lock(town, town.handed_over())


ACTS = {
    "make": Act(Town.applicant, lambda town, _: town.applicant(), make, require_made),
    "hand_over": Act(Town.made, lambda town, _: town.made(), hand_over, require_pin(PIN)),
    "unlock": Act(locked, lock, keep, require_pin(PIN)),
    "unlock_forgotten": Act(locked, lock, replace_forgotten, require_pin(OTHER)),
}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    with (
        CenterProcess(folder / "center", is_forked=True) as center,
        mortal_windows(center.folder, center.address, folder / "scratch") as windows,
    ):
        yield Town(center, windows, enter_residents(center.folder, RESIDENTS))


@pytest.mark.parametrize("name", ACTS)
def test_window_that_is_killed_at_any_step_finishes_by_the_same_order(
    town: Town, name: str
) -> None:
    act = ACTS[name]
    rehearsed = act.prepare(town)
    assert act.run(town.windows, rehearsed, 0).reason == ""
    act.require_done(town, rehearsed)
    events = fatal_events(town.windows.events(), every=LONG)
    assert len(events) > 5

    holder = rehearsed
    for event in sampled(events, 6, where=f"window {name}", kind=lambda event: event.name[:1]):
        holder = act.prepare_again(town, holder)
        assert act.run(town.windows, holder, event.number).killed, event
        town.require_sound(holder)
        again = act.run(town.windows, holder, 0)
        assert again.reason == "", (str(event), again)
        act.require_done(town, holder)

    assert town.counter().open_makings() == 0


def test_window_that_is_killed_at_any_command_leaves_one_pin_and_no_lost_try(town: Town) -> None:
    holder = town.handed_over()
    old = holder.pin
    new = replace(old, value=Pin(OTHER))
    arguments = {"old": PIN, "new": OTHER}
    assert town.windows.run("change_pin", holder.card, **arguments).reason == ""
    seen = town.windows.events()
    events = [event for event in seen if LONG or event.name.startswith(">")] + seen[-1:]
    left = []
    for event in events:
        holder.set_pin(old)
        assert town.windows.run("change_pin", holder.card, fatal=event.number, **arguments).killed
        left.append(holder.pin)
        # The new PIN is tried first, as the integrator's page says.
        if town.windows.run("change_pin", holder.card, old=OTHER, new=OTHER).reason:
            assert town.windows.run("change_pin", holder.card, **arguments).reason == ""
        assert holder.pin == new, event

    assert len(events) > 6
    assert [pin for pin in left if pin not in (old, new)] == []
    assert left[0] == old
    assert left[-1] == new


@pytest.mark.parametrize("name", CENTER_CUTS)
def test_center_that_is_killed_at_one_act_after_the_other_is_asked_again(
    town: Town, name: str
) -> None:
    """One life meets the deaths, two of them in the short form; in the long one all of them, and
    each has a life of its own too."""
    act, cuts = ACTS[name], sampled(CENTER_CUTS[name], 2, where=f"center {name}")
    for met in (cuts, *((cut,) for cut in cuts if LONG)):
        holder = act.prepare(town)
        town.center.stop()
        for cut in met:
            town.center.start(cut=cut)
            assert act.run(town.windows, holder, 0).reason, cut
            assert town.center.wait_for_death(5), cut
        town.center.start()
        town.require_sound(holder)
        again = act.run(town.windows, holder, 0)
        assert again.reason == "", (met, again)
        act.require_done(town, holder)

    assert town.counter().open_makings() == 0
