"""The command line of the witness: `log witness-key` and `log witness`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from juki_client.report import Report, end

if TYPE_CHECKING:
    from juki_terminal.cli.settings import Settings

witness_app = typer.Typer()


@witness_app.command("witness-key")
def witness_key_command(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The new key; an existing file is not replaced.")],
    name: Annotated[str, typer.Option(help="Name of the witness, such as witness.city.example.")],
) -> None:
    """Make the key of a witness and print its public half, for the auditor's list."""
    settings: Settings = context.obj

    def act() -> Report:
        from juki_client import witness_key  # noqa: PLC0415  # see the package's docstring

        public = witness_key.make(name, file).encode()
        return Report({"witness": public}, public)

    end(settings, "log witness-key", act)


@witness_app.command("witness")
def witness_command(
    context: typer.Context,
    key: Annotated[Path, typer.Option(metavar="FILE", help="Key made by witness-key.")],
) -> None:
    """Cosign the log's newest head if it follows the last one, and print it.

    What was cosigned last is kept beside the key, in FILE.state. Exit code 3: the log has shrunk or
    forked, or is another one; the head that shows it is kept there, and nothing is cosigned again.
    """
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import witness  # noqa: PLC0415  # see the package's docstring

        return witness.cosign(settings, key)

    end(settings, "log witness", act)
