"""A small simulated year: many events among few people, so that every path is gone in seconds."""

from __future__ import annotations

import random  # noqa: TID251  # seeded, as the command does
from pathlib import Path

from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.copies.policy import CopyPolicy
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.cli.simulate import Night, nights
from juki_center.data import synthetic_rows
from juki_center.rule_sets import RuleSet
from juki_center.simulation.beginning import Population
from juki_center.simulation.plan import Wanted
from juki_center.simulation.rates import Rates
from juki_center.simulation.run import Around, Outcome, Simulation, simulate
from juki_center.simulation.signer import passing_signer
from juki_center.simulation.town import Policies
from juki_center.simulation.year import Year, midnight
from tests.support.planned_year import MUNICIPALITIES, YEAR


def live(
    folder: Path,
    found: Rates,
    *,
    residents: int = 300,
    seed: int = 1,
    rule_set: RuleSet = RuleSet.R2003_08,
    year: Year = YEAR,
    night: Night | None = None,
) -> Outcome:
    """Simulate a year in a folder, as the command does, with its nights or with others."""
    simulation = Simulation(
        Wanted(year, rule_set, found),
        Population(residents, (), year.first),
        random.Random(seed),
        random.Random(seed + 1),
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
    with nights() as real_night:
        around = Around(synthetic_rows, MUNICIPALITIES, policies, night or real_night)
        return simulate(simulation, folder, around)
