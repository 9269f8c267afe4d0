"""The commands of `juki-agency`.

Exit codes and the `--json` envelope are fixed (see `juki_client.outcome`); what each command does
is in the module named after it. Each of these modules is imported by its own command alone: gRPC
and cryptography take longer to load than most commands run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from juki_agency.cli.settings import DEFAULT_CONFIG, Settings
from juki_client.command_line import language_of_locale, run
from juki_client.outcome import Language
from juki_client.report import Report, end

app = typer.Typer(
    name="juki-agency",
    help="An agency's client of the resident-register network.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


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
