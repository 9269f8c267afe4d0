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
    send: Annotated[
        bool, typer.Option("--send", help="Also hand the cosigned head in at the center.")
    ] = False,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", help="Go on until SIGTERM or Ctrl-C: check, cosign and hand in each time."
        ),
    ] = False,
    every: Annotated[
        int, typer.Option(metavar="SECONDS", min=1, max=3600, help="With --watch: how often.")
    ] = 60,
) -> None:
    """Cosign the log's newest head if it follows the last one, and print it.

    With --watch every head is checked, the one that the center offers to all witnesses is cosigned
    and handed in, and a center that cannot be reached is tried again.

    What was cosigned last is kept beside the key, in FILE.state. Exit code 3: the log has shrunk or
    forked, or is another one; the head that shows it is kept there, and nothing is cosigned again.
    """
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import witness  # noqa: PLC0415  # see the package's docstring

        if watch:
            return witness.watch(settings, key, every)
        return witness.cosign(settings, key, send=send)

    end(settings, "log witness", act)
