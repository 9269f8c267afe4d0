"""`juki-center clerks`: who may work at windows; works on the store, beside a serving center.

A name is asked for or comes from a file, never from the command line. The right of administration
alone goes over the wire, because it needs two operators.
"""

from __future__ import annotations

import sys
import uuid
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from juki_center.areas.cards.register import CardStatus
from juki_center.areas.cards.rules import CardEvent
from juki_center.areas.cards.states import ChangeStatus, change_status
from juki_center.areas.clerks.register import (
    AddClerk,
    ChangeClerk,
    ChangeRight,
    LiftTerminal,
    add_clerk,
    change_clerk,
    change_right,
    lift_terminal,
)
from juki_center.areas.clerks.rows import Clerk, Grant, Right
from juki_center.areas.clerks.rules import ClerkEvent
from juki_center.areas.residents.codes import MunicipalityCode
from juki_center.cli.clock import system_clock
from juki_center.cli.event_loop import run
from juki_center.cli.opening import opened_store
from juki_center.cli.operator_channel import operator_line
from juki_center.cli.report import report, reporting
from juki_center.config import CenterConfig
from juki_center.errors import Refusal, RuleBroken
from jukinet.fleet.v1 import clerk_service_pb2 as pb
from jukinet.fleet.v1 import clerk_service_pb2_grpc as pb_grpc

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from juki_center.areas.ports import Tx
    from juki_center.cli.report import JSON

app = typer.Typer(
    no_args_is_help=True,
    help="Clerks: who they are, what each may do until when, who is stopped.",
)

Config = Annotated[Path, typer.Option(envvar="JUKI_CONFIG", help="Configuration file.")]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object (juki/1).")]
ClerkID = Annotated[str, typer.Argument(metavar="CLERK", help="The clerk's id: 131016-0003.")]
DEFAULT_CONFIG: Final = Path("/etc/juki/center.toml")
_SERIAL_OCTETS: Final = 32
_NAME_LIMIT: Final = 400
_SET_ADMINISTRATION: Final = "/jukinet.fleet.v1.ClerkService/SetAdministration"


@app.command("add")
def clerks_add(
    municipality: Annotated[str, typer.Argument(metavar="CODE", help="Whose clerk, six digits.")],
    serial: Annotated[str, typer.Option(help="Of the clerk's card, 64 hex digits.")],
    name_from: Annotated[
        str | None, typer.Option("--from", help="File with the clerk's name, or -; else asked for.")
    ] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Enter a clerk with a card that was made without a resident code; rights come by `grant`."""
    with reporting("clerks add", as_json=as_json):
        settings = CenterConfig.load(config)
        command = AddClerk(
            _operator(settings), MunicipalityCode(municipality), _name(name_from), _serial(serial)
        )
        _change(settings, "clerks add", lambda tx, now: add_clerk(tx, command, now), as_json)


@app.command("list")
def clerks_list(
    municipality: Annotated[
        str | None, typer.Option(metavar="CODE", help="Only those of one municipality.")
    ] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """List clerks with their rights, and the terminals at which nobody can sign in."""
    with reporting("clerks list", as_json=as_json):
        code = None if municipality is None else MunicipalityCode(municipality)
        run(_list(CenterConfig.load(config), code, as_json=as_json))


@app.command("grant")
def clerks_grant(  # noqa: PLR0913, PLR0917  # typer makes each argument an option
    clerk: ClerkID,
    right: Annotated[Right, typer.Argument(help="The right.", case_sensitive=False)],
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="First day, in Japan.")],
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="Last day, in Japan.")],
    operator: Annotated[
        str, typer.Option("--as", metavar="OPERATOR", help="For ADMINISTRATION: who asks for it.")
    ] = "",
    approval: Annotated[
        str, typer.Option(metavar="ID", help="For ADMINISTRATION: what another has approved.")
    ] = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Give a clerk a right for some days, or give it other days.

    ADMINISTRATION needs two operators: the first call proposes it, and after another operator's
    `juki-center approve` the same call with --approval does it.
    """
    with reporting("clerks grant", as_json=as_json):
        settings = CenterConfig.load(config)
        if right is Right.ADMINISTRATION:
            request = pb.SetAdministrationRequest(clerk_id=clerk, first_day=first, last_day=last)
            _by_two(settings, operator, request, approval, as_json=as_json)
            return
        grant = Grant(right, _day(first, "--from"), _day(last, "--to"))
        command = ChangeRight(_operator(settings), clerk, right, grant)
        _change(settings, "clerks grant", lambda tx, now: change_right(tx, command, now), as_json)


@app.command("withdraw")
def clerks_withdraw(
    clerk: ClerkID,
    right: Annotated[
        Right | None,
        typer.Argument(help="The right; without one the clerk ends.", case_sensitive=False),
    ] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Take a right away, or end a clerk for good with the card; whoever ends is signed out."""
    with reporting("clerks withdraw", as_json=as_json):
        settings = CenterConfig.load(config)
        if right is None:
            _change(settings, "clerks withdraw", _ending(_operator(settings), clerk), as_json)
            return
        command = ChangeRight(_operator(settings), clerk, right, None)
        _change(
            settings, "clerks withdraw", lambda tx, now: change_right(tx, command, now), as_json
        )


@app.command("stop")
def clerks_stop(clerk: ClerkID, config: Config = DEFAULT_CONFIG, as_json: AsJSON = False) -> None:
    """Stop a clerk at once; the clerk is signed out and cannot sign in until `lift`."""
    with reporting("clerks stop", as_json=as_json):
        settings = CenterConfig.load(config)
        command = ChangeClerk(_operator(settings), clerk, ClerkEvent.STOPPED)
        _change(settings, "clerks stop", lambda tx, now: change_clerk(tx, command, now), as_json)


@app.command("lift")
def clerks_lift(
    clerk: Annotated[str | None, typer.Argument(metavar="[CLERK]", help="The clerk's id.")] = None,
    terminal: Annotated[
        str | None, typer.Option(metavar="URI", help="Instead: a terminal, juki://municipality/...")
    ] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJSON = False,
) -> None:
    """Lift the stop of a clerk, or of a terminal at which too many sign-ins were refused."""
    with reporting("clerks lift", as_json=as_json):
        if (clerk is None) == (terminal is None):
            raise RuleBroken("CLERK_OR_TERMINAL")
        settings = CenterConfig.load(config)
        operator = _operator(settings)
        if clerk is not None:
            command = ChangeClerk(operator, clerk, ClerkEvent.LIFTED)
            _change(
                settings, "clerks lift", lambda tx, now: change_clerk(tx, command, now), as_json
            )
            return
        lift = LiftTerminal(operator, terminal or "")
        run(_lift(settings, lift, as_json=as_json))


def _ending(operator: str, clerk_id: str) -> Callable[[Tx, datetime], Clerk]:
    command = ChangeClerk(operator, clerk_id, ClerkEvent.WITHDRAWN)

    def act(tx: Tx, now: datetime) -> Clerk:
        clerk = change_clerk(tx, command, now)
        card = tx.cards.card(clerk.card_serial)
        if card is not None and card.status in {CardStatus.ACTIVE, CardStatus.SUSPENDED}:
            change_status(tx, ChangeStatus(operator, card.serial, CardEvent.REVOKED), now)
        return clerk

    return act


def _by_two(
    settings: CenterConfig,
    operator: str,
    request: pb.SetAdministrationRequest,
    approval: str,
    *,
    as_json: bool,
) -> None:
    if not operator:
        raise RuleBroken("TWO_OPERATORS", "--as")
    with operator_line(settings, operator) as line:
        if not approval:
            proposed = line.propose(_SET_ADMINISTRATION, request)
            result: dict[str, JSON] = {"approval_id": proposed.approval_id, "done": False}
            lines = [
                f"proposed; another operator now runs: juki-center approve {proposed.approval_id}",
                f"then the same command with --approval {proposed.approval_id}",
            ]
            report("clerks grant", result, lines, as_json=as_json)
            return
        request.request_id, request.approval_id = str(uuid.uuid4()), approval
        line.call(pb_grpc.ClerkServiceStub(line.channel).SetAdministration, request)
        done: dict[str, JSON] = {"clerk_id": request.clerk_id, "done": True}
        report("clerks grant", done, [f"{request.clerk_id}: administration"], as_json=as_json)


def _change(
    settings: CenterConfig, command: str, act: Callable[[Tx, datetime], Clerk], as_json: bool
) -> None:
    run(_changed(settings, command, act, as_json=as_json))


async def _changed(
    settings: CenterConfig, command: str, act: Callable[[Tx, datetime], Clerk], *, as_json: bool
) -> None:
    now = system_clock()
    async with opened_store(settings) as store:
        clerk = await store.act(lambda tx: act(tx, now))
        grants = store.read(lambda tx: tx.clerks.grants(clerk.clerk_id))
    report(command, _row(clerk, grants, None), _lines(clerk, grants, None), as_json=as_json)


async def _lift(settings: CenterConfig, lift: LiftTerminal, *, as_json: bool) -> None:
    now = system_clock()
    async with opened_store(settings) as store:
        await store.act(lambda tx: lift_terminal(tx, lift, now))
    result: dict[str, JSON] = {"terminal": lift.terminal_uri, "stopped": False}
    lines = [f"{lift.terminal_uri}: clerks may sign in"]
    report("clerks lift", result, lines, as_json=as_json)


async def _list(settings: CenterConfig, code: MunicipalityCode | None, *, as_json: bool) -> None:
    async with opened_store(settings) as store:
        found = store.read(
            lambda tx: [
                (clerk, tx.clerks.grants(clerk.clerk_id), _opened_name(tx, clerk))
                for clerk in tx.clerks.of_municipality(code)
            ]
        )
        stopped = store.read(lambda tx: tx.clerks.stopped())
    rows: list[JSON] = [_row(*one) for one in found]
    stops: list[JSON] = [{"terminal": uri, "since": at.isoformat()} for uri, at in stopped]
    lines = [line for one in found for line in _lines(*one)]
    lines += [f"{uri}  nobody can sign in since {at:%Y-%m-%d %H:%M:%S}Z" for uri, at in stopped]
    report("clerks list", {"clerks": rows, "stopped": stops}, lines, as_json=as_json)


def _opened_name(tx: Tx, clerk: Clerk) -> str | None:
    """Return a clerk's name; None while the municipality is cut off."""
    try:
        return tx.clerks.name(clerk)
    except Refusal:
        return None


def _row(clerk: Clerk, grants: list[Grant], name: str | None) -> dict[str, JSON]:
    return {
        "clerk_id": clerk.clerk_id,
        "municipality": str(clerk.municipality),
        "state": clerk.state.value,
        "card_serial": clerk.card_serial.hex(),
        "rights": [
            {
                "right": grant.right.value,
                "first_day": grant.first_day.isoformat(),
                "last_day": grant.last_day.isoformat(),
            }
            for grant in grants
        ],
        **({} if name is None else {"name": name}),
    }


def _lines(clerk: Clerk, grants: list[Grant], name: str | None) -> list[str]:
    head = f"{clerk.clerk_id}  {clerk.state}" + (f"  {name}" if name else "")
    return [
        head,
        *(f"    {one.right}  {one.first_day} to {one.last_day}" for one in grants),
    ]


def _operator(settings: CenterConfig) -> str:
    return f"juki://center/{settings.node}"


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RuleBroken("DAY_TEXT", option) from None


def _serial(text: str) -> bytes:
    try:
        serial = bytes.fromhex(text)
    except ValueError:
        raise RuleBroken("SERIAL_IN_HEX") from None
    if len(serial) != _SERIAL_OCTETS:
        raise RuleBroken("SERIAL_OF_32_BYTES")
    return serial


def _name(source: str | None) -> str:
    if source is None:
        return str(typer.prompt("Name of the clerk", err=True)).strip()
    try:
        if source == "-":
            return sys.stdin.readline(_NAME_LIMIT).strip()
        with Path(source).open(encoding="utf-8") as file:
            return file.readline(_NAME_LIMIT).strip()
    except UnicodeDecodeError:
        raise RuleBroken("NOT_TEXT") from None
