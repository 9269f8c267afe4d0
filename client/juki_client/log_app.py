"""The commands `log status` and `log accept`, for whichever program has a log book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import typer

from juki_client.report import Manner, Report, end

if TYPE_CHECKING:
    from pathlib import Path


class Configured(Protocol):
    """What a configuration says of the log."""

    @property
    def trust_dir(self) -> Path: ...

    @property
    def log_book(self) -> Path: ...


class Settings(Manner, Protocol):
    """The options before the command."""

    def config(self) -> Configured:
        """Read the configuration; raise Problem CONFIGURATION_INVALID."""
        ...


def log_app() -> typer.Typer:
    """Return the group of commands; its context holds Settings."""
    app = typer.Typer(
        help="What is known of the center's audit log, and whether it is trusted.",
        no_args_is_help=True,
    )

    @app.command("status")
    def status_command(context: typer.Context) -> None:
        """Tell the newest head that was verified, the last proof, and what was found.

        Exit code 0: the log is trusted. 3: a check has failed, and no act is asked for until
        `log accept`.
        """
        settings: Settings = context.obj

        def act() -> Report:
            from juki_client import log_commands  # noqa: PLC0415  # loads gRPC

            config = settings.config()
            return log_commands.status(config.trust_dir, config.log_book, settings.language)

        end(settings, "log status", act)

    @app.command("accept")
    def accept_command(context: typer.Context) -> None:
        """Trust the log again, from its next head on; for whoever knows why the check has failed.

        The book is put aside beside its place, not deleted: it holds the signed heads that show
        what the center has said.
        """
        settings: Settings = context.obj

        def act() -> Report:
            from juki_client import log_commands  # noqa: PLC0415  # loads gRPC

            config = settings.config()
            return log_commands.accept(config.trust_dir, config.log_book, settings.language)

        end(settings, "log accept", act)

    return app
