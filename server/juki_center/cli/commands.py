"""The command line of `juki-center`; what each command does is in the module named after it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from juki_center.cli import agency as agency_command
from juki_center.cli import alerts as alerts_command
from juki_center.cli import approvals as approvals_command
from juki_center.cli import audit as audit_command
from juki_center.cli import backup as backup_command
from juki_center.cli import card_papers, cards_commands, simulate_commands
from juki_center.cli import cards_reconcile as cards_reconcile_command
from juki_center.cli import certificates as certificates_command
from juki_center.cli import clerks as clerks_command
from juki_center.cli import codes as codes_command
from juki_center.cli import disconnect as disconnect_module
from juki_center.cli import drill as drill_command
from juki_center.cli import enrol as enrol_command
from juki_center.cli import hotlist as hotlist_command
from juki_center.cli import keys as keys_command
from juki_center.cli import municipalities as municipalities_command
from juki_center.cli import quarantine as quarantine_command
from juki_center.cli import residents as residents_command
from juki_center.cli import restore as restore_command
from juki_center.cli import revoke as revoke_command
from juki_center.cli import schema as schema_command
from juki_center.cli.clock import system_clock
from juki_center.cli.event_loop import run
from juki_center.cli.report import reporting
from juki_center.config import CenterConfig

app = typer.Typer(
    name="juki-center",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Run a center of the resident-register network, and look after it.",
)

cards_app = typer.Typer(
    no_args_is_help=True,
    help="Look at a card's state, or change it; works beside a center that serves.",
)
app.add_typer(agency_command.app, name="agency")
app.add_typer(audit_command.app, name="audit")
app.add_typer(alerts_command.app, name="alerts")
cards_app.add_typer(cards_commands.app)
cards_app.add_typer(cards_reconcile_command.app)
app.add_typer(cards_app, name="cards")
app.add_typer(certificates_command.app, name="certificates")
app.add_typer(clerks_command.app, name="clerks")
app.add_typer(codes_command.app, name="codes")
app.add_typer(enrol_command.app, name="enrol")
app.command()(approvals_command.approve)
app.command()(approvals_command.proposals)
app.command()(backup_command.backup)
app.command()(restore_command.restore)
app.add_typer(keys_command.app, name="keys")
app.add_typer(municipalities_command.app, name="municipalities")
app.add_typer(quarantine_command.app, name="quarantine")
app.add_typer(residents_command.app, name="residents")
app.command("revoke")(revoke_command.revoke_peer)
app.add_typer(hotlist_command.app, name="hotlist")
app.command("disconnect")(disconnect_module.disconnect_command)
app.command("reconnect")(disconnect_module.reconnect_command)
app.command("status")(disconnect_module.status_command)
app.command("drill")(drill_command.drill)
app.add_typer(schema_command.app, name="schema")
app.add_typer(simulate_commands.app, name="simulate")

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
DEFAULT_CONFIG = Path("/etc/juki/center.toml")


@app.command()
def serve(config: Config = DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """Listen until SIGTERM or SIGINT; SIGHUP reads keys and configuration again."""
    from juki_center.cli import serve as serve_command  # noqa: PLC0415  # imports every service

    with reporting("serve", as_json=as_json):
        run(serve_command.serve(config, as_json=as_json))


@app.command()
def dev(
    folder: Annotated[Path, typer.Option("--dir", help="Where it lives.")] = Path("out/dev"),
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="gRPC port; 0: any free one.")
    ] = None,
    http_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Status port; 0: any free one.")
    ] = None,
    as_json: AsJSON = False,
) -> None:
    """Run a center with invented residents and their cards, making what is missing."""
    from juki_center.cli import dev as dev_command  # noqa: PLC0415  # imports every service

    options = dev_command.DevOptions(folder, port, http_port)
    with reporting("dev", as_json=as_json):
        run(dev_command.dev(options, as_json=as_json))


@app.command()
def doctor(config: Config = DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """Check configuration, keys, certificates, store and clock; exit with 3 for a fault."""
    from juki_center.cli import doctor as doctor_command  # noqa: PLC0415  # looks at every part

    with reporting("doctor", as_json=as_json):
        found = doctor_command.examine(CenterConfig.load(config), system_clock())
    doctor_command.conclude(found, as_json=as_json)


@cards_app.command("retention")
def cards_retention(config: Config = DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """Say what is kept of applications and cards, since when, and what is due to be deleted."""
    with reporting("cards retention", as_json=as_json):
        settings = CenterConfig.load(config)
        run(card_papers.retention(settings, as_json=as_json))


@cards_app.command("fees")
def cards_fees(
    municipality: Annotated[str, typer.Option(metavar="CODE", help="Whose fees, six digits.")],
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="First day, in Japan.")],
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="Last day, in Japan.")],
    config: Config = DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """List the fees that a municipality took for cards, and their sum."""
    with reporting("cards fees", as_json=as_json):
        wanted = card_papers.FeesWanted.parse(municipality, first, last)
        settings = CenterConfig.load(config)
        run(card_papers.fees(settings, wanted, as_json=as_json))
