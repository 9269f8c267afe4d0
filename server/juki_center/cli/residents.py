"""`juki-center residents`: fill the registers from files, and invent residents for tests and load.

What a line means is decided in `areas.residents`; here are files, progress and the report.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.areas.residents.imports import ImportMode
from juki_center.cli.report import reporting
from juki_center.cli.residents_generate import Invention, generate
from juki_center.cli.residents_import import Wanted, import_file
from juki_center.cli.residents_lists import list_held, list_imports
from juki_center.config import CenterConfig, Environment

app = typer.Typer(
    no_args_is_help=True,
    help="Fill the registers from files; invent residents for tests and load.",
)

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
DEFAULT_CONFIG = Path("/etc/juki/center.toml")


@app.command("import")
def import_command(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE.csv", help="Register file: CSV in UTF-8.", dir_okay=False),
    ],
    config: Config = DEFAULT_CONFIG,
    mode: Annotated[
        ImportMode,
        typer.Option(
            case_sensitive=False,
            help="lines: each line by itself. file: all of them, or nothing where one is refused.",
        ),
    ] = ImportMode.LINES,
    report: Annotated[
        Path | None, typer.Option(help="CSV to write: what became of each line.")
    ] = None,
    host: Annotated[
        bool | None,
        typer.Option(
            "--host/--no-host",
            help="Begin the registers that are not hosted yet; if left out, outside of production.",
            show_default=False,
        ),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Give up an import of this file that was cut off.")
    ] = False,
    as_json: AsJSON = False,
) -> None:
    """Import a register file; cut off, it goes on where it was. Exits with 3 for refused lines."""
    with reporting("residents import", as_json=as_json):
        center = CenterConfig.load(config)
        may_host = center.environment is not Environment.PRODUCTION if host is None else host
        wanted = Wanted(file, mode, report, host=may_host, restart=restart)
        import_file(center, wanted, as_json=as_json)


@app.command("generate")
def generate_command(
    count: Annotated[int, typer.Option(min=1, max=200_000_000, help="How many residents.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same people.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="File to write; standard output if left out.")
    ] = None,
    municipality: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="Six digits; may be repeated. Else a choice of 32."),
    ] = None,
    as_json: AsJSON = False,
) -> None:
    """Invent residents in realistic households, as a register file for `residents import`."""
    with reporting("residents generate", as_json=as_json):
        wanted = tuple(MunicipalityCode(code) for code in municipality or ())
        generate(Invention(count, seed, wanted, out), as_json=as_json)


@app.command()
def held(config: Config = DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """List updates that wait for an earlier version; exit with 3 where there are some."""
    with reporting("residents held", as_json=as_json):
        list_held(CenterConfig.load(config), as_json=as_json)


@app.command()
def imports(
    config: Config = DEFAULT_CONFIG,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="At most so many.")] = 20,
    as_json: AsJSON = False,
) -> None:
    """List imports, the newest first: how far each is, and its totals."""
    with reporting("residents imports", as_json=as_json):
        list_imports(CenterConfig.load(config), limit, as_json=as_json)
