"""The command line of signing in and approving; what each command does is in `sign_in`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from juki_client.report import Report, end

if TYPE_CHECKING:
    from juki_terminal.cli.settings import Settings

sign_in_app = typer.Typer()


@sign_in_app.command("sign-in")
def sign_in_command(
    context: typer.Context,
    pin_from: Annotated[
        str | None, typer.Option(help="File with the clerk's PIN, one a line, or -; for tests.")
    ] = None,
) -> None:
    """Sign a clerk in by the clerk's own card; whoever was signed in is signed out."""
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import sign_in  # noqa: PLC0415  # see the package's docstring

        return sign_in.sign_in(settings, pin_from)

    end(settings, "sign-in", act)


@sign_in_app.command("sign-out")
def sign_out_command(context: typer.Context) -> None:
    """Sign out whoever is signed in at this terminal."""
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import sign_in  # noqa: PLC0415  # see the package's docstring

        return sign_in.sign_out(settings)

    end(settings, "sign-out", act)


@sign_in_app.command("who")
def who_command(context: typer.Context) -> None:
    """Say who is signed in at this terminal, with which rights, until when."""
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import sign_in  # noqa: PLC0415  # see the package's docstring

        return sign_in.who(settings)

    end(settings, "who", act)


@sign_in_app.command("approve")
def approve_command(
    context: typer.Context,
    approval_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="What to approve; else all are listed.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Approve without being asked.")] = False,
) -> None:
    """Approve, as the second person, what a colleague has proposed."""
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import sign_in  # noqa: PLC0415  # see the package's docstring

        return sign_in.approve(settings, approval_id, yes=yes)

    end(settings, "approve", act)
