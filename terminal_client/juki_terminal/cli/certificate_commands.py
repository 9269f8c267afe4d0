"""`juki-terminal enrol`, `renew`, `recover`: the terminal's own certificate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_client.report import Report, end

if TYPE_CHECKING:
    from juki_pki.identity import PeerIdentity
    from juki_terminal.cli.settings import Settings

certificate_app = typer.Typer()

CONFIG_FILE: Final = "terminal.toml"
LOG_BOOK: Final = "terminal.journal.log-book"
_TICKET_HELP: Final = "File with the token and the center's mark, one a line, or - for stdin."


@certificate_app.command("enrol")
def enrol_command(
    context: typer.Context,
    enrolment: Annotated[
        str, typer.Option("--center", metavar="HOST:PORT", help="The center's enrolment listener.")
    ],
    token_from: Annotated[str, typer.Option(help=_TICKET_HELP)],
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

        def text(identity: PeerIdentity) -> str:
            where = reports.serving(enrolment, center)
            return config_text(where, identity, settings.reader_address)

        return reports.enrol(
            enrolment, token_from, folder, reports.Names(CONFIG_FILE, LOG_BOOK), text
        )

    end(settings, "enrol", act)


@certificate_app.command("renew")
def renew_command(
    context: typer.Context,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Only from two thirds of its life on.")
    ] = False,
) -> None:
    """Renew the certificate, and take over what is to be trusted now.

    For a timer: `renew --if-due` once a day does nothing until it is time. The old certificate
    counts until the new one is stored and the center knows it.
    """
    settings: Settings = context.obj

    def act() -> Report:
        from juki_client import certificate_reports as reports  # noqa: PLC0415  # loads gRPC

        return reports.renew(settings.config(), if_due=if_due)

    end(settings, "renew", act)


@certificate_app.command("recover")
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


def config_text(center: str, identity: PeerIdentity, reader: str | None) -> str:
    """Return a terminal's configuration; what it names lies beside it."""
    return f"""\
# The terminal {identity.name} of {identity.municipality}; written by `juki-terminal enrol`.
environment = "production"

[center]
address = "{center}"

[identity]
certificate = "identity/chain.pem"
key = "identity/key.pem"

[trust]
dir = "trust"

[reader]
name = "{reader or "pcsc:Reader"}"

[journal]
path = "terminal.journal"

[hotlist]
path = "hotlist"
"""
