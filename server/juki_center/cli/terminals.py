"""`juki-center terminals`: which terminals there are, and how each of them does.

Works on the store itself, beside a center that serves or without one. It shows what terminals
have reported of themselves, and nothing of any person.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_center.areas.fleet.terminals import TerminalView, Wanted, terminals
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli import shipped
from juki_center.cli.clock import system_clock
from juki_center.cli.event_loop import run
from juki_center.cli.opening import opened_store
from juki_center.cli.policies import fleet_limits
from juki_center.cli.report import InputUnfit, report, reporting
from juki_center.config import CenterConfig

if TYPE_CHECKING:
    from datetime import datetime

    from juki_center.areas.fleet.certificates import PeerCertificate
    from juki_center.areas.fleet.terminals import FleetLimits
    from juki_center.cli.report import JSON

app = typer.Typer(
    no_args_is_help=True,
    help="List the terminals: last report, version, hotlist, certificate, and who is cut off.",
)

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
_DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")
_MINUTE: Final = timedelta(minutes=1)
_NO_TERMINAL: Final = "No terminal has this URI; `juki-center terminals list` shows them all."


@app.command("list")
def list_command(  # each option is a filter
    municipality: Annotated[str, typer.Option(help="Of one municipality or ward only.")] = "",
    silent: Annotated[
        int, typer.Option(min=0, help="Only those without a report for so many minutes.")
    ] = 0,
    expiring: Annotated[
        int, typer.Option(min=0, help="Only those whose certificate ends within so many days.")
    ] = 0,
    version: Annotated[str, typer.Option(help="Only those that report this version.")] = "",
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """List terminals by URI; filters narrow each other down."""
    with reporting("terminals list", as_json=as_json):
        now = system_clock()
        wanted = Wanted(
            MunicipalityCode(municipality) if municipality else None,
            now - silent * _MINUTE if silent else None,
            now + timedelta(days=expiring) if expiring else None,
            version,
        )
        run(_list(CenterConfig.load(config), wanted, now, as_json=as_json))


@app.command("show")
def show_command(
    uri: Annotated[str, typer.Argument(help="The terminal's URI.")],
    config: Config = _DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Show all that is known of one terminal, with its certificates."""
    with reporting("terminals show", as_json=as_json):
        run(_show(CenterConfig.load(config), uri, system_clock(), as_json=as_json))


async def _list(config: CenterConfig, wanted: Wanted, now: datetime, *, as_json: bool) -> None:
    limits = fleet_limits(config)
    async with opened_store(config) as store:
        every = store.read(lambda tx: terminals(tx, shipped.municipalities()))
    found = [one for one in every if wanted.fits(one)]
    rows: list[JSON] = [_fields(one, now, limits) for one in found]
    facts: dict[str, JSON] = {"terminals": rows, "total": len(every)}
    lines = [_line(one, now, limits) for one in found]
    lines.append(f"{len(found)} of {len(every)} terminals")
    report("terminals list", facts, lines, as_json=as_json)


async def _show(config: CenterConfig, uri: str, now: datetime, *, as_json: bool) -> None:
    limits = fleet_limits(config)
    async with opened_store(config) as store:
        every = store.read(lambda tx: terminals(tx, shipped.municipalities()))
        held = store.read(lambda tx: tx.peer_certificates.of_peer(uri))
    one = next((one for one in every if one.uri == uri), None)
    if one is None:
        raise InputUnfit("UNKNOWN_TERMINAL", _NO_TERMINAL)
    fields = _fields(one, now, limits)
    certificates: list[JSON] = [_certificate(each, now) for each in held]
    lines = [f"{name:<20} {_shown(value)}" for name, value in fields.items()]
    lines += [
        f"certificate          {each.state_at(now)} until {each.not_after:%Y-%m-%d}"
        f"  {each.fingerprint.hex()[:16]}"
        for each in held
    ]
    facts: dict[str, JSON] = {"terminal": fields, "certificates": certificates}
    report("terminals show", facts, lines, as_json=as_json)


def _fields(one: TerminalView, now: datetime, limits: FleetLimits) -> dict[str, JSON]:
    said, age = one.report, one.hotlist_age
    return {
        "uri": one.uri,
        "municipality": str(one.municipality),
        "state": one.state(now, limits).value,
        "seen_at": said.at.isoformat() if said else None,
        "version": said.version if said else None,
        "hotlist_cursor": said.hotlist_cursor if said else None,
        "hotlist_age_seconds": None if age is None else int(age.total_seconds()),
        "hotlist_is_old": one.has_old_hotlist(limits),
        "reader_ready": said.reader_ready if said else None,
        "printer_ready": said.printer_ready if said else None,
        "certificate_ends_at": one.ends_at.isoformat() if one.ends_at else None,
        "cut_off": one.cut_off.value if one.cut_off else None,
        "revoked": one.is_revoked,
    }


def _certificate(one: PeerCertificate, now: datetime) -> JSON:
    return {
        "sha256": one.fingerprint.hex(),
        "state": one.state_at(now).value,
        "until": one.not_after.isoformat(),
        "refused_from": one.refused_from.isoformat() if one.refused_from else None,
    }


def _line(one: TerminalView, now: datetime, limits: FleetLimits) -> str:
    seen = f"{one.report.at:%Y-%m-%d %H:%M}" if one.report else "-"
    ends = f"{one.ends_at:%Y-%m-%d}" if one.ends_at else "none"
    version = one.report.version if one.report else "-"
    remarks = [
        *(["old hotlist"] if one.has_old_hotlist(limits) else []),
        *([f"cut off ({one.cut_off})"] if one.cut_off else []),
        *(["revoked"] if one.is_revoked else []),
    ]
    said = f"{one.state(now, limits):<9} {seen:<16} {version:<10} until {ends:<10}  {one.uri}"
    return "  ".join([said, ", ".join(remarks)]).rstrip()


def _shown(value: JSON) -> str:
    return "-" if value is None else str(value)
