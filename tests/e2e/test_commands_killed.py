"""Kill -9 at every step of a card's life: the terminal, and the center, each as a process.

Making, hand-over, change of PIN and both ways of unlocking are run to their end once, to learn
their steps; then a life is lived for each step, and the command that is under way is killed there.
Long by JUKI_LONG=1: every step. Short: some of them, chosen by a seed, which a failure prints;
JUKI_SEED=n chooses those again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from random import Random  # noqa: TID251  # a seed makes a choice that can be seen again

import pytest

from tests.e2e.commands_checks import (
    check_cut,
    check_in_use,
    check_made,
    check_tries_are_earned,
    check_tries_are_kept,
)
from tests.e2e.commands_of_life import (
    FIRST,
    HOLDERS,
    SECOND,
    THIRD,
    Command,
    Counter,
    Cut,
    Life,
    again,
    again_unless_told,
    begun_life,
    change_pin,
    give_up,
    hand_over,
    lock,
    new_pin_first,
    opened_counter,
    personalise,
    unlock_forgotten,
    unlock_keep,
)
from tests.e2e.killed_commands import Event
from tests.e2e.stage import Stage, VirtualSlots
from tests.support.center_process import CenterProcess

LONG = os.environ.get("JUKI_LONG") == "1"
SEED = int(os.environ["JUKI_SEED"])
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(7_200 if LONG else 300)]
DEFECT = 1
Recovery = Callable[[Life, Command], None]


@dataclass(frozen=True)
class Step:
    """A command of a card's life, what goes before it, and what must hold after it."""

    name: str
    command: Command
    check: Callable[[Life], None]
    """What must hold of the tries after a cut."""
    done: Callable[[Life], None]
    prepare: Callable[[Life], None] = lambda _: None
    recoveries: tuple[Recovery, ...] = (again,)


STEPS = (
    Step("personalise", personalise, lambda _: None, check_made, recoveries=(again, give_up)),
    Step(
        "hand-over",
        hand_over,
        check_tries_are_kept,
        lambda life: check_in_use(life, FIRST),
        recoveries=(again_unless_told,),
    ),
    Step(
        "change-pin",
        change_pin,
        check_tries_are_kept,
        lambda life: check_in_use(life, SECOND),
        recoveries=(new_pin_first,),
    ),
    Step(
        "unlock --keep",
        unlock_keep,
        check_tries_are_earned,
        lambda life: check_in_use(life, SECOND),
        prepare=lambda life: lock(life, SECOND),
    ),
    Step(
        "unlock --forgotten",
        unlock_forgotten,
        check_tries_are_earned,
        lambda life: check_in_use(life, THIRD),
        prepare=lambda life: lock(life, SECOND),
    ),
)


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    folder = tmp_path_factory.mktemp("mortal-life")
    with opened_counter(
        CenterProcess(folder / "center", is_forked=True), folder / "terminal"
    ) as opened:
        yield opened


Trial = tuple[Cut, Recovery]
Trials = dict[str, list[Trial]]


@dataclass
class Sweep:
    """What is tried of each step, and how many times somebody was killed."""

    counter: Counter
    trials: Trials
    killed: int = 0

    def run(self) -> None:
        """Live as many lives as the longest list has trials, each step cut off once in each."""
        holders = cycle(HOLDERS)
        for number in range(max(len(trials) for trials in self.trials.values())):
            life = begun_life(self.counter, next(holders))
            for step in self._steps(number):
                self._run_step(life, step, *self.trials[step.name][number : number + 1])
            assert life.done("card", "open").result["personalisations"] == []

    def require_killed(self) -> None:
        """Assert that the cuts were made: a run may end an event earlier than the rehearsed one."""
        planned = sum(len(trials) for trials in self.trials.values())
        assert planned - self.killed <= max(1, planned // 10)

    def _steps(self, number: int) -> Sequence[Step]:
        """Return the steps of a life, as far as there is anything left to try."""
        tried = [at for at, step in enumerate(STEPS) if number < len(self.trials[step.name])]
        return STEPS[: tried[-1] + 1]

    def _run_step(self, life: Life, step: Step, trial: Trial | None = None) -> None:
        cut, recover = trial or (Cut(), again)
        try:
            step.prepare(life)
            ended = step.command(life, cut)
            was_killed = self.counter.revive(cut) or ended is None
            assert ended is None or ended.exit_code != DEFECT, ended.said
            check_cut(life)
            step.check(life)
            if ended is None or ended.exit_code:
                recover(life, step.command)
            step.done(life)
        except AssertionError as error:
            error.add_note(f"{step.name}: {cut}, then {recover.__name__}; JUKI_SEED={SEED}")
            raise
        self.killed += was_killed


@dataclass(frozen=True)
class Rehearsed:
    """Every cut of each step that there is."""

    of_terminal: dict[str, list[Cut]]
    of_center: dict[str, list[Cut]]


@pytest.fixture(scope="module")
def rehearsed(counter: Counter) -> Rehearsed:
    """Live one life undisturbed."""
    life = begun_life(counter, HOLDERS[0])
    found = Rehearsed({}, {})
    for step in STEPS:
        step.prepare(life)
        ended = step.command(life, Cut(act="never 0"))
        assert ended is not None
        assert ended.exit_code == 0, (step.name, ended.answer, ended.said)
        step.done(life)
        events = counter.terminals.events()
        found.of_terminal[step.name] = [Cut(event=event.number) for event in events]
        found.of_center[step.name] = center_cuts(events, counter.acts())
    return found


def center_cuts(events: list[Event], acts: int) -> list[Cut]:
    """Return each message, before it is sent or once it was received, and the ends of each act."""
    return [Cut(event=one.number, kills_center=True) for one in events if one.is_message] + [
        Cut(act=f"{point} {act}", kills_center=True)
        for act in range(1, acts + 1)
        for point in ("written", "committed")
    ]


def trials_of(cuts: dict[str, list[Cut]], lives: int) -> Trials:
    """Return every cut with every recovery; in a short run so many of them, spread over all."""
    random = Random(SEED)
    every = {
        step.name: [(cut, way) for cut in cuts[step.name] for way in step.recoveries]
        for step in STEPS
    }
    return every if LONG else {name: spread(all_, lives, random) for name, all_ in every.items()}


def spread(every: Sequence[Trial], count: int, random: Random) -> list[Trial]:
    begin = random.randrange(len(every) or 1)
    places = range(min(count, len(every)))
    return [every[(begin + place * len(every) // count) % len(every)] for place in places]


def test_terminal_killed_at_any_step_leaves_one_usable_card_and_nothing_open(
    counter: Counter, rehearsed: Rehearsed
) -> None:
    sweep = Sweep(counter, trials_of(rehearsed.of_terminal, 2))

    sweep.run()

    sweep.require_killed()
    assert all(sweep.trials.values())
    require_nothing_left(counter)


def test_center_killed_at_any_step_leaves_one_usable_card_and_nothing_open(
    counter: Counter, rehearsed: Rehearsed
) -> None:
    sweep = Sweep(counter, trials_of(rehearsed.of_center, 1))

    sweep.run()

    sweep.require_killed()
    assert {name for name, trials in sweep.trials.items() if not trials} == {"change-pin"}
    require_nothing_left(counter)


def require_nothing_left(counter: Counter) -> None:
    """Ask the center's reconciler, as an operator does."""
    config = str(counter.center.folder / "center.toml")
    stage = Stage(counter.center.folder, counter.center, VirtualSlots())
    done = stage.operator("cards", "reconcile", "--config", config, "--json")
    assert (done.exit_code, done.result["given_up"], done.result["open"]) == (0, [], [])
