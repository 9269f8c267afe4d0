"""The command line of `juki-center`; what each command does is in the module named after it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from juki_center.cli import dev as dev_command
from juki_center.cli import serve as serve_command
from juki_center.cli.report import reporting
from juki_center.config import CenterConfig

app = typer.Typer(
    name="juki-center",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Run a center of the resident-register network, and look after it.",
)

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
DEFAULT_CONFIG = Path("/etc/juki/center.toml")


@app.command()
def serve(config: Config = DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """Listen until SIGTERM or SIGINT."""
    with reporting("serve", as_json=as_json):
        serve_command.run(serve_command.serve(CenterConfig.load(config), as_json=as_json))


@app.command()
def dev(
    folder: Annotated[Path, typer.Option("--dir", help="Where it lives.")] = Path("out/dev"),
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="gRPC port; 0: any free one.")
    ] = None,
    http_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Status port; 0: any free one.")
    ] = None,
    as_json: AsJSON = False,
) -> None:
    """Run a center with invented residents and their cards, making what is missing."""
    options = dev_command.DevOptions(folder, port, http_port)
    with reporting("dev", as_json=as_json):
        serve_command.run(dev_command.dev(options, as_json=as_json))
