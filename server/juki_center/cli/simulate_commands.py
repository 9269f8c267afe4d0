"""The command line of `juki-center simulate`; what the command does is in `simulate`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from juki_center.cli.report import reporting
from juki_center.rule_sets import RuleSet

app = typer.Typer(no_args_is_help=True, help="Simulate what happens to the registers.")


@app.callback()
def simulations() -> None:
    """Simulate what happens to the registers."""


@app.command()
def year(  # noqa: PLR0913, PLR0917  # typer makes each argument an option
    residents: Annotated[int, typer.Option(min=100, max=2_000_000, help="How many.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same year.")] = 1,
    rule_set: Annotated[
        RuleSet, typer.Option(case_sensitive=False, help="The law in force all year.")
    ] = RuleSet.R2003_08,
    start: Annotated[
        str, typer.Option(metavar="YYYY-MM-DD", help="The first day of the year.")
    ] = "2024-01-01",
    municipalities: Annotated[
        int, typer.Option(min=2, max=32, help="How many registers the residents are spread over.")
    ] = 32,
    out: Annotated[Path, typer.Option(help="Folder for the plot and the report.")] = Path(
        "out/year"
    ),
    keep: Annotated[
        Path | None, typer.Option(help="Empty folder in which the store is kept afterwards.")
    ] = None,
    with_plot: Annotated[
        bool, typer.Option("--plot/--no-plot", help="Write the load by week as a PNG.")
    ] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object (juki/1).")
    ] = False,
) -> None:
    """Live a year of invented residents, and audit the registers after it; exit with 1 for a find.

    Births, deaths, cards, moves and copies are done by the center's own acts, in a store that is
    thrown away. Progress goes to standard error.
    """
    # No other command needs what a year needs, and none is to wait for it.
    from juki_center.cli import simulate  # noqa: PLC0415

    with reporting(simulate.COMMAND, as_json=as_json):
        options = simulate.Options(
            residents, seed, rule_set, _day(start), municipalities, out, keep, with_plot
        )
        simulate.simulate_year(options, as_json=as_json)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("a day such as 2024-01-01", param_hint="--start") from None
