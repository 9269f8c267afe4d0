"""The commands of `juki-agency`.

Exit codes and the `--json` envelope are fixed (see `juki_client.outcome`); what each command does
is in the module named after it. Each of these modules is imported by its own command alone: gRPC
and cryptography take longer to load than most commands run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from juki_agency.cli.settings import DEFAULT_CONFIG, Settings
from juki_client.command_line import language_of_locale, run
from juki_client.log_app import log_app
from juki_client.outcome import Language
from juki_client.report import Report, end

app = typer.Typer(
    name="juki-agency",
    help="An agency's client of the resident-register network.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(log_app(), name="log")

_FORM_HELP: Final = "JSON file with the person's fields, or - for standard input."
_FILE_HELP: Final = (
    "CSV in UTF-8; its header names code, or attributes: name, name_kana, birth, sex, address,"
    " municipality, prefecture."
)
Affair = Annotated[str, typer.Option(help="The affair of the law, such as passport.")]
Items = Annotated[
    str, typer.Option(help="Items wanted, of name,birth,sex,address,code; none for a yes or no.")
]
Watch = Annotated[
    bool, typer.Option("--watch", help="Have change notices of each person found from now on.")
]
Patience = Annotated[
    float, typer.Option(min=0, help="Seconds without an answer before the command gives up.")
]


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[
        Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")
    ] = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    lang: Annotated[Language | None, typer.Option(help="Language of texts.")] = None,
) -> None:
    """Confirm identities for an affair of the law, one by one or in batches, and watch changes."""
    context.obj = Settings(config, as_json, lang or language_of_locale())


@app.command("confirm")
def confirm_command(  # typer makes each argument an option
    context: typer.Context,
    affair: Affair,
    items: Items = "",
    form: Annotated[str | None, typer.Option("--from", help=_FORM_HELP)] = None,
    attributes: Annotated[
        bool, typer.Option("--attributes", help="Be asked for attributes instead of a code.")
    ] = False,
    watch: Watch = False,
) -> None:
    """Confirm one person, by code or by attributes, from a form or by prompts.

    Exit code 0 is a plain match alone; any other answer is 3, and the outcome says which.
    """
    settings: Settings = context.obj

    def act() -> Report:
        from juki_agency.cli import confirm  # noqa: PLC0415  # see the module's docstring
        from juki_agency.questions import items_of  # noqa: PLC0415

        wanted = confirm.ConfirmOptions(affair, items_of(items), watch, form, not attributes)
        return confirm.confirm(settings, wanted)

    end(settings, "confirm", act)


@app.command("batch")
def batch_command(  # typer makes each argument an option
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help=_FILE_HELP)],
    affair: Affair,
    out: Annotated[Path, typer.Option(help="Where the results go; its state lies beside it.")],
    items: Items = "",
    watch: Watch = False,
    patience: Patience = 60.0,
) -> None:
    """Confirm up to 100,000 persons; run it again to go on after any interruption.

    Exit code 0 where every line was answered, 3 where lines were refused; the others are done.
    """
    settings: Settings = context.obj

    def act() -> Report:
        from juki_agency.cli import batch  # noqa: PLC0415  # see the module's docstring
        from juki_agency.questions import items_of  # noqa: PLC0415

        options = batch.BatchOptions(file, out, affair, items_of(items), watch, patience)
        return batch.batch(settings, options)

    end(settings, "batch", act)


@app.command("watch")
def watch_command(
    context: typer.Context,
    affair: Affair,
    state: Annotated[Path, typer.Option(help="File that keeps the place in the stream.")],
    once: Annotated[
        bool, typer.Option("--once", help="End when everything has been told.")
    ] = False,
    patience: Patience = 60.0,
) -> None:
    """Print change notices of the persons that were confirmed with --watch, in order.

    After a cut the last notice may be printed again; none is left out. With --json, one object a
    notice. Without --once a center that does not answer is asked again for ever.
    """
    settings: Settings = context.obj

    def act() -> Report:
        from juki_agency.cli import watch  # noqa: PLC0415  # see the module's docstring

        return watch.watch(settings, watch.WatchOptions(affair, state, once, patience))

    end(settings, "watch", act)


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
        from juki_agency.config import config_text  # noqa: PLC0415
        from juki_client import certificate_reports as reports  # noqa: PLC0415  # loads gRPC

        return reports.enrol(
            enrolment,
            token_from,
            folder,
            reports.Names("agency.toml", "agency.log-book"),
            lambda who: config_text(reports.serving(enrolment, center), who.uri),
        )

    end(settings, "enrol", act)


@app.command("doctor")
def doctor_command(context: typer.Context) -> None:
    """Check configuration, identity, trust and center."""
    settings: Settings = context.obj

    def act() -> Report:
        from juki_agency.cli import doctor  # noqa: PLC0415  # see the module's docstring

        return doctor.examine(settings)

    end(settings, "doctor", act)


def main() -> None:
    """Run the command line."""
    run(app, "juki-agency")
