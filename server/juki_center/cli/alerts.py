"""`juki-center alerts`: what the watch over the log has found, and who has looked at it.

It works on the store itself, beside a center that serves. Each alert names the section of
docs/runbook.md that says what it means and what to do.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_center.areas.alerts.persons import trace_person
from juki_center.areas.alerts.watching import leaves_of, see_alert
from juki_center.areas.residents.codes import ResidentCode
from juki_center.cli.cards import read_code
from juki_center.cli.clock import system_clock
from juki_center.cli.event_loop import run
from juki_center.cli.opening import open_with_key, opened_store
from juki_center.cli.policies import alert_policy
from juki_center.cli.report import Exit, report, reporting
from juki_center.config import CenterConfig
from juki_center.errors import Reason, Refusal

if TYPE_CHECKING:
    from juki_audit.leaf import Leaf
    from juki_center.areas.alerts.rows import Alert
    from juki_center.cli.report import JSON

app = typer.Typer(
    no_args_is_help=True,
    help="List what the watch over the log has found, look into it, and say that it was seen.",
)

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
AlertID = Annotated[str, typer.Argument(metavar="ALERT", help="The alert's id, from the list.")]
_DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")


@app.command("list")
def list_command(
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that somebody has seen.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """List alerts, the newest first; exit with 3 where nobody has seen some of them."""
    with reporting("alerts list", as_json=as_json):
        settings = CenterConfig.load(config)
        with closing(open_with_key(settings)) as store:
            alerts = store.read(
                lambda tx: tx.alerts.newest(only_unseen=not everything, limit=limit)
            )
    rows: list[JSON] = [_fields(alert) for alert in alerts]
    lines = [_line(alert) for alert in alerts] or ["no alerts"]
    report("alerts list", {"alerts": rows}, lines, as_json=as_json)
    if any(alert.seen_at is None for alert in alerts):
        raise typer.Exit(Exit.REFUSED)


@app.command("show")
def show_command(
    alert_id: AlertID, config: Config = _DEFAULT_CONFIG, as_json: AsJSON = False
) -> None:
    """Show the leaves of the log that an alert was raised for."""
    with reporting("alerts show", as_json=as_json):
        settings = CenterConfig.load(config)
        with closing(open_with_key(settings)) as store:
            alert = store.read(lambda tx: tx.alerts.alert(alert_id))
            if alert is None:
                raise Refusal(Reason.ALERT_NOT_FOUND)
            leaves = store.read(lambda tx: leaves_of(tx, alert, alert_policy(settings)))
    entries: list[JSON] = [_entry(index, leaf) for index, leaf in leaves]
    lines = [_line(alert), *(_entry_line(index, leaf) for index, leaf in leaves)]
    result: dict[str, JSON] = {"alert": _fields(alert), "leaves": entries}
    report("alerts show", result, lines, as_json=as_json)


@app.command("seen")
def seen_command(
    alert_id: AlertID,
    by: Annotated[str, typer.Option(metavar="OPERATOR", help="Who has looked into it.")],
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Say that an alert was looked into, and by which operator; the log keeps it."""
    with reporting("alerts seen", as_json=as_json):
        settings = CenterConfig.load(config)
        alert = run(_see(settings, alert_id, f"juki://operator/{by}"))
    report("alerts seen", {"alert": _fields(alert)}, [_line(alert)], as_json=as_json)


@app.command("person")
def person_command(
    by: Annotated[str, typer.Option(metavar="OPERATOR", help="Who wants to know it.")],
    code_from: Annotated[
        str,
        typer.Option("--from", help="File with a resident record code, or - for standard input."),
    ] = "-",
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """List who has looked at a person, from the log; the log keeps that this was asked."""
    with reporting("alerts person", as_json=as_json):
        code = ResidentCode(read_code(code_from))
        settings = CenterConfig.load(config)
        leaves = run(_trace(settings, code, f"juki://operator/{by}"))
    entries: list[JSON] = [_entry(index, leaf) for index, leaf in leaves]
    lines = [_entry_line(index, leaf) for index, leaf in leaves] or ["nobody"]
    report("alerts person", {"leaves": entries}, lines, as_json=as_json)


async def _trace(
    config: CenterConfig, code: ResidentCode, caller_uri: str
) -> list[tuple[int, Leaf]]:
    now = system_clock()
    async with opened_store(config) as store:
        return await store.act(lambda tx: trace_person(tx, code, now, caller_uri))


async def _see(config: CenterConfig, alert_id: str, caller_uri: str) -> Alert:
    now = system_clock()
    async with opened_store(config) as store:
        return await store.act(lambda tx: see_alert(tx, alert_id, now, caller_uri))


def runbook_section(alert: Alert) -> str:
    """Return where the runbook says what an alert means."""
    return f"docs/runbook.md#{alert.kind.lower().replace('_', '-')}"


def _fields(alert: Alert) -> dict[str, JSON]:
    return {
        "id": alert.id,
        "kind": str(alert.kind),
        "at": alert.at.isoformat(timespec="seconds"),
        "actor": alert.actor,
        "count": alert.count,
        "first_leaf": alert.first,
        "last_leaf": alert.last,
        "seen_at": alert.seen_at.isoformat(timespec="seconds") if alert.seen_at else None,
        "seen_by": alert.seen_by or None,
        "runbook": runbook_section(alert),
    }


def _line(alert: Alert) -> str:
    seen = f"seen by {alert.seen_by}" if alert.seen_at else "not seen"
    return (
        f"{alert.id}  {alert.at.isoformat(timespec='seconds')}  {alert.kind}  {alert.actor}"
        f"  {alert.count} times, {seen}; {runbook_section(alert)}"
    )


def _entry(index: int, leaf: Leaf) -> dict[str, JSON]:
    return {
        "leaf": index,
        "at": leaf.at.isoformat(timespec="seconds"),
        "event": leaf.event,
        "caller": leaf.caller_uri,
        "clerk": leaf.clerk or None,
        "outcome": leaf.outcome,
        "resource": leaf.resource or None,
    }


def _entry_line(index: int, leaf: Leaf) -> str:
    who = f"{leaf.caller_uri} clerk {leaf.clerk}" if leaf.clerk else leaf.caller_uri
    return f"  {index}  {leaf.at.isoformat(timespec='seconds')}  {leaf.event} {leaf.outcome}  {who}"
