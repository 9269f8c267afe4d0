"""`juki-center workers`: look at the workers of a center that serves, and replace them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_center.cli.report import report, reporting
from juki_center.cli.supervisor_line import RESTART, SHOW, line_of, order
from juki_center.config import CenterConfig
from juki_center.errors import ConfigInvalid

if TYPE_CHECKING:
    from juki_center.cli.report import JSON

app = typer.Typer(
    no_args_is_help=True,
    help="Show the workers of a center that serves by several processes, and replace them.",
)

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
_DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")


@app.command()
def show(config: Config = _DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """List the workers: process, how far it is, and how often one in its place has died."""
    with reporting("workers show", as_json=as_json):
        _ordered(config, SHOW, as_json=as_json)


@app.command()
def restart(config: Config = _DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """Replace the workers one after the other, so that calls go on; wait until all are new.

    Where a new one ends before it is ready, the others stay as they are, and it exits with 3.
    """
    with reporting("workers restart", as_json=as_json):
        _ordered(config, RESTART, as_json=as_json)


def _ordered(path: Path, what: str, *, as_json: bool) -> None:
    local = CenterConfig.load(path).listen_local
    if local is None:
        raise ConfigInvalid("listen.local", "is missing; SIGHUP to the supervisor restarts as well")
    workers = order(line_of(local), what)
    lines = [
        f"worker {one['worker']}: process {one['pid']}, {one['state']}, restarts {one['restarts']}"
        for one in workers
    ]
    listed: list[JSON] = [dict(one) for one in workers]
    report(f"workers {what}", {"workers": listed}, lines, as_json=as_json)
