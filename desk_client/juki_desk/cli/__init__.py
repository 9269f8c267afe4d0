"""The commands of `juki-desk`.

Exit codes and the `--json` envelope are fixed (see `juki_client.outcome`); what each command does
is in the module named after it, which its own command alone imports.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from juki_client.command_line import language_of_locale, run
from juki_client.log_app import log_app
from juki_client.outcome import Language
from juki_client.report import Report, end
from juki_desk.cli.settings import DEFAULT_CONFIG, Settings

_HELP: Final = (
    "The card desk's client: stops a card while its holder is on the telephone.\n\n"
    "There is no `resume`. A voice on the telephone is nobody's proof: whoever has found a card or"
    " stolen one could have it opened again. A suspension is taken back only in person, at the"
    " window of the residence, with the card itself and two documents"
    " (`juki-terminal card resume`)."
)
_FORM_HELP: Final = (
    "The report as JSON with the proto's field names; without it, prompts ask."
    " A resident code is never an argument, because arguments show in process lists."
)

app = typer.Typer(
    name="juki-desk",
    help=_HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(log_app(), name="log")


@app.callback(help=_HELP)
def options(
    context: typer.Context,
    config: Annotated[
        Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")
    ] = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    lang: Annotated[Language | None, typer.Option(help="Language of texts.")] = None,
) -> None:
    """Keep the options before the command."""
    context.obj = Settings(config, as_json, lang or language_of_locale())


@app.command("suspend")
def suspend_command(
    context: typer.Context,
    form: Annotated[str | None, typer.Option("--from", metavar="FILE|-", help=_FORM_HELP)] = None,
    clerk: Annotated[
        str | None, typer.Option("--clerk", help="Who takes the report, recorded as unverified.")
    ] = None,
    repeat: Annotated[
        str | None,
        typer.Option("--repeat", metavar="ID", help="Repeat the report whose outcome is unknown."),
    ] = None,
) -> None:
    """Stop a card at once, by its number or its holder's resident code.

    Wrong answers to the questions are recorded and stop nothing: stopping is easy, resuming is not.
    Exit code 0: the card is stopped. 3: it is not, by the reason named. 5 and 6 say the same of a
    center that did not answer: 5, nothing was changed; 6, nobody knows, so run it with --repeat.
    """
    settings: Settings = context.obj

    def act() -> Report:
        from juki_desk.cli import suspend  # noqa: PLC0415  # see the module's docstring

        return suspend.run(settings, suspend.SuspendOptions(form, clerk, repeat))

    end(settings, "suspend", act)


@app.command("renew")
def renew_command(
    context: typer.Context,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Only from two thirds of its life on.")
    ] = False,
) -> None:
    """Renew the certificate, and take over what is to be trusted now.

    For a timer: `renew --if-due` once a day does nothing until it is time.
    """
    settings: Settings = context.obj

    def act() -> Report:
        from juki_client import certificate_reports as reports  # noqa: PLC0415  # loads gRPC

        return reports.renew(settings.config(), if_due=if_due)

    end(settings, "renew", act)


@app.command("recover")
def recover_command(
    context: typer.Context,
    enrolment: Annotated[
        str, typer.Option("--center", metavar="HOST:PORT", help="The center's enrolment listener.")
    ],
) -> None:
    """Come back after the certificate has expired; two operators approve it first."""
    settings: Settings = context.obj

    def act() -> Report:
        from juki_client import certificate_reports as reports  # noqa: PLC0415  # loads gRPC

        return reports.recover(settings.config(), enrolment)

    end(settings, "recover", act)


@app.command("enrol")
def enrol_command(
    context: typer.Context,
    enrolment: Annotated[
        str, typer.Option("--center", metavar="HOST:PORT", help="The center's enrolment listener.")
    ],
    token_from: Annotated[
        str, typer.Option(help="File with the token and the center's mark, one a line, or -.")
    ],
    folder: Annotated[
        Path, typer.Option("--dir", help="Where keys, trust and configuration go.")
    ] = Path("/etc/juki"),
    center: Annotated[
        str,
        typer.Option("--serves", metavar="HOST:PORT", help="Where it serves, if not at port 7443."),
    ] = "",
) -> None:
    """Get the first certificate for a one-time token; run it again after any interruption."""
    settings: Settings = context.obj

    def act() -> Report:
        from juki_client import certificate_reports as reports  # noqa: PLC0415  # loads gRPC
        from juki_desk.config import config_text  # noqa: PLC0415

        return reports.enrol(
            enrolment,
            token_from,
            folder,
            reports.Names("desk.toml", "desk.journal.log-book"),
            lambda who: config_text(reports.serving(enrolment, center), who.uri),
        )

    end(settings, "enrol", act)


@app.command("doctor")
def doctor_command(context: typer.Context) -> None:
    """Check configuration, identity, trust, journal and center; no card is meant."""
    settings: Settings = context.obj

    def act() -> Report:
        from juki_desk.cli import doctor  # noqa: PLC0415  # see the module's docstring

        return doctor.examine(settings)

    end(settings, "doctor", act)


def main() -> None:
    """Run the command line."""
    run(app, "juki-desk")
