"""`juki-center cards reconcile`: give up cards that nobody can or will finish, and list the rest.

A running center does the same every hour, with the time that stands in the areas. It works on the
store itself, beside a center that serves.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_center.areas.cards.personalisations import GIVEN_UP_AFTER
from juki_center.cli.clock import system_clock
from juki_center.cli.event_loop import run
from juki_center.cli.opening import opened_store
from juki_center.cli.reconciling import reconcile_all
from juki_center.cli.report import report, reporting
from juki_center.config import CenterConfig

if TYPE_CHECKING:
    from juki_center.areas.cards.personalisation_rows import Personalisation
    from juki_center.cli.report import JSON

app = typer.Typer()

COMMAND: Final = "cards reconcile"
_DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")


@app.command("reconcile")
def reconcile_command(
    config: Annotated[
        Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")
    ] = _DEFAULT_CONFIG,
    older_than: Annotated[
        int, typer.Option(min=0, max=3650, metavar="DAYS", help="Give up what is older.")
    ] = GIVEN_UP_AFTER.days,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be given up; change nothing.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object (juki/1).")
    ] = False,
) -> None:
    """Give up cards whose making was cut off and never taken up again; list what is left.

    Given up is what is older than so many days, and what belongs to an application that has ended.
    What is left is finished or given up at its window: juki-terminal card reconcile.
    """
    with reporting(COMMAND, as_json=as_json):
        settings, span = CenterConfig.load(config), timedelta(days=older_than)
        run(_reconcile(settings, span, is_trial=dry_run, as_json=as_json))


async def _reconcile(
    config: CenterConfig, older_than: timedelta, *, is_trial: bool, as_json: bool
) -> None:
    caller, now = f"juki://center/{config.node}", system_clock()
    async with opened_store(config) as store:
        done = await reconcile_all(store, caller, now, older_than=older_than, is_trial=is_trial)
    given_up: list[JSON] = [{**_fields(row), "why": str(why)} for row, why in done.given_up]
    left: list[JSON] = [_fields(row) for row in done.left]
    verb = "to be given up" if is_trial else "given up"
    lines = [f"{_line(row)}  {verb}: {why}" for row, why in done.given_up]
    lines += [f"{_line(row)}  open" for row in done.left]
    lines.append(f"{len(given_up)} {verb}, {len(left)} open")
    result: dict[str, JSON] = {"dry_run": is_trial, "given_up": given_up, "open": left}
    report(COMMAND, result, lines, as_json=as_json)


def _fields(row: Personalisation) -> dict[str, JSON]:
    return {
        "personalisation_id": row.personalisation_id.hex(),
        "application_number": str(row.application),
        "municipality": str(row.municipality),
        "begin_time": row.begun_at.isoformat(),
    }


def _line(row: Personalisation) -> str:
    return f"{row.application}  {row.municipality}  {row.begun_at:%Y-%m-%d %H:%M}Z"
