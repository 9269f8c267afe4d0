"""The words of `juki-terminal application`: an application for a card, from counter to its end.

No datum of a resident is an argument, because arguments show in process lists: they come from
`--from FILE|-` or from prompts. An application's number tells nothing about anybody, and is one.
What the commands do is in `cli.applications`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from juki_client.report import Report, end

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_terminal.cli.settings import Settings

application_app = typer.Typer(
    help="Applications for a card, at the municipality of residence.", no_args_is_help=True
)


class EndReason(StrEnum):
    """Why an application ends without a card."""

    LETTER_RETURNED = "letter-returned"
    NOT_THE_PERSON = "not-the-person"
    WITHDRAWN = "withdrawn"
    NOT_COLLECTED = "not-collected"


class State(StrEnum):
    """How far an application has come."""

    INQUIRY_SENT = "inquiry-sent"
    APPROVED = "approved"
    READY = "ready"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


_Number = Annotated[
    str, typer.Argument(metavar="NUMBER", help="The application's number, A and 12 digits.")
]
_Form = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="FILE|-",
        help="The request as JSON with the proto's field names; a document has its number in it.",
    ),
]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before the act.")]
_Out = Annotated[Path, typer.Option("--out", help="Where the PDF comes out.")]


def _run(context: typer.Context, command: str, act: Callable[[Settings], Report]) -> NoReturn:
    settings: Settings = context.obj
    end(settings, f"application {command}", lambda: act(settings))


@application_app.command("submit")
def submit_command(  # typer makes each argument an option
    context: typer.Context,
    form: _Form = None,
    photo: Annotated[
        Path | None, typer.Option("--photo", help="The photo for style 2, JPEG.")
    ] = None,
    taken_on: Annotated[
        str | None, typer.Option("--taken-on", metavar="DATE", help="When the photo was taken.")
    ] = None,
    yes: _Yes = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the inquiry letter comes out, if any.")
    ] = None,
) -> None:
    """Take an application: decided on the same day, or by an inquiry letter."""

    def act(settings: Settings) -> Report:
        # gRPC, fonts and PDF are loaded for the commands that need them alone.
        from juki_terminal.cli import applications  # noqa: PLC0415

        options = applications.SubmitOptions(form, photo, taken_on, out, is_certain=yes)
        return applications.submit(settings, options)

    _run(context, "submit", act)


@application_app.command("reply")
def reply_command(
    context: typer.Context,
    number: _Number,
    form: _Form = None,
    yes: _Yes = False,
) -> None:
    """Record the reply to an inquiry letter. One that does not count ends the application."""

    def act(settings: Settings) -> Report:
        from juki_terminal.cli import applications  # noqa: PLC0415  # see above

        return applications.reply(settings, applications.ReplyOptions(number, form, is_certain=yes))

    _run(context, "reply", act)


@application_app.command("end")
def end_command(
    context: typer.Context,
    number: _Number,
    reason: Annotated[EndReason, typer.Option("--reason", help="Why.")],
    yes: _Yes = False,
) -> None:
    """End an application without a card."""

    def act(settings: Settings) -> Report:
        from juki_terminal.cli import applications  # noqa: PLC0415  # see above

        return applications.end(
            settings, applications.EndOptions(number, reason.name, is_certain=yes)
        )

    _run(context, "end", act)


@application_app.command("show")
def show_command(context: typer.Context, number: _Number) -> None:
    """Show how far an application has come."""

    def act(settings: Settings) -> Report:
        from juki_terminal.cli import applications  # noqa: PLC0415  # see above

        return applications.show(settings, number)

    _run(context, "show", act)


@application_app.command("list")
def list_command(
    context: typer.Context,
    state: Annotated[
        list[State] | None,
        typer.Option("--state", help="Only these; without it, those that have not ended."),
    ] = None,
) -> None:
    """List the municipality's applications, oldest first."""

    def act(settings: Settings) -> Report:
        from juki_terminal.cli import applications  # noqa: PLC0415  # see above

        return applications.list_all(settings, [one.name for one in state or ()])

    _run(context, "list", act)


@application_app.command("letter")
def letter_command(context: typer.Context, number: _Number, out: _Out) -> None:
    """Print the inquiry letter, or the notice of a same-day issue, again."""

    def act(settings: Settings) -> Report:
        from juki_terminal.cli import applications  # noqa: PLC0415  # see above

        return applications.letter(settings, number, out)

    _run(context, "letter", act)
