"""The words of `juki-terminal resident`: one command for each entry that a clerk makes.

No datum of a resident is an argument, because arguments show in process lists: they come from
`--from FILE|-` or from prompts. What the commands do is in `cli.residents`.
"""

from __future__ import annotations

from typing import Annotated, Final, NoReturn

import typer

from juki_client.report import Report, end
from juki_terminal.cli.settings import Settings

resident_app = typer.Typer(
    help="The register of the terminal's own municipality.", no_args_is_help=True
)

_Form = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="FILE|-",
        help="The request as JSON with the proto's field names; without it, prompts ask.",
    ),
]
_Lock = Annotated[
    str | None, typer.Option("--lock", metavar="ID", help="The edit lock that you hold.")
]

_Approval = Annotated[
    str | None,
    typer.Option(
        "--approval", metavar="ID", help="What a colleague has approved; without it, propose."
    ),
]

_EDITS: Final = {
    "death": "Register a death; the person's cards lapse.",
    "delete": "Delete a record by the municipality's own authority.",
    "correct": "Correct a record: all entries as they are to stand.",
    "change-code": "Give a person a new code; the person's cards are revoked.",
    "cancel": "Cancel the newest entry of a record.",
    "protect": "Begin a protective measure, or give it another planned end.",
}
_OTHERS: Final = {
    "birth": "Enter a newborn into a household, with a code from the stock.",
    "change-household": "Move persons to another or a new household, or change who heads one.",
    "lock": "Take the edit lock of a record for ten minutes, or renew it.",
}


def _run(context: typer.Context, command: str, **options: str | int | bool | None) -> NoReturn:
    settings: Settings = context.obj

    def act() -> Report:
        # gRPC and tables are loaded for the commands that need them alone.
        from juki_terminal.cli import residents  # noqa: PLC0415

        return residents.run(settings, residents.ResidentOptions(command, **options))  # type: ignore[arg-type]  # options of that name

    end(settings, f"resident {command}", act)


def _add_edit(command: str, help_text: str) -> None:
    @resident_app.command(command, help=help_text)
    def edit(context: typer.Context, form: _Form = None, lock: _Lock = None) -> None:
        _run(context, command, form=form, lock=lock)


def _add_other(command: str, help_text: str) -> None:
    @resident_app.command(command, help=help_text)
    def other(context: typer.Context, form: _Form = None) -> None:
        _run(context, command, form=form)


@resident_app.command("show")
def show_command(
    context: typer.Context,
    form: _Form = None,
    history: Annotated[
        bool, typer.Option("--history", help="Earlier versions too, newest first.")
    ] = False,
) -> None:
    """Show a person's record."""
    _run(context, "show", form=form, history=history)


@resident_app.command("household")
def household_command(
    context: typer.Context,
    form: _Form = None,
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted records too.")] = False,
) -> None:
    """Show the household of a person, in the order of its paper."""
    _run(context, "household", form=form, deleted=deleted)


for _name, _help in _OTHERS.items():
    _add_other(_name, _help)
for _name, _help in _EDITS.items():
    _add_edit(_name, _help)


@resident_app.command("lift")
def lift_command(
    context: typer.Context,
    form: _Form = None,
    lock: _Lock = None,
    minutes: Annotated[
        int | None, typer.Option("--minutes", min=1, max=1440, help="For how long.")
    ] = None,
    approval: _Approval = None,
) -> None:
    """Lift a protective measure for a time; it is in force again by itself.

    Needs two clerks: the first call proposes it, and after a colleague's `juki-terminal approve`
    the same call with --approval does it.
    """
    _run(context, "lift", form=form, lock=lock, minutes=minutes, approval=approval)


@resident_app.command("end-protection")
def end_protection_command(
    context: typer.Context,
    form: _Form = None,
    lock: _Lock = None,
    approval: _Approval = None,
) -> None:
    """End a protective measure.

    Needs two clerks: the first call proposes it, and after a colleague's `juki-terminal approve`
    the same call with --approval does it.
    """
    _run(context, "end-protection", form=form, lock=lock, approval=approval)


@resident_app.command("unlock")
def unlock_command(
    context: typer.Context,
    lock: Annotated[str, typer.Argument(metavar="ID", help="The lock, 32 hexadecimal digits.")],
) -> None:
    """Give an edit lock back."""
    _run(context, "unlock", lock=lock)
