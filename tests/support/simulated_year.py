"""A small simulated year: many events among few people, so that every path is gone in seconds."""

from __future__ import annotations

import asyncio
import random  # noqa: TID251  # seeded, as the command does
from copy import deepcopy
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import cast

from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.copies.policy import CopyPolicy
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.residents.municipalities import Municipalities
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.cli import housekeeping
from juki_center.data import municipality_rows, simulation_table, synthetic_rows
from juki_center.rule_sets import RuleSet
from juki_center.simulation.beginning import Population, invented
from juki_center.simulation.people import People
from juki_center.simulation.plan import Plan, Wanted, first_holders
from juki_center.simulation.rates import Habits, Rates
from juki_center.simulation.run import Around, Outcome, Simulation, simulate
from juki_center.simulation.signer import passing_signer
from juki_center.simulation.town import Policies
from juki_center.simulation.year import Year, midnight
from juki_center.storage.passing_store import PassingStore

FIRST = date(2024, 1, 1)
YEAR = Year.of(FIRST)
MUNICIPALITIES = Municipalities.parse(municipality_rows())


def rates(times: int = 1, **habits: float) -> Rates:
    """Return the table's rates, so many times more of everything, with other habits."""
    table = deepcopy(simulation_table())
    table["population"] = cast("int", table["population"]) // times
    table["habits"] = cast("dict[str, float]", table["habits"]) | habits
    return Rates.parse(table)


def habits(**others: float) -> Habits:
    """Return the table's habits with some others."""
    return replace(Rates.parse(simulation_table()).habits, **others)


def people(residents: int, seed: int = 1) -> People:
    """Return invented residents as the plan sees them."""
    population = Population(residents, (), FIRST)
    draws = random.Random(seed)
    return People.of_lines(invented(population, synthetic_rows, MUNICIPALITIES, draws))


def plan(
    among: People,
    found: Rates,
    *,
    seed: int = 1,
    rule_set: RuleSet = RuleSet.R2003_08,
    year: Year = YEAR,
) -> Plan:
    """Return the plan of a year among some people, of whom some hold cards."""
    draws = random.Random(seed)
    first_holders(among, found.holders(rule_set), year.first, draws)
    return Plan(Wanted(year, rule_set, found), among, draws)


def live(
    folder: Path,
    found: Rates,
    *,
    residents: int = 300,
    seed: int = 1,
    rule_set: RuleSet = RuleSet.R2003_08,
    year: Year = YEAR,
) -> Outcome:
    """Simulate a year in a folder, as the command does."""
    simulation = Simulation(
        Wanted(year, rule_set, found), Population(residents, (), year.first), random.Random(seed)
    )
    cards = CardPolicy(rule_set, MUNICIPALITIES)
    policies = Policies(
        registers=RegisterPolicy(MUNICIPALITIES, low_stock=10),
        cards=cards,
        moves=MovePolicy(cards),
        copies=CopyPolicy(
            photo_id_enabled=True,
            municipalities=MUNICIPALITIES,
            signer=passing_signer(midnight(year.first)),
        ),
    )
    return simulate(
        simulation, folder, Around(synthetic_rows, MUNICIPALITIES, policies, keep_house)
    )


def keep_house(store: PassingStore, now: datetime) -> None:
    """Do what a center does every hour."""
    asyncio.run(housekeeping.forget(store, now))
