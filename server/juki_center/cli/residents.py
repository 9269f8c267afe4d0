"""`juki-center residents`: fill the registers from files, and invent residents for tests and load.

What a line means is decided in `areas.residents`; here are files, progress and the report.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli.report import reporting
from juki_center.cli.residents_generate import Invention, generate

app = typer.Typer(
    no_args_is_help=True,
    help="Fill the registers from files; invent residents for tests and load.",
)

AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]


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
