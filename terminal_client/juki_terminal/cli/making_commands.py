"""The words of `juki-terminal card` that make cards; what they do is in `cli.making`."""

from __future__ import annotations

from typing import Annotated

import typer

from juki_client.report import Report, end
from juki_terminal.cli.settings import Settings

making_app = typer.Typer()


@making_app.command("personalise")
def personalise_command(
    context: typer.Context,
    application: Annotated[
        str, typer.Argument(metavar="APPLICATION", help="The number, A and 12 digits.")
    ],
) -> None:
    """Make a card of the blank in the reader, for an approved application.

    After a cut, run it again with the same card in the reader: it goes on where it stood.
    """
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import making  # noqa: PLC0415  # see the package's docstring

        return making.make(settings, application)

    end(settings, "card personalise", act)


@making_app.command("open")
def open_command(context: typer.Context) -> None:
    """List the cards of this municipality that were begun and not finished."""
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import making  # noqa: PLC0415  # see the package's docstring

        return making.show_open(settings)

    end(settings, "card open", act)


@making_app.command("void")
def void_command(
    context: typer.Context,
    personalisation: Annotated[
        str, typer.Argument(metavar="ID", help="What `card open` shows, 32 digits.")
    ],
) -> None:
    """Give up a card that cannot be finished; its chip is never used again.

    The application then waits for another card.
    """
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import making  # noqa: PLC0415  # see the package's docstring

        return making.give_up(settings, personalisation)

    end(settings, "card void", act)


@making_app.command("reconcile")
def reconcile_command(context: typer.Context) -> None:
    """Finish the card in the reader, if one was begun with it, and say what is left to do.

    Ends with 3 while any card is begun and not finished.
    """
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import making  # noqa: PLC0415  # see the package's docstring

        return making.reconcile(settings)

    end(settings, "card reconcile", act)
