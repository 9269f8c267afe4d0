"""The words of `juki-terminal move`: out of a municipality, into it, within it.

No datum of a resident is an argument, because arguments show in process lists: they come from
`--from FILE|-` or from prompts. The numbers of moves and cards tell nothing about anybody, and may
be arguments; the verification code of a paper may not. What the commands do is in `cli.moves`,
`cli.moves_in` and `cli.moves_looks`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from juki_client.report import Report, end

if TYPE_CHECKING:
    from collections.abc import Callable

    from juki_terminal.cli.settings import Settings

move_app = typer.Typer(
    help="Moves: out of the municipality, into it, and within it.", no_args_is_help=True
)


class Listed(StrEnum):
    """Which moves are listed."""

    OUT = "out"
    OUT_ALL = "out-all"
    IN = "in"
    IN_DONE = "in-done"
    EXPECTED = "expected"
    LAPSED = "lapsed"


_SELECTIONS: Final = {
    Listed.OUT: "OUT_OPEN",
    Listed.OUT_ALL: "OUT_ALL",
    Listed.IN: "IN_OPEN",
    Listed.IN_DONE: "IN_DONE",
    Listed.EXPECTED: "EXPECTED",
    Listed.LAPSED: "LAPSED",
}
_OUT: Final = "The window of the municipality that is left"
_IN: Final = "The window of the municipality that is entered"
_OWN: Final = "Own residents"
_LOOK: Final = "Looking"
_Number = Annotated[
    str, typer.Argument(metavar="NUMBER", help="The move's number, M and 12 digits.")
]
_Form = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="FILE|-",
        help="The request as JSON with the proto's field names; without it, prompts ask.",
    ),
]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before the act.")]
_Out = Annotated[
    Path, typer.Option("--out", help="Where the certificate of moving out comes out, if any.")
]
_Receipt = Annotated[
    Path | None, typer.Option("--receipt", help="Where a receipt for the person comes out.")
]
_Pin = Annotated[str | None, typer.Option(help="File with PINs, one a line, or -; for tests.")]


def _end(context: typer.Context, command: str, act: Callable[[Settings], Report]) -> NoReturn:
    settings: Settings = context.obj
    end(settings, f"move {command}", lambda: act(settings))


def _run(context: typer.Context, command: str, **options: str | bool | Path | None) -> NoReturn:
    def act(settings: Settings) -> Report:
        # gRPC, fonts and tables are loaded for the commands that need them alone.
        from juki_terminal.cli import moves  # noqa: PLC0415

        return moves.run(settings, moves.MoveOptions(command, **options))  # type: ignore[arg-type]  # options of that name

    _end(context, command, act)


@move_app.command("out", rich_help_panel=_OUT)
def out_command(
    context: typer.Context,
    out: _Out,
    form: _Form = None,
    yes: _Yes = False,
    receipt: _Receipt = None,
) -> None:
    """Enter a move-out notice, brought or by post.

    By the special case, no paper is needed: the card opens the move at the destination. Where no
    card may be used, it becomes an ordinary move, and its certificate is printed.
    """
    options = {"form": form, "is_certain": yes, "out": out, "receipt": receipt}
    _run(context, "out", **options)


@move_app.command("change", rich_help_panel=_OUT)
def change_command(  # typer makes each argument an option
    context: typer.Context,
    number: _Number,
    out: _Out,
    form: _Form = None,
    yes: _Yes = False,
    receipt: _Receipt = None,
) -> None:
    """Change a notice before an arrival: where to, when, or who; prints a new certificate."""
    options = {"form": form, "is_certain": yes, "out": out, "receipt": receipt}
    _run(context, "change", number=number, **options)


@move_app.command("cancel", rich_help_panel=_OUT)
def cancel_command(context: typer.Context, number: _Number, yes: _Yes = False) -> None:
    """Withdraw a notice before an arrival: everybody stays."""
    _run(context, "cancel", number=number, is_certain=yes)


@move_app.command("certificate", rich_help_panel=_OUT)
def certificate_command(
    context: typer.Context,
    number: _Number,
    out: _Out,
    yes: _Yes = False,
    give_up_special: Annotated[
        bool, typer.Option("--give-up-special", help="The special case is given up for good.")
    ] = False,
) -> None:
    """Issue the certificate of moving out, first or again.

    Papers after the first one are marked as issued again.
    """
    _run(context, "certificate", number=number, is_certain=yes, out=out, gives_up=give_up_special)


_BY_NUMBER: Final = {
    "correct": (_OUT, "Send corrected entries of a person whose information was fetched."),
    "arrived": (_OUT, "Record an arrival notice that came another way."),
    "take-back": (_IN, "Take a completed move in back: the persons are where they were."),
    "accept-correction": (_IN, "Enter a correction that the origin has sent."),
}


def _add(command: str, panel: str, help_text: str) -> None:
    @move_app.command(command, help=help_text, rich_help_panel=panel)
    def act(
        context: typer.Context,
        number: _Number,
        form: _Form = None,
        yes: _Yes = False,
    ) -> None:
        _run(context, command, number=number, form=form, is_certain=yes)


for _name, (_panel, _help) in _BY_NUMBER.items():
    _add(_name, _panel, _help)


@move_app.command("in", rich_help_panel=_IN)
def in_command(  # typer makes each argument an option
    context: typer.Context,
    paper: Annotated[
        bool, typer.Option("--paper", help="Against a certificate of moving out, without a card.")
    ] = False,
    form: _Form = None,
    yes: _Yes = False,
    receipt: _Receipt = None,
    pin_from: _Pin = None,
) -> None:
    """Register a move in: with a card and its PIN, or against a paper.

    By card the information is fetched, the clerk ticks who has come, and the move is registered.
    """

    def act(settings: Settings) -> Report:
        from juki_terminal.cli import moves, moves_in  # noqa: PLC0415  # see above

        options = moves.MoveOptions(
            "in",
            form=form,
            is_certain=yes,
            receipt=receipt,
            is_paper=paper,
            pin_from=pin_from,
        )
        return moves_in.move_in(settings, options)

    _end(context, "in", act)


@move_app.command("abandon", rich_help_panel=_IN)
def abandon_command(context: typer.Context, number: _Number, yes: _Yes = False) -> None:
    """Give information back that this terminal has fetched: nobody moves in."""

    def act(settings: Settings) -> Report:
        from juki_terminal.cli import moves, moves_in  # noqa: PLC0415  # see above

        options = moves.MoveOptions("abandon", number=number, is_certain=yes)
        return moves_in.abandon(settings, options)

    _end(context, "abandon", act)


@move_app.command("look", rich_help_panel=_IN)
def look_command(context: typer.Context, number: _Number) -> None:
    """Look at the information of an expected move beforehand, without a card."""

    def act(settings: Settings) -> Report:
        from juki_terminal.cli import moves, moves_in  # noqa: PLC0415  # see above

        return moves_in.look(settings, moves.MoveOptions("look", number=number))

    _end(context, "look", act)


@move_app.command("continue-card", rich_help_panel=_IN)
def continue_card_command(  # typer makes each argument an option
    context: typer.Context,
    card: Annotated[
        str, typer.Argument(metavar="CARD", help="The number on the card's face, 12 digits.")
    ],
    back_written: Annotated[
        bool, typer.Option("--back-written", help="The new address is on the back of the card.")
    ] = False,
    yes: _Yes = False,
    pin_from: _Pin = None,
) -> None:
    """Continue the use of a card after a move in; its holder enters the PIN."""

    def act(settings: Settings) -> Report:
        from juki_terminal.cli import moves, moves_in  # noqa: PLC0415  # see above

        options = moves.MoveOptions(
            "continue-card",
            number=card,
            is_certain=yes,
            pin_from=pin_from,
            back_written=back_written,
        )
        return moves_in.continue_card(settings, options)

    _end(context, "continue-card", act)


@move_app.command("within", rich_help_panel=_OWN)
def within_command(
    context: typer.Context,
    form: _Form = None,
    yes: _Yes = False,
    receipt: _Receipt = None,
) -> None:
    """Register a move within the municipality."""
    _run(context, "within", form=form, is_certain=yes, receipt=receipt)


@move_app.command("show", rich_help_panel=_LOOK)
def show_command(context: typer.Context, number: _Number) -> None:
    """Show a move, out of the municipality or into it."""

    def act(settings: Settings) -> Report:
        from juki_terminal.cli import moves_looks  # noqa: PLC0415  # see above

        return moves_looks.show(settings, number)

    _end(context, "show", act)


@move_app.command("list", rich_help_panel=_LOOK)
def list_command(
    context: typer.Context,
    which: Annotated[
        Listed, typer.Argument(metavar="[WHICH]", help=f"{', '.join(Listed)}.")
    ] = Listed.OUT,
) -> None:
    """List moves: out and not ended, all out, in and fetched, in and done, expected, run out."""

    def act(settings: Settings) -> Report:
        from juki_terminal.cli import moves_looks  # noqa: PLC0415  # see above

        return moves_looks.list_moves(settings, moves_looks.Which(_SELECTIONS[which]))

    _end(context, "list", act)


@move_app.command("missing", rich_help_panel=_LOOK)
def missing_command(context: typer.Context) -> None:
    """List moves out whose arrival nobody has reported."""

    def act(settings: Settings) -> Report:
        from juki_terminal.cli import moves_looks  # noqa: PLC0415  # see above

        return moves_looks.list_moves(settings, moves_looks.Which())

    _end(context, "missing", act)


@move_app.command("alerts", rich_help_panel=_LOOK)
def alerts_command(
    context: typer.Context,
    with_seen: Annotated[
        bool, typer.Option("--all", help="Those that a clerk has seen, too.")
    ] = False,
) -> None:
    """List what the municipality must know about moves."""

    def act(settings: Settings) -> Report:
        from juki_terminal.cli import moves_looks  # noqa: PLC0415  # see above

        return moves_looks.alerts(settings, with_seen=with_seen)

    _end(context, "alerts", act)


@move_app.command("seen", rich_help_panel=_LOOK)
def seen_command(
    context: typer.Context,
    alert: Annotated[str, typer.Argument(metavar="ALERT", help="The alert's id.")],
) -> None:
    """Note that a clerk has seen an alert."""

    def act(settings: Settings) -> Report:
        from juki_terminal.cli import moves_looks  # noqa: PLC0415  # see above

        return moves_looks.seen(settings, alert)

    _end(context, "seen", act)
