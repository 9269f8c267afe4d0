"""`juki-center cards`: single cards, what is kept of them, and what was paid for them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from juki_center.cli import card_papers, cards_commands, cards_reconcile
from juki_center.cli.event_loop import run
from juki_center.cli.report import reporting
from juki_center.config import CenterConfig

app = typer.Typer(
    no_args_is_help=True,
    help="Look at a card's state, or change it; works beside a center that serves.",
)
app.add_typer(cards_commands.app)
app.add_typer(cards_reconcile.app)

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
DEFAULT_CONFIG = Path("/etc/juki/center.toml")


@app.command("retention")
def cards_retention(config: Config = DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """Say what is kept of applications and cards, since when, and what is due to be deleted."""
    with reporting("cards retention", as_json=as_json):
        settings = CenterConfig.load(config)
        run(card_papers.retention(settings, as_json=as_json))


@app.command("fees")
def cards_fees(
    municipality: Annotated[str, typer.Option(metavar="CODE", help="Whose fees, six digits.")],
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="First day, in Japan.")],
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="Last day, in Japan.")],
    config: Config = DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """List the fees that a municipality took for cards, and their sum."""
    with reporting("cards fees", as_json=as_json):
        wanted = card_papers.FeesWanted.parse(municipality, first, last)
        settings = CenterConfig.load(config)
        run(card_papers.fees(settings, wanted, as_json=as_json))
