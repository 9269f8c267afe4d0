"""A year that is planned and not lived: people, rates and the plan of tests."""

from __future__ import annotations

import random  # noqa: TID251  # seeded, as the command does
from copy import deepcopy
from datetime import date
from typing import cast

from juki_center.cli import shipped
from juki_center.data import simulation_table, synthetic_rows
from juki_center.rule_sets import RuleSet
from juki_center.simulation.beginning import Population, invented, places_of
from juki_center.simulation.people import People
from juki_center.simulation.plan import Plan, Wanted, first_holders
from juki_center.simulation.rates import Rates
from juki_center.simulation.year import Year

FIRST = date(2024, 1, 1)
YEAR = Year.of(FIRST)
MUNICIPALITIES = shipped.municipalities()


def rates(times: int = 1, **habits: float) -> Rates:
    """Return the table's rates, so many times more of everything, with other habits."""
    table = deepcopy(simulation_table())
    table["population"] = cast("int", table["population"]) // times
    table["habits"] = cast("dict[str, float]", table["habits"]) | habits
    return Rates.parse(table)


def people(residents: int, seed: int = 1) -> People:
    """Return invented residents as the plan sees them."""
    population = Population(residents, (), FIRST)
    draws = random.Random(seed)
    places = places_of(population, synthetic_rows, MUNICIPALITIES)
    lines = invented(population, places, synthetic_rows, draws)
    return People.of_lines(lines, FIRST)


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
