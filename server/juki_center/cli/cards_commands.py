"""The command line of `juki-center cards`; what each command does is in `cards`."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from juki_center.areas.cards.suspensions import Channel, LossReason, LossReport, Reporter
from juki_center.cli import cards
from juki_center.cli.event_loop import run
from juki_center.cli.report import reporting
from juki_center.config import CenterConfig

app = typer.Typer()

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
Serial = Annotated[str | None, typer.Option(help="Serial from `juki-card show`, 64 hex digits.")]
Number = Annotated[str | None, typer.Option(help="Number on the card's face, 12 digits.")]
CodeFrom = Annotated[
    str | None,
    typer.Option(
        "--from", "--code-from", help="File with a resident record code, or - for standard input."
    ),
]


def login_name() -> str:
    """Return who is logged in; empty where the system has no name for the process's user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


Clerk = Annotated[
    str, typer.Option(default_factory=login_name, help="Who does it; kept in the note.")
]
DEFAULT_CONFIG = Path("/etc/juki/center.toml")


@app.command("status")
def cards_status(
    config: Config = DEFAULT_CONFIG,
    serial: Serial = None,
    number: Number = None,
    code_from: CodeFrom = None,
    as_json: AsJSON = False,
) -> None:
    """Say in which state a card is."""
    with reporting("cards status", as_json=as_json):
        which = cards.Which.parse(serial, code_from, number)
        run(cards.status(CenterConfig.load(config), which, as_json=as_json))


@app.command("suspend")
def cards_suspend(  # noqa: PLR0913, PLR0917  # one option for each fact of the report
    clerk: Clerk,
    config: Config = DEFAULT_CONFIG,
    serial: Serial = None,
    number: Number = None,
    code_from: CodeFrom = None,
    reporter: Annotated[Reporter, typer.Option(help="Who reports the loss.")] = Reporter.HOLDER,
    channel: Annotated[Channel, typer.Option(help="How the report came.")] = Channel.PHONE,
    loss: Annotated[LossReason, typer.Option(help="What happened.")] = LossReason.LOST,
    police_report: Annotated[str, typer.Option(help="Number of the report to the police.")] = "",
    local: Annotated[
        bool, typer.Option("--local", help="Order it at the center's local socket, without keys.")
    ] = False,
    as_json: AsJSON = False,
) -> None:
    """Suspend a card that was reported lost; no service takes it any more.

    With --local the center does it that runs on this machine, whether it can be reached by the
    network or not: no certificate and no key is read, and there is no such order that resumes.
    """
    with reporting("cards suspend", as_json=as_json):
        which = cards.Which.parse(serial, code_from, number)
        report = LossReport(reporter, channel, loss, police_report=police_report)
        if local:
            settings = CenterConfig.load(config)
            cards.suspend_locally(settings, which, clerk, report, as_json=as_json)
            return
        run(cards.suspend(CenterConfig.load(config), which, clerk, report, as_json=as_json))


@app.command("resume")
def cards_resume(
    config: Config = DEFAULT_CONFIG,
    serial: Serial = None,
    number: Number = None,
    code_from: CodeFrom = None,
    as_json: AsJSON = False,
) -> None:
    """Resume a clerk's card. A resident's is resumed in person, at a window of the residence."""
    with reporting("cards resume", as_json=as_json):
        which = cards.Which.parse(serial, code_from, number)
        run(cards.resume(CenterConfig.load(config), which, as_json=as_json))


@app.command("revoke")
def cards_revoke(
    clerk: Clerk,
    config: Config = DEFAULT_CONFIG,
    serial: Serial = None,
    number: Number = None,
    code_from: CodeFrom = None,
    as_json: AsJSON = False,
) -> None:
    """Revoke a card for good."""
    with reporting("cards revoke", as_json=as_json):
        which = cards.Which.parse(serial, code_from, number)
        run(cards.revoke(CenterConfig.load(config), which, clerk, as_json=as_json))


@app.command("notes")
def cards_notes(
    config: Config = DEFAULT_CONFIG,
    serial: Serial = None,
    number: Number = None,
    code_from: CodeFrom = None,
    as_json: AsJSON = False,
) -> None:
    """List who reported, resumed, revoked or took back a card: the register of suspensions."""
    with reporting("cards notes", as_json=as_json):
        which = cards.Which.parse(serial, code_from, number)
        run(cards.notes(CenterConfig.load(config), which, as_json=as_json))
