"""One simulated year from its first day to its audit."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from juki_center.areas.residents.imports import Importer
from juki_center.areas.residents.municipalities import Municipalities
from juki_center.areas.residents.synthetic_draws import Draws
from juki_center.areas.residents.synthetic_names import Rows
from juki_center.simulation import beginning, copy_window, register_window
from juki_center.simulation.audit import audit, headcount, unforeseen
from juki_center.simulation.beginning import Population
from juki_center.simulation.card_window import CardWindow
from juki_center.simulation.errands import (
    Apply,
    Birth,
    Collect,
    Copy,
    Death,
    Errand,
    Lose,
    Reissue,
    Resume,
)
from juki_center.simulation.findings import Finding
from juki_center.simulation.ledger import read_ledger
from juki_center.simulation.move_errands import (
    ChangeMove,
    ContinueUse,
    FetchPaper,
    FileMove,
    MoveIn,
    MoveWithin,
    StopHalfway,
    TakeBack,
    WithdrawMove,
)
from juki_center.simulation.move_window import MoveWindow
from juki_center.simulation.people import People, is_resident
from juki_center.simulation.plan import Plan, Wanted, first_holders
from juki_center.simulation.town import Policies, Surprise, Town, came_of
from juki_center.simulation.weeks import Weeks
from juki_center.simulation.year import midnight
from juki_center.storage.import_run import Around as ImportAround
from juki_center.storage.keys import KeyEncryptionKey, create_kek
from juki_center.storage.passing_store import PassingStore

STORE: Final = "center.db"
_DAY: Final = timedelta(days=1)
_NIGHT: Final = timedelta(minutes=30)
_SPARE_CODES: Final = 20
Windows = Mapping[type[Errand], Callable[..., None]]


@dataclass(frozen=True, slots=True)
class Simulation:
    """What is to be simulated, and of whom.

    Chance is given twice, so that what is drawn at the windows does not change what is planned.
    """

    wanted: Wanted
    population: Population
    draws: Draws
    draws_at_windows: Draws


@dataclass(frozen=True, slots=True)
class Around:
    """What a simulation takes from outside.

    `keep_house` does what a center does by itself at night; `reached` is told how far it is: what
    it is at, and how many days are done of how many.
    """

    rows: Rows
    municipalities: Municipalities
    policies: Policies
    keep_house: Callable[[PassingStore, datetime], None]
    reached: Callable[[str, int, int], None] = lambda _what, _done, _of: None


@dataclass(slots=True)
class Outcome:
    """What became of a simulated year. `seconds` tells how long each part took."""

    weeks: Weeks
    residents: int = 0
    acts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    surprises: list[Surprise] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


def simulate(simulation: Simulation, folder: Path, around: Around) -> Outcome:
    """Simulate a year in a new store in a folder, and audit it.

    Raises RuleBroken for a municipality that is none, Refusal(STORE_UNAVAILABLE), OSError.
    """
    year = simulation.wanted.year
    outcome = Outcome(Weeks(year.first, year.last))
    key = folder / "kek"
    create_kek(key)
    kek = KeyEncryptionKey.load(key)
    with closing(PassingStore(folder / STORE, kek)) as store:
        town = _begin(simulation, folder, around, store, kek, outcome)
        plan = Plan(simulation.wanted, town.people, simulation.draws)
        _live(plan, town, around, outcome)
    _audit(simulation, folder, kek, town, outcome, around)
    return outcome


def _begin(
    simulation: Simulation,
    folder: Path,
    around: Around,
    store: PassingStore,
    kek: KeyEncryptionKey,
    outcome: Outcome,
) -> Town:
    began = time.monotonic()
    first = simulation.wanted.year.first
    around.reached("importing", 0, 1)
    places = beginning.places_of(simulation.population, around.rows, around.municipalities)
    lines = beginning.invented(simulation.population, places, around.rows, simulation.draws)
    file = folder / "residents.csv"
    beginning.write_register_file(lines, file)
    clock = midnight(first)
    importer = Importer(beginning.CALLER_URI, around.municipalities)
    beginning.import_residents(folder / STORE, kek, file, importer, ImportAround(lambda: clock))
    people = People.of_lines(lines, first)
    town = Town(store, around.policies, people, places, simulation.draws_at_windows)
    share = simulation.wanted.rates.holders(simulation.wanted.rule_set)
    holders = first_holders(people, share, first, simulation.draws)
    with store.committing():
        beginning.stock(town, len(lines) // 50 + _SPARE_CODES, clock)
        beginning.give_cards(town, holders, first)
    outcome.seconds["importing"] = time.monotonic() - began
    return town


def _live(plan: Plan, town: Town, around: Around, outcome: Outcome) -> None:
    began = time.monotonic()
    windows = _windows(town)
    days = outcome.weeks.last - outcome.weeks.first
    for day, errands in plan.days():
        with town.store.committing():
            around.keep_house(town.store, midnight(day) + _NIGHT)
            for errand in errands:
                _do(errand, windows, day, outcome)
        around.reached("living", (day - outcome.weeks.first).days + 1, days.days + 1)
    with town.store.committing():
        # The audit looks at the morning after the last day.
        around.keep_house(town.store, midnight(outcome.weeks.last + _DAY) + _NIGHT)
    outcome.acts = town.acts
    outcome.seconds["living"] = time.monotonic() - began


def _windows(town: Town) -> Windows:
    cards, moves = CardWindow(town), MoveWindow(town)
    return {
        Birth: lambda errand: register_window.birth(town, errand),
        Death: lambda errand: register_window.death(town, errand),
        Copy: lambda errand: copy_window.copy(town, errand),
        Apply: cards.apply,
        Collect: cards.collect,
        Lose: cards.lose,
        Resume: cards.resume,
        Reissue: cards.reissue,
        FileMove: moves.file,
        ChangeMove: moves.change,
        WithdrawMove: moves.withdraw,
        FetchPaper: moves.fetch_paper,
        StopHalfway: moves.stop_halfway,
        MoveIn: moves.move_in,
        TakeBack: moves.take_back,
        ContinueUse: moves.continue_use,
        MoveWithin: moves.within,
    }


def _do(errand: Errand, windows: Windows, day: date, outcome: Outcome) -> None:
    surprise = came_of(errand, lambda: windows[type(errand)](errand))
    outcome.weeks.add(day, errand.column)
    if surprise is not None:
        outcome.surprises.append(surprise)
    elif errand.foreseen is not None:
        outcome.refused[errand.foreseen] += 1


def _audit(
    simulation: Simulation,
    folder: Path,
    kek: KeyEncryptionKey,
    town: Town,
    outcome: Outcome,
    around: Around,
) -> None:
    began = time.monotonic()
    around.reached("auditing", 0, 1)
    today = simulation.wanted.year.last + _DAY
    cards_continue = around.policies.moves.cards_continue
    ledger = read_ledger(folder / STORE, kek, today, cards_continue=cards_continue)
    outcome.residents = sum(is_resident(one, today) for one in town.people.persons)
    outcome.findings = [
        *unforeseen(outcome.surprises),
        *audit(ledger),
        *headcount(ledger, outcome.residents),
    ]
    outcome.seconds["auditing"] = time.monotonic() - began
