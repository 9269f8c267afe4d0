"""The commands of `juki-terminal`.

Exit codes and the `--json` envelope are fixed (see `juki_client.outcome`); what each command
does is in the module named after it. Each of these modules is imported by its own command alone:
cryptography, gRPC, fonts and PDF together take longer to load than most commands run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from juki_client.command_line import language_of_locale, run
from juki_client.log_app import log_app
from juki_client.outcome import Language, Problem
from juki_client.report import Report, end, leave
from juki_terminal.application import Item
from juki_terminal.cli.applications_commands import application_app
from juki_terminal.cli.card_life_commands import life_app
from juki_terminal.cli.certificate_commands import certificate_app
from juki_terminal.cli.disclosures_commands import disclosure_app
from juki_terminal.cli.making_commands import making_app
from juki_terminal.cli.moves_commands import move_app
from juki_terminal.cli.residents_commands import resident_app
from juki_terminal.cli.settings import DEFAULT_CONFIG, Settings
from juki_terminal.cli.sign_in_commands import sign_in_app
from juki_terminal.cli.witness_commands import witness_app
from juki_terminal.copies import Tray
from juki_terminal.trace import Trace

app = typer.Typer(
    name="juki-terminal",
    help="A window terminal of the resident-register network.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
card_app = typer.Typer(
    help="Cards: the one in the reader, and a card's life at the center.", no_args_is_help=True
)
copy_app = typer.Typer(help="Certificate copies.", no_args_is_help=True)
card_app.add_typer(making_app)
card_app.add_typer(life_app)
app.add_typer(sign_in_app)
app.add_typer(card_app, name="card")
app.add_typer(copy_app, name="copy")
app.add_typer(application_app, name="application")
app.add_typer(resident_app, name="resident")
app.add_typer(move_app, name="move")
app.add_typer(disclosure_app, name="disclosure")
_log_app = log_app()
_log_app.add_typer(witness_app)
app.add_typer(_log_app, name="log")
app.add_typer(certificate_app)

_FORM_HELP: Final = "JSON file with photo_id and members, or - for standard input."


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")
    ] = DEFAULT_CONFIG,
    reader: Annotated[
        str | None, typer.Option(envvar="JUKI_READER", help="pcsc:NAME or virtual:FILE.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    trace: Annotated[
        Path | None, typer.Option(help="Write APDUs and messages, without secrets, to a file.")
    ] = None,
    lang: Annotated[Language | None, typer.Option(help="Language of texts.")] = None,
) -> None:
    """Drive a card reader, relay card sessions, issue and verify certificate copies."""
    language = lang or language_of_locale()
    try:
        opened = Trace(trace) if trace is not None else None
    except Problem as problem:
        leave("juki-terminal", problem, language, as_json=as_json)
    context.obj = Settings(config, reader, as_json, opened, language)


@app.command("readers")
def readers_command(context: typer.Context) -> None:
    """List the readers and whether a card is in them."""
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import readers  # noqa: PLC0415  # see the module's docstring

        return readers.list_readers(settings)

    end(settings, "readers", act)


@app.command("watch")
def watch_command(context: typer.Context) -> None:
    """Keep certificate, trust and hotlist fresh and print what happens, until SIGTERM or Ctrl-C.

    For a service that always runs: it renews the certificate in time, takes over what is to be
    trusted, reports the terminal's status, and comes back when the connection is lost. With --json
    each event is an object on a line of its own, and the last line the usual one.
    """
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import watch  # noqa: PLC0415  # see the module's docstring

        return watch.watch(settings)

    end(settings, "watch", act)


@app.command("hotlist")
def hotlist_command(context: typer.Context) -> None:
    """Say how new the hotlist is and how many cards are on it; exit with 3 for an old one."""
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import watch  # noqa: PLC0415  # see the module's docstring

        return watch.hotlist(settings)

    end(settings, "hotlist", act)


@card_app.command("status")
def card_status_command(
    context: typer.Context,
    wait: Annotated[float, typer.Option(help="Seconds to wait for a card.")] = 0,
) -> None:
    """Say how many tries of the PIN are left, without using one."""
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import card  # noqa: PLC0415  # see the module's docstring

        return card.card_status(settings, wait)

    end(settings, "card status", act)


@card_app.command("change-pin")
def card_change_pin_command(
    context: typer.Context,
    pin_from: Annotated[
        str | None, typer.Option(help="File with the present PIN, one a line, or -; for tests.")
    ] = None,
    new_pin_from: Annotated[
        str | None, typer.Option(help="File with the new PIN in two lines, or -; for tests.")
    ] = None,
) -> None:
    """Change the PIN, after the present one; the center is told nothing of it.

    The new PIN has 4 digits, and is neither one digit repeated nor a sequence.
    """
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import card_pin  # noqa: PLC0415  # see the module's docstring

        return card_pin.change(settings, pin_from, new_pin_from)

    end(settings, "card change-pin", act)


@card_app.command("check")
def card_check_command(
    context: typer.Context,
    can_from: Annotated[
        str | None,
        typer.Option(help="File with the number on the card's face, or -; for tests."),
    ] = None,
) -> None:
    """Say whether card and center are genuine, by the number on the card's face.

    No PIN is asked, and nothing is said of who brings the card.
    """
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import card_pin  # noqa: PLC0415  # see the module's docstring

        return card_pin.check(settings, can_from)

    end(settings, "card check", act)


@card_app.command("print-face")
def card_print_face_command(
    context: typer.Context,
    application: Annotated[
        str, typer.Argument(metavar="APPLICATION", help="Its number, A and 12 digits.")
    ],
    out: Annotated[Path, typer.Option(help="Where the face comes out: .pdf or .png.")],
) -> None:
    """Print the face of an application's card at true size."""
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import card_faces  # noqa: PLC0415  # see the module's docstring

        return card_faces.print_face(settings, application, out)

    end(settings, "card print-face", act)


@copy_app.command("issue")
def copy_issue_command(  # noqa: PLR0913, PLR0917  # typer makes each argument an option
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="Where the PDF comes out.")],
    photo_id: Annotated[
        bool, typer.Option("--photo-id", help="A photo document instead of a card.")
    ] = False,
    form: Annotated[str | None, typer.Option("--from", help=_FORM_HELP)] = None,
    household: Annotated[bool, typer.Option("--household", help="The whole household.")] = False,
    member: Annotated[
        bool, typer.Option("--member", help="Some members, asked for by prompts.")
    ] = False,
    relationship: Annotated[
        bool, typer.Option("--relationship", help="Show householder and relationship.")
    ] = False,
    code: Annotated[bool, typer.Option("--code", help="Show the resident record code.")] = False,
    domicile: Annotated[
        bool,
        typer.Option("--domicile", help="Ask for the registered domicile; always refused."),
    ] = False,
    pin_from: Annotated[
        str | None, typer.Option(help="File with PINs, one a line, or -; for tests.")
    ] = None,
) -> None:
    """Issue a copy of the certificate of residence."""
    settings: Settings = context.obj
    wanted = (relationship, code, domicile)

    def act() -> Report:
        from juki_terminal.cli import copies  # noqa: PLC0415  # see the module's docstring

        chosen = copies.IssueOptions(
            out=out,
            photo_id=photo_id,
            form=form,
            household=household,
            member=member,
            items=tuple(item for item, is_wanted in zip(Item, wanted, strict=True) if is_wanted),
            pin_from=pin_from,
        )
        return copies.issue(settings, chosen)

    end(settings, "copy issue", act)


@copy_app.command("status")
def copy_status_command(
    context: typer.Context,
    key: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="Request id or issue number; else the open issue."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the PDF comes out.")] = None,
    tray: Annotated[
        Tray | None, typer.Option(help="What lies in the printer's tray, where it matters.")
    ] = None,
) -> None:
    """Say what became of an issue, and finish it where a cut left it open.

    Without ID it is the open issue of this terminal's journal, if there is one.
    """
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import copies  # noqa: PLC0415  # see the module's docstring

        return copies.status(settings, key, out, tray)

    end(settings, "copy status", act)


@copy_app.command("verify")
def copy_verify_command(
    context: typer.Context,
    document: Annotated[str, typer.Argument(metavar="FILE", help="PDF or QR text, or -.")],
    trust: Annotated[Path | None, typer.Option(help="Trust folder.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the center.")] = False,
) -> None:
    """Say whether a copy is genuine, and show what it says."""
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import verify  # noqa: PLC0415  # see the module's docstring

        return verify.verify_copy(settings, verify.VerifyOptions(document, trust, offline))

    end(settings, "copy verify", act)


@app.command("doctor")
def doctor_command(context: typer.Context) -> None:
    """Check configuration, identity, trust, journal, fonts, reader and center."""
    settings: Settings = context.obj

    def act() -> Report:
        from juki_terminal.cli import doctor  # noqa: PLC0415  # see the module's docstring

        return doctor.examine(settings)

    end(settings, "doctor", act)


def main() -> None:
    """Run the command line."""
    run(app, "juki-terminal")
