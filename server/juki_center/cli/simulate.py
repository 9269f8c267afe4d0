"""What `juki-center simulate` does: a year of invented residents, to see what a center has to bear.

What happens in the year, and what is audited after it, is decided in `simulation`.
"""

from __future__ import annotations

import asyncio
import json
import random  # noqa: TID251  # the same year must come of the same seed
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from juki_center.areas.cards.policy import CardPolicy
from juki_center.areas.copies.policy import CopyPolicy
from juki_center.areas.moves.policy import MovePolicy
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.policy import RegisterPolicy
from juki_center.cli import housekeeping, shipped
from juki_center.cli.pace import Pace
from juki_center.cli.report import Exit, Failure, fail, report
from juki_center.config import LOW_STOCK
from juki_center.data import simulation_table, synthetic_rows
from juki_center.rule_sets import RuleSet
from juki_center.simulation.beginning import Population
from juki_center.simulation.errands import Column
from juki_center.simulation.plan import Wanted
from juki_center.simulation.plot import can_plot, plot
from juki_center.simulation.rates import Rates
from juki_center.simulation.run import STORE, Around, Outcome, Simulation, simulate
from juki_center.simulation.signer import passing_signer
from juki_center.simulation.town import Policies
from juki_center.simulation.weeks import Weeks
from juki_center.simulation.year import Year, midnight

if TYPE_CHECKING:
    from datetime import datetime

    from juki_center.areas.residents.synthetic_draws import Draws
    from juki_center.cli.report import JSON
    from juki_center.storage.passing_store import PassingStore

COMMAND: Final = "simulate year"
FOUND: Final = 1
"""The exit code of a year whose audit found something."""
PLOT: Final = "load-by-week.png"
REPORT: Final = "year.json"
_FINDINGS_SAID: Final = 20
Night = Callable[["PassingStore", "datetime"], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    residents: int
    seed: int
    rule_set: RuleSet
    start: date
    municipalities: int
    out: Path
    keep: Path | None
    with_plot: bool


def simulate_year(options: Options, *, as_json: bool) -> None:
    """Live a year and audit it; say what came of it, and leave with 1 where there are findings."""
    _refuse_unusable(options, as_json=as_json)
    options.out.mkdir(parents=True, exist_ok=True)
    with _folder(options.keep) as folder, _Progress() as progress, nights() as night:
        outcome = simulate(_simulation(options), folder, _around(options, night, progress))
    conclude(options, outcome, as_json=as_json)


def _refuse_unusable(options: Options, *, as_json: bool) -> None:
    """Say at once what would only show after minutes."""
    if options.with_plot and not can_plot():
        missing = Failure(
            "PLOT_NOT_POSSIBLE",
            "matplotlib is not installed, and the plot is drawn with it",
            "Install the extra `simulation`, or leave the plot out by --no-plot.",
            Exit.USAGE,
        )
        fail(COMMAND, missing, as_json=as_json)
    if options.keep is not None and (options.keep / STORE).exists():
        taken = Failure(
            "FILE_UNUSABLE",
            f"{options.keep / STORE}: there is a store already",
            "Name an empty folder by --keep; a year begins with a new store.",
            Exit.USAGE,
        )
        fail(COMMAND, taken, as_json=as_json)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="juki-year-") as folder:
        yield Path(folder)


def _simulation(options: Options) -> Simulation:
    rates = Rates.parse(simulation_table())
    codes = [MunicipalityCode(row["code6"]) for row in synthetic_rows("municipalities")]
    # All of them are left to the table, which knows how large each is.
    chosen = tuple(codes[: options.municipalities]) if options.municipalities < len(codes) else ()
    return Simulation(
        Wanted(Year.of(options.start), options.rule_set, rates),
        Population(options.residents, chosen, options.start),
        _draws(f"people {options.seed}"),
        _draws(f"windows {options.seed}"),
    )


def _draws(seed: str) -> Draws:
    return random.Random(seed)  # noqa: S311  # nothing here is to be secret


def _around(options: Options, night: Night, progress: _Progress) -> Around:
    municipalities = shipped.municipalities()
    cards = CardPolicy(options.rule_set, municipalities)
    policies = Policies(
        registers=RegisterPolicy(municipalities, LOW_STOCK),
        cards=cards,
        moves=MovePolicy(cards),
        copies=CopyPolicy(
            photo_id_enabled=True,
            municipalities=municipalities,
            signer=passing_signer(midnight(options.start)),
        ),
    )
    return Around(synthetic_rows, municipalities, policies, night, progress.reached)


@contextmanager
def nights() -> Iterator[Night]:
    """Do in a simulated night what a center that serves does every hour."""
    with asyncio.Runner() as runner:
        yield lambda store, now: runner.run(housekeeping.forget(store, now))


class _Progress:
    """Says on standard error what the year is at: as a bar on a terminal, else by month."""

    def __init__(self) -> None:
        self._pace: Pace | None = None
        self._what = ""
        self._said = 0

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pace is not None:
            self._pace.__exit__(None, None, None)

    def reached(self, what: str, done: int, of: int) -> None:
        """Say how far it is."""
        if what != self._what:
            self.__exit__()
            self._what, self._said = what, 0
            self._pace = Pace(what, of, unit="days").__enter__()
            if not sys.stderr.isatty():
                sys.stderr.write(f"{what} ...\n")
        elif not sys.stderr.isatty() and done * 10 // of > self._said:
            self._said = done * 10 // of
            sys.stderr.write(f"{what}: day {done} of {of}\n")
        if self._pace is not None:
            self._pace.reached(done, done)


def conclude(options: Options, outcome: Outcome, *, as_json: bool) -> None:
    """Write the plot and the report, print the table, and leave with 1 where there are findings."""
    result = _result(options, outcome)
    if options.with_plot:
        title = (
            f"A year of {options.residents:,} residents from {options.start.isoformat()} on, "
            f"rule set {options.rule_set}"
        )
        plot(outcome.weeks, title, options.out / PLOT)
    text = json.dumps(result, ensure_ascii=False, indent=1)
    (options.out / REPORT).write_text(text + "\n", encoding="utf-8")
    report(COMMAND, result, [*outcome.weeks.table(), "", *_summary(outcome)], as_json=as_json)
    for finding in outcome.findings[:_FINDINGS_SAID]:
        sys.stderr.write(f"juki-center: {finding}\n")
    if outcome.findings:
        raise typer.Exit(FOUND)


def _result(options: Options, outcome: Outcome) -> dict[str, JSON]:
    return {
        "seed": options.seed,
        "rule_set": str(options.rule_set),
        "residents": {"first": options.residents, "last": outcome.residents},
        "weeks": [_week(outcome.weeks, monday) for monday in outcome.weeks.weeks()],
        "acts": dict(sorted(outcome.acts.items())),
        "refused": dict(sorted(outcome.refused.items())),
        "findings": [str(finding) for finding in outcome.findings],
        "seconds": {what: round(seconds) for what, seconds in outcome.seconds.items()},
        "is_clean": not outcome.findings,
    }


def _week(weeks: Weeks, monday: date) -> dict[str, JSON]:
    counts: dict[str, JSON] = {str(column): weeks.count(monday, column) for column in Column}
    return {"week": monday.isoformat(), **counts, "total": weeks.total(monday)}


def _summary(outcome: Outcome) -> Iterator[str]:
    weeks = outcome.weeks
    acts = sum(outcome.acts.values())
    took = ", ".join(f"{what} {seconds:.1f} s" for what, seconds in outcome.seconds.items())
    yield f"busiest: week of {weeks.peak().isoformat()}, {weeks.total(weeks.peak())} visits"
    refused = ", ".join(f"{n} {reason}" for reason, n in sorted(outcome.refused.items()))
    yield f"{acts} acts; refused as the law has it: {refused or 'none'}"
    yield f"{outcome.residents} residents at the end; {took}"
    if outcome.findings:
        yield f"audit: {len(outcome.findings)} findings"
    else:
        yield "audit: clean"
