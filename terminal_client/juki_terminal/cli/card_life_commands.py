"""The words of `juki-terminal card …` for a card's life: one command for each act of a clerk.

No datum of a resident is an argument, because arguments show in process lists: they come from
`--from FILE|-` or from prompts. The numbers of cards and applications tell nothing about anybody,
and may be arguments. What the commands do is in `cli.card_life` and `cli.pin_work`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from juki_client.outcome import Problem
from juki_client.report import Report, end

if TYPE_CHECKING:
    from juki_terminal.cli.settings import Settings

life_app = typer.Typer()

_Application = Annotated[
    str,
    typer.Argument(metavar="APPLICATION", help="The application's number, A and 12 digits."),
]
_Number = Annotated[
    str, typer.Argument(metavar="NUMBER", help="The number on the card's face, 12 digits.")
]
_AnyCard = Annotated[
    str | None,
    typer.Argument(
        metavar="[NUMBER]",
        help="The number on the card's face; without it, the form or a prompt says which card.",
    ),
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
_Can = Annotated[
    str | None,
    typer.Option(help="File with the access number on the card's face, or -; for tests."),
]
_NewPin = Annotated[
    str | None, typer.Option(help="File with the new PIN in two lines, or -; for tests.")
]
_Pin = Annotated[str | None, typer.Option(help="File with the PIN that is known, or -; for tests.")]


def _run(context: typer.Context, command: str, **options: str | bool | Path | None) -> NoReturn:
    settings: Settings = context.obj

    def act() -> Report:
        # gRPC and tables are loaded for the commands that need them alone.
        from juki_terminal.cli import card_life  # noqa: PLC0415

        return card_life.run(settings, card_life.CardOptions(command, **options))  # type: ignore[arg-type]  # options of that name

    end(settings, f"card {command}", act)


@life_app.command("hand-over")
def hand_over_command(
    context: typer.Context,
    application: _Application,
    form: _Form = None,
    yes: _Yes = False,
    new_pin_from: _NewPin = None,
) -> None:
    """Hand a card over: its holder sets the PIN, the card proves it, the fee is taken.

    After a cut, the same command goes on: the new PIN is tried first, then the card's first one.
    """
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import pin_work  # noqa: PLC0415  # see above

        options = pin_work.PinOptions(application, form, new_pin_from=new_pin_from, is_certain=yes)
        return pin_work.hand_card_over(settings, options)

    end(settings, "card hand-over", act)


@life_app.command("unlock")
def unlock_command(  # noqa: PLR0913, PLR0917  # typer makes each argument an option
    context: typer.Context,
    number: _Number,
    keep: Annotated[bool, typer.Option("--keep", help="The holder knows the PIN.")] = False,
    forgotten: Annotated[
        bool, typer.Option("--forgotten", help="Take the PIN away, and set a new one.")
    ] = False,
    form: _Form = None,
    yes: _Yes = False,
    can_from: _Can = None,
    pin_from: _Pin = None,
    new_pin_from: _NewPin = None,
) -> None:
    """Unlock a card's PIN, in person and with two documents.

    It works for a card that waits for its hand-over too (--forgotten). After a cut, the same
    command goes on.
    """
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import pin_work  # noqa: PLC0415  # see above

        if keep is forgotten:
            raise Problem("USAGE_INVALID", {"field": "keep", "rule": "--keep or --forgotten"})
        options = pin_work.PinOptions(
            number,
            form,
            new_pin_from=new_pin_from,
            pin_from=pin_from,
            can_from=can_from,
            is_certain=yes,
            forgotten=forgotten,
        )
        return pin_work.unlock_card(settings, options)

    end(settings, "card unlock", act)


@life_app.command("show")
def show_command(context: typer.Context, number: _AnyCard = None, form: _Form = None) -> None:
    """Show a card, or all cards of a person, newest first."""
    _run(context, "show", number=number, form=form)


_ACTS: Final = {
    "suspend": "Suspend a card at once, of whatever municipality: after a loss or a theft.",
    "revoke": "End a card for ever.",
}


def _add_act(command: str, help_text: str) -> None:
    @life_app.command(command, help=help_text)
    def act(
        context: typer.Context,
        number: _AnyCard = None,
        form: _Form = None,
        yes: _Yes = False,
    ) -> None:
        _run(context, command, number=number, form=form, is_certain=yes)


for _name, _help in _ACTS.items():
    _add_act(_name, _help)


@life_app.command("resume")
def resume_command(  # typer makes each argument an option
    context: typer.Context,
    number: _Number,
    form: _Form = None,
    yes: _Yes = False,
    can_from: _Can = None,
) -> None:
    """Take a suspension back: in person, with the card in the reader and two documents."""
    _run(
        context,
        "resume",
        number=number,
        form=form,
        is_certain=yes,
        can_from=can_from,
        is_read=True,
    )


@life_app.command("return")
def return_command(  # typer makes each argument an option
    context: typer.Context,
    number: _Number,
    yes: _Yes = False,
    can_from: _Can = None,
    dead: Annotated[
        bool, typer.Option("--dead", help="The chip does not answer: the number alone counts.")
    ] = False,
) -> None:
    """Take a card back: handed in, or found after another was issued."""
    _run(
        context,
        "return",
        number=number,
        is_certain=yes,
        can_from=can_from,
        is_read=not dead,
    )


@life_app.command("reissue")
def reissue_command(  # noqa: PLR0913, PLR0917  # typer makes each argument an option
    context: typer.Context,
    form: _Form = None,
    yes: _Yes = False,
    handed_in: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER", help="The old card is in the reader; without it, it is lost."
        ),
    ] = None,
    can_from: _Can = None,
    photo: Annotated[Path | None, typer.Option(help="The photo for style 2, JPEG.")] = None,
    taken_on: Annotated[
        str | None, typer.Option(metavar="DATE", help="When the photo was taken.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the inquiry letter comes out, if any.")
    ] = None,
) -> None:
    """Apply for a card in place of one that is lost, or handed in; the old one ends at once."""
    _run(
        context,
        "reissue",
        number=handed_in,
        form=form,
        is_certain=yes,
        can_from=can_from,
        is_read=handed_in is not None,
        photo=photo,
        taken_on=taken_on,
        out=out,
    )
