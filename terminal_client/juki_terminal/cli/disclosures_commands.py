"""The words of `juki-terminal disclosure`: what a resident is told of themselves, in person.

What the commands do is in `cli.disclosures`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from juki_client.report import Report, end
from juki_terminal.cli.settings import Settings

disclosure_app = typer.Typer(
    help="Disclose to the card's holder: own information, and to whom it was provided.",
    no_args_is_help=True,
)

_Print = Annotated[Path | None, typer.Option("--print", help="Write the paper, a PDF.")]
_CodeFrom = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|-",
        help="The code that the form says, on the first line; without it, by consent.",
    ),
]
_PinFrom = Annotated[str | None, typer.Option(help="File with PINs, one a line, or -; for tests.")]


@disclosure_app.command("own")
def own_command(
    context: typer.Context,
    out: _Print = None,
    code_from: _CodeFrom = None,
    pin_from: _PinFrom = None,
) -> None:
    """Tell the holder what the register holds."""
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import disclosures  # noqa: PLC0415  # loads gRPC and fonts

        return disclosures.own(settings, disclosures.Options(out, code_from, pin_from))

    end(settings, "disclosure own", act)


@disclosure_app.command("provisions")
def provisions_command(
    context: typer.Context,
    out: _Print = None,
    code_from: _CodeFrom = None,
    pin_from: _PinFrom = None,
) -> None:
    """Tell the holder to whom the information was provided, up to the end of last month."""
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import disclosures  # noqa: PLC0415  # loads gRPC and fonts

        return disclosures.provisions(settings, disclosures.Options(out, code_from, pin_from))

    end(settings, "disclosure provisions", act)
